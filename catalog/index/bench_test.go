package index_test

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"github.com/pressmark/pressmark/catalog"
	"github.com/pressmark/pressmark/catalog/calibre"
	"github.com/pressmark/pressmark/catalog/calibre/calibretest"
	"github.com/pressmark/pressmark/catalog/index"
)

// manyBooks is the size of the library that the benchmarks are made for.
const manyBooks = 100_000

// generated loads a library like a real one, through Calibre's schema, and
// returns its books and what else an index is made of.
func generated(b *testing.B) ([]catalog.Book, index.Meta) {
	b.Helper()
	dir := filepath.Join(b.TempDir(), "library")
	if err := calibretest.Generate(b.Context(), filepath.Join(dir, "metadata.db"), calibretest.Spec{Books: manyBooks, Seed: 1}); err != nil {
		b.Fatal(err)
	}
	lib, err := calibre.Open(calibre.Options{Root: dir, Dir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	defer lib.Close()
	if err := lib.Load(b.Context()); err != nil {
		b.Fatal(err)
	}
	fields, err := lib.Fields(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	books := make([]catalog.Book, 0, manyBooks)
	for q := (catalog.Query{Limit: catalog.MaxLimit, Comments: true}); ; {
		page, err := lib.Books(b.Context(), q)
		if err != nil {
			b.Fatal(err)
		}
		books = append(books, page.Items...)
		if q.After = page.Next; q.After == "" {
			return books, index.Meta{Library: "lib", Fields: fields}
		}
	}
}

func indexed(b *testing.B, dir string, m index.Meta, books []catalog.Book) *index.Index {
	b.Helper()
	builder, err := index.NewBuilder(m, index.Options{Dir: dir, Encode: encode})
	if err != nil {
		b.Fatal(err)
	}
	for i := range books {
		if err := builder.Add(&books[i]); err != nil {
			b.Fatal(err)
		}
	}
	ix, err := builder.Build(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	return ix
}

// BenchmarkIndex measures what an index of 100,000 books does. No query is
// asked twice, so that nothing can be answered from an earlier one.
func BenchmarkIndex(b *testing.B) {
	books, meta := generated(b)
	ix := indexed(b, b.TempDir(), meta, books)
	tags, err := ix.Terms(b.Context(), catalog.FieldTags, catalog.TermQuery{ByCount: true, Limit: 200})
	if err != nil {
		b.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 1))
	tag := func() catalog.Expr {
		return catalog.Is{Field: catalog.FieldTags, Value: tags.Items[rng.IntN(len(tags.Items))].Name}
	}
	// since is another instant each time.
	since := func(f catalog.FieldKey) catalog.Expr {
		return catalog.During{Field: f, From: time.Unix(1.3e9+rng.Int64N(2e8), rng.Int64N(1e9)).UTC()}
	}
	by := func(keys ...catalog.SortKey) []catalog.SortKey { return keys }
	title, added := catalog.SortKey{Field: catalog.FieldTitle}, catalog.SortKey{Field: catalog.FieldAdded, Desc: true}
	series, rating := catalog.SortKey{Field: catalog.FieldSeries}, catalog.SortKey{Field: catalog.FieldRating, Desc: true}

	for name, query := range map[string]func() catalog.Query{
		"all, by title":           func() catalog.Query { return catalog.Query{Sort: by(title)} },
		"all, by rating, series":  func() catalog.Query { return catalog.Query{Sort: by(rating, series)} },
		"since, by title":         func() catalog.Query { return catalog.Query{Where: since(catalog.FieldPublished), Sort: by(title)} },
		"since, by rating, added": func() catalog.Query { return catalog.Query{Where: since(catalog.FieldAdded), Sort: by(rating, added)} },
		"tag, by added":           func() catalog.Query { return catalog.Query{Where: tag(), Sort: by(added)} },
		"two tags, by title":      func() catalog.Query { return catalog.Query{Where: catalog.And{tag(), tag()}, Sort: by(title)} },
		"not tag, since, by series": func() catalog.Query {
			return catalog.Query{Where: catalog.And{catalog.Not{X: tag()}, since(catalog.FieldAdded)}, Sort: by(series)}
		},
		"text in titles, by added": func() catalog.Query {
			return catalog.Query{Where: catalog.Match{Field: catalog.FieldTitle, Text: catalog.Text{Value: fmt.Sprintf("%c%c", 'a'+rng.IntN(26), 'a'+rng.IntN(26))}}, Sort: by(added)}
		},
		"text in any field, by added": func() catalog.Query {
			return catalog.Query{Where: catalog.Match{Text: catalog.Text{Value: fmt.Sprintf("%c%c%c", 'a'+rng.IntN(26), 'a'+rng.IntN(26), 'a'+rng.IntN(26))}}, Sort: by(added)}
		},
		"rating between, since, by id": func() catalog.Query {
			low := 2.0
			return catalog.Query{Where: catalog.And{catalog.Between{Field: catalog.FieldRating, Min: &low}, since(catalog.FieldAdded)}}
		},
	} {
		b.Run("page/"+name, func(b *testing.B) {
			var dst []byte
			b.ReportAllocs()
			for b.Loop() {
				if dst, _, err = ix.AppendBooks(b.Context(), dst[:0], query()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("page/walk, by rating, title", func(b *testing.B) {
		q := catalog.Query{Sort: by(rating, title)}
		var dst []byte
		b.ReportAllocs()
		for b.Loop() {
			var page catalog.Page[catalog.Book]
			if dst, page, err = ix.AppendBooks(b.Context(), dst[:0], q); err != nil {
				b.Fatal(err)
			}
			q.After = page.Next
		}
	})
	b.Run("book", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := ix.Book(b.Context(), books[rng.IntN(len(books))].ID); err != nil {
				b.Fatal(err)
			}
		}
	})
	for name, query := range map[string]func() catalog.TermQuery{
		"by name":       func() catalog.TermQuery { return catalog.TermQuery{} },
		"by count":      func() catalog.TermQuery { return catalog.TermQuery{ByCount: true} },
		"prefix":        func() catalog.TermQuery { return catalog.TermQuery{Prefix: string(rune('a' + rng.IntN(26)))} },
		"of a tag":      func() catalog.TermQuery { return catalog.TermQuery{Where: tag(), ByCount: true} },
		"of many books": func() catalog.TermQuery { return catalog.TermQuery{Where: since(catalog.FieldAdded), ByCount: true} },
	} {
		for _, field := range []catalog.FieldKey{catalog.FieldAuthors, catalog.FieldTags} {
			b.Run(fmt.Sprintf("terms/%s %s", field, name), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if _, err := ix.Terms(b.Context(), field, query()); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
	b.Run("update of 1,000 books", func(b *testing.B) {
		b.ReportAllocs()
		round := 0
		for b.Loop() {
			round++
			var d index.Delta
			for i := range 1000 {
				book := books[i*len(books)/1000]
				book.Title = fmt.Sprintf("%c edited %d", 'A'+rng.IntN(26), round)
				book.TitleSort, book.Tags = book.Title, append(book.Tags[:len(book.Tags):len(book.Tags)], catalog.Item{ID: 1 << 20, Name: "Edited"})
				d.Books = append(d.Books, book)
			}
			if _, _, err := ix.Update(b.Context(), d); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("build", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			indexed(b, b.TempDir(), meta, books)
		}
	})
}
