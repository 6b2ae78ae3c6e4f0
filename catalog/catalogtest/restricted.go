package catalogtest

import (
	"encoding/base64"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/pressmark/pressmark/catalog"
)

// restricted runs the suite over a reader of two thirds of the books, and
// looks for the others by every method.
func (s *suite) restricted(t *testing.T) {
	hidden, seen := catalog.IDs{}, catalog.IDs{}
	for i := range s.all {
		if i%3 == 1 {
			hidden = append(hidden, s.all[i].ID)
		} else {
			seen = append(seen, s.all[i].ID)
		}
	}
	e := catalog.And{catalog.Not{X: hidden}}
	inner := &suite{r: catalog.Restrict(s.r, e), ctx: s.ctx, owners: s.owners}
	inner.load(t)
	if got := ids(inner.all); !slices.Equal(got, seen) {
		t.Fatalf("without %v there are %v", short(hidden), short(got))
	}
	inner.run(t)
	t.Run("Hidden", func(t *testing.T) { inner.hides(t, s) })
	t.Run("Broken", s.broken)
}

// hides looks for what only the outer reader has.
func (s *suite) hides(t *testing.T, outer *suite) {
	_, unknown := s.r.Book(s.ctx, 1<<40)
	secrets := s.secrets(outer)
	hidden := slices.DeleteFunc(slices.Clone(outer.all), func(b catalog.Book) bool {
		return slices.ContainsFunc(s.all, func(x catalog.Book) bool { return x.ID == b.ID })
	})
	for i := range min(len(hidden), 50) {
		b := &hidden[i]
		_, err := s.r.Book(s.ctx, b.ID)
		if !errors.Is(err, catalog.ErrNotFound) || !alike(err, unknown) {
			t.Errorf("hidden book %d is %v, one that is not there %v", b.ID, err, unknown)
		}
		title := catalog.Match{Field: catalog.FieldTitle, Text: catalog.Text{Kind: catalog.Whole, Value: b.Title}}
		for _, e := range []catalog.Expr{
			catalog.IDs{b.ID},
			catalog.UUIDs{b.UUID},
			title,
			catalog.Or{title, catalog.IDs{b.ID}},
			catalog.Not{X: catalog.Not{X: catalog.IDs{b.ID}}},
			catalog.Match{Text: catalog.Text{Value: b.Title}},
			catalog.Is{Field: catalog.FieldUUID, Value: b.UUID},
		} {
			if got := s.selected(t, e); slices.Contains(got, b.ID) {
				t.Errorf("%#v shows hidden book %d", e, b.ID)
			}
		}
		if br := s.browser(t); br != nil {
			_, unknown := br.Related(s.ctx, 1<<40, catalog.RelatedQuery{})
			if _, err := br.Related(s.ctx, b.ID, catalog.RelatedQuery{}); !errors.Is(err, catalog.ErrNotFound) || !alike(err, unknown) {
				t.Errorf("Related of hidden book %d is %v, of one that is not there %v", b.ID, err, unknown)
			}
		}
		if sr, ok := catalog.As[catalog.Searcher](s.r); ok && len(b.Title) > 2 {
			list, _ := sr.Suggest(s.ctx, catalog.SuggestQuery{Text: b.Title[:len(b.Title)-1], Limit: 50})
			for _, g := range list {
				if g.Book == b.ID || slices.Contains(secrets, g.Label) {
					t.Errorf("a suggestion shows hidden book %d: %+v", b.ID, g)
				}
			}
		}
	}
	s.keepsSecrets(t, secrets)
	s.tellsApart(t, outer)
	if _, ok := s.r.(catalog.Unwrapper); ok {
		t.Error("a restricted reader can be unwrapped")
	}
}

// alike tells whether two errors differ in the book's number only.
func alike(a, b error) bool {
	digits := func(r rune) rune {
		if r >= '0' && r <= '9' {
			return -1
		}
		return r
	}
	return a != nil && b != nil && strings.Map(digits, a.Error()) == strings.Map(digits, b.Error())
}

// secrets returns titles and values of six letters or more that only hidden
// books have and that are in no title or value of the others.
func (s *suite) secrets(outer *suite) []string {
	values := func(books []catalog.Book) map[string]bool {
		out := map[string]bool{}
		for i := range books {
			out[books[i].Title] = true
			for _, f := range s.fields {
				if f.HasTerms {
					for _, n := range names(&books[i], f.Key) {
						out[n] = true
					}
				}
			}
		}
		return out
	}
	shown := values(s.all)
	var out []string
	all := strings.Join(slices.Collect(maps.Keys(shown)), "\x00")
	for v := range values(outer.all) {
		if len(v) > 5 && !strings.Contains(all, v) {
			out = append(out, v)
		}
	}
	return out
}

