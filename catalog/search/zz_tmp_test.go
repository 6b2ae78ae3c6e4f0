package search_test

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/pressmark/pressmark/catalog"
	"github.com/pressmark/pressmark/catalog/calibre"
	"github.com/pressmark/pressmark/catalog/search"
)

func TestTmp(t *testing.T) {
	lib, err := calibre.Open(calibre.Options{Root: os.Getenv("LIB"), Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	if err := lib.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	fields, _ := lib.Fields(t.Context())
	prefs := map[string]json.RawMessage{}
	for _, k := range []string{"virtual_libraries", "saved_searches", "user_categories", "grouped_search_terms"} {
		prefs[k] = lib.Preference(k)
	}
	r := search.NewReader(lib.Snapshot(), search.New(fields, prefs, search.Options{}))
	text, _ := os.ReadFile(os.Getenv("EXPRS"))
	n := lib.Status().Books
	var out strings.Builder
	for _, e := range strings.Split(string(text), "\n") {
		if e == "" {
			continue
		}
		res := ""
		page, err := r.Books(t.Context(), catalog.Query{Where: catalog.Search(e), Limit: 500})
		switch {
		case err != nil:
			res = "ERR " + err.Error()
		case page.Total == n:
			res = "ALL"
		case page.Total == 0:
			res = "NONE"
		default:
			ids := []string{}
			for _, b := range page.Items {
				ids = append(ids, fmt.Sprint(b.ID))
			}
			res = "[" + strings.Join(ids, ", ") + "]"
		}
		fmt.Fprintf(&out, "'%s' => %s\n", e, res)
	}
	os.WriteFile(os.Getenv("OUT"), []byte(out.String()), 0o644)
}
