package httpapi

import (
	"context"
	"errors"
	"net/http"
	"strconv"

	"github.com/pressmark/pressmark/catalog"
)

// planBooks plans a page of books.
func (a *API) planBooks(_ *http.Request, v *view, params []param) (render, error) {
	var (
		q   catalog.Query
		w   where
		err error
	)
	for _, p := range params {
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
		default:
			var known bool
			if known, err = w.param(v.schema, p); !known && err == nil {
				err = unknown(p)
			}
		}
		if err != nil {
			return nil, err
		}
	}
	q.Where = w.expr()
	if q.Limit == 0 {
		q.Limit = max(catalog.DefaultLimit, w.named) // who names 200 books wants them
	}
	return func(ctx context.Context, dst []byte) ([]byte, error) {
		return a.renderBooks(ctx, dst, v, q)
	}, nil
}

func (a *API) renderBooks(ctx context.Context, dst []byte, v *view, q catalog.Query) ([]byte, error) {
	dst = append(dst, `{"items":[`...)
	if ready, ok := catalog.As[catalog.Appender](v.reader); ok && !q.Comments {
		dst, page, err := ready.AppendBooks(ctx, dst, q)
		if err == nil {
			return appendPageEnd(dst, page.Next, page.Total), nil
		}
		if !errors.Is(err, errors.ErrUnsupported) {
			return dst, err
		}
	}
	page, err := v.reader.Books(ctx, q)
	if err != nil {
		return dst, err
	}
	var sanitize func(string) string
	if q.Comments {
		sanitize = a.sanitize
	}
	e := encoder{library: v.lib.Name, prefix: a.opts.Prefix}
	for i := range page.Items {
		dst = comma(dst, i)
		dst = e.book(dst, &page.Items[i], sanitize)
	}
	return appendPageEnd(dst, page.Next, page.Total), nil
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
		if errors.Is(err, catalog.ErrNotFound) {
			err = notFound("path.id", strconv.FormatInt(int64(id), 10), "no book has the id")
		}
		return dst, err
	}
	e := encoder{library: v.lib.Name, prefix: a.opts.Prefix}
	return e.book(dst, &b, a.sanitize), nil
}
