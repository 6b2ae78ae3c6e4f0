package httpapi

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"github.com/pressmark/pressmark/catalog"
)

// searcher returns who knows the search language of the library.
func (v *view) searcher() (catalog.Searcher, error) {
	s, ok := catalog.As[catalog.Searcher](v.reader)
	if !ok {
		return nil, &statusError{status: http.StatusNotImplemented, detail: "The catalog of this library has no search language."}
	}
	return s, nil
}

// shownView is a view with what it selects.
type shownView struct {
	catalog.View
	count int
}

// planViews plans the list of views. They are looked through before anything is
// answered: how long the counts are right depends on what the views say.
func (a *API) planViews(r *http.Request, v *view, params []param) (render, error) {
	if len(params) > 0 {
		return nil, unknown(params[0])
	}
	s, err := v.searcher()
	if err != nil {
		return nil, err
	}
	views, err := s.Views(r.Context())
	if err != nil {
		return nil, err
	}
	parsed := make([]catalog.Parsed, len(views))
	for i := range views {
		p, err := s.Parse(r.Context(), views[i].Text)
		if err != nil {
			if !isInvalid(err) {
				return nil, err
			}
			p.Expr, views[i].Problem = catalog.Or{}, err
		}
		if !p.Until.IsZero() { // today's answer is not tomorrow's, with the same contents
			v.endsBy(p.Until)
			v.meaning += catalog.Key(p.Expr)
		}
		parsed[i] = p
	}
	return func(ctx context.Context, dst []byte) ([]byte, error) {
		dst = append(dst, `{"items":[`...)
		for i := range views {
			shown := shownView{View: views[i]}
			page, err := v.reader.Books(ctx, catalog.Query{Where: parsed[i].Expr, Limit: 1})
			switch {
			case err == nil:
				shown.count = page.Total
			case isInvalid(err):
				shown.Problem = err
			default:
				return dst, err
			}
			dst = comma(dst, i)
			dst = appendView(dst, &shown)
		}
		return appendPageEnd(dst, "", len(views)), nil
	}, nil
}

func appendView(dst []byte, s *shownView) []byte {
	dst = append(dst, `{"kind":`...)
	dst = appendString(dst, string(s.Kind))
	dst = append(dst, `,"name":`...)
	dst = appendString(dst, s.Name)
	dst = append(dst, `,"view":`...)
	dst = appendString(dst, s.Ref)
	dst = append(dst, `,"expression":`...)
	dst = appendString(dst, s.Text)
	dst = append(dst, `,"count":`...)
	dst = strconv.AppendInt(dst, int64(s.count), 10)
	dst = append(dst, `,"problem":`...)
	dst = appendOptional(dst, viewProblem(s.Problem))
	return append(dst, '}')
}

// viewProblem says in the words of a client why a view selects nothing.
func viewProblem(err error) string {
	if err == nil {
		return ""
	}
	if !isInvalid(err) {
		return "The expression cannot be evaluated."
	}
	return strings.TrimPrefix(explain(err).detail, "q: ")
}
