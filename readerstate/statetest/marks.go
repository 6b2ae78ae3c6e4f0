package statetest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/pressmark/pressmark/readerstate"
)

func testFavorite(t *testing.T, s *subject) {
	ctx := t.Context()
	_, err := s.SetFavorite(ctx, ada, book(1), true, version(1))
	conflicts(t, "nothing is there", err, readerstate.Favorite{})
	f := must(s.SetFavorite(ctx, ada, book(1), true, version(0)))(t)
	equal(t, "the first", f, readerstate.Favorite{On: true, Since: time.Date(2026, 3, 1, 11, 0, 0, 123_000_000, time.UTC), Version: 1})
	s.pass(time.Minute)
	equal(t, "the same again", must(s.SetFavorite(ctx, ada, book(1), true, always))(t), f)
	for _, stale := range []int64{0, 2, -1} {
		_, err := s.SetFavorite(ctx, ada, book(1), false, version(stale))
		conflicts(t, "stale", err, f)
	}
	off := must(s.SetFavorite(ctx, ada, book(1), false, version(1)))(t)
	equal(t, "off", off, readerstate.Favorite{Since: s.pass(0), Version: 2})
	equal(t, "favorites", must(s.Favorites(ctx, ada, readerstate.Cursor{}, 10))(t), []readerstate.Mark{})
	if on := must(s.SetFavorite(ctx, ada, book(1), true, always))(t); on.Version != 3 {
		t.Errorf("on again: %+v", on)
	}
	equal(t, "of somebody else", must(s.Favorites(ctx, grace, readerstate.Cursor{}, 10))(t), []readerstate.Mark{})
	_, err = s.SetFavorite(ctx, ada, "no book", true, always)
	invalid(t, "book", err)
}

func testStatus(t *testing.T, s *subject) {
	ctx := t.Context()
	set := func(c readerstate.ReadingChange) readerstate.Reading {
		t.Helper()
		return must(s.SetStatus(ctx, ada, book(1), c, always))(t)
	}
	began := s.pass(0)
	equal(t, "reading", set(readerstate.ReadingChange{Status: readerstate.InHand}), readerstate.Reading{Status: readerstate.InHand, Started: began, Changed: began, Version: 1})
	done := s.pass(time.Hour)
	finished := readerstate.Reading{Status: readerstate.Finished, Started: began, Finished: done, Changed: done, Version: 2}
	equal(t, "finished", set(readerstate.ReadingChange{Status: readerstate.Finished}), finished)
	s.pass(time.Hour)
	equal(t, "finished again", set(readerstate.ReadingChange{Status: readerstate.Finished}), finished)
	_, err := s.SetStatus(ctx, ada, book(1), readerstate.ReadingChange{Status: readerstate.Unread}, version(1))
	conflicts(t, "stale", err, finished)
	given := readerstate.ReadingChange{Status: readerstate.Finished, Started: began.AddDate(-1, 0, 0), Finished: began.AddDate(0, -1, 0)}
	if r := set(given); !r.Started.Equal(given.Started) || !r.Finished.Equal(given.Finished) || r.Version != 3 {
		t.Errorf("with dates: %+v", r)
	}
	if r := set(readerstate.ReadingChange{Status: readerstate.InHand}); !r.Started.Equal(given.Started) || !r.Finished.IsZero() {
		t.Errorf("reading again: %+v", r)
	}
	if r := set(readerstate.ReadingChange{Status: readerstate.Unread}); !r.Started.IsZero() || !r.Finished.IsZero() || r.Version != 5 {
		t.Errorf("unread: %+v", r)
	}
	now := s.pass(0)
	if r := set(readerstate.ReadingChange{Status: readerstate.Finished}); !r.Started.Equal(now) || !r.Finished.Equal(now) {
		t.Errorf("finished at once: %+v", r)
	}
	for field, bad := range map[string]readerstate.ReadingChange{
		"status":   {Status: "read"},
		"finished": {Status: readerstate.Finished, Started: now, Finished: now.Add(-time.Hour)},
	} {
		_, err := s.SetStatus(ctx, ada, book(1), bad, always)
		invalid(t, field, err)
	}
	_, err = s.SetStatus(ctx, ada, book(1), readerstate.ReadingChange{Status: readerstate.Unread, Started: now}, always)
	invalid(t, "status", err)
	_, err = s.SetStatus(ctx, ada, book(1), readerstate.ReadingChange{Status: readerstate.InHand, Finished: now}, always)
	invalid(t, "finished", err)
}

func testRating(t *testing.T, s *subject) {
	ctx := t.Context()
	for i, stars := range []float64{0.5, 5, 3.5, 0} {
		r := must(s.SetRating(ctx, ada, book(1), stars, version(int64(i))))(t)
		equal(t, "rating", r, readerstate.Rating{Stars: stars, Changed: s.pass(0), Version: int64(i + 1)})
		s.pass(time.Second)
	}
	for _, bad := range []float64{-1, 0.25, 5.5, 1e300} {
		_, err := s.SetRating(ctx, ada, book(1), bad, always)
		invalid(t, "rating", err)
	}
}

