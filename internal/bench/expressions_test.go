package main

import (
	"path/filepath"
	"slices"
	"testing"

	"github.com/pressmark/pressmark/catalog"
	"github.com/pressmark/pressmark/catalog/calibre"
	"github.com/pressmark/pressmark/catalog/calibre/calibretest"
)

// wantExpressions is how many the design asks for.
const wantExpressions = 500

func TestExpressionsAreDifferent(t *testing.T) {
	list := expressions()
	if len(list) != wantExpressions {
		t.Errorf("%d expressions, want %d", len(list), wantExpressions)
	}
	slices.Sort(list)
	for i := range list[1:] {
		if list[i] == list[i+1] {
			t.Errorf("%s is there twice", list[i])
		}
	}
}

// TestExpressionsSelect sees that a generated library understands all
// expressions and views, and that hardly any of them selects nothing.
func TestExpressionsSelect(t *testing.T) {
	dir := t.TempDir()
	if err := calibretest.Generate(t.Context(), filepath.Join(dir, "metadata.db"), calibretest.Spec{Books: 2500, Seed: seed}); err != nil {
		t.Fatal(err)
	}
	lib, err := calibre.Open(calibre.Options{Root: dir, Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { lib.Close() })
	if err := lib.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := lib.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	var none []string
	for _, text := range expressions() {
		p, err := lib.Books(t.Context(), catalog.Query{Where: catalog.Search(text), Limit: 1})
		if err != nil {
			t.Errorf("%s: %v", text, err)
		} else if p.Total == 0 {
			none = append(none, text)
		}
	}
	if len(none) > wantExpressions/50 {
		t.Errorf("%d expressions select nothing: %q", len(none), none)
	}
	for _, name := range virtualLibraries() {
		view, err := lib.View(t.Context(), name)
		if err != nil || view.Kind != catalog.VirtualLibrary || view.Problem != nil {
			t.Errorf("view %s: %+v, %v", name, view, err)
		}
	}
}

func TestAsksAreNew(t *testing.T) {
	list := []string{"tide", `tags:"=Maps"`, "#pages:>300", "a and b"}
	for len(list) < 100 {
		list = append(list, "x"+list[len(list)-4])
	}
	seen := map[string]bool{}
	facets, views := 0, 0
	const rounds = 10
	for round := range rounds {
		once := map[string]bool{}
		for _, a := range asks(list, round) {
			q := target(t, a.request).Query()
			if q.Get("q") != a.expression || once[a.expression] {
				t.Errorf("round %d: %s asks %q", round, a.request, a.expression)
			}
			once[a.expression] = true
			if seen[string(a.request)] {
				t.Errorf("round %d: %s was asked before", round, a.request)
			}
			seen[string(a.request)] = true
			if q.Has("facets") {
				facets++
			}
			if q.Has("view") {
				views++
			}
		}
		if len(once) != len(list) {
			t.Errorf("round %d: %d expressions, want %d", round, len(once), len(list))
		}
	}
	for _, n := range []int{facets, views} {
		if fifth := rounds * len(list) / 5; n < fifth*3/4 || n > fifth*5/4 {
			t.Errorf("%d requests, want about %d", n, fifth)
		}
	}
}
