package search

import (
	"context"
	"errors"
	"slices"

	"github.com/pressmark/pressmark/catalog"
)

// Reader stands in front of another reader and understands a language: it is a
// catalog.Searcher, and takes catalog.Search wherever an expression is taken.
// All else the other reader does; what that is not (a catalog.Appender, a
// catalog.Browser), this one answers with errors.ErrUnsupported.
type Reader struct {
	r catalog.Reader
	l *Language
	c cache
}

var (
	_ catalog.Reader    = (*Reader)(nil)
	_ catalog.Appender  = (*Reader)(nil)
	_ catalog.Browser   = (*Reader)(nil)
	_ catalog.Searcher  = (*Reader)(nil)
	_ catalog.Unwrapper = (*Reader)(nil)
)

// NewReader returns a reader of r that understands l. Neither changes.
func NewReader(r catalog.Reader, l *Language) *Reader { return &Reader{r: r, l: l} }

// Unwrap implements catalog.Unwrapper.
func (r *Reader) Unwrap() catalog.Reader { return r.r }

// Parse implements catalog.Searcher. The expression may be shared and must not
// be changed.
func (r *Reader) Parse(_ context.Context, text string) (catalog.Parsed, error) {
	p, ok := r.c.get(text, r.l.now())
	if !ok {
		var err error
		if p, err = r.l.Parse(text); err != nil {
			return catalog.Parsed{}, err
		}
		r.c.put(text, p)
	}
	p.Words = slices.Clone(p.Words)
	return p, nil
}

// meaning returns an expression without Search.
func (r *Reader) meaning(ctx context.Context, e catalog.Expr) (catalog.Expr, error) {
	return Expand(e, func(text string) (catalog.Expr, error) {
		p, err := r.Parse(ctx, text)
		return p.Expr, err
	})
}

// Book implements catalog.Reader.
func (r *Reader) Book(ctx context.Context, id catalog.BookID) (catalog.Book, error) {
	return r.r.Book(ctx, id)
}

// Books implements catalog.Reader.
func (r *Reader) Books(ctx context.Context, q catalog.Query) (page catalog.Page[catalog.Book], err error) {
	if q.Where, err = r.meaning(ctx, q.Where); err != nil {
		return page, err
	}
	return r.r.Books(ctx, q)
}

// Terms implements catalog.Reader.
func (r *Reader) Terms(ctx context.Context, f catalog.FieldKey, q catalog.TermQuery) (page catalog.Page[catalog.Term], err error) {
	if q.Where, err = r.meaning(ctx, q.Where); err != nil {
		return page, err
	}
	return r.r.Terms(ctx, f, q)
}

// Fields implements catalog.Reader.
func (r *Reader) Fields(ctx context.Context) ([]catalog.Field, error) { return r.r.Fields(ctx) }

// Revision implements catalog.Reader.
func (r *Reader) Revision(ctx context.Context) (catalog.Revision, error) { return r.r.Revision(ctx) }

// AppendBooks implements catalog.Appender.
func (r *Reader) AppendBooks(ctx context.Context, dst []byte, q catalog.Query) (_ []byte, page catalog.Page[catalog.Book], err error) {
	a, ok := catalog.As[catalog.Appender](r.r)
	if !ok {
		return dst, page, errors.ErrUnsupported
	}
	if q.Where, err = r.meaning(ctx, q.Where); err != nil {
		return dst, page, err
	}
	return a.AppendBooks(ctx, dst, q)
}

// browse calls f with the Browser behind r and the meaning of an expression.
func browse[T any](ctx context.Context, r *Reader, e catalog.Expr, f func(catalog.Browser, catalog.Expr) (T, error)) (out T, err error) {
	b, ok := catalog.As[catalog.Browser](r.r)
	if !ok {
		return out, errors.ErrUnsupported
	}
	if e, err = r.meaning(ctx, e); err != nil {
		return out, err
	}
	return f(b, e)
}

// Facets implements catalog.Browser.
func (r *Reader) Facets(ctx context.Context, where catalog.Expr, fields []catalog.FieldKey, limit int) ([]catalog.Facet, error) {
	return browse(ctx, r, where, func(b catalog.Browser, where catalog.Expr) ([]catalog.Facet, error) {
		return b.Facets(ctx, where, fields, limit)
	})
}

// Letters implements catalog.Browser.
func (r *Reader) Letters(ctx context.Context, f catalog.FieldKey, q catalog.TermQuery) ([]catalog.Letter, error) {
	return browse(ctx, r, q.Where, func(b catalog.Browser, where catalog.Expr) ([]catalog.Letter, error) {
		q.Where = where
		return b.Letters(ctx, f, q)
	})
}

// Branches implements catalog.Browser.
func (r *Reader) Branches(ctx context.Context, f catalog.FieldKey, q catalog.BranchQuery) (catalog.Page[catalog.Branch], error) {
	return browse(ctx, r, q.Where, func(b catalog.Browser, where catalog.Expr) (catalog.Page[catalog.Branch], error) {
		q.Where = where
		return b.Branches(ctx, f, q)
	})
}

// Related implements catalog.Browser.
func (r *Reader) Related(ctx context.Context, id catalog.BookID, q catalog.RelatedQuery) (catalog.Related, error) {
	return browse(ctx, r, q.Where, func(b catalog.Browser, where catalog.Expr) (catalog.Related, error) {
		q.Where = where
		return b.Related(ctx, id, q)
	})
}
