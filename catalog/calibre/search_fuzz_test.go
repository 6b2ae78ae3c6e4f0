package calibre_test

import (
	"errors"
	"testing"
	"time"

	"github.com/pressmark/pressmark/catalog"
	"github.com/pressmark/pressmark/catalog/calibre"
	"github.com/pressmark/pressmark/catalog/calibre/calibretest"
)

// FuzzSearch parses and evaluates any text over the sample library. Text is
// refused with a place in it, or selects books, of which its opposite selects
// the others.
func FuzzSearch(f *testing.F) {
	lib, err := calibre.Open(calibre.Options{Root: calibretest.Sample(f), Dir: f.TempDir(), Location: time.UTC})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { lib.Close() })
	if err := errors.Join(lib.Load(f.Context()), lib.Prepare(f.Context())); err != nil {
		f.Fatal(err)
	}
	for _, text := range []string{
		"tide clerk", `title:"=the tide clerk" or not tags:maps`, "#pages:>300 rating:>=4", "date:7daysago", "isbn:=978", "~^the|[a-z]+",
		"vl:Sea and search:Recent", "@Northern:true", "tags:#>1", `("""a(b""")`, "size:>2k", "cover:true #read:empty", "#cycle_index:!=2",
	} {
		f.Add(text)
	}
	total := func(t *testing.T, e catalog.Expr) (int, error) {
		page, err := lib.Books(t.Context(), catalog.Query{Where: e, Limit: 1})
		return page.Total, err
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := lib.Parse(t.Context(), text)
		var n int
		if err == nil {
			n, err = total(t, p.Expr)
		}
		var invalid *catalog.InvalidError
		switch {
		case errors.As(err, &invalid) && invalid.Part == "q":
			if invalid.Position < 0 || invalid.Position > len([]rune(text)) {
				t.Errorf("%q: %v", text, err)
			}
			return
		case err != nil:
			t.Fatalf("%q: %v", text, err)
		}
		if rest, err := total(t, catalog.Not{X: p.Expr}); err != nil || n+rest != 24 {
			t.Errorf("%q selects %d books, its opposite %d, %v", text, n, rest, err)
		}
	})
}
