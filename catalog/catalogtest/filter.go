package catalogtest

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pressmark/pressmark/catalog"
)

// names returns a book's values in a field that has terms.
func names(b *catalog.Book, f catalog.FieldKey) []string {
	var out []string
	add := func(items ...catalog.Item) {
		for _, it := range items {
			if !slices.Contains(out, it.Name) {
				out = append(out, it.Name)
			}
		}
	}
	switch f {
	case catalog.FieldAuthors:
		add(b.Authors...)
	case catalog.FieldTags:
		add(b.Tags...)
	case catalog.FieldLanguages:
		add(b.Languages...)
	case catalog.FieldSeries:
		if b.Series != nil {
			add(*b.Series)
		}
	case catalog.FieldPublisher:
		if b.Publisher != nil {
			add(*b.Publisher)
		}
	case catalog.FieldFormats:
		for _, x := range b.Formats {
			add(catalog.Item{Name: x.Name})
		}
	case catalog.FieldIdentifiers:
		for _, x := range b.Identifiers {
			add(catalog.Item{Name: x.Type})
		}
	case catalog.FieldRating:
		if b.Rating > 0 {
			add(catalog.Item{Name: strconv.FormatFloat(b.Rating, 'g', -1, 64)})
		}
	default:
		for _, c := range b.Custom {
			switch {
			case c.Key != f:
			case c.Type == catalog.TypeRating && c.Set && c.Number > 0:
				add(catalog.Item{Name: strconv.FormatFloat(c.Number, 'g', -1, 64)})
			default:
				add(c.Items...)
			}
		}
	}
	return out
}

// number returns a book's number in a field of numbers.
func number(b *catalog.Book, f catalog.FieldKey) (float64, bool) {
	switch f {
	case catalog.FieldID:
		return float64(b.ID), true
	case catalog.FieldSeriesIndex:
		return b.SeriesIdx, b.Series != nil
	case catalog.FieldRating:
		return b.Rating, b.Rating > 0
	case catalog.FieldPages:
		return float64(b.Pages), b.Pages > 0
	case catalog.FieldSize:
		size := int64(-1)
		for _, x := range b.Formats {
			size = max(size, x.Size)
		}
		return float64(size), size >= 0
	}
	for _, c := range b.Custom {
		if c.Key == f {
			return c.Number, c.Set
		}
	}
	return 0, false
}

func date(b *catalog.Book, f catalog.FieldKey) time.Time {
	switch f {
	case catalog.FieldPublished:
		return b.Published
	case catalog.FieldAdded:
		return b.Added
	case catalog.FieldModified:
		return b.Modified
	}
	for _, c := range b.Custom {
		if c.Key == f {
			return c.Time
		}
	}
	return time.Time{}
}

func (s *suite) algebra(t *testing.T) {
	one, two := s.all[0].ID, s.all[1].ID
	yes := func(*catalog.Book) bool { return true }
	no := func(*catalog.Book) bool { return false }
	s.expect(t, nil, yes)
	s.expect(t, catalog.And{}, yes)
	s.expect(t, catalog.Or{}, no)
	s.expect(t, catalog.Not{}, no)
	s.expect(t, catalog.Not{X: catalog.Or{}}, yes)
	s.expect(t, catalog.IDs{}, no)
	s.expect(t, catalog.And{catalog.IDs{one, two}, catalog.Not{X: catalog.IDs{one}}}, func(b *catalog.Book) bool { return b.ID == two })
	s.expect(t, catalog.Or{catalog.IDs{one}, catalog.IDs{two}}, func(b *catalog.Book) bool { return b.ID == one || b.ID == two })
	s.expect(t, catalog.Not{X: catalog.Not{X: catalog.IDs{one}}}, func(b *catalog.Book) bool { return b.ID == one })
}

func (s *suite) filterTerms(t *testing.T) {
	for _, f := range s.fields {
		if !f.HasTerms {
			continue
		}
		p, err := s.r.Terms(s.ctx, f.Key, catalog.TermQuery{Limit: 40})
		if err != nil {
			t.Fatalf("Terms(%s): %v", f.Key, err)
		}
		for _, term := range p.Items {
			got := s.selected(t, catalog.Is{Field: f.Key, Value: strings.ToUpper(term.Name)})
			for i := range s.all {
				b := &s.all[i]
				in := slices.Contains(got, b.ID)
				// What else matches when case and accents are left
				// aside is the reader's to know; case alone is not.
				has := slices.ContainsFunc(names(b, f.Key), func(n string) bool { return strings.EqualFold(n, term.Name) })
				if has && !in {
					t.Errorf("%s is %q: book %d has it and is not selected", f.Key, term.Name, b.ID)
				}
				if in && !has && isASCII(term.Name) && !slices.ContainsFunc(names(b, f.Key), func(n string) bool { return !isASCII(n) }) {
					t.Errorf("%s is %q: book %d is selected and has %q", f.Key, term.Name, b.ID, names(b, f.Key))
				}
			}
		}
		s.expect(t, catalog.Is{Field: f.Key, Value: "987654321"}, func(*catalog.Book) bool { return false })
	}
}

func isASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r > 126 })
}

func (s *suite) filterNumbers(t *testing.T) {
	for _, f := range s.fields {
		if f.Type != catalog.TypeInt && f.Type != catalog.TypeFloat && f.Type != catalog.TypeRating {
			continue
		}
		for i := range min(len(s.all), 40) {
			n, ok := number(&s.all[i], f.Key)
			if !ok {
				continue
			}
			up := n + 1
			s.expect(t, catalog.Between{Field: f.Key, Min: &n, Max: &up}, func(b *catalog.Book) bool {
				v, ok := number(b, f.Key)
				return ok && v >= n && v <= up
			})
			s.expect(t, catalog.Between{Field: f.Key, Max: &n}, func(b *catalog.Book) bool {
				v, ok := number(b, f.Key)
				return ok && v <= n
			})
			s.expect(t, catalog.Is{Field: f.Key, Value: strconv.FormatFloat(n, 'f', -1, 64)}, func(b *catalog.Book) bool {
				v, ok := number(b, f.Key)
				return ok && v == n
			})
		}
	}
}

func (s *suite) filterDates(t *testing.T) {
	for _, f := range s.fields {
		if f.Type != catalog.TypeDatetime {
			continue
		}
		for i := range min(len(s.all), 40) {
			at := date(&s.all[i], f.Key)
			if at.IsZero() {
				continue
			}
			s.expect(t, catalog.During{Field: f.Key, From: at}, func(b *catalog.Book) bool {
				v := date(b, f.Key)
				return !v.IsZero() && !v.Before(at)
			})
			s.expect(t, catalog.During{Field: f.Key, To: at}, func(b *catalog.Book) bool {
				v := date(b, f.Key)
				return !v.IsZero() && v.Before(at)
			})
			day := at.Truncate(24 * time.Hour)
			s.expect(t, catalog.Is{Field: f.Key, Value: day.Format(time.DateOnly)}, func(b *catalog.Book) bool {
				v := date(b, f.Key)
				return !v.IsZero() && v.Format(time.DateOnly) == day.Format(time.DateOnly)
			})
		}
	}
}

func (s *suite) filterHas(t *testing.T) {
	for _, f := range s.fields {
		if !f.Searchable {
			continue
		}
		s.expect(t, catalog.Has{Field: f.Key}, func(b *catalog.Book) bool { return has(b, &f) })
	}
}

func has(b *catalog.Book, f *catalog.Field) bool {
	switch f.Key {
	case catalog.FieldUUID:
		return b.UUID != ""
	case catalog.FieldTitle:
		return b.Title != ""
	case catalog.FieldTitleSort:
		return b.TitleSort != ""
	case catalog.FieldAuthorSort:
		return b.AuthorSort != ""
	case catalog.FieldComments:
		return b.Comments != ""
	case catalog.FieldCover:
		return b.Cover != ""
	}
	switch f.Type {
	case catalog.TypeInt, catalog.TypeFloat, catalog.TypeRating:
		_, ok := number(b, f.Key)
		return ok
	case catalog.TypeDatetime:
		return !date(b, f.Key).IsZero()
	case catalog.TypeBool, catalog.TypeComments:
		for _, c := range b.Custom {
			if c.Key == f.Key {
				return c.Set || c.Text != ""
			}
		}
	}
	return len(names(b, f.Key)) > 0
}

func (s *suite) contains(t *testing.T) {
	for i := range min(len(s.all), 40) {
		title := s.all[i].Title
		if !isASCII(title) || len(title) < 5 {
			continue
		}
		part := title[1 : len(title)-1]
		s.expect(t, catalog.Match{Field: catalog.FieldTitle, Text: catalog.Text{Kind: catalog.Punctuated, Value: strings.ToUpper(part)}}, func(b *catalog.Book) bool {
			return strings.Contains(strings.ToLower(b.Title), strings.ToLower(part))
		})
		if got := s.selected(t, catalog.Match{Text: catalog.Text{Value: part}}); !slices.Contains(got, s.all[i].ID) {
			t.Errorf("%q without a field does not find book %d", part, s.all[i].ID)
		}
	}
	for i := range s.all {
		for _, a := range s.all[i].Authors {
			if got := s.selected(t, catalog.Match{Text: catalog.Text{Value: a.Name}}); !slices.Contains(got, s.all[i].ID) {
				t.Errorf("%q without a field does not find book %d", a.Name, s.all[i].ID)
			}
		}
		if i == 40 {
			break
		}
	}
	s.expect(t, catalog.Match{Text: catalog.Text{Value: "no such words anywhere"}}, func(*catalog.Book) bool { return false })
}
