package index_test

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/pressmark/pressmark/catalog"
	"github.com/pressmark/pressmark/catalog/catalogtest"
	"github.com/pressmark/pressmark/catalog/index"
)

func TestConformance(t *testing.T) {
	for _, c := range []struct {
		name, dir string
		books     int
	}{
		{"Heap", "", 60},
		{"Mapped", t.TempDir(), 100},
		{"Few", "", 3},
		{"Many", t.TempDir(), 550},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			catalogtest.Run(t, build(t, c.dir, randomBooks(rand.New(rand.NewPCG(1, 2)), c.books)))
		})
	}
}

// An index that was updated many times passes the suite, too, and is the same
// as one built afresh.
func TestUpdate(t *testing.T) {
	for _, dir := range []string{"", t.TempDir()} {
		r := rand.New(rand.NewPCG(3, 4))
		books := randomBooks(r, 120)
		ix := build(t, dir, books)
		for round := range 25 {
			var d index.Delta
			d.Extra = []byte("x")
			var added, changed, removed []catalog.BookID
			for id, old := range books {
				switch {
				case r.IntN(40) == 0:
					delete(books, id)
					d.Removed, removed = append(d.Removed, id), append(removed, id)
				case r.IntN(30) == 0:
					books[id] = randomBook(r, id)
					d.Books, changed = append(d.Books, books[id]), append(changed, id)
				case r.IntN(30) == 0: // as it was, or nearly
					near := old
					if r.IntN(2) == 0 {
						near.Rating = 5 - near.Rating
						changed = append(changed, id)
						if near.Rating == old.Rating {
							changed = changed[:len(changed)-1]
						}
					}
					books[id] = near
					d.Books = append(d.Books, near)
				}
			}
			for range r.IntN(12) {
				id := catalog.BookID(1 + r.IntN(2000))
				if _, ok := books[id]; ok || slices.Contains(removed, id) {
					continue
				}
				books[id] = randomBook(r, id)
				d.Books, added = append(d.Books, books[id]), append(added, id)
			}
			next, change, err := ix.Update(t.Context(), d)
			if err != nil {
				t.Fatal(err)
			}
			fresh := build(t, dir, books)
			want, _ := fresh.Revision(t.Context())
			if change.Revision != want {
				t.Fatalf("round %d: revision %v after an update, %v of a fresh index: %+v", round, change.Revision, want, index.Diff(next, fresh))
			}
			for _, c := range []struct {
				name      string
				got, want []catalog.BookID
			}{{"added", change.Added, added}, {"changed", change.Changed, changed}, {"removed", change.Removed, removed}} {
				slices.Sort(c.want)
				if !slices.Equal(c.got, c.want) {
					t.Errorf("round %d: %s %v, want %v", round, c.name, c.got, c.want)
				}
			}
			if diff := index.Diff(ix, fresh); !reflect.DeepEqual(diff, change) {
				t.Errorf("round %d: Diff %+v, Update %+v", round, diff, change)
			}
			sameOrders(t, next, fresh)
			ix = next
		}
		catalogtest.Run(t, ix)
	}
}

// sameOrders compares all that two indexes answer.
func sameOrders(t *testing.T, a, b *index.Index) {
	t.Helper()
	for _, f := range fields() {
		if f.Sortable {
			for _, desc := range []bool{false, true} {
				q := catalog.Query{Sort: []catalog.SortKey{{Field: f.Key, Desc: desc}}, Limit: 500}
				x, err1 := a.Books(t.Context(), q)
				y, err2 := b.Books(t.Context(), q)
				if err1 != nil || err2 != nil || !reflect.DeepEqual(x, y) {
					t.Fatalf("sort %s desc=%v differs (%v, %v)", f.Key, desc, err1, err2)
				}
			}
		}
		if f.HasTerms {
			for _, q := range []catalog.TermQuery{{Limit: 500}, {Limit: 500, ByCount: true}} {
				x, err1 := a.Terms(t.Context(), f.Key, q)
				y, err2 := b.Terms(t.Context(), f.Key, q)
				if err1 != nil || err2 != nil || !reflect.DeepEqual(x, y) {
					t.Fatalf("terms of %s differ: %v and %v (%v, %v)", f.Key, x, y, err1, err2)
				}
			}
		}
	}
}

// A cursor given by one generation is good in the next, also when the book it
// was taken at is changed or gone.
func TestCursorSurvivesUpdate(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	books := randomBooks(r, 200)
	ix := build(t, "", books)
	for _, f := range fields() {
		if !f.Sortable {
			continue
		}
		for _, desc := range []bool{false, true} {
			q := catalog.Query{Sort: []catalog.SortKey{{Field: f.Key, Desc: desc}}, Limit: 500}
			whole, err := ix.Books(t.Context(), q)
			if err != nil {
				t.Fatal(err)
			}
			for _, at := range []int{0, 17, 100, 150, 198} {
				q.Limit = at + 1
				first, err := ix.Books(t.Context(), q)
				if err != nil {
					t.Fatal(err)
				}
				last := whole.Items[at]
				changed := randomBook(r, last.ID)
				for name, d := range map[string]index.Delta{
					"gone":    {Removed: []catalog.BookID{last.ID}},
					"changed": {Books: []catalog.Book{changed}},
				} {
					next, _, err := ix.Update(t.Context(), d)
					if err != nil {
						t.Fatal(err)
					}
					rest, err := next.Books(t.Context(), catalog.Query{Sort: q.Sort, After: first.Next, Limit: 500})
					if err != nil {
						t.Fatalf("sort %s, book %s: %v", f.Key, name, err)
					}
					var got, want []catalog.BookID
					for _, b := range rest.Items {
						if b.ID != last.ID {
							got = append(got, b.ID)
						}
					}
					for _, b := range whole.Items[at+1:] {
						want = append(want, b.ID)
					}
					if !slices.Equal(got, want) {
						t.Errorf("sort %s desc=%v at %d, book %s: %v follow, want %v", f.Key, desc, at, name, got, want)
					}
				}
			}
		}
	}
}
