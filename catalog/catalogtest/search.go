package catalogtest

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/pressmark/pressmark/catalog"
)

// unsupported tells whether a reader lacks a role, which a wrapper may say
// only when it is called.
func unsupported(err error) bool { return errors.Is(err, errors.ErrUnsupported) }

// searching asks in the search language. Any language is good that takes a
// plain word for one that has to be found, and in which a parenthesis that is
// not closed is an error.
func (s *suite) searching(t *testing.T) {
	r, ok := catalog.As[catalog.Searcher](s.r)
	if ok {
		_, err := r.Parse(s.ctx, "")
		ok = !unsupported(err)
	}
	if !ok {
		t.Log("the reader is no Searcher")
		_, err := s.r.Books(s.ctx, catalog.Query{Where: catalog.Search("tide")})
		s.invalid(t, err, "q")
		return
	}
	for _, blank := range []string{"", " ", "\n\t"} {
		if p, err := r.Parse(s.ctx, blank); err != nil || p.Expr != nil {
			t.Errorf("Parse(%q) = %#v, %v; want what selects everything", blank, p.Expr, err)
		}
	}
	for word, id := range s.plainWords() {
		p, err := r.Parse(s.ctx, word)
		if err != nil {
			t.Fatalf("Parse(%q): %v", word, err)
		}
		if !slices.ContainsFunc(p.Words, func(w string) bool { return strings.EqualFold(w, word) }) {
			t.Errorf("Parse(%q) has the words %q", word, p.Words)
		}
		want := s.selected(t, p.Expr)
		if !slices.Contains(want, id) {
			t.Errorf("%q does not find book %d, which has it in its title", word, id)
		}
		if got := s.selected(t, catalog.Search(word)); !slices.Equal(got, want) {
			t.Errorf("Search(%q) selects %v, what it means %v", word, short(got), short(want))
		}
		not := catalog.And{catalog.Not{X: catalog.Search(word)}, catalog.Or{catalog.IDs{}, catalog.Search("")}}
		if got := s.selected(t, not); len(got) != len(s.all)-len(want) {
			t.Errorf("%#v selects %d books of %d; %d have it", not, len(got), len(s.all), len(want))
		}
		got := s.allTerms(t, catalog.FieldAuthors, catalog.TermQuery{Where: catalog.Search(word)})
		if terms := s.allTerms(t, catalog.FieldAuthors, catalog.TermQuery{Where: p.Expr}); !slices.Equal(got, terms) {
			t.Errorf("terms within Search(%q) are %v, within what it means %v", word, got, terms)
		}
	}
	const broken = "("
	_, err := r.Parse(s.ctx, broken)
	s.invalid(t, err, "q")
	var bad *catalog.InvalidError
	if errors.As(err, &bad) && (bad.Expected == "" || bad.Position < 0 || bad.Position > len(broken)) {
		t.Errorf("Parse(%q) does not say what was expected where: %+v", broken, *bad)
	}
	_, err = s.r.Books(s.ctx, catalog.Query{Where: catalog.Search(broken)})
	s.invalid(t, err, "q")
	_, err = s.r.Terms(s.ctx, catalog.FieldAuthors, catalog.TermQuery{Where: catalog.Not{X: catalog.Search(broken)}})
	s.invalid(t, err, "q")
}

// plainWords returns some words of titles that no language takes for anything
// else, with the first book that has each.
func (s *suite) plainWords() map[string]catalog.BookID {
	out := map[string]catalog.BookID{}
	for i := range s.all {
		for w := range strings.FieldsSeq(s.all[i].Title) {
			letters := !strings.ContainsFunc(w, func(r rune) bool { return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') })
			reserved := slices.Contains([]string{"true", "false"}, strings.ToLower(w))
			if _, ok := out[w]; !ok && letters && !reserved && len(w) > 3 && len(out) < 8 {
				out[w] = s.all[i].ID
			}
		}
	}
	return out
}

// views asks for the selections that have a name.
func (s *suite) views(t *testing.T) {
	r, ok := catalog.As[catalog.Searcher](s.r)
	if !ok {
		return
	}
	views, err := r.Views(s.ctx)
	if unsupported(err) {
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	kinds := []catalog.ViewKind{catalog.VirtualLibrary, catalog.SavedSearch, catalog.UserCategory}
	if !slices.IsSortedFunc(views, func(a, b catalog.View) int { return slices.Index(kinds, a.Kind) - slices.Index(kinds, b.Kind) }) {
		t.Errorf("the kinds of views are mixed: %+v", views)
	}
	same := func(a, b catalog.View) bool { a.Problem, b.Problem = nil, nil; return reflect.DeepEqual(a, b) }
	for i, v := range views {
		if slices.ContainsFunc(views[:i], func(o catalog.View) bool { return o.Ref == v.Ref }) {
			t.Errorf("two views have the reference %q", v.Ref)
		}
		if got, err := r.View(s.ctx, v.Ref); err != nil || !same(got, v) {
			t.Errorf("View(%q) = %+v, %v; want %+v", v.Ref, got, err, v)
		}
		_, err := s.r.Books(s.ctx, catalog.Query{Where: catalog.Search(v.Text)})
		if v.Problem == nil && err != nil {
			t.Errorf("view %q: %v", v.Ref, err)
		}
		if v.Problem != nil {
			s.invalid(t, v.Problem, "q")
			s.invalid(t, err, "q")
		}
	}
	if _, err := r.View(s.ctx, "no view is called so"); !errors.Is(err, catalog.ErrNotFound) {
		t.Errorf("an unknown view is %v, want ErrNotFound", err)
	}
}

// suggestions completes the beginnings of words.
func (s *suite) suggestions(t *testing.T) {
	r, ok := catalog.As[catalog.Searcher](s.r)
	if !ok {
		return
	}
	one := &s.all[len(s.all)/2]
	for word := range s.plainWords() {
		for _, q := range []catalog.SuggestQuery{
			{Text: word[:3]},
			{Text: word, Limit: 3},
			{Text: word[:1], Limit: 50, Where: catalog.IDs{one.ID}},
		} {
			list, err := r.Suggest(s.ctx, q)
			if unsupported(err) {
				return
			}
			limit := q.Limit
			if limit == 0 {
				limit = 10
			}
			if err != nil || len(list) > limit {
				t.Fatalf("Suggest(%+v) has %d, %v", q, len(list), err)
			}
			for _, g := range list {
				s.suggested(t, r, &g)
				if q.Where == nil {
					continue
				}
				if g.Kind == catalog.SuggestTitle && g.Book != one.ID || g.Kind == catalog.SuggestValue && g.Count != 1 {
					t.Errorf("Suggest(%+v) has %+v, which is not of that book", q, g)
				}
			}
		}
	}
}

// suggested checks what one suggestion promises.
func (s *suite) suggested(t *testing.T, r catalog.Searcher, g *catalog.Suggestion) {
	if g.Label == "" || g.Text == "" {
		t.Errorf("a suggestion without a text: %+v", g)
	}
	if g.Kind != catalog.SuggestValue && g.Kind != catalog.SuggestTitle {
		return
	}
	p, err := r.Parse(s.ctx, g.Text)
	if err != nil {
		t.Errorf("the suggestion %+v cannot be understood: %v", g, err)
		return
	}
	got := s.selected(t, p.Expr)
	if len(got) < max(g.Count, 1) || g.Kind == catalog.SuggestTitle && !slices.Contains(got, g.Book) {
		t.Errorf("the suggestion %+v selects %v", g, short(got))
	}
}
