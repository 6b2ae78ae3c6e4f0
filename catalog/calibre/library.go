package calibre

import (
	"context"
	"encoding/json"

	"github.com/pressmark/pressmark/catalog"
)

// Snapshot implements catalog.Live.
func (l *Library) Snapshot() catalog.Reader {
	if c := l.current.Load(); c != nil {
		return c.reader
	}
	return unavailable{}
}

// Book implements catalog.Reader.
func (l *Library) Book(ctx context.Context, id catalog.BookID) (catalog.Book, error) {
	return l.Snapshot().Book(ctx, id)
}

// Books implements catalog.Reader.
func (l *Library) Books(ctx context.Context, q catalog.Query) (catalog.Page[catalog.Book], error) {
	return l.Snapshot().Books(ctx, q)
}

// Terms implements catalog.Reader.
func (l *Library) Terms(ctx context.Context, f catalog.FieldKey, q catalog.TermQuery) (catalog.Page[catalog.Term], error) {
	return l.Snapshot().Terms(ctx, f, q)
}

// Fields implements catalog.Reader.
func (l *Library) Fields(ctx context.Context) ([]catalog.Field, error) {
	return l.Snapshot().Fields(ctx)
}

// Revision implements catalog.Reader.
func (l *Library) Revision(ctx context.Context) (catalog.Revision, error) {
	return l.Snapshot().Revision(ctx)
}

// AppendBooks implements catalog.Appender.
func (l *Library) AppendBooks(ctx context.Context, dst []byte, q catalog.Query) ([]byte, catalog.Page[catalog.Book], error) {
	c := l.current.Load()
	if c == nil {
		return dst, catalog.Page[catalog.Book]{}, catalog.ErrUnavailable
	}
	return c.reader.AppendBooks(ctx, dst, q)
}

// Preference returns a preference of the library as JSON, nil if it has none:
// virtual_libraries, saved_searches, user_categories, grouped_search_terms,
// grouped_search_make_user_categories, categories_using_hierarchy or
// bools_are_tristate. Others are not read. The caller must not change what is
// returned.
func (l *Library) Preference(key string) json.RawMessage {
	if c := l.current.Load(); c != nil {
		return c.prefs[key]
	}
	return nil
}

// unavailable is a library that is not loaded.
type unavailable struct{}

func (unavailable) Book(context.Context, catalog.BookID) (catalog.Book, error) {
	return catalog.Book{}, catalog.ErrUnavailable
}

func (unavailable) Books(context.Context, catalog.Query) (catalog.Page[catalog.Book], error) {
	return catalog.Page[catalog.Book]{}, catalog.ErrUnavailable
}

func (unavailable) Terms(context.Context, catalog.FieldKey, catalog.TermQuery) (catalog.Page[catalog.Term], error) {
	return catalog.Page[catalog.Term]{}, catalog.ErrUnavailable
}

func (unavailable) Fields(context.Context) ([]catalog.Field, error) {
	return nil, catalog.ErrUnavailable
}

func (unavailable) Revision(context.Context) (catalog.Revision, error) {
	return catalog.Revision{}, catalog.ErrUnavailable
}