// keepsSecrets looks at terms, and into the cursors that are handed out: they
// hold what they were taken at.
func (s *suite) keepsSecrets(t *testing.T, secrets []string) {
	check := func(what string, texts ...string) {
		for _, x := range texts {
			raw, _ := base64.RawURLEncoding.DecodeString(x)
			for _, secret := range secrets {
				if x == secret || strings.Contains(string(raw), secret) {
					t.Errorf("%s show %q, which only hidden books have", what, secret)
				}
			}
		}
	}
	br := s.browser(t)
	for _, f := range s.fields {
		if !f.HasTerms {
			continue
		}
		for _, q := range []catalog.TermQuery{{Limit: 2}, {Limit: 2, ByCount: true}, {Limit: 2, Desc: true}} {
			for range 100 {
				page, err := s.r.Terms(s.ctx, f.Key, q)
				if err != nil {
					t.Fatal(err)
				}
				for _, x := range page.Items {
					check("terms", x.Name, x.Sort)
				}
				check("cursors of terms", string(page.Next))
				if q.After = page.Next; q.After == "" {
					break
				}
			}
		}
		if br == nil {
			continue
		}
		groups, err := br.Letters(s.ctx, f.Key, catalog.TermQuery{})
		if err != nil {
			t.Fatal(err)
		}
		for _, g := range groups {
			check("letters", string(g.After))
		}
		for _, x := range s.allBranches(t, br, f.Key, catalog.BranchQuery{Limit: catalog.MaxLimit}) {
			check("branches", x.Name, x.Value)
		}
	}
}

// tellsApart checks that readers of different books have different revisions.
func (s *suite) tellsApart(t *testing.T, outer *suite) {
	seen := map[catalog.Revision]string{}
	for name, r := range map[string]catalog.Reader{
		"the library":    outer.r,
		"the restricted": s.r,
		"one book":       catalog.Restrict(outer.r, catalog.IDs{s.all[0].ID}),
		"another book":   catalog.Restrict(outer.r, catalog.IDs{s.all[1].ID}),
		"twice":          catalog.Restrict(s.r, catalog.IDs{s.all[1].ID}),
	} {
		rev, err := r.Revision(s.ctx)
		if err != nil {
			t.Fatal(err)
		}
		if other, ok := seen[rev]; ok {
			t.Errorf("%s and %s have the same revision", name, other)
		}
		seen[rev] = name
	}
}

// broken restricts by what does not evaluate: nothing is shown, and what is
// asked wrongly is an error all the same.
func (s *suite) broken(t *testing.T) {
	for _, e := range []catalog.Expr{
		catalog.Has{Field: "nope"},
		catalog.Or{catalog.IDs{s.all[0].ID}, catalog.Is{Field: "#deleted", Value: "x"}},
		catalog.Not{X: catalog.Search("(")},
	} {
		r := catalog.Restrict(s.r, e)
		s.invalid(t, catalog.RestrictionError(s.ctx, r), "")
		page, err := r.Books(s.ctx, catalog.Query{Where: catalog.IDs{s.all[0].ID}})
		if err != nil || page.Total != 0 || len(page.Items) != 0 {
			t.Errorf("within %#v there are %d books, %v", e, page.Total, err)
		}
		if _, err := r.Book(s.ctx, s.all[0].ID); !errors.Is(err, catalog.ErrNotFound) {
			t.Errorf("within %#v a book is %v, want ErrNotFound", e, err)
		}
		terms, err := r.Terms(s.ctx, catalog.FieldAuthors, catalog.TermQuery{})
		if err != nil || terms.Total != 0 || len(terms.Items) != 0 {
			t.Errorf("within %#v there are the authors %v, %v", e, terms.Items, err)
		}
		if _, err := r.Revision(s.ctx); err != nil {
			t.Errorf("within %#v: %v", e, err)
		}
		_, err = r.Books(s.ctx, catalog.Query{Where: catalog.Has{Field: "other"}})
		s.invalid(t, err, "filter")
		_, err = r.Books(s.ctx, catalog.Query{After: "x"})
		s.invalid(t, err, "cursor")
	}
}
