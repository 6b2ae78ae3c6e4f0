package memstate_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/pressmark/pressmark/readerstate"
	"github.com/pressmark/pressmark/readerstate/memstate"
	"github.com/pressmark/pressmark/readerstate/statetest"
)

func TestStore(t *testing.T) {
	statetest.Store(t, func(_ *testing.T, now func() time.Time) readerstate.Store {
		return readerstate.All(&memstate.Store{Now: now})
	})
}

// TestFullList fills a list: the rule is the same for all adapters, and this one
// is fast enough to reach it.
func TestFullList(t *testing.T) {
	s := readerstate.All(&memstate.Store{})
	const id = "aaaaaaaa-0000-4000-8000-000000000001"
	if _, _, err := s.CreateList(t.Context(), 1, readerstate.List{ID: id, Name: "All"}); err != nil {
		t.Fatal(err)
	}
	put := func(n int) error {
		book := readerstate.Book(fmt.Sprintf("00000000-0000-4000-8000-%012d", n))
		_, err := s.PutBook(t.Context(), 1, id, book, readerstate.Spot{}, readerstate.Write{})
		return err
	}
	for n := range readerstate.MaxListBooks {
		if err := put(n); err != nil {
			t.Fatal(n, err)
		}
	}
	var invalid *readerstate.InvalidError
	if err := put(readerstate.MaxListBooks); !errors.As(err, &invalid) || invalid.Field != "books" {
		t.Errorf("one more: %v", err)
	}
	if err := put(7); err != nil {
		t.Errorf("one that is in it: %v", err)
	}
	if l, err := s.List(t.Context(), 1, id); err != nil || l.Books != readerstate.MaxListBooks {
		t.Errorf("%d books, %v", l.Books, err)
	}
}