func testMarks(t *testing.T, s *subject) {
	ctx := t.Context()
	f := must(s.SetFavorite(ctx, ada, book(1), true, always))(t)
	r := must(s.SetRating(ctx, ada, book(3), 2, always))(t)
	old := must(must2(s.SetPlace(ctx, ada, book(3), at("web", 0.1), always)))(t)
	s.pass(time.Second)
	place := must(must2(s.SetPlace(ctx, ada, book(3), at("koreader", 0.2), always)))(t)
	unread := readerstate.Reading{Status: readerstate.Unread}
	equal(t, "marks", must(s.MarksOf(ctx, ada, []readerstate.Book{book(3), book(2), book(1), book(3)}))(t), []readerstate.Mark{
		{Book: book(3), Rating: r, Reading: readerstate.Reading{Status: readerstate.InHand, Started: old.Received, Changed: old.Received, Version: 1}, Read: place.Since, Place: &place},
		{Book: book(2), Reading: unread},
		{Book: book(1), Reading: unread, Favorite: f},
		{Book: book(3), Rating: r, Reading: readerstate.Reading{Status: readerstate.InHand, Started: old.Received, Changed: old.Received, Version: 1}, Read: place.Since, Place: &place},
	})
	equal(t, "of no books", must(s.MarksOf(ctx, ada, nil))(t), []readerstate.Mark{})
	equal(t, "of somebody else", must(s.MarksOf(ctx, grace, []readerstate.Book{book(1)}))(t), []readerstate.Mark{{Book: book(1), Reading: unread}})
}

// testOrder pages through books some of which have one time.
func testOrder(t *testing.T, s *subject) {
	ctx := t.Context()
	var want []readerstate.Book
	for i := range 20 {
		if i%5 == 0 {
			s.pass(time.Millisecond)
		}
		n := (i * 7) % 20
		must(s.SetFavorite(ctx, ada, book(n), true, always))(t)
		must(must2(s.SetPlace(ctx, ada, book(n), at("web", 0.5), always)))(t)
		want = append(want, book(n))
	}
	for group := range slices.Chunk(want, 5) {
		slices.SortFunc(group, func(a, b readerstate.Book) int { return -compare(a, b) })
	}
	slices.Reverse(want) // the newest first, those of one time by name
	for name, list := range map[string]func(readerstate.Cursor, int) ([]readerstate.Mark, error){
		"favorites": func(c readerstate.Cursor, n int) ([]readerstate.Mark, error) { return s.Favorites(ctx, ada, c, n) },
		"recent":    func(c readerstate.Cursor, n int) ([]readerstate.Mark, error) { return s.Recent(ctx, ada, "", c, n) },
		"reading": func(c readerstate.Cursor, n int) ([]readerstate.Mark, error) {
			return s.Recent(ctx, ada, readerstate.InHand, c, n)
		},
	} {
		var got []readerstate.Book
		for after := (readerstate.Cursor{}); ; {
			page := must(list(after, 3))(t)
			for _, m := range page {
				got = append(got, m.Book)
				if after = (readerstate.Cursor{Time: m.Favorite.Since, Book: m.Book}); name != "favorites" {
					after.Time = m.Read
				}
			}
			if len(page) < 3 {
				break
			}
		}
		equal(t, name, got, want)
	}
	equal(t, "finished", must(s.Recent(ctx, ada, readerstate.Finished, readerstate.Cursor{}, 10))(t), []readerstate.Mark{})
	equal(t, "of somebody else", must(s.Recent(ctx, grace, "", readerstate.Cursor{}, 10))(t), []readerstate.Mark{})
}

func compare(a, b readerstate.Book) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func testPreferences(t *testing.T, s *subject) {
	ctx := t.Context()
	equal(t, "none", must(s.Preferences(ctx, ada))(t), readerstate.Preferences{})
	const object = `{ "theme":"sepia", "größe": [1.50, null] }`
	p := must(s.SetPreferences(ctx, ada, []byte(object), version(0)))(t)
	equal(t, "set", p, readerstate.Preferences{JSON: []byte(object), Changed: s.pass(0), Version: 1})
	equal(t, "get", must(s.Preferences(ctx, ada))(t), p)
	_, err := s.SetPreferences(ctx, ada, []byte(`{}`), version(0))
	conflicts(t, "stale", err, p)
	equal(t, "of somebody else", must(s.Preferences(ctx, grace))(t), readerstate.Preferences{})
	if p := must(s.SetPreferences(ctx, ada, []byte(`{}`), version(1)))(t); p.Version != 2 || string(p.JSON) != "{}" {
		t.Errorf("%+v", p)
	}
	for _, bad := range []string{"", "null", "[]", "{", `{"a":1}{"b":2}`, "{\"a\":\"\xff\"}", fmt.Sprintf(`{"a":%q}`, make([]byte, 20_000)), `{"a":"` + string(slices.Repeat([]byte("x"), readerstate.MaxPreferences)) + `"}`} {
		_, err := s.SetPreferences(ctx, ada, []byte(bad), always)
		invalid(t, "preferences", err)
	}
}
