package search_test

import (
	_ "embed"
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/pressmark/pressmark/catalog/calibre/calibretest"
	"github.com/pressmark/pressmark/catalog/search"
)

//go:embed testdata/parse.py
var parseScript string

// locations are what stands before a colon in these tests.
var locations = []string{
	"all", "title", "tags", "author", "identifiers", "search", "vl", "#genre", "my group",
	"@news", "@a b", `@a"b`, `@a(b)`, `@a\b`, "@σας",
}

func isLocation(name string) bool { return slices.Contains(locations, name) }

// parts are what random expressions are made of.
var parts = []string{
	" ", " ", " ", "(", ")", `"`, `"""`, `\`, `\"`, `\(`, `\)`, `\\`, ":", ":", "and", "or", "not", "AND", "Or", "a", "b", "tide",
	"title:", "Tags:", "all:", "search:", "#genre:", "my group:", `"""my group:"""`, "@news:", "@a b:", `@a\"b:`, "@a(b):", `@a\\b:`,
	"@ΣΑΣ:", "@", "=", "~", "é", "水", "\t", "\n", "\u00a0", "\x1f", "\x01", "\x02", "\x04", "x:y", `"not"`, `"or"`, "İ",
}

func randomText(r *rand.Rand) string {
	var b strings.Builder
	for range 1 + r.IntN(12) {
		b.WriteString(parts[r.IntN(len(parts))])
	}
	return b.String()
}

// plainTree is a tree as testdata/parse.py writes it.
func plainTree(n search.Node) []any {
	list := func(kind string, members []search.Node) []any {
		out := []any{kind}
		for _, m := range members {
			out = append(out, plainTree(m))
		}
		return out
	}
	switch n := n.(type) {
	case search.And:
		return list("and", n)
	case search.Or:
		return list("or", n)
	case search.Not:
		return []any{"not", plainTree(n.X)}
	case search.Term:
		if n.Field == "" {
			n.Field = "all"
		}
		return []any{"token", n.Field, n.Value}
	}
	return nil
}

// blank writes the value of a category in which nothing is looked for as Parse
// does.
func blank(tree []any) []any {
	if field, ok := tree[1].(string); ok && tree[0] == "token" && field[0] == '@' && tree[2] == "" {
		return []any{"token", field, " "}
	}
	for i, m := range tree {
		if m, ok := m.([]any); ok {
			tree[i] = blank(m)
		}
	}
	return tree
}

// TestCalibreParsesTheSame compares trees with those of Calibre's own parser.
func TestCalibreParsesTheSame(t *testing.T) {
	calibretest.RequireCalibre(t)
	texts := append([]string{}, syntaxTexts...)
	r := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		texts = append(texts, randomText(r))
	}
	given, err := json.Marshal(map[string]any{"locations": locations, "texts": texts})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "given.json")
	if err := os.WriteFile(file, given, 0o600); err != nil {
		t.Fatal(err)
	}
	var trees [][]any
	if err := json.Unmarshal([]byte(calibretest.Debug(t, parseScript, file)), &trees); err != nil {
		t.Fatal(err)
	}
	answered, failed := 0, 0
	for i, text := range texts {
		want := blank(trees[i])
		n, err := search.Parse(text, isLocation)
		switch {
		case want[0] == "error":
			failed++
			// A text of white space alone is asked of the whole library.
			if err == nil && n != nil {
				t.Errorf("%q is %q, Calibre says %v", text, n, want[1])
			}
		case err != nil:
			// What Calibre reads in its own way and cannot be meant.
			if !strings.Contains(err.Error(), "a quote is not closed") && !strings.Contains(err.Error(), "there is no") {
				t.Errorf("%q: %v, Calibre makes %v of it", text, err, want)
			}
		case n == nil: // Calibre looks for what it does not take for white space
		default:
			answered++
			if got := plainTree(n); !reflect.DeepEqual(got, want) {
				t.Errorf("%q is\n%v, Calibre makes\n%v of it", text, got, want)
			}
		}
	}
	if answered < len(texts)/5 || failed < len(texts)/20 {
		t.Errorf("%d texts of %d were compared, %d are errors", answered, len(texts), failed)
	}
}
