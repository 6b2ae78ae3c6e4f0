// Package catalog is the contract for reading a library of e-books: what a
// book is, which fields a library has, how to ask for books, and what the
// answers promise. It holds no implementation and imports only the standard
// library, so a program that needs nothing but the types compiles nothing
// else.
//
// # What implements it
//
//   - catalog/index is an immutable in-memory index. Everything that answers
//     quickly ends up there.
//   - catalog/calibre opens a Calibre library, keeps an index of it and swaps
//     it when Calibre changes the library.
//   - Your own: implement [Reader], and prove it with catalog/catalogtest.
//
// # Reading
//
// [Reader] has five methods. Books answers a [Query]: an expression that
// selects, keys that sort, a cursor and a limit that cut out one page.
//
//	page, err := r.Books(ctx, catalog.Query{
//		Where: catalog.Is{Field: catalog.FieldTags, Value: "Maps"},
//		Sort:  []catalog.SortKey{{Field: catalog.FieldAdded, Desc: true}},
//		Limit: 20,
//	})
//
// Paging is by keyset: [Page.Next] names the place after the last item by the
// values it was sorted by, so a cursor stays good when the library changes
// between two pages. At worst a book that the change moved is seen twice or
// missed once.
//
// # Consistency
//
// A reader over a library that changes is a [Live] reader; each call sees one
// consistent library, but two calls may see two. [Snapshot] gives a reader
// that does not change any more. Equal [Revision] values mean equal contents,
// on every machine.
//
// # Failure
//
// A book, field or term that is not there is [ErrNotFound], which is also an
// [io/fs.ErrNotExist]. A query that cannot be answered as it is asked (an
// unknown sort field, a damaged cursor, a limit out of range) is an
// [*InvalidError] that names the part at fault. [ErrUnavailable] means that
// no contents could be loaded yet. A context that ends is reported as its own
// error. Nothing else is expected; anything else is a fault of the
// implementation or its machine.
package catalog

import "context"

// Reader reads one library. All methods may be called concurrently. What they
// return belongs to the caller, except that strings may share memory.
type Reader interface {
	// Book returns the book with that id, comments included. A book that is
	// not there, or that this reader may not see, is ErrNotFound.
	Book(ctx context.Context, id BookID) (Book, error)

	// Books returns one page of the books that q selects, in q's order, and
	// the exact number of books it selects in all.
	Books(ctx context.Context, q Query) (Page[Book], error)

	// Terms returns one page of the distinct values of field f that at least
	// one visible book has, with the number of those books. A field that is
	// not there is ErrNotFound; one that has no terms (a number, a date,
	// comments) is an InvalidError.
	Terms(ctx context.Context, f FieldKey, q TermQuery) (Page[Term], error)

	// Fields returns the fields of the library, built-in ones first, then
	// custom columns in the order in which Calibre made them.
	Fields(ctx context.Context) ([]Field, error)

	// Revision identifies the contents. Equal revisions mean equal answers
	// to every call above.
	Revision(ctx context.Context) (Revision, error)
}

// Revision identifies the contents of a library: equal values mean equal
// contents, whatever machine read them and when.
type Revision struct {
	// Library is the library's UUID (Calibre: table library_id). It stays
	// the same as the contents change.
	Library string
	// Digest is a digest of the contents in lower-case hexadecimal.
	Digest string
}

// Unwrapper is implemented by readers that stand in front of another one.
type Unwrapper interface {
	Unwrap() Reader
}

// As finds an optional role, such as [Live] or [Appender], in r or in the
// readers that it wraps. A wrapper that changes what can be seen must
// implement the roles that it supports itself and must not implement
// [Unwrapper], or its readers could be reached around it.
func As[T any](r Reader) (T, bool) {
	for r != nil {
		if t, ok := r.(T); ok {
			return t, true
		}
		u, ok := r.(Unwrapper)
		if !ok {
			break
		}
		r = u.Unwrap()
	}
	var zero T
	return zero, false
}

// Appender is the optional role of a reader that keeps every book already
// encoded, in the form that it was told when it was made. It lets a server
// write a page without building a Book or encoding it again.
type Appender interface {
	// AppendBooks appends the encoded books of the page that q asks for to
	// dst, with a comma between two of them, and returns the extended slice
	// together with the page, whose Items are nil. Encoded books are without
	// comments: q.Comments must be false, and so must q.Names.
	AppendBooks(ctx context.Context, dst []byte, q Query) ([]byte, Page[Book], error)
}
