package httpapi

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/pressmark/pressmark/catalog"
)

// booksQuery asks for a page of books and for what is shown beside it.
type booksQuery struct {
	catalog.Query
	facets     []catalog.FieldKey
	facetLimit int
}

// planBooks plans a page of books.
func (a *API) planBooks(r *http.Request, v *view, params []param) (render, error) {
	q, err := readBooks(r.Context(), v, params)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, dst []byte) ([]byte, error) {
		return a.renderBooks(ctx, dst, v, q)
	}, nil
}

// readBooks reads the parameters of a page of books.
func readBooks(ctx context.Context, v *view, params []param) (q booksQuery, err error) {
	var w where
	q.facetLimit = defaultFacetLimit
	for i := range params {
		p := &params[i]
		switch p.name {
		case "limit":
			q.Limit, err = parseLimit(p.value)
		case "cursor":
			q.After = catalog.Cursor(p.value)
		case "sort":
			q.Sort, err = v.schema.sortKeys(p.value)
		case "include":
			if q.Comments = p.value == "comments"; !q.Comments {
				err = invalid("query.include", p.value, "only comments can be included, not")
			}
		case "facets":
			q.facets, err = v.schema.facets(p.value)
		case "facet_limit":
			q.facetLimit, err = parseFacetLimit(p.value)
		default:
			err = w.param(ctx, v, p)
		}
		if err != nil {
			return q, err
		}
	}
	q.Where = w.expr()
	if q.Limit == 0 {
		q.Limit = max(catalog.DefaultLimit, w.named) // who names 200 books wants them
	}
	if slices.ContainsFunc(q.Sort, isRelevance) {
		if q.Words = w.words; len(w.words) == 0 {
			q.Sort = slices.DeleteFunc(q.Sort, isRelevance) // all books are as relevant
		}
		// The order depends on words that need not show in what q selects.
		v.meaning = strings.Join(w.words, "\x00")
	}
	return q, nil
}

func (a *API) renderBooks(ctx context.Context, dst []byte, v *view, q booksQuery) ([]byte, error) {
	dst, page, err := a.appendBooks(ctx, append(dst, `{"items":[`...), v, q.Query)
	if err != nil {
		return dst, err
	}
	dst = appendPageEnd(dst, page.Next, page.Total)
	if len(q.facets) == 0 {
		return dst, nil
	}
	dst = append(dst[:len(dst)-1], `,"facets":`...)
	dst, err = appendFacets(ctx, dst, v, q)
	return append(dst, '}'), err
}

// appendBooks appends the books of a page, which come back without them.
func (a *API) appendBooks(ctx context.Context, dst []byte, v *view, q catalog.Query) ([]byte, catalog.Page[catalog.Book], error) {
	if ready, ok := catalog.As[catalog.Appender](v.reader); ok && !q.Comments {
		dst, page, err := ready.AppendBooks(ctx, dst, q)
		if !errors.Is(err, errors.ErrUnsupported) {
			return dst, page, err
		}
	}
	page, err := v.reader.Books(ctx, q)
	if err != nil {
		return dst, page, err
	}
	var sanitize func(string) string
	if q.Comments {
		sanitize = a.sanitize
	}
	return a.appendCards(dst, v, page.Items, sanitize), page, nil
}

// appendCards appends books with a comma between two of them.
func (a *API) appendCards(dst []byte, v *view, books []catalog.Book, sanitize func(string) string) []byte {
	e := encoder{library: v.lib.Name, prefix: a.opts.Prefix}
	for i := range books {
		dst = comma(dst, i)
		dst = e.book(dst, &books[i], sanitize)
	}
	return dst
}

// appendPageEnd closes what `{"items":[` opened.
func appendPageEnd(dst []byte, next catalog.Cursor, total int) []byte {
	dst = append(dst, `],"next_cursor":`...)
	dst = appendOptional(dst, string(next))
	dst = append(dst, `,"total":`...)
	dst = strconv.AppendInt(dst, int64(total), 10)
	return append(dst, '}')
}

// planBook plans one book by its id.
func (a *API) planBook(r *http.Request, v *view, params []param) (render, error) {
	if len(params) > 0 {
		return nil, unknown(params[0])
	}
	id, err := parseID("path.id", r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, dst []byte) ([]byte, error) {
		return a.renderBook(ctx, dst, v, id)
	}, nil
}

// planBookByUUID plans one book by its UUID.
func (a *API) planBookByUUID(r *http.Request, v *view, params []param) (render, error) {
	if len(params) > 0 {
		return nil, unknown(params[0])
	}
	uuid, err := parseUUID("path.uuid", r.PathValue("uuid"))
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, dst []byte) ([]byte, error) {
		page, err := v.reader.Books(ctx, catalog.Query{Where: catalog.UUIDs{uuid}, Limit: 1})
		if err != nil {
			return dst, err
		}
		if len(page.Items) == 0 {
			return dst, notFound("path.uuid", uuid, "no book has the UUID")
		}
		return a.renderBook(ctx, dst, v, page.Items[0].ID)
	}, nil
}

func (a *API) renderBook(ctx context.Context, dst []byte, v *view, id catalog.BookID) ([]byte, error) {
	b, err := v.reader.Book(ctx, id)
	if err != nil {
		return dst, bookError(id, err)
	}
	e := encoder{library: v.lib.Name, prefix: a.opts.Prefix}
	return e.book(dst, &b, a.sanitize), nil
}

// bookError is the error of asking for a book. There is one answer to books that
// are not there and to those that are hidden.
func bookError(id catalog.BookID, err error) error {
	if errors.Is(err, catalog.ErrNotFound) {
		return notFound("path.id", strconv.FormatInt(int64(id), 10), "no book has the id")
	}
	return err
}
