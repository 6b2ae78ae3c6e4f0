package catalog

import "context"

// Browser is the optional role of a reader that shows what a selection of
// books is made of.
type Browser interface {
	// Facets returns, for each of the fields, the values that most of the
	// books have that where selects, at most limit of them (1 to MaxLimit),
	// by descending count and then as they sort. Fields are as for
	// Reader.Terms, and so are the errors.
	Facets(ctx context.Context, where Expr, fields []FieldKey, limit int) ([]Facet, error)
	// Letters returns the first letters of the values that Reader.Terms
	// returns for the same query, in the order of the alphabet, with how many
	// values begin with each and where they begin: a long list can be shown in
	// groups. The query's After, Limit, ByCount and Desc do not count.
	Letters(ctx context.Context, f FieldKey, q TermQuery) ([]Letter, error)
	// Branches returns one page of the levels right below a level of a field
	// whose values name places in a hierarchy, "a.b.c".
	Branches(ctx context.Context, f FieldKey, q BranchQuery) (Page[Branch], error)
	// Related returns books that have to do with a book. A book that is not
	// there, or that q.Where does not select, is ErrNotFound.
	Related(ctx context.Context, id BookID, q RelatedQuery) (Related, error)
}

// Facet is the values of one field within a selection.
type Facet struct {
	Field FieldKey
	Terms []Term
}

// Letter is a group of values that begin with the same letter.
type Letter struct {
	// Letter is a capital letter without accents, or "#" for values that do
	// not begin with a letter.
	Letter string
	// Count is the number of values in the group.
	Count int
	// After is the cursor with which Reader.Terms returns the group's first
	// values, in the order of names; empty for the first group.
	After Cursor
}

// BranchQuery selects and pages levels of a hierarchy. The zero value asks for
// the topmost ones.
type BranchQuery struct {
	// Parent is the whole name of the level above, "a.b"; empty is the root.
	Parent string
	// Where counts only books that it selects; levels without any are left
	// out.
	Where Expr
	After Cursor
	Limit int
}

// Branch is one level of a hierarchy.
type Branch struct {
	Name  string // the last part, "c"
	Value string // the whole, "a.b.c"
	Count int    // books that have the value or one below it, each once
	// Own is the number of books that have the value itself.
	Own int
	// More is true where there are levels below this one.
	More bool
}

// RelatedQuery says which related books are asked for.
type RelatedQuery struct {
	// Where selects the books that may be shown.
	Where Expr
	// Limit is the greatest number of books in each list. 0 means 12.
	Limit int
}

// Related are books that have to do with one book, which is in none of the
// lists but Series.
type Related struct {
	// Series is the part of the book's series around it, by index, the book
	// itself included; nothing if it is in none.
	Series []Book
	// Authors are other books of its authors, those with most of them first,
	// then the newest.
	Authors []Book
	// Similar are books that share tags, authors or the series with it, those
	// that share most first; what few books have counts for more.
	Similar []Book
}
