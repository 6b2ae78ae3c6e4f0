package statetest

import (
	"testing"
	"time"

	"github.com/pressmark/pressmark/readerstate"
)

func testEverything(t *testing.T, s *subject) {
	ctx := t.Context()
	equal(t, "nothing", must(s.Everything(ctx, ada, "", 10))(t), []readerstate.Everything{})
	for n := range 5 {
		must(s.SetRating(ctx, ada, book(n), 1+float64(n)/2, always))(t)
		for i := range n {
			s.pass(time.Second)
			must(must2(s.SetPlace(ctx, ada, book(n), at([]string{"web", "koreader"}[i%2], float64(i)/10), always)))(t)
		}
	}
	must(s.SetRating(ctx, grace, book(2), 1, always))(t)
	after := readerstate.Book("")
	for n := range 5 {
		page := must(s.Everything(ctx, ada, after, 1))(t)
		if len(page) != 1 || page[0].Book != book(n) {
			t.Fatalf("behind %q: %+v", after, page)
		}
		after = page[0].Book
		e := page[0]
		equal(t, "mark", e.Mark, must(s.MarksOf(ctx, ada, []readerstate.Book{book(n)}))(t)[0])
		equal(t, "history", e.History, must(s.History(ctx, ada, book(n)))(t))
		if len(e.Places) != min(n, 2) || n == 4 && e.Places[0].Family != "koreader" {
			t.Errorf("places of %d: %+v", n, e.Places)
		}
	}
	equal(t, "behind all", must(s.Everything(ctx, ada, after, 10))(t), []readerstate.Everything{})
}

// fill writes something of everything.
func (s *subject) fill(t *testing.T, user readerstate.UserID, list string) {
	t.Helper()
	ctx := t.Context()
	must(s.SetFavorite(ctx, user, book(1), true, readerstate.Write{ID: "fill"}))(t)
	must(must2(s.SetPlace(ctx, user, book(1), at("web", 0.5), always)))(t)
	must(s.SetPreferences(ctx, user, []byte(`{"a":1}`), always))(t)
	must(must2(s.CreateList(ctx, user, readerstate.List{ID: list, Name: "x", Public: true})))(t)
	must(s.PutBook(ctx, user, list, book(1), readerstate.Spot{}, always))(t)
}

func testErase(t *testing.T, s *subject) {
	ctx := t.Context()
	s.fill(t, ada, listID(1))
	s.fill(t, grace, listID(2))
	before := must(s.Everything(ctx, grace, "", 10))(t)
	if err := s.Erase(ctx, ada); err != nil {
		t.Fatal(err)
	}
	equal(t, "books", must(s.Everything(ctx, ada, "", 10))(t), []readerstate.Everything{})
	equal(t, "places", must(s.PlacesIn(ctx, ada, book(1)))(t), []readerstate.Place{})
	equal(t, "history", must(s.History(ctx, ada, book(1)))(t), []readerstate.Past{})
	equal(t, "lists", must(s.ListsOf(ctx, ada))(t), []readerstate.List{})
	equal(t, "preferences", must(s.Preferences(ctx, ada))(t), readerstate.Preferences{})
	_, err := s.BooksIn(ctx, grace, listID(1), "", 10)
	notFound(t, "a public list of who is gone", err)
	if f := must(s.SetFavorite(ctx, ada, book(2), true, readerstate.Write{ID: "fill"}))(t); !f.On {
		t.Error("the names of changes are still there")
	}
	equal(t, "books of others", must(s.Everything(ctx, grace, "", 10))(t), before)
	equal(t, "lists of others", must(s.List(ctx, grace, listID(2)))(t).Books, 1)
	if p := must(s.Preferences(ctx, grace))(t); p.Version != 1 {
		t.Errorf("preferences of others: %+v", p)
	}
}

func testRekey(t *testing.T, s *subject) {
	ctx := t.Context()
	from, to := book(1), readerstate.Book("11111111-2222-4333-8444-555555555555:7")
	s.fill(t, ada, listID(1))
	s.fill(t, grace, listID(2))
	moved := must(s.Everything(ctx, ada, "", 10))(t)[0]
	// Grace has something of both.
	s.pass(time.Second)
	must(s.SetFavorite(ctx, grace, to, true, always))(t)
	newest := must(s.SetFavorite(ctx, grace, to, false, always))(t)
	web := must(must2(s.SetPlace(ctx, grace, to, at("web", 0.75), always)))(t)
	other := must(must2(s.SetPlace(ctx, grace, to, at("koreader", 0.6), always)))(t)
	must(s.PutBook(ctx, grace, listID(2), to, readerstate.Spot{Before: from}, always))(t)
	must(s.PutBook(ctx, grace, listID(2), book(3), readerstate.Spot{}, always))(t)

	if n := must(s.Rekey(ctx, from, to))(t); n != 2 {
		t.Errorf("%d users", n)
	}
	all := must(s.Everything(ctx, ada, "", 10))(t)
	if len(all) != 1 || all[0].Book != to || !all[0].Favorite.On || all[0].Favorite.Version <= moved.Favorite.Version || *all[0].Place != *moved.Place {
		t.Errorf("moved: %+v", all)
	}
	equal(t, "list", s.inList(t, listID(1)), []readerstate.Book{to})
	all = must(s.Everything(ctx, grace, "", 10))(t)
	if len(all) != 1 || all[0].Favorite.On || all[0].Favorite.Version != newest.Version+1 || len(all[0].Places) != 2 || len(all[0].History) != 3 {
		t.Fatalf("made one: %+v", all)
	}
	web.Version = 2
	equal(t, "the places that are newer", all[0].Places, []readerstate.Place{other, web})
	if l := must(s.List(ctx, grace, listID(2)))(t); l.Books != 2 {
		t.Errorf("list %+v", l)
	}
	equal(t, "books of the list", len(must(s.BooksIn(ctx, grace, listID(2), "", 10))(t)), 2)
	// What goes on is numbered behind what was.
	must(must2(s.SetPlace(ctx, grace, to, at("web", 0.8), version(2))))(t)
	if h := must(s.History(ctx, grace, to))(t); len(h) != 4 || h[0].N <= h[1].N {
		t.Errorf("history: %+v", h)
	}
	if n := must(s.Rekey(ctx, from, to))(t); n != 0 {
		t.Errorf("again: %d users", n)
	}
	_, err := s.Rekey(ctx, "x", to)
	invalid(t, "book", err)
}
