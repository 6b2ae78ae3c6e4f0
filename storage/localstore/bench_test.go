package localstore_test

import (
	"fmt"
	"testing"

	"github.com/pressmark/pressmark/storage"
	"github.com/pressmark/pressmark/storage/localstore"
)

// shelf is a library of 200 authors with 5 books of 3 files each.
func shelf(b *testing.B) *localstore.Store {
	b.Helper()
	objects := map[string][]byte{"metadata.db": nil}
	for a := range 200 {
		for i := range 5 {
			for _, name := range []string{"cover.jpg", "metadata.opf", "book.epub"} {
				objects[fmt.Sprintf("Author %d/Title (%d)/%s", a, a*5+i, name)] = []byte("x")
			}
		}
	}
	return localstore.New(folder(b, objects), calibre)
}

func BenchmarkStat(b *testing.B) {
	s := shelf(b)
	for b.Loop() {
		if _, err := s.Stat(b.Context(), "Author 7/Title (36)/book.epub"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkOpen(b *testing.B) {
	s := shelf(b)
	for b.Loop() {
		rc, _, err := s.Open(b.Context(), "Author 7/Title (36)/book.epub", storage.Range{})
		if err != nil {
			b.Fatal(err)
		}
		rc.Close()
	}
}

func BenchmarkList(b *testing.B) {
	s := shelf(b)
	for prefix, want := range map[string]int{"Author 7/Title (36)/": 3, "Author 7/": 15, "": 3000} {
		b.Run(fmt.Sprintf("objects=%d", want), func(b *testing.B) {
			for b.Loop() {
				n := 0
				for _, err := range s.List(b.Context(), prefix) {
					if err != nil {
						b.Fatal(err)
					}
					n++
				}
				if n != want {
					b.Fatalf("%d objects, want %d", n, want)
				}
			}
		})
	}
}
