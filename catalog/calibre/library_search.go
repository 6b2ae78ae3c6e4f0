package calibre

import (
	"context"

	"github.com/pressmark/pressmark/catalog"
	"github.com/pressmark/pressmark/catalog/search"
)

// loaded returns the reader of the contents as they are now.
func (l *Library) loaded() (*search.Reader, error) {
	if c := l.current.Load(); c != nil {
		return c.reader, nil
	}
	return nil, catalog.ErrUnavailable
}

// Parse implements catalog.Searcher.
func (l *Library) Parse(ctx context.Context, text string) (catalog.Parsed, error) {
	r, err := l.loaded()
	if err != nil {
		return catalog.Parsed{}, err
	}
	return r.Parse(ctx, text)
}

// Suggest implements catalog.Searcher.
func (l *Library) Suggest(ctx context.Context, q catalog.SuggestQuery) ([]catalog.Suggestion, error) {
	r, err := l.loaded()
	if err != nil {
		return nil, err
	}
	return r.Suggest(ctx, q)
}

// Views implements catalog.Searcher.
func (l *Library) Views(ctx context.Context) ([]catalog.View, error) {
	r, err := l.loaded()
	if err != nil {
		return nil, err
	}
	return r.Views(ctx)
}

// View implements catalog.Searcher.
func (l *Library) View(ctx context.Context, name string) (catalog.View, error) {
	r, err := l.loaded()
	if err != nil {
		return catalog.View{}, err
	}
	return r.View(ctx, name)
}

// Facets implements catalog.Browser.
func (l *Library) Facets(ctx context.Context, where catalog.Expr, fields []catalog.FieldKey, limit int) ([]catalog.Facet, error) {
	r, err := l.loaded()
	if err != nil {
		return nil, err
	}
	return r.Facets(ctx, where, fields, limit)
}

// Letters implements catalog.Browser.
func (l *Library) Letters(ctx context.Context, f catalog.FieldKey, q catalog.TermQuery) ([]catalog.Letter, error) {
	r, err := l.loaded()
	if err != nil {
		return nil, err
	}
	return r.Letters(ctx, f, q)
}

// Branches implements catalog.Browser.
func (l *Library) Branches(ctx context.Context, f catalog.FieldKey, q catalog.BranchQuery) (catalog.Page[catalog.Branch], error) {
	r, err := l.loaded()
	if err != nil {
		return catalog.Page[catalog.Branch]{}, err
	}
	return r.Branches(ctx, f, q)
}

// Related implements catalog.Browser.
func (l *Library) Related(ctx context.Context, id catalog.BookID, q catalog.RelatedQuery) (catalog.Related, error) {
	r, err := l.loaded()
	if err != nil {
		return catalog.Related{}, err
	}
	return r.Related(ctx, id, q)
}
