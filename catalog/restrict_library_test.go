package catalog_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/pressmark/pressmark/catalog"
	"github.com/pressmark/pressmark/catalog/index"
)

// columns are the fields of the libraries below.
func columns() []catalog.Field {
	f := catalog.Builtin(true)
	for _, c := range []catalog.Field{
		{Key: "#genre", Type: catalog.TypeText, Multiple: true, HasTerms: true, Hierarchical: true},
		{Key: "#mood", Type: catalog.TypeEnumeration, HasTerms: true, Values: []string{"calm", "dark", "odd"}},
		{Key: "#cycle", Type: catalog.TypeSeries, HasTerms: true},
		{Key: "#price", Type: catalog.TypeFloat},
		{Key: "#read", Type: catalog.TypeBool},
		{Key: "#bought", Type: catalog.TypeDatetime},
		{Key: "#notes", Type: catalog.TypeComments},
	} {
		c.Custom, c.Stored, c.Searchable, c.Sortable = true, true, true, c.Type != catalog.TypeComments
		f = append(f, c)
	}
	return f
}

// pick makes random values out of few, so that many books share some and many
// have none.
type pick struct{ *rand.Rand }

func (p pick) of(words ...string) string { return words[p.IntN(len(words))] }

func (p pick) maybe() bool { return p.IntN(3) > 0 }

func (p pick) item(words ...string) catalog.Item {
	i := p.IntN(len(words))
	return catalog.Item{ID: int64(i + 1), Name: words[i], Sort: words[i]}
}

func (p pick) items(n int, words ...string) []catalog.Item {
	var out []catalog.Item
	for range p.IntN(n + 1) {
		if it := p.item(words...); !slices.Contains(out, it) {
			out = append(out, it)
		}
	}
	return out
}

func (p pick) day() time.Time {
	if !p.maybe() {
		return time.Time{}
	}
	return time.Date(2020+p.IntN(4), time.Month(1+p.IntN(12)), 1+p.IntN(28), p.IntN(24), 0, 0, 0, time.UTC)
}

// book makes a book in plain text, with levels in tags and genres.
func (p pick) book(id catalog.BookID) catalog.Book {
	word := func() string {
		return p.of("tide", "Clerk", "harbour", "ledger", "salt", "winter", "Maps", "sea", "o'clock", "half-light")
	}
	b := catalog.Book{
		ID: id, UUID: fmt.Sprintf("u-%d", p.IntN(400)), Title: word() + " " + word(),
		Authors: p.items(3, "Maren Holloway", "Lee Quist", "Bo Castellan", "Ines Harbour", "J. Salt", "Tide Winter"),
		Tags: p.items(4, "Sea", "Sea.Salt", "Sea.Salt.Coarse", "Sea.Maps", "Land.Maps", "Land.Roads.Old", "Winter", "Quiet.Rooms", "Old-Times",
			fmt.Sprint("Shelf ", id%40), fmt.Sprintf("Box.No %d", id%60), fmt.Sprintf("Box.No %d.Lid %d", id%60, id%70)),
		Languages: p.items(2, "eng", "deu", "fra"), Published: p.day(), Added: p.day(), Modified: p.day(), SeriesIdx: 1,
		Path: fmt.Sprintf("A/B (%d)", id),
	}
	if p.maybe() {
		b.Title += " " + word()
	}
	b.TitleSort = b.Title
	for i, a := range b.Authors {
		if i > 0 {
			b.AuthorSort += " & "
		}
		b.AuthorSort += a.Sort
	}
	if p.maybe() {
		it := p.item("Harbour Ledgers", "Slow Year", "Almanac", "Tide.Tables")
		b.Series = &it
	}
	if p.maybe() {
		b.SeriesIdx = float64(p.IntN(9)) / 2
	}
	if p.maybe() {
		it := p.item("Lantern Press", "Quay Books")
		b.Publisher, b.Rating, b.Pages = &it, float64(1+p.IntN(10))/2, 1+p.IntN(900)
		b.Comments = "<p>" + word() + ", " + word() + "</p>"
		b.Cover = b.Path + "/cover.jpg"
	}
	for _, f := range []string{"EPUB", "PDF"} {
		if p.maybe() {
			b.Formats = append(b.Formats, catalog.Format{Name: f, File: "x", Size: int64(p.IntN(5) * 1000), Key: b.Path + "/x"})
		}
	}
	for _, k := range []string{"asin", "isbn"} {
		if p.maybe() {
			b.Identifiers = append(b.Identifiers, catalog.Identifier{Type: k, Value: fmt.Sprint(100 + p.IntN(50))})
		}
	}
	for _, f := range columns() {
		if f.Custom {
			b.Custom = append(b.Custom, p.custom(&f))
		}
	}
	return b
}

func (p pick) custom(f *catalog.Field) catalog.Custom {
	c := catalog.Custom{Key: f.Key, Type: f.Type, Multiple: f.Multiple}
	if !p.maybe() {
		return c
	}
	switch f.Type {
	case catalog.TypeText:
		c.Items = p.items(3, "Fiction", "Fiction.Sea", "Fiction.Sea.Polar", "Fact.Sea", "Fact")
	case catalog.TypeEnumeration:
		c.Items = p.items(1, f.Values...)
	case catalog.TypeSeries:
		if c.Items = p.items(1, "Seasons", "Months"); c.Items != nil {
			c.Index = float64(p.IntN(4))
		}
	case catalog.TypeFloat:
		c.Number, c.Set = float64(p.IntN(40))/4, true
	case catalog.TypeBool:
		c.Bool, c.Set = p.maybe(), true
	case catalog.TypeDatetime:
		c.Time = p.day()
	case catalog.TypeComments:
		c.Text = p.of("read twice", "lent to Bo")
	}
	return c
}

func (p pick) books(n int) []catalog.Book {
	var out []catalog.Book
	for id := catalog.BookID(1); len(out) < n; id += catalog.BookID(1 + p.IntN(3)) {
		out = append(out, p.book(id))
	}
	return out
}

// shelve makes an index of books.
func shelve(t testing.TB, books []catalog.Book) *index.Index {
	t.Helper()
	b, err := index.NewBuilder(index.Meta{Library: "library", Fields: columns()}, index.Options{
		Encode: func(dst []byte, b *catalog.Book) []byte {
			text, _ := json.Marshal(b.Title)
			return append(dst, text...)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	for i := range books {
		if err := b.Add(&books[i]); err != nil {
			t.Fatal(err)
		}
	}
	ix, err := b.Build(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return ix
}

// asked returns the ids of the books that r selects.
func asked(t testing.TB, r catalog.Reader, where catalog.Expr) catalog.IDs {
	t.Helper()
	out := catalog.IDs{}
	q := catalog.Query{Where: where, Limit: catalog.MaxLimit}
	for {
		page, err := r.Books(context.Background(), q)
		if err != nil {
			t.Fatal(err)
		}
		for i := range page.Items {
			out = append(out, page.Items[i].ID)
		}
		if q.After = page.Next; q.After == "" {
			return out
		}
	}
}
