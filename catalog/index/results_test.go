package index_test

import (
	"testing"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/pressmark/pressmark/catalog"
	"github.com/pressmark/pressmark/catalog/index"
)

// counted counts the sets that are found and put.
type counted struct {
	index.Sets
	found, put int
}

func (c *counted) Peek(key string) (*roaring.Bitmap, bool) {
	set, ok := c.Sets.Peek(key)
	if ok {
		c.found++
	}
	return set, ok
}

func (c *counted) Put(key string, set *roaring.Bitmap) {
	c.put++
	c.Sets.Put(key, set)
}

// TestSets: what a search has selected is used again, by the same contents only.
func TestSets(t *testing.T) {
	sets := &counted{Sets: newSets(t)}
	built := func(title string) *index.Index {
		b, err := index.NewBuilder(index.Meta{Library: "lib", Fields: catalog.Builtin(false)}, index.Options{Sets: sets})
		if err != nil {
			t.Fatal(err)
		}
		if err := b.Add(&catalog.Book{ID: 1, Title: title}); err != nil {
			t.Fatal(err)
		}
		ix, err := b.Build(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return ix
	}
	// Words in running text take some work.
	q := catalog.Query{Where: catalog.Match{Text: catalog.Text{Value: "tide"}}, Limit: 10}
	ask := func(ix *index.Index) int {
		page, err := ix.Books(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		return len(page.Items)
	}
	with, without := built("The Tide Clerk"), built("Another book")
	for round := range 3 {
		if ask(with) != 1 || ask(without) != 0 {
			t.Errorf("round %d: the books of another index are found", round)
		}
	}
	if sets.put != 2 || sets.found != 4 {
		t.Errorf("%d sets were put and %d found, want 2 and 4", sets.put, sets.found)
	}
}
