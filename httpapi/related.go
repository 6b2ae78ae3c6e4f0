package httpapi

import (
	"context"
	"net/http"

	"github.com/pressmark/pressmark/catalog"
)

// planRelated plans the books that have to do with one.
func (a *API) planRelated(r *http.Request, v *view, params []param) (render, error) {
	id, err := parseID("path.id", r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	var q catalog.RelatedQuery
	for _, p := range params {
		if p.name != "limit" {
			return nil, unknown(p)
		}
		if q.Limit, err = parseLimit(p.value); err != nil {
			return nil, err
		}
	}
	b, err := v.browser()
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, dst []byte) ([]byte, error) {
		related, err := b.Related(ctx, id, q)
		if err != nil {
			return dst, bookError(id, err)
		}
		return a.appendRelated(dst, v, &related), nil
	}, nil
}

func (a *API) appendRelated(dst []byte, v *view, r *catalog.Related) []byte {
	dst = append(dst, `{"series":[`...)
	dst = a.appendCards(dst, v, r.Series, nil)
	dst = append(dst, `],"authors":[`...)
	dst = a.appendCards(dst, v, r.Authors, nil)
	dst = append(dst, `],"similar":[`...)
	dst = a.appendCards(dst, v, r.Similar, nil)
	return append(dst, "]}"...)
}

// serveRelated makes a handler of /api/books/{id}/{part}. A pattern that ends
// in /related would be neither more nor less special than that of
// by-uuid/{uuid}, which net/http refuses.
func (a *API) serveRelated() handler {
	related := a.catalogue(a.planRelated)
	return func(w http.ResponseWriter, r *http.Request) error {
		if r.PathValue("part") != "related" {
			return errNoRoute
		}
		return related(w, r)
	}
}
