package catalog

import (
	"context"
	"errors"
)

// role finds a role of the contents r or, where those lack it, of the reader
// that they are a snapshot of: one that is not loaded yet says so.
func role[T any](v *restricted, r Reader) (T, error) {
	if t, ok := As[T](r); ok {
		return t, nil
	}
	t, ok := As[T](v.r)
	if !ok {
		return t, errors.ErrUnsupported
	}
	return t, nil
}

// AppendBooks implements Appender.
func (v *restricted) AppendBooks(ctx context.Context, dst []byte, q Query) ([]byte, Page[Book], error) {
	asked, out := q.Where, dst
	page, err := ask(ctx, v, func(r Reader, where Expr) (page Page[Book], err error) {
		a, err := role[Appender](v, r)
		if err != nil {
			return page, err
		}
		q.Where = within(where, asked)
		out, page, err = a.AppendBooks(ctx, dst, q)
		return page, err
	})
	return out, page, err
}

// Parse implements Searcher. What text means does not depend on what can be
// seen.
func (v *restricted) Parse(ctx context.Context, text string) (Parsed, error) {
	s, err := role[Searcher](v, Snapshot(v.r))
	if err != nil {
		return Parsed{}, err
	}
	return s.Parse(ctx, text)
}

// Suggest implements Searcher.
func (v *restricted) Suggest(ctx context.Context, q SuggestQuery) ([]Suggestion, error) {
	asked := q.Where
	return ask(ctx, v, func(r Reader, where Expr) ([]Suggestion, error) {
		s, err := role[Searcher](v, r)
		if err != nil {
			return nil, err
		}
		q.Where = within(where, asked)
		return s.Suggest(ctx, q)
	})
}

// Views implements Searcher. They are those of the whole library.
func (v *restricted) Views(ctx context.Context) ([]View, error) {
	s, err := role[Searcher](v, Snapshot(v.r))
	if err != nil {
		return nil, err
	}
	return s.Views(ctx)
}

// View implements Searcher.
func (v *restricted) View(ctx context.Context, name string) (View, error) {
	s, err := role[Searcher](v, Snapshot(v.r))
	if err != nil {
		return View{}, err
	}
	return s.View(ctx, name)
}

// Facets implements Browser.
func (v *restricted) Facets(ctx context.Context, e Expr, fields []FieldKey, limit int) ([]Facet, error) {
	return browse(ctx, v, func(b Browser, where Expr) ([]Facet, error) {
		return b.Facets(ctx, within(where, e), fields, limit)
	})
}

// Letters implements Browser.
func (v *restricted) Letters(ctx context.Context, f FieldKey, q TermQuery) ([]Letter, error) {
	asked := q.Where
	return browse(ctx, v, func(b Browser, where Expr) ([]Letter, error) {
		q.Where = within(where, asked)
		return b.Letters(ctx, f, q)
	})
}

// Branches implements Browser.
func (v *restricted) Branches(ctx context.Context, f FieldKey, q BranchQuery) (Page[Branch], error) {
	asked := q.Where
	return browse(ctx, v, func(b Browser, where Expr) (Page[Branch], error) {
		q.Where = within(where, asked)
		return b.Branches(ctx, f, q)
	})
}

// Related implements Browser.
func (v *restricted) Related(ctx context.Context, id BookID, q RelatedQuery) (Related, error) {
	asked := q.Where
	out, err := browse(ctx, v, func(b Browser, where Expr) (Related, error) {
		q.Where = within(where, asked)
		return b.Related(ctx, id, q)
	})
	if errors.Is(err, ErrNotFound) {
		// A reader may tell a book that is not selected from one that is not
		// there.
		err = noBook(id)
	}
	return out, err
}

// browse is ask for the methods of Browser.
func browse[T any](ctx context.Context, v *restricted, call func(b Browser, where Expr) (T, error)) (T, error) {
	return ask(ctx, v, func(r Reader, where Expr) (T, error) {
		b, err := role[Browser](v, r)
		if err != nil {
			var zero T
			return zero, err
		}
		return call(b, where)
	})
}
