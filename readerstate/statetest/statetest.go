// Package statetest holds adapters of package readerstate to what is promised
// there.
//
//	func TestStore(t *testing.T) {
//		statetest.Store(t, func(t *testing.T, now func() time.Time) readerstate.Store {
//			return readerstate.All(mine.New(…))
//		})
//	}
package statetest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/pressmark/pressmark/readerstate"
)

// Store tests what open returns: a store in which nothing is kept yet, and whose
// clock is now. It is called once for each subtest; they run in parallel.
func Store(t *testing.T, open func(t *testing.T, now func() time.Time) readerstate.Store) {
	for name, test := range map[string]func(*testing.T, *subject){
		"Favorite": testFavorite, "Status": testStatus, "Rating": testRating, "Marks": testMarks, "Order": testOrder,
		"Place": testPlace, "History": testHistory, "Undo": testUndo, "Forget": testForget, "Position": testPosition,
		"Lists": testLists, "ListBooks": testListBooks, "Moves": testMoves, "Squeeze": testSqueeze, "ManyLists": testManyLists,
		"Preferences": testPreferences, "Again": testAgain, "Race": testRace, "Together": testTogether, "Writers": testWriters,
		"Everything": testEverything, "Erase": testErase, "Rekey": testRekey, "Context": testContext,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &subject{at: time.Date(2026, 3, 1, 12, 0, 0, 123_456_789, time.FixedZone("", 3600))}
			s.Store = open(t, s.now)
			test(t, s)
		})
	}
}

// subject is a store with its clock.
type subject struct {
	readerstate.Store
	mu sync.Mutex
	at time.Time
}

func (s *subject) now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.at
}

// pass lets time pass, and returns what it is then, as it is kept.
func (s *subject) pass(d time.Duration) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.at = s.at.Add(d)
	return readerstate.Stamp(s.at)
}

const (
	ada   readerstate.UserID = 1
	grace readerstate.UserID = 2
)

// book returns the name of the book with that number.
func book(n int) readerstate.Book {
	return readerstate.Book(fmt.Sprintf("00000000-0000-4000-8000-%012d", n))
}

func version(v int64) readerstate.Write { return readerstate.IfVersion(v) }

var always readerstate.Write

// must returns v, unless there is an error.
func must[T any](v T, err error) func(t *testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func equal(t *testing.T, what string, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s: %+v, want %+v", what, got, want)
	}
}

// conflicts fails unless an error is a conflict with what is stored.
func conflicts(t *testing.T, what string, err error, stored any) {
	t.Helper()
	var conflict *readerstate.ConflictError
	if !errors.As(err, &conflict) {
		t.Errorf("%s: %v, want a conflict", what, err)
		return
	}
	equal(t, what, conflict.Stored, stored)
}

func invalid(t *testing.T, field string, err error) {
	t.Helper()
	var bad *readerstate.InvalidError
	if !errors.As(err, &bad) || bad.Field != field {
		t.Errorf("%v, want one about %s", err, field)
	}
}

func notFound(t *testing.T, what string, err error) {
	t.Helper()
	if !errors.Is(err, readerstate.ErrNotFound) {
		t.Errorf("%s: %v", what, err)
	}
}

// testAgain makes each change twice under one name.
func testAgain(t *testing.T, s *subject) {
	ctx := t.Context()
	const list = "11111111-1111-4111-8111-111111111111"
	must(must2(s.CreateList(ctx, ada, readerstate.List{ID: list, Name: "x"})))(t)
	for name, write := range map[string]func(w readerstate.Write) (any, error){
		"favorite":    func(w readerstate.Write) (any, error) { return s.SetFavorite(ctx, ada, book(1), true, w) },
		"rating":      func(w readerstate.Write) (any, error) { return s.SetRating(ctx, ada, book(1), 4, w) },
		"preferences": func(w readerstate.Write) (any, error) { return s.SetPreferences(ctx, ada, []byte(`{}`), w) },
		"status": func(w readerstate.Write) (any, error) {
			return s.SetStatus(ctx, ada, book(1), readerstate.ReadingChange{Status: readerstate.Finished}, w)
		},
		"place": func(w readerstate.Write) (any, error) {
			place, _, err := s.SetPlace(ctx, ada, book(2), at("web", 0.5), w)
			return place, err
		},
		"list": func(w readerstate.Write) (any, error) {
			return s.PutBook(ctx, ada, list, book(1), readerstate.Spot{}, w)
		},
		"list name": func(w readerstate.Write) (any, error) { return s.ChangeList(ctx, ada, list, named("y"), w) },
	} {
		w := readerstate.Write{ID: "write of " + name}
		first, err := write(w)
		if err != nil {
			t.Fatal(name, err)
		}
		s.pass(time.Second)
		again, err := write(readerstate.Write{ID: w.ID, If: new(int64)})
		if err != nil {
			t.Error(name, err)
		}
		if name != "list" { // "list name" may have come between
			equal(t, name, again, first)
		}
	}
	// What came later stays, when the first is sent again.
	must(s.SetFavorite(ctx, ada, book(1), false, readerstate.Write{ID: "another"}))(t)
	if f := must(s.SetFavorite(ctx, ada, book(1), true, readerstate.Write{ID: "write of favorite"}))(t); f.On || f.Version != 2 {
		t.Errorf("sent again: %+v", f)
	}
	// The same name of somebody else is another.
	if f := must(s.SetFavorite(ctx, grace, book(1), true, readerstate.Write{ID: "write of favorite"}))(t); !f.On {
		t.Errorf("of somebody else: %+v", f)
	}
	// One that was refused was not made.
	refused := readerstate.Write{ID: "refused", If: new(int64)}
	_, err := s.SetRating(ctx, ada, book(1), 1, refused)
	conflicts(t, "refused", err, must(s.MarksOf(ctx, ada, []readerstate.Book{book(1)}))(t)[0].Rating)
	if r := must(s.SetRating(ctx, ada, book(1), 1, readerstate.Write{ID: "refused"}))(t); r.Stars != 1 {
		t.Errorf("after it was refused: %+v", r)
	}
	// Names are forgotten.
	if err := s.ExpireWrites(ctx, s.pass(time.Hour)); err != nil {
		t.Error(err)
	}
	if f := must(s.SetFavorite(ctx, ada, book(1), true, readerstate.Write{ID: "write of favorite"}))(t); !f.On {
		t.Errorf("after its name was forgotten: %+v", f)
	}
	_, err = s.SetFavorite(ctx, ada, book(1), true, readerstate.Write{ID: string(make([]byte, 101))})
	invalid(t, "id", err)
}

