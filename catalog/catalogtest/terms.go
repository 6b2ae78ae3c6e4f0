package catalogtest

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/pressmark/pressmark/catalog"
)

// allTerms reads all pages of q.
func (s *suite) allTerms(t *testing.T, f catalog.FieldKey, q catalog.TermQuery) []catalog.Term {
	t.Helper()
	var out []catalog.Term
	for {
		p, err := s.r.Terms(s.ctx, f, q)
		if err != nil {
			t.Fatalf("Terms(%s, %+v): %v", f, q, err)
		}
		out = append(out, p.Items...)
		if p.Next == "" {
			if len(out) != p.Total {
				t.Errorf("Terms(%s, %+v): %d on all pages, total says %d", f, q, len(out), p.Total)
			}
			return out
		}
		q.After = p.Next
	}
}

// terms holds the counts against a count of the books.
func (s *suite) terms(t *testing.T) {
	for _, f := range s.fields {
		if !f.HasTerms {
			continue
		}
		counts := map[string]int{}
		for i := range s.all {
			for _, n := range names(&s.all[i], f.Key) {
				counts[n]++
			}
		}
		got := map[string]int{}
		for _, term := range s.allTerms(t, f.Key, catalog.TermQuery{Limit: catalog.MaxLimit}) {
			got[term.Name] += term.Count
			if term.Count == 0 {
				t.Errorf("%s %q: a term without books", f.Key, term.Name)
			}
		}
		if fmt.Sprint(got) != fmt.Sprint(counts) {
			t.Errorf("Terms(%s) = %v, want %v", f.Key, got, counts)
		}
	}
}

func (s *suite) termPaging(t *testing.T) {
	for _, f := range s.fields {
		if !f.HasTerms {
			continue
		}
		byName := s.allTerms(t, f.Key, catalog.TermQuery{Limit: catalog.MaxLimit})
		for _, q := range []catalog.TermQuery{{}, {Desc: true}, {ByCount: true}, {ByCount: true, Desc: true}} {
			q.Limit = catalog.MaxLimit
			whole := s.allTerms(t, f.Key, q)
			q.Limit = 3
			if len(whole) > 200 {
				q.Limit = 50
			}
			if paged := s.allTerms(t, f.Key, q); !slices.Equal(whole, paged) {
				t.Errorf("Terms(%s, %+v) in pages of %d differ", f.Key, q, q.Limit)
			}
			if q.Desc {
				slices.Reverse(whole)
			}
			want := slices.Clone(byName)
			if q.ByCount {
				slices.SortStableFunc(want, func(a, b catalog.Term) int { return b.Count - a.Count })
			}
			if !slices.Equal(whole, want) {
				t.Errorf("Terms(%s, %+v) are in another order than by name allows", f.Key, q)
			}
		}
		if len(byName) == 0 || !isASCII(byName[0].Name) {
			continue
		}
		prefix := strings.ToUpper(byName[0].Name[:1])
		for _, term := range s.allTerms(t, f.Key, catalog.TermQuery{Prefix: prefix, Limit: catalog.MaxLimit}) {
			if isASCII(term.Name) && !strings.Contains(strings.ToUpper(term.Name), prefix) {
				t.Errorf("Terms(%s) with prefix %q has %q", f.Key, prefix, term.Name)
			}
		}
	}
}

func (s *suite) termsWhere(t *testing.T) {
	where := catalog.IDs{s.all[0].ID, s.all[1].ID}
	for _, f := range s.fields {
		if !f.HasTerms {
			continue
		}
		counts := map[string]int{}
		for i := range s.all[:2] {
			for _, n := range names(&s.all[i], f.Key) {
				counts[n]++
			}
		}
		got := map[string]int{}
		for _, term := range s.allTerms(t, f.Key, catalog.TermQuery{Where: where}) {
			got[term.Name] += term.Count
		}
		if fmt.Sprint(got) != fmt.Sprint(counts) {
			t.Errorf("Terms(%s) of two books = %v, want %v", f.Key, got, counts)
		}
	}
}
