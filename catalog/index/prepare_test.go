package index_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/pressmark/pressmark/catalog"
	"github.com/pressmark/pressmark/catalog/catalogtest"
	"github.com/pressmark/pressmark/catalog/index"
)

func TestConformancePrepared(t *testing.T) {
	for _, dir := range []string{"", t.TempDir()} {
		ix := build(t, dir, randomBooks(rand.New(rand.NewPCG(5, 6)), 80))
		if err := ix.Prepare(t.Context()); err != nil {
			t.Fatal(err)
		}
		if !ix.Prepared() {
			t.Error("not prepared")
		}
		catalogtest.Run(t, ix)
	}
}

// textQueries are expressions that look at text, of every kind.
func textQueries() []catalog.Expr {
	var out []catalog.Expr
	for _, f := range []catalog.FieldKey{
		"", catalog.FieldTitle, catalog.FieldTitleSort, catalog.FieldAuthors, catalog.FieldAuthorSort, catalog.FieldSeries,
		catalog.FieldTags, catalog.FieldPublisher, catalog.FieldComments, catalog.FieldFormats, catalog.FieldUUID,
		catalog.FieldSeriesSort, "#genre", "#mood", "#cycle", "#notes",
	} {
		for _, text := range []string{"tide", "CLERK", "t", "de cl", "uber", "über größe", "дер", "硝子", "odwyer", "O'D", "...", "note", "writer 1", "ee", "u-12", "<p>", "epub"} {
			for _, k := range []catalog.TextKind{catalog.Anywhere, catalog.Punctuated, catalog.Whole, catalog.Below, catalog.Level} {
				out = append(out, catalog.Match{Field: f, Text: catalog.Text{Kind: k, Value: text}})
			}
		}
		for _, pattern := range []string{"tide", "^t", `\bclerk\b`, "[aeiou]{2}", "зим|ledger", ".", "^$", "nothing like it"} {
			out = append(out, catalog.Match{Field: f, Text: catalog.Text{Kind: catalog.Pattern, Value: pattern}})
		}
	}
	return out
}

// TestPrepare holds what a prepared index finds, and its updates, against what
// one finds that looks at all text.
func TestPrepare(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	books := randomBooks(r, 150)
	quick := build(t, t.TempDir(), books)
	if err := quick.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	// late is updated before base, from which it comes, is prepared.
	base := build(t, t.TempDir(), books)
	late := base
	for round := range 4 {
		if round > 0 {
			d := index.Delta{Extra: []byte("x")}
			for id := range books {
				switch {
				case r.IntN(30) == 0:
					delete(books, id)
					d.Removed = append(d.Removed, id)
				case r.IntN(12) == 0:
					books[id] = randomBook(r, id)
					d.Books = append(d.Books, books[id])
				}
			}
			for range 10 {
				id := catalog.BookID(100_000 + r.IntN(1000))
				if _, ok := books[id]; !ok {
					books[id] = randomBook(r, id)
					d.Books = append(d.Books, books[id])
				}
			}
			next, _, err := quick.Update(t.Context(), d)
			if err != nil {
				t.Fatal(err)
			}
			quick = next
			if late, _, err = late.Update(t.Context(), d); err != nil {
				t.Fatal(err)
			}
			if round == 3 {
				if err := base.Prepare(t.Context()); err != nil {
					t.Fatal(err)
				}
				if late.Prepared() || !late.Adopt(base) {
					t.Error("the work for an earlier generation was not taken over")
				}
				quick = late
			}
		}
		slow := build(t, "", books)
		for i, e := range textQueries() {
			where := []catalog.Expr{
				e,
				catalog.Not{X: e},
				catalog.And{catalog.Has{Field: catalog.FieldRating}, e},
				catalog.Or{catalog.Has{Field: "#read"}, e, catalog.And{e, catalog.Is{Field: catalog.FieldFormats, Value: "PDF"}}},
			}[(i+round)%4]
			if got, want := allIDs(t, quick, where), allIDs(t, slow, where); got != want {
				t.Fatalf("round %d, %#v: %s, want %s", round, where, got, want)
			}
		}
	}
}

func allIDs(t *testing.T, r catalog.Reader, where catalog.Expr) string {
	t.Helper()
	var ids []catalog.BookID
	q := catalog.Query{Where: where, Limit: catalog.MaxLimit}
	for {
		p, err := r.Books(t.Context(), q)
		if err != nil {
			t.Fatalf("%#v: %v", where, err)
		}
		for i := range p.Items {
			ids = append(ids, p.Items[i].ID)
		}
		if q.After = p.Next; q.After == "" {
			return fmt.Sprint(ids)
		}
	}
}
