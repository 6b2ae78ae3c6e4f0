package httpapi

import (
	"context"
	"strconv"

	"github.com/pressmark/pressmark/catalog"
)

// Bounds of facets.
const (
	defaultFacetLimit = 10
	mostFacetValues   = 100
	mostFacets        = 20
)

// facets reads a facets parameter: keys of fields that have terms, between
// commas.
func (s *schema) facets(v string) ([]catalog.FieldKey, error) {
	if v == "" {
		return nil, invalid("query.facets", "", "a field is missing")
	}
	var keys []catalog.FieldKey
	seen := map[catalog.FieldKey]bool{}
	for v != "" {
		var name string
		name, v = cutComma(v)
		f := s.byName[name]
		switch {
		case f == nil:
			return nil, invalid("query.facets", name, "unknown field")
		case !f.HasTerms:
			return nil, invalid("query.facets", name, "there are no terms of")
		case seen[f.Key]:
			return nil, invalid("query.facets", name, "a field is named twice:")
		case len(keys) == mostFacets:
			return nil, invalid("query.facets", name, "more than 20 fields, from")
		}
		seen[f.Key] = true
		keys = append(keys, f.Key)
	}
	return keys, nil
}

// parseFacetLimit reads how many values of each field are shown.
func parseFacetLimit(s string) (int, error) {
	return parseCount("query.facet_limit", s, mostFacetValues)
}

// appendFacets appends the values that most of the selected books have.
func appendFacets(ctx context.Context, dst []byte, v *view, q booksQuery) ([]byte, error) {
	b, err := v.browser()
	if err != nil {
		return dst, err
	}
	facets, err := b.Facets(ctx, q.Where, q.facets, q.facetLimit)
	if err != nil {
		return dst, err
	}
	dst = append(dst, '{')
	for i := range facets {
		dst = comma(dst, i)
		dst = appendString(dst, string(facets[i].Field))
		dst = append(dst, ":["...)
		for j := range facets[i].Terms {
			dst = comma(dst, j)
			dst = appendFacetValue(dst, &facets[i].Terms[j])
		}
		dst = append(dst, ']')
	}
	return append(dst, '}'), nil
}

func appendFacetValue(dst []byte, t *catalog.Term) []byte {
	dst = append(dst, `{"value":`...)
	dst = appendString(dst, t.Name)
	dst = append(dst, `,"count":`...)
	dst = strconv.AppendInt(dst, int64(t.Count), 10)
	return append(dst, '}')
}
