package catalogtest

import (
	"testing"

	"github.com/pressmark/pressmark/catalog"
)

// values returns the number of a book's values in a field that has terms.
func values(b *catalog.Book, f catalog.FieldKey) int {
	switch f {
	case catalog.FieldAuthors:
		return len(b.Authors)
	case catalog.FieldTags:
		return len(b.Tags)
	case catalog.FieldLanguages:
		return len(b.Languages)
	}
	for _, c := range b.Custom {
		if c.Key == f && c.Type != catalog.TypeRating {
			return len(c.Items)
		}
	}
	return len(names(b, f))
}

// counts asks for books by how many values they have.
func (s *suite) counts(t *testing.T) {
	for _, f := range s.fields {
		if !f.HasTerms || !f.Multiple {
			continue
		}
		for _, e := range []catalog.Count{{Max: 0}, {Min: 1, Max: 1}, {Min: 1, Max: 2}, {Min: 2, Max: -1}, {Max: -1}, {Min: 3, Max: 2}} {
			e.Field = f.Key
			s.expect(t, e, func(b *catalog.Book) bool {
				n := values(b, f.Key)
				return n >= e.Min && (e.Max < 0 || n <= e.Max)
			})
		}
	}
	_, err := s.r.Books(s.ctx, catalog.Query{Where: catalog.Count{Field: "nope", Max: -1}})
	s.invalid(t, err, "filter")
}

// storedIndex asks for the index that books have without a series, too.
func (s *suite) storedIndex(t *testing.T) {
	for i := range min(len(s.all), 40) {
		n := s.all[i].SeriesIdx
		s.expect(t, catalog.Between{Field: catalog.FieldSeriesIndex, Min: &n, Max: &n, Stored: true}, func(b *catalog.Book) bool { return b.SeriesIdx == n })
		s.expect(t, catalog.Between{Field: catalog.FieldSeriesIndex, Min: &n, Max: &n}, func(b *catalog.Book) bool { return b.Series != nil && b.SeriesIdx == n })
	}
	// Beside a custom series there is its place in it.
	for _, f := range s.fields {
		if !f.Custom || f.Type != catalog.TypeSeries {
			continue
		}
		place := func(b *catalog.Book) (float64, bool) {
			for _, c := range b.Custom {
				if c.Key == f.Key && len(c.Items) > 0 {
					return c.Index, true
				}
			}
			return 0, false
		}
		for i := range min(len(s.all), 40) {
			if n, ok := place(&s.all[i]); ok {
				s.expect(t, catalog.Between{Field: f.Key, Min: &n}, func(b *catalog.Book) bool {
					v, ok := place(b)
					return ok && v >= n
				})
			}
		}
	}
}
