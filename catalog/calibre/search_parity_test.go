package calibre_test

import (
	_ "embed"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pressmark/pressmark/catalog"
	"github.com/pressmark/pressmark/catalog/calibre"
	"github.com/pressmark/pressmark/catalog/calibre/calibretest"
)

var (
	//go:embed testdata/search_expressions.txt
	searchExpressions string
	//go:embed testdata/search_library.py
	searchLibrary string
	//go:embed testdata/search_ask.py
	searchAsk string
)

// searchAnswer is what Calibre answers to an expression.
type searchAnswer struct {
	Books []catalog.BookID
	Error string
}

// searchAnswers is what testdata/search_ask.py returns.
type searchAnswers struct {
	Answers        []searchAnswer
	VirtualLibrary map[string]searchAnswer `json:"virtual_library"`
	SavedSearch    map[string]searchAnswer `json:"saved_search"`
	UserCategory   map[string]searchAnswer `json:"user_category"`
	All            []catalog.BookID
	Day            string
}

// TestSearchParity asks Calibre and us the same expressions about the same
// libraries. Where the answers differ the expression is in searchDifferences,
// with the reason that the text of package search gives.
func TestSearchParity(t *testing.T) {
	calibretest.RequireCalibre(t)
	var list []string
	for line := range strings.Lines(searchExpressions) {
		if line = strings.TrimSuffix(line, "\n"); line != "" && !strings.HasPrefix(line, "# ") {
			list = append(list, line)
		}
	}
	if len(list) < 400 {
		t.Fatalf("%d expressions", len(list))
	}
	differ := searchDifferences()
	doc, err := os.ReadFile("../search/search.go")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.ToLower(strings.Join(strings.Fields(strings.ReplaceAll(string(doc), "//", " ")), " "))
	for expr, why := range differ {
		if !strings.Contains(text, why) {
			t.Errorf("%s: the text of package search does not say that %s", expr, why)
		}
	}
	for _, expr := range slices.Sorted(keysOf(differ)) {
		if !slices.Contains(list, expr) {
			t.Errorf("%s: listed as different, and never asked", expr)
		}
	}
	generated := func(tb testing.TB) string {
		root := tb.TempDir()
		if err := calibretest.Generate(tb.Context(), filepath.Join(root, "metadata.db"), calibretest.Spec{Books: 400, Seed: 3}); err != nil {
			tb.Fatal(err)
		}
		return root
	}
	differed := map[string]bool{}
	for _, c := range []struct {
		name, zone string
		tristate   bool
		make       func(testing.TB) string
	}{
		{"sample", "America/New_York", true, calibretest.Sample},
		{"generated", "UTC", false, generated},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv("TZ", c.zone)
			zone, err := time.LoadLocation(c.zone)
			if err != nil {
				t.Fatal(err)
			}
			root := c.make(t)
			driver := calibretest.NewDriver(t, root)
			driver.Exec(searchLibrary, c.tristate)
			var want searchAnswers
			// A day must not end between the two answers.
			for day := ""; day != want.Day || day == ""; day = time.Now().In(zone).Format(time.DateOnly) {
				if err := driver.Eval(&want, searchAsk, list); err != nil {
					t.Fatal(err)
				}
			}
			if err := driver.Close(); err != nil {
				t.Fatal(err)
			}
			lib, err := calibre.Open(calibre.Options{Root: root, Dir: t.TempDir(), Location: zone})
			if err != nil {
				t.Fatal(err)
			}
			defer lib.Close()
			if err := errors.Join(lib.Load(t.Context()), lib.Prepare(t.Context())); err != nil {
				t.Fatal(err)
			}
			interesting := 0
			for i, expr := range list {
				w := want.Answers[i]
				if n := len(w.Books); n > 0 && n < len(want.All) {
					interesting++
				}
				if got, ok := sameAnswer(t, lib, expr, w); !ok {
					differed[expr] = true
					if _, listed := differ[expr]; !listed {
						t.Errorf("%s\n  ours %s\n  Calibre's %v", expr, got, w)
					}
				}
			}
			if interesting < len(list)/2 {
				t.Errorf("only %d of %d expressions select some books and not all", interesting, len(list))
			}
			compareViews(t, lib, &want)
		})
	}
	for expr, why := range differ {
		if !differed[expr] && !t.Failed() {
			t.Errorf("%s: the same as Calibre's, and listed as different: %s", expr, why)
		}
	}
}

// sameAnswer asks us, and says whether the answer is that of Calibre. Both may
// refuse an expression.
func sameAnswer(t *testing.T, lib *calibre.Library, expr string, want searchAnswer) (got string, same bool) {
	t.Helper()
	p, err := lib.Parse(t.Context(), expr)
	var ids []catalog.BookID
	if err == nil {
		ids, err = selected(t, lib, p.Expr)
	}
	if err != nil {
		var invalid *catalog.InvalidError
		if !errors.As(err, &invalid) || invalid.Part != "q" {
			t.Errorf("%s: %v", expr, err)
		}
		return err.Error(), want.Error != ""
	}
	return catalog.Key(p.Expr) + " " + short(ids), want.Error == "" && slices.Equal(ids, want.Books)
}

func selected(t *testing.T, r catalog.Reader, where catalog.Expr) (ids []catalog.BookID, err error) {
	t.Helper()
	q := catalog.Query{Where: where, Limit: catalog.MaxLimit}
	for {
		page, err := r.Books(t.Context(), q)
		if err != nil {
			return nil, err
		}
		for i := range page.Items {
			ids = append(ids, page.Items[i].ID)
		}
		if q.After = page.Next; q.After == "" {
			return ids, nil
		}
	}
}

// compareViews holds what each view shows against what Calibre shows in it. One
// that Calibre refuses shows nothing.
func compareViews(t *testing.T, lib *calibre.Library, want *searchAnswers) {
	t.Helper()
	views, err := lib.Views(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[catalog.ViewKind]map[string]searchAnswer{
		catalog.VirtualLibrary: want.VirtualLibrary, catalog.SavedSearch: want.SavedSearch, catalog.UserCategory: want.UserCategory,
	}
	n := 0
	for _, answers := range kinds {
		n += len(answers)
	}
	if len(views) != n || n < 20 {
		t.Errorf("%d views, Calibre has %d", len(views), n)
	}
	for _, v := range views {
		w, ok := kinds[v.Kind][v.Name]
		if !ok {
			t.Errorf("Calibre has no %s %q", v.Kind, v.Name)
			continue
		}
		if v.Kind == catalog.UserCategory && strings.ContainsAny(v.Name, "()") {
			continue // Calibre cannot be asked for it
		}
		if (v.Problem != nil) != (w.Error != "") {
			t.Errorf("%s %q: problem %v, Calibre's %q", v.Kind, v.Name, v.Problem, w.Error)
		}
		got, err := selected(t, catalog.Restrict(lib, catalog.Search(v.Text)), nil)
		if err != nil || !slices.Equal(got, w.Books) {
			t.Errorf("%s %q (%s): %s, %v, Calibre's %v", v.Kind, v.Name, v.Text, short(got), err, w)
		}
	}
}
