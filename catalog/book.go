package catalog

import "time"

// BookID is Calibre's row number of a book (books.id). It is unique in one
// library at one time; what should survive a rebuilt library refers to
// Book.UUID instead.
type BookID int64

// Book is what a library knows about one book. A zero value of a field means
// that the library has none, unless the field says otherwise.
type Book struct {
	ID BookID
	// UUID is books.uuid as stored. Calibre does not keep it unique: two
	// books may share one, and a book may have none.
	UUID string

	Title     string
	TitleSort string // books.sort: "Tide Clerk, The"

	Authors    []Item // in the order in which they are credited
	AuthorSort string // books.author_sort: "Holloway, Maren & Quist, Lee"

	Series    *Item
	SeriesIdx float64 // place in Series; 1.0 when Calibre was told nothing

	Tags        []Item
	Publisher   *Item
	Languages   []Item       // Name is an ISO 639-3 code
	Rating      float64      // stars, 0.5 to 5; 0 is unrated
	Identifiers []Identifier // ordered by Type

	// Published, Added and Modified are books.pubdate, books.timestamp and
	// books.last_modified, in UTC. Calibre writes the year 101 for "unknown";
	// that is the zero time here.
	Published, Added, Modified time.Time

	// Comments is HTML as stored: not sanitised. Lists leave it empty unless
	// Query.Comments asks for it.
	Comments string

	// Path is the book's folder below the library's root, with slashes
	// (books.path). It comes from the database and is not to be trusted.
	Path    string
	Formats []Format // ordered by Name
	// Cover is the storage key of the cover, or empty. Calibre's has_cover
	// can be stale: the file may be gone.
	Cover string

	// Pages is the number of pages that Calibre 9 counted, 0 if unknown.
	Pages int

	// Custom holds one value for each stored custom column of the library,
	// in the order of Reader.Fields, also where the book has none.
	Custom []Custom
}

// Item is a value that books share: an author, a series, a tag, a publisher,
// a language, or a value of a custom column that Calibre keeps in a table of
// its own.
type Item struct {
	ID   int64  // row number in its table; 0 where it has none
	Name string // as shown
	Sort string // what it sorts by; for most items the name
	Link string // a URL that Calibre keeps with it
}

// Identifier is one of a book's identifiers, such as {"isbn", "9780…"}.
type Identifier struct {
	Type, Value string
}

// Format is one file of a book.
type Format struct {
	Name string // upper case: "EPUB"
	File string // file name as Calibre stores it, with extension
	Size int64  // bytes, as Calibre recorded them (data.uncompressed_size)
	Key  string // storage key: Path + "/" + File
}

// Custom is a book's value in one custom column. Which members count depends
// on Type:
//
//	text, enumeration   Items (more than one only if Multiple)
//	series              Items[0] and Index
//	int, float          Number, if Set
//	rating              Number in stars, if Set
//	bool                Bool, if Set
//	datetime            Time, if not zero
//	comments            Text (HTML or other markup, as stored)
type Custom struct {
	Key      FieldKey // "#genre"
	Type     FieldType
	Multiple bool

	Items  []Item
	Index  float64
	Number float64
	Bool   bool
	Set    bool // Number or Bool holds a value
	Time   time.Time
	Text   string
}
