package catalogtest

import (
	"slices"
	"strings"
	"testing"

	"github.com/pressmark/pressmark/catalog"
)

// branches holds the levels of hierarchies against a tree that is made of the
// books.
func (s *suite) branches(t *testing.T) {
	b := s.browser(t)
	if b == nil {
		return
	}
	for _, f := range s.fields {
		if !f.HasTerms || f.Type != catalog.TypeText {
			continue
		}
		for _, where := range s.somewhere() {
			inside := s.inside(where)
			clear := clearLevels(inside, f.Key)
			parents := []string{""}
			for i := 0; i < len(parents) && i < 60; i++ {
				q := catalog.BranchQuery{Parent: parents[i], Where: where, Limit: catalog.MaxLimit}
				got := s.allBranches(t, b, f.Key, q)
				for _, limit := range []int{1, 3} {
					q.Limit = limit
					if paged := s.allBranches(t, b, f.Key, q); len(got) < 100 && !slices.Equal(paged, got) {
						t.Errorf("Branches(%s, %+v) are %v, in one page %v", f.Key, q, paged, got)
					}
				}
				for _, g := range got {
					if g.More {
						parents = append(parents, g.Value)
					}
				}
				if clear {
					s.branchesAre(t, f.Key, q.Parent, got, tree(inside, f.Key, q.Parent))
				}
			}
		}
	}
	if got := s.allBranches(t, b, catalog.FieldTags, catalog.BranchQuery{Parent: "no such level"}); len(got) > 0 {
		t.Errorf("below an unknown level there is %v", got)
	}
	for _, q := range []catalog.BranchQuery{{Limit: -1}, {Limit: catalog.MaxLimit + 1}} {
		_, err := b.Branches(s.ctx, catalog.FieldTags, q)
		s.invalid(t, err, "limit")
	}
	for _, c := range []catalog.Cursor{"x", "AAAA", "%%"} {
		_, err := b.Branches(s.ctx, catalog.FieldTags, catalog.BranchQuery{After: c})
		s.invalid(t, err, "cursor")
	}
	s.browseErrors(t, func(f catalog.FieldKey, where catalog.Expr) error {
		_, err := b.Branches(s.ctx, f, catalog.BranchQuery{Where: where})
		return err
	})
}

// allBranches reads all pages of q.
func (s *suite) allBranches(t *testing.T, b catalog.Browser, f catalog.FieldKey, q catalog.BranchQuery) []catalog.Branch {
	t.Helper()
	var out []catalog.Branch
	for {
		p, err := b.Branches(s.ctx, f, q)
		if err != nil {
			t.Fatalf("Branches(%s, %+v): %v", f, q, err)
		}
		out = append(out, p.Items...)
		if p.Next == "" || len(out) > p.Total {
			if len(out) != p.Total {
				t.Errorf("Branches(%s, %+v): %d on all pages, total says %d", f, q, len(out), p.Total)
			}
			return out
		}
		q.After = p.Next
	}
}

// clearLevels tells whether there is no doubt about the levels of a field's
// values: none is empty or stands between blanks, and none differs from
// another in case alone.
func clearLevels(books []*catalog.Book, f catalog.FieldKey) bool {
	spelling := map[string]string{}
	for _, b := range books {
		for _, v := range names(b, f) {
			if l := strings.ToLower(v); spelling[l] == "" {
				spelling[l] = v
			}
			at := ""
			for l := range strings.SplitSeq(v, ".") {
				if l == "" || strings.TrimSpace(l) != l {
					return false
				}
				at += "." + l
				low := strings.ToLower(at)
				if old, ok := spelling[low]; ok && old != at {
					return false
				}
				spelling[low] = at
			}
		}
	}
	return true
}

// tree returns the levels right below parent, by value.
func tree(books []*catalog.Book, f catalog.FieldKey, parent string) map[string]catalog.Branch {
	out := map[string]catalog.Branch{}
	above := ""
	if parent != "" {
		above = parent + "."
	}
	for _, b := range books {
		here := map[string]catalog.Branch{}
		for _, v := range names(b, f) {
			below, ok := strings.CutPrefix(v, above)
			if !ok {
				continue
			}
			name, _, more := strings.Cut(below, ".")
			x := here[above+name]
			x.Name, x.Value, x.Count = name, above+name, 1
			x.More = x.More || more
			if !more {
				x.Own = 1
			}
			here[x.Value] = x
		}
		for v, x := range here {
			sum := out[v]
			x.Count, x.Own, x.More = x.Count+sum.Count, x.Own+sum.Own, x.More || sum.More
			out[v] = x
		}
	}
	return out
}

func (s *suite) branchesAre(t *testing.T, f catalog.FieldKey, parent string, got []catalog.Branch, want map[string]catalog.Branch) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("Branches(%s) below %q are %v, want %v", f, parent, got, want)
		return
	}
	for _, g := range got {
		if g != want[g.Value] {
			t.Errorf("Branches(%s) below %q has %+v, want %+v", f, parent, g, want[g.Value])
		}
	}
}