// must2 leaves out the second value.
func must2[T, U any](v T, _ U, err error) (T, error) { return v, err }

const writers = 32

// testRace lets many change what they have all seen: one does, and the others
// learn what it wrote.
func testRace(t *testing.T, s *subject) {
	for _, before := range []int64{0, 1} {
		results := make([]readerstate.Favorite, writers)
		places := make([]readerstate.Place, writers)
		var favoriteErrs, placeErrs [writers]error
		var wg sync.WaitGroup
		for i := range writers {
			wg.Go(func() {
				results[i], favoriteErrs[i] = s.SetFavorite(t.Context(), ada, book(1), before == 0, version(before))
			})
			wg.Go(func() {
				p := at("web", float64(i)/100)
				p.Locator = fmt.Sprint("place ", before, i)
				places[i], _, placeErrs[i] = s.SetPlace(t.Context(), ada, book(1), p, version(before))
			})
		}
		wg.Wait()
		one(t, results, favoriteErrs[:])
		one(t, places, placeErrs[:])
	}
}

// one fails unless one of the writers has won, and all others know what it wrote.
func one[T any](t *testing.T, results []T, errs []error) {
	t.Helper()
	won := -1
	for i, err := range errs {
		if err == nil {
			if won >= 0 {
				t.Errorf("both %+v and %+v have won", results[won], results[i])
			}
			won = i
		}
	}
	if won < 0 {
		t.Fatalf("nobody has won: %v", errs)
	}
	for i, err := range errs {
		if i != won {
			conflicts(t, "a loser", err, results[won])
		}
	}
}

// testWriters lets many write at once, whatever is there: no change is lost.
func testWriters(t *testing.T, s *subject) {
	ctx := t.Context()
	const list, each = "11111111-1111-4111-8111-111111111111", 5
	must(must2(s.CreateList(ctx, ada, readerstate.List{ID: list, Name: "all"})))(t)
	var wg sync.WaitGroup
	for i := range writers {
		wg.Go(func() {
			for j := range each {
				n := i*each + j
				p := at("web", float64(n)/1000)
				p.Locator = fmt.Sprint(n)
				if _, _, err := s.SetPlace(ctx, ada, book(1), p, always); err != nil {
					t.Error(err)
				}
				if _, err := s.PutBook(ctx, ada, list, book(n), readerstate.Spot{}, always); err != nil {
					t.Error(err)
				}
				if _, err := s.SetRating(ctx, readerstate.UserID(10+i), book(j), float64(1+j%5), always); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	places := must(s.PlacesIn(ctx, ada, book(1)))(t)
	if len(places) != 1 || places[0].Version != writers*each {
		t.Errorf("%d writes made %+v", writers*each, places)
	}
	history := must(s.History(ctx, ada, book(1)))(t)
	if len(history) != readerstate.MaxHistory || history[0].N != writers*each || history[0].Locator != places[0].Locator {
		t.Errorf("%d positions, the last %+v", len(history), history[0])
	}
	if l := must(s.List(ctx, ada, list))(t); l.Books != writers*each || l.Version != 1+writers*each {
		t.Errorf("list %+v", l)
	}
	if books := must(s.BooksIn(ctx, ada, list, "", 500))(t); len(books) != writers*each {
		t.Errorf("%d books", len(books))
	}
	for i := range writers {
		if all := must(s.Everything(ctx, readerstate.UserID(10+i), "", 10))(t); len(all) != each {
			t.Errorf("user %d: %d books", i, len(all))
		}
	}
}

func testContext(t *testing.T, s *subject) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.SetFavorite(ctx, ada, book(1), true, always)
	_, readErr := s.MarksOf(ctx, ada, []readerstate.Book{book(1)})
	for _, err := range []error{err, readErr} {
		if !errors.Is(err, context.Canceled) || errors.Is(err, readerstate.ErrUnavailable) {
			t.Errorf("canceled: %v", err)
		}
	}
	if m := must(s.MarksOf(t.Context(), ada, []readerstate.Book{book(1)}))(t); m[0].Favorite.On {
		t.Error("it was written after the context's end")
	}
}
