package catalog

// FieldKey names a field: one of the constants below, or "#label" for a
// custom column.
type FieldKey string

// The built-in fields.
const (
	FieldID          FieldKey = "id"
	FieldUUID        FieldKey = "uuid"
	FieldTitle       FieldKey = "title"      // sorts by Book.TitleSort
	FieldTitleSort   FieldKey = "title_sort" // sorts as FieldTitle
	FieldAuthors     FieldKey = "authors"
	FieldAuthorSort  FieldKey = "author_sort"
	FieldSeries      FieldKey = "series" // sorts by name, then index
	FieldSeriesIndex FieldKey = "series_index"
	FieldTags        FieldKey = "tags"
	FieldPublisher   FieldKey = "publisher"
	FieldLanguages   FieldKey = "languages"
	FieldRating      FieldKey = "rating"
	FieldIdentifiers FieldKey = "identifiers" // terms are the types
	FieldPublished   FieldKey = "published"
	FieldAdded       FieldKey = "added"
	FieldModified    FieldKey = "modified"
	FieldComments    FieldKey = "comments"
	FieldFormats     FieldKey = "formats"
	FieldSize        FieldKey = "size" // bytes of the largest format, as Calibre has it
	FieldCover       FieldKey = "cover"
	FieldPages       FieldKey = "pages"
)

// Keys that stand for no field of a book.
const (
	// FieldSeriesSort can stand in Match alone: the text by which a series
	// sorts.
	FieldSeriesSort FieldKey = "series_sort"
	// FieldRelevance can stand in Query.Sort alone: books first whose titles
	// are Query.Words, then those whose titles begin with them, those whose
	// titles have all of them, those whose titles and authors have all of
	// them between them, and then all others. It does not descend.
	FieldRelevance FieldKey = "relevance"
)

// FieldType says what a field holds. The words are Calibre's (custom_columns
// .datatype), in which "text" covers names of all kinds.
type FieldType string

// The types of fields.
const (
	TypeText        FieldType = "text"
	TypeSeries      FieldType = "series"
	TypeEnumeration FieldType = "enumeration"
	TypeInt         FieldType = "int"
	TypeFloat       FieldType = "float"
	TypeBool        FieldType = "bool"
	TypeDatetime    FieldType = "datetime"
	TypeRating      FieldType = "rating"
	TypeComments    FieldType = "comments"
	TypeIdentifiers FieldType = "identifiers"
	// TypeComposite is a column that Calibre computes from a template when
	// it shows it. Its values are not in the library's database.
	TypeComposite FieldType = "composite"
)

// Field describes one field of a library.
type Field struct {
	Key      FieldKey
	Name     string // heading, as Calibre shows it
	Type     FieldType
	Multiple bool // a book can have several values
	Custom   bool // a custom column
	// Stored is false for composite columns: no book has a value of theirs
	// here.
	Stored     bool
	Sortable   bool // may stand in Query.Sort
	Searchable bool // may stand in Query.Where
	// HasTerms is true where Reader.Terms lists distinct values.
	HasTerms bool
	// Hierarchical is true where dots in a value separate levels and the
	// library wants them shown so (Calibre: categories_using_hierarchy).
	Hierarchical bool
	// Values are the values that an enumeration allows, in its own order.
	Values []string
	// Aliases are other names under which the field is asked for: Calibre's
	// search terms, such as "author", "pubdate" or "date".
	Aliases []FieldKey
	// Display is the column's display settings, JSON as Calibre stores them
	// (custom_columns.display). Empty for built-in fields.
	Display string
}

// Builtin returns the fields that every library has, in the order in which
// Reader.Fields lists them. The page count is there only where the library's
// schema has it (Calibre 9).
func Builtin(pages bool) []Field {
	f := []Field{
		{Key: FieldID, Name: "ID", Type: TypeInt},
		{Key: FieldUUID, Name: "UUID", Type: TypeText},
		{Key: FieldTitle, Name: "Title", Type: TypeText},
		{Key: FieldTitleSort, Name: "Title sort", Type: TypeText},
		{Key: FieldAuthors, Name: "Authors", Type: TypeText, Multiple: true, HasTerms: true, Aliases: []FieldKey{"author"}},
		{Key: FieldAuthorSort, Name: "Author sort", Type: TypeText},
		{Key: FieldSeries, Name: "Series", Type: TypeSeries, HasTerms: true},
		{Key: FieldSeriesIndex, Name: "Series index", Type: TypeFloat},
		{Key: FieldTags, Name: "Tags", Type: TypeText, Multiple: true, HasTerms: true, Aliases: []FieldKey{"tag"}},
		{Key: FieldPublisher, Name: "Publisher", Type: TypeText, HasTerms: true, Aliases: []FieldKey{"publishers"}},
		{Key: FieldLanguages, Name: "Languages", Type: TypeText, Multiple: true, HasTerms: true, Aliases: []FieldKey{"language"}},
		{Key: FieldRating, Name: "Rating", Type: TypeRating, HasTerms: true, Aliases: []FieldKey{"ratings"}},
		{Key: FieldIdentifiers, Name: "Identifiers", Type: TypeIdentifiers, Multiple: true, HasTerms: true, Aliases: []FieldKey{"identifier"}},
		{Key: FieldPublished, Name: "Published", Type: TypeDatetime, Aliases: []FieldKey{"pubdate"}},
		{Key: FieldAdded, Name: "Added", Type: TypeDatetime, Aliases: []FieldKey{"timestamp", "date"}},
		{Key: FieldModified, Name: "Modified", Type: TypeDatetime, Aliases: []FieldKey{"last_modified"}},
		{Key: FieldComments, Name: "Comments", Type: TypeComments, Aliases: []FieldKey{"comment"}},
		{Key: FieldFormats, Name: "Formats", Type: TypeText, Multiple: true, HasTerms: true, Aliases: []FieldKey{"format"}},
		{Key: FieldSize, Name: "Size", Type: TypeInt},
		{Key: FieldCover, Name: "Cover", Type: TypeBool},
	}
	if pages {
		f = append(f, Field{Key: FieldPages, Name: "Pages", Type: TypeInt})
	}
	for i := range f {
		f[i].Stored, f[i].Searchable = true, true
		f[i].Sortable = f[i].Type != TypeComments && f[i].Type != TypeIdentifiers && f[i].Key != FieldUUID
	}
	return f
}
