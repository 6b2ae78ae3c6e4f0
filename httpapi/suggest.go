package httpapi

import (
	"context"
	"net/http"
	"strconv"

	"github.com/pressmark/pressmark/catalog"
)

// planSuggest plans ways to complete an expression.
func (a *API) planSuggest(_ *http.Request, v *view, params []param) (render, error) {
	var (
		q     catalog.SuggestQuery
		asked bool
		err   error
	)
	for _, p := range params {
		switch p.name {
		case "q":
			if asked {
				return nil, invalid("query.q", p.value, "given more than once:")
			}
			q.Text, asked = p.value, true
		case "limit":
			if q.Limit, err = parseLimit(p.value); err != nil {
				return nil, err
			}
		default:
			return nil, unknown(p)
		}
	}
	s, err := v.searcher()
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, dst []byte) ([]byte, error) {
		list, err := s.Suggest(ctx, q)
		if err != nil {
			return dst, err
		}
		dst = append(dst, `{"items":[`...)
		for i := range list {
			dst = comma(dst, i)
			dst = appendSuggestion(dst, &list[i])
		}
		return append(dst, "]}"...), nil
	}, nil
}

func appendSuggestion(dst []byte, s *catalog.Suggestion) []byte {
	dst = append(dst, `{"kind":`...)
	dst = appendString(dst, string(s.Kind))
	dst = append(dst, `,"label":`...)
	dst = appendString(dst, s.Label)
	dst = append(dst, `,"text":`...)
	dst = appendString(dst, s.Text)
	dst = append(dst, `,"field":`...)
	dst = appendOptional(dst, string(s.Field))
	dst = append(dst, `,"count":`...)
	dst = appendNumber(dst, int64(s.Count))
	dst = append(dst, `,"book":`...)
	dst = appendNumber(dst, int64(s.Book))
	return append(dst, '}')
}

// appendNumber appends n, or null if it is zero.
func appendNumber(dst []byte, n int64) []byte {
	if n == 0 {
		return append(dst, "null"...)
	}
	return strconv.AppendInt(dst, n, 10)
}
