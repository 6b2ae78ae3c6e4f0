package catalog

import "time"

// Expr selects books. It is one of And, Or, Not, Is, Match, MatchIdentifier,
// Between, During, Count, Has, IDs, UUIDs and Search; a nil Expr selects every
// book. A field that the library does not have, or that cannot be compared so,
// is an InvalidError with Part "filter".
type Expr interface{ expr() }

type (
	// And selects what all of its members select; without members, all.
	And []Expr
	// Or selects what at least one of its members selects; without members,
	// nothing.
	Or []Expr
	// Not selects what X does not.
	Not struct{ X Expr }

	// Is selects books that have exactly this value, compared without regard
	// to case and accents. Numbers are written in decimal, ratings in stars,
	// dates as RFC 3339 or 2006-01-02 (that day in UTC), bools as true or
	// false, identifiers as type:value or type: for any value of the type.
	Is struct {
		Field FieldKey
		Value string
	}
	// Match selects books that have text in the field, in one of its values
	// where it has several: author names, titles, comments as stored, ISO
	// 639-3 codes, the types of identifiers. Without a field it looks in all
	// fields of text but FieldUUID and FieldLanguages, comments included.
	Match struct {
		Field FieldKey
		Text
	}
	// MatchIdentifier selects books with an identifier of which both match;
	// a Text without Value matches whatever is there.
	MatchIdentifier struct{ Type, Value Text }
	// Between selects books whose number lies in [Min, Max]; nil is open.
	// Books without a value are not selected. For a custom column of type
	// series the number is the book's place in it.
	Between struct {
		Field    FieldKey
		Min, Max *float64
		// Stored takes FieldSeriesIndex as Calibre stores it: a book that is
		// in no series has one too, which is 1 as a rule.
		Stored bool
	}
	// During selects books whose date lies in [From, To); a zero time is
	// open. Books without a value are not selected.
	During struct {
		Field    FieldKey
		From, To time.Time
	}
	// Count selects books of which the number of values in the field lies in
	// [Min, Max]; a negative Max is open.
	Count struct {
		Field    FieldKey
		Min, Max int
	}
	// Has selects books that have a value in the field.
	Has struct{ Field FieldKey }
	// IDs selects books by id; ids that are not there select nothing.
	IDs []BookID
	// UUIDs selects books by UUID, without regard to case. Of several books
	// with one UUID the one with the lowest id is selected.
	UUIDs []string

	// Search selects what its text means in the search language of the
	// library, when it is evaluated. Only readers that are a Searcher know
	// it; for others it is an InvalidError with Part "q", as is text that
	// cannot be understood.
	Search string
)

func (And) expr()             {}
func (Or) expr()              {}
func (Not) expr()             {}
func (Is) expr()              {}
func (Match) expr()           {}
func (MatchIdentifier) expr() {}
func (Between) expr()         {}
func (During) expr()          {}
func (Count) expr()           {}
func (Has) expr()             {}
func (IDs) expr()             {}
func (UUIDs) expr()           {}
func (Search) expr()          {}

// Text is what is looked for in text values, and how.
type Text struct {
	Kind  TextKind
	Value string
}

// TextKind is how text is compared, in the ways of Calibre's search
// (db/search.py, _match).
type TextKind uint8

const (
	// Anywhere finds text that stands somewhere in a value, without regard
	// to case, accents, punctuation and white space. Text of nothing else
	// matches any value that is not empty.
	Anywhere TextKind = iota
	// Punctuated finds text that stands somewhere in a value, without regard
	// to case and accents.
	Punctuated
	// Whole matches the whole value, without regard to case.
	Whole
	// Below matches a whole value of a hierarchy whose levels are separated
	// by dots, or one below it, without regard to case: "a.b" matches "a.b"
	// and "a.b.c".
	Below
	// Level matches one level of a hierarchy without regard to case: "b"
	// matches "a.b.c". White space around a level does not count.
	Level
	// Pattern finds a regular expression somewhere in a value, without regard
	// to case. Its syntax is RE2's (package regexp); \w, \d, \s and \b know
	// Unicode.
	Pattern
)
