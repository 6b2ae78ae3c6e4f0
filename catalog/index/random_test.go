package index_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/pressmark/pressmark/cache"
	"github.com/pressmark/pressmark/cache/memcache"
	"github.com/pressmark/pressmark/catalog"
	"github.com/pressmark/pressmark/catalog/index"
)

// fields are those of the random libraries: all built-in ones and a custom
// column of every type.
func fields() []catalog.Field {
	f := catalog.Builtin(true)
	for _, c := range []catalog.Field{
		{Key: "#genre", Type: catalog.TypeText, Multiple: true, HasTerms: true},
		{Key: "#mood", Type: catalog.TypeEnumeration, HasTerms: true, Values: []string{"calm", "dark"}},
		{Key: "#cycle", Type: catalog.TypeSeries, HasTerms: true},
		{Key: "#pages", Type: catalog.TypeInt},
		{Key: "#price", Type: catalog.TypeFloat},
		{Key: "#read", Type: catalog.TypeBool},
		{Key: "#bought", Type: catalog.TypeDatetime},
		{Key: "#stars", Type: catalog.TypeRating, HasTerms: true},
		{Key: "#notes", Type: catalog.TypeComments},
	} {
		c.Custom, c.Stored, c.Searchable = true, true, true
		c.Sortable = c.Type != catalog.TypeComments
		f = append(f, c)
	}
	return append(f, catalog.Field{Key: "#made", Type: catalog.TypeComposite, Custom: true})
}

var words = strings.Fields(`tide clerk Élan Über größe ΣΊΣΥΦΟΣ сЛоварь зимний 硝子 図書館 دفتر المطر naïve
	ledger harbour salt audit-or winter map queue O'Dwyer <b> "q" ñandú ﬁne ½ é e\u0301`)

// randomBook makes a book out of few values, so that many are equal and many
// are missing.
func randomBook(r *rand.Rand, id catalog.BookID) catalog.Book {
	word := func() string { return words[r.IntN(len(words))] }
	maybe := func() bool { return r.IntN(3) > 0 }
	item := func(kind string) catalog.Item {
		n := int64(r.IntN(12) + 1)
		name := fmt.Sprintf("%s %s %d", words[n], kind, n%5)
		return catalog.Item{ID: n, Name: name, Sort: name}
	}
	items := func(kind string, n int) []catalog.Item {
		var out []catalog.Item
	next:
		for range r.IntN(n + 1) {
			it := item(kind)
			for _, o := range out {
				if o.ID == it.ID {
					continue next
				}
			}
			out = append(out, it)
		}
		return out
	}
	day := func() time.Time {
		if !maybe() {
			return time.Time{}
		}
		return time.Date(1200+r.IntN(900), 1, 1+r.IntN(400), 12, 0, 0, r.IntN(2)*5000, time.UTC)
	}
	b := catalog.Book{
		ID: id, UUID: fmt.Sprintf("u-%d", r.IntN(1000)), Title: word() + " " + word(), Authors: items("writer", 3),
		Tags: items("tag", 5), Languages: items("lang", 2), Published: day(), Added: day(), Modified: day(),
		Path: fmt.Sprintf("A/B (%d)", id),
	}
	b.TitleSort = strings.TrimPrefix(b.Title, "tide ")
	for i, a := range b.Authors {
		if i > 0 {
			b.AuthorSort += " & "
		}
		b.AuthorSort += a.Sort
	}
	if maybe() {
		it := item("series")
		b.Series, b.SeriesIdx = &it, float64(r.IntN(4))/2
	}
	if maybe() {
		it := item("press")
		b.Publisher = &it
		b.Rating = float64(1+r.IntN(10)) / 2
		b.Comments = "<p>" + word() + "</p>"
		b.Cover = b.Path + "/cover.jpg"
		b.Pages = r.IntN(900)
	}
	for _, f := range []string{"AZW3", "EPUB", "PDF"} {
		if maybe() {
			b.Formats = append(b.Formats, catalog.Format{Name: f, File: "x", Size: int64(r.IntN(5) * 1000), Key: b.Path + "/x"})
		}
	}
	for _, k := range []string{"goodreads", "isbn"} {
		if maybe() {
			b.Identifiers = append(b.Identifiers, catalog.Identifier{Type: k, Value: fmt.Sprint(r.IntN(50))})
		}
	}
	for _, f := range fields() {
		if f.Custom && f.Stored {
			b.Custom = append(b.Custom, randomCustom(r, f, items, day))
		}
	}
	return b
}

func randomCustom(r *rand.Rand, f catalog.Field, items func(string, int) []catalog.Item, day func() time.Time) catalog.Custom {
	c := catalog.Custom{Key: f.Key, Type: f.Type, Multiple: f.Multiple}
	if r.IntN(3) == 0 {
		return c
	}
	switch f.Type {
	case catalog.TypeText:
		c.Items = items("genre", 3)
	case catalog.TypeEnumeration:
		c.Items = items("mood", 1)
	case catalog.TypeSeries:
		if c.Items = items("cycle", 1); c.Items != nil {
			c.Index = float64(r.IntN(3))
		}
	case catalog.TypeInt:
		c.Number, c.Set = float64(r.IntN(5)-2), true
	case catalog.TypeFloat:
		c.Number, c.Set = float64(r.IntN(5))/4-0.5, true
	case catalog.TypeRating:
		c.Number, c.Set = float64(1+r.IntN(10))/2, true
	case catalog.TypeBool:
		c.Bool, c.Set = r.IntN(2) == 0, true
	case catalog.TypeDatetime:
		c.Time = day()
	case catalog.TypeComments:
		c.Text = "note"
	}
	return c
}

func encode(dst []byte, b *catalog.Book) []byte {
	return fmt.Appendf(dst, `{"id":%d,"title":%q}`, b.ID, b.Title)
}

// newSets keeps sets in memory, not many of them.
func newSets(t testing.TB) index.Sets {
	t.Helper()
	c := cache.New(cache.Options{Local: memcache.NewLocal(memcache.Options{MaxBytes: 256 << 10})})
	n, err := cache.NewNamespace(c, cache.NamespaceOptions[*roaring.Bitmap]{Name: "set", TTL: time.Hour, Unchanging: true, Cost: index.SetBytes})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// build makes an index of books.
func build(t testing.TB, dir string, books map[catalog.BookID]catalog.Book) *index.Index {
	t.Helper()
	b, err := index.NewBuilder(index.Meta{Library: "lib", Fields: fields(), Extra: []byte("x")}, index.Options{Dir: dir, Encode: encode, Sets: newSets(t)})
	if err != nil {
		t.Fatal(err)
	}
	for _, book := range books { // in any order
		if err := b.Add(&book); err != nil {
			t.Fatal(err)
		}
	}
	ix, err := b.Build(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return ix
}

func randomBooks(r *rand.Rand, n int) map[catalog.BookID]catalog.Book {
	books := map[catalog.BookID]catalog.Book{}
	for len(books) < n {
		id := catalog.BookID(1 + r.IntN(4*n))
		books[id] = randomBook(r, id)
	}
	return books
}
