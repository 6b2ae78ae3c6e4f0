package statetest

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/pressmark/pressmark/readerstate"
)

// allBooks returns the books of which anything is kept for a user.
func allBooks(t *testing.T, s readerstate.Store, user readerstate.UserID) (books []readerstate.Book) {
	t.Helper()
	for _, e := range must(s.Everything(t.Context(), user, "", readerstate.MaxBooks))(t) {
		books = append(books, e.Book)
	}
	return books
}

// testTogether lets many change different books at the same time. A change that
// is not made leaves nothing behind, and takes none of the others with it.
func testTogether(t *testing.T, s *subject) {
	ctx := t.Context()
	named := func(i int) readerstate.Write { return readerstate.Write{ID: fmt.Sprint("change ", i)} }
	var errs [writers]error
	var wg sync.WaitGroup
	for i := range writers {
		wg.Go(func() {
			how := named(i)
			if i%2 == 1 {
				how.If = version(7).If
			}
			_, _, errs[i] = s.SetPlace(ctx, ada, book(i), at("web", 0.5), how)
		})
	}
	wg.Wait()
	var made []readerstate.Book
	for i, err := range errs {
		var conflict *readerstate.ConflictError
		switch {
		case i%2 == 0 && err == nil:
			made = append(made, book(i))
		case i%2 == 0 || !errors.As(err, &conflict):
			t.Errorf("change %d: %v", i, err)
		}
	}
	equal(t, "books with something", allBooks(t, s.Store, ada), made)
	for i := range writers {
		place, _, err := s.SetPlace(ctx, ada, book(i), at("web", 0.75), named(i))
		want := 0.5 // this change was made before
		if i%2 == 1 {
			want = 0.75 // it was not
		}
		if err != nil || place.Version != 1 || place.Progression != want {
			t.Errorf("change %d again: %+v, %v", i, place, err)
		}
	}
}

// Refused is the book of Fault.
const Refused readerstate.Book = "00000000-0000-4000-8000-000000000007"

// Fault tests a store whose database refuses to write anything of the book
// Refused: that change fails, and no other that is asked for at the same time.
func Fault(t *testing.T, s readerstate.Store) {
	t.Helper()
	const rounds = 5
	var wg sync.WaitGroup
	for i := range writers {
		wg.Go(func() {
			for round := range rounds {
				if _, err := s.SetRating(t.Context(), grace, book(i), float64(1+round), always); (err == nil) != (book(i) != Refused) {
					t.Errorf("%s: %v", book(i), err)
				}
			}
		})
	}
	wg.Wait()
	if n := len(allBooks(t, s, grace)); n != writers-1 {
		t.Errorf("something is kept of %d books", n)
	}
}
