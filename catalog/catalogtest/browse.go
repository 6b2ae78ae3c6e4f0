package catalogtest

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/pressmark/pressmark/catalog"
)

// browser returns the reader's role of a Browser, nil if it has none.
func (s *suite) browser(t *testing.T) catalog.Browser {
	t.Helper()
	b, ok := catalog.As[catalog.Browser](s.r)
	if ok {
		_, err := b.Facets(s.ctx, nil, nil, 1)
		ok = !unsupported(err)
	}
	if !ok {
		t.Log("the reader is no Browser")
		return nil
	}
	return b
}

// somewhere returns expressions within which the reader is browsed: all books,
// every other one, none.
func (s *suite) somewhere() []catalog.Expr {
	other := catalog.IDs{}
	for i := range s.all {
		if i%2 == 0 {
			other = append(other, s.all[i].ID)
		}
	}
	return []catalog.Expr{nil, other, catalog.Or{}}
}

// inside returns the books that are selected by one of somewhere.
func (s *suite) inside(where catalog.Expr) []*catalog.Book {
	var out []*catalog.Book
	for i := range s.all {
		switch e := where.(type) {
		case catalog.IDs:
			if !slices.Contains(e, s.all[i].ID) {
				continue
			}
		case catalog.Or:
			continue
		}
		out = append(out, &s.all[i])
	}
	return out
}

// facets holds the values that most books have against a count of the books,
// and against the terms by count.
func (s *suite) facets(t *testing.T) {
	b := s.browser(t)
	if b == nil {
		return
	}
	var fields []catalog.FieldKey
	for _, f := range s.fields {
		if f.HasTerms {
			fields = append(fields, f.Key)
		}
	}
	for _, where := range s.somewhere() {
		for _, limit := range []int{1, 3, catalog.MaxLimit} {
			got, err := b.Facets(s.ctx, where, fields, limit)
			if err != nil || len(got) != len(fields) {
				t.Fatalf("Facets has %d of %d fields: %v", len(got), len(fields), err)
			}
			for i, f := range fields {
				want, err := s.r.Terms(s.ctx, f, catalog.TermQuery{Where: where, ByCount: true, Limit: limit})
				if err != nil {
					t.Fatal(err)
				}
				if got[i].Field != f || !slices.Equal(got[i].Terms, want.Items) {
					t.Errorf("Facets(%s, %d) = %+v, terms by count are %v", f, limit, got[i], want.Items)
				}
				s.counted(t, where, &got[i])
			}
		}
	}
	if got, err := b.Facets(s.ctx, nil, nil, 1); err != nil || len(got) != 0 {
		t.Errorf("Facets of no fields are %v, %v", got, err)
	}
	for _, limit := range []int{-1, 0, catalog.MaxLimit + 1} {
		_, err := b.Facets(s.ctx, nil, fields, limit)
		s.invalid(t, err, "limit")
	}
	s.browseErrors(t, func(f catalog.FieldKey, where catalog.Expr) error {
		_, err := b.Facets(s.ctx, where, []catalog.FieldKey{catalog.FieldTags, f}, 1)
		return err
	})
}

// browseErrors checks the errors that all of Browser's methods for fields
// share.
func (s *suite) browseErrors(t *testing.T, call func(catalog.FieldKey, catalog.Expr) error) {
	t.Helper()
	if err := call("nope", nil); !errors.Is(err, catalog.ErrNotFound) {
		t.Errorf("an unknown field is %v, want ErrNotFound", err)
	}
	s.invalid(t, call(catalog.FieldAdded, nil), "field")
	s.invalid(t, call(catalog.FieldTags, catalog.Has{Field: "nope"}), "filter")
}

func (s *suite) counted(t *testing.T, where catalog.Expr, f *catalog.Facet) {
	t.Helper()
	counts, byName := map[string]int{}, map[string]int{}
	for _, book := range s.inside(where) {
		for _, n := range names(book, f.Field) {
			counts[n]++
		}
	}
	for _, term := range f.Terms {
		byName[term.Name] += term.Count // values may differ in more than the name
	}
	for n, c := range byName {
		if c > counts[n] || c == 0 {
			t.Errorf("facet %s %q has %d books, want %d", f.Field, n, c, counts[n])
		}
	}
}

// letters checks that the groups of letters are all the terms, and that their
// cursors lead to them.
func (s *suite) letters(t *testing.T) {
	b := s.browser(t)
	if b == nil {
		return
	}
	for _, f := range s.fields {
		if !f.HasTerms {
			continue
		}
		for _, where := range s.somewhere() {
			for _, prefix := range []string{"", "a", "s"} {
				q := catalog.TermQuery{Where: where, Prefix: prefix}
				all := s.allTerms(t, f.Key, q)
				q.ByCount, q.Desc, q.Limit = true, true, 1 // do not count
				groups, err := b.Letters(s.ctx, f.Key, q)
				if err != nil {
					t.Fatal(err)
				}
				q.ByCount, q.Desc = false, false
				s.lettersAre(t, f.Key, q, groups, all)
			}
		}
	}
	s.browseErrors(t, func(f catalog.FieldKey, where catalog.Expr) error {
		_, err := b.Letters(s.ctx, f, catalog.TermQuery{Where: where})
		return err
	})
}

func (s *suite) lettersAre(t *testing.T, f catalog.FieldKey, q catalog.TermQuery, groups []catalog.Letter, all []catalog.Term) {
	t.Helper()
	seen := map[string]bool{}
	for i, g := range groups {
		if seen[g.Letter] || g.Letter == "" || g.Count < 1 || g.Count > len(all) {
			t.Fatalf("Letters(%s, %+v): group %q, %d values of %d that are left, is there before: %v", f, q, g.Letter, g.Count, len(all), seen[g.Letter])
		}
		seen[g.Letter] = true
		if (i == 0) != (g.After == "") {
			t.Errorf("Letters(%s, %+v): group %d begins after %q", f, q, i, g.After)
		}
		q.After, q.Limit = g.After, min(g.Count, catalog.MaxLimit)
		page, err := s.r.Terms(s.ctx, f, q)
		if err != nil || !slices.Equal(page.Items, all[:q.Limit]) {
			t.Fatalf("Letters(%s, %+v): the cursor of %q leads to %v, %v; want %v", f, q, g.Letter, page.Items, err, all[:q.Limit])
		}
		for _, term := range all[:g.Count] {
			if want, ok := letterOf(term.Sort); ok && want != g.Letter {
				t.Errorf("Letters(%s, %+v): %q is in the group %q", f, q, term.Sort, g.Letter)
			}
		}
		all = all[g.Count:]
	}
	if len(all) > 0 {
		t.Errorf("Letters(%s, %+v): %d terms are in no group", f, q, len(all))
	}
}

// letterOf returns the group of a value that begins with a letter of ASCII or
// a digit.
func letterOf(s string) (string, bool) {
	if s == "" {
		return "", false
	}
	switch c := s[0]; {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z':
		return strings.ToUpper(s[:1]), true
	case '0' <= c && c <= '9':
		return "#", true
	}
	return "", false
}
