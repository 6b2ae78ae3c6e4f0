package catalog

import "time"

// Limits of a page. A zero Limit means DefaultLimit; one that is negative or
// above MaxLimit is an InvalidError.
const (
	DefaultLimit = 50
	MaxLimit     = 500
)

// Query selects, sorts and pages books. The zero value asks for the first
// page of all books by id.
type Query struct {
	// Where selects. nil selects every book that the reader can see.
	Where Expr
	// Sort orders by its keys in turn; what is left equal is ordered by
	// ascending id, so that the order is total. A missing value comes last,
	// ascending and descending.
	Sort []SortKey
	// After is the cursor of the page before, or empty for the first page.
	// It must come from a query with the same Sort.
	After Cursor
	// Limit is the greatest number of items of the page.
	Limit int
	// Comments asks for Book.Comments, which is large.
	Comments bool
}

// SortKey is one key of an order.
type SortKey struct {
	Field FieldKey
	Desc  bool
}

// Cursor is an opaque place between two items of an order.
type Cursor string

// Page is one page of an answer.
type Page[T any] struct {
	Items []T
	// Next is the cursor of the page that follows, empty on the last.
	Next Cursor
	// Total is the exact number of items on all pages.
	Total int
}

// Expr selects books. It is one of And, Or, Not, Is, Contains, Between, Has,
// IDs and UUIDs; a nil Expr selects every book. Text is compared without
// regard to case and accents. A field that the library does not have, or that
// cannot be compared so, is an InvalidError with Part "filter".
type Expr interface{ expr() }

type (
	// And selects what all of its members select; without members, all.
	And []Expr
	// Or selects what at least one of its members selects; without members,
	// nothing.
	Or []Expr
	// Not selects what X does not.
	Not struct{ X Expr }

	// Is selects books that have exactly this value. Numbers are written in
	// decimal, ratings in stars, dates as RFC 3339 or 2006-01-02 (that day
	// in UTC), bools as true or false, identifiers as type:value or type:
	// for any value of the type.
	Is struct {
		Field FieldKey
		Value string
	}

	// Contains selects books with this text somewhere in the field. Without
	// a field it looks in title, authors, series, tags, publisher,
	// identifiers and in custom columns of text.
	Contains struct {
		Field FieldKey
		Text  string
	}

	// Between selects books whose number lies in [Min, Max]; nil is open.
	// Books without a value are not selected.
	Between struct {
		Field    FieldKey
		Min, Max *float64
	}

	// During selects books whose date lies in [From, To); a zero time is
	// open. Books without a value are not selected.
	During struct {
		Field    FieldKey
		From, To time.Time
	}

	// Has selects books that have a value in the field.
	Has struct{ Field FieldKey }

	// IDs selects books by id; ids that are not there select nothing.
	IDs []BookID

	// UUIDs selects books by UUID, without regard to case. Of several books
	// with one UUID the one with the lowest id is selected.
	UUIDs []string
)

func (And) expr()      {}
func (Or) expr()       {}
func (Not) expr()      {}
func (Is) expr()       {}
func (Contains) expr() {}
func (Between) expr()  {}
func (During) expr()   {}
func (Has) expr()      {}
func (IDs) expr()      {}
func (UUIDs) expr()    {}

// Term is a distinct value of a field.
type Term struct {
	Item
	Count int // visible books that have it
}

// TermQuery selects, sorts and pages terms. The zero value asks for the first
// page of all terms by name.
type TermQuery struct {
	// Prefix keeps the terms whose name, or any word of it, begins with
	// this text, without regard to case and accents.
	Prefix string
	// ByCount sorts by descending count, then by name, instead of by name.
	ByCount bool
	// Desc reverses the order.
	Desc bool
	// Where counts only books that it selects; terms without any are left
	// out.
	Where Expr
	After Cursor
	Limit int
}
