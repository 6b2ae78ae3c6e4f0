package catalog

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
	// Names asks for Book.ID and Book.UUID, and for nothing else, which costs
	// less.
	Names bool
	// Words are what FieldRelevance sorts by. They do not select.
	Words []string
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
