package statetest

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/pressmark/pressmark/readerstate"
)

// at returns a position that has no time.
func at(family string, progression float64) readerstate.Position {
	return readerstate.Position{
		Family: family, Type: readerstate.CFI, Locator: fmt.Sprintf("epubcfi(/6/4!/4/2/%v)", progression), Progression: progression,
		Device: "Sofa ♥", DeviceID: "0001",
	}
}

func testPlace(t *testing.T, s *subject) {
	ctx := t.Context()
	now := s.pass(0)
	set := func(p readerstate.Position, w readerstate.Write) (readerstate.Place, bool) {
		t.Helper()
		place, won, err := s.SetPlace(ctx, ada, book(1), p, w)
		if err != nil {
			t.Fatal(err)
		}
		return place, won
	}
	equal(t, "none", must(s.PlacesIn(ctx, ada, book(1)))(t), []readerstate.Place{})
	p := at("web", 0.25)
	p.At = now.Add(-time.Hour).In(time.FixedZone("", 7200)).Add(1234567)
	first, won := set(p, version(0))
	kept := p
	kept.At = now.Add(-time.Hour + time.Millisecond)
	equal(t, "the first", first, readerstate.Place{Position: kept, Received: now, Since: kept.At, Version: 1})
	if !won {
		t.Error("the first has not won")
	}

	now = s.pass(time.Minute)
	older := at("web", 0.1)
	older.At = first.Since.Add(-time.Second)
	if place, won := set(older, always); won || place != first {
		t.Errorf("an older one: %+v, %v", place, won)
	}
	same := at("web", 0.3)
	same.At = first.Since
	second, won := set(same, always)
	if !won || second.Version != 2 || second.Progression != 0.3 {
		t.Errorf("one of the same time: %+v, %v", second, won)
	}
	_, _, err := s.SetPlace(ctx, ada, book(1), older, version(1))
	conflicts(t, "stale", err, second)
	// With the right version it may be an older one.
	if place, won := set(older, version(2)); !won || place.Version != 3 || !place.Since.Equal(older.At) {
		t.Errorf("the version decides: %+v, %v", place, won)
	}
	// A clock that is wrong does not win for good.
	future := at("web", 0.9)
	future.At = now.AddDate(10, 0, 0)
	if place, won := set(future, always); !won || !place.Since.Equal(now) || !place.At.Equal(future.At) {
		t.Errorf("from the future: %+v, %v", place, won)
	}
	now = s.pass(time.Second)
	last, won := set(at("web", 0.5), always)
	if !won || !last.Since.Equal(now) || !last.At.IsZero() {
		t.Errorf("without a time: %+v, %v", last, won)
	}
	// Another family has its own.
	other, _ := set(at("koreader", 0.4), version(0))
	equal(t, "places", must(s.PlacesIn(ctx, ada, book(1)))(t), []readerstate.Place{other, last})
	equal(t, "of somebody else", must(s.PlacesIn(ctx, grace, book(1)))(t), []readerstate.Place{})

	// The status follows.
	m := must(s.MarksOf(ctx, ada, []readerstate.Book{book(1)}))(t)[0]
	if m.Reading.Status != readerstate.InHand || m.Reading.Version != 1 || !m.Read.Equal(now) {
		t.Errorf("status %+v", m)
	}
	set(at("web", 1), always)
	set(at("web", 0), always)
	if m := must(s.MarksOf(ctx, ada, []readerstate.Book{book(1)}))(t)[0]; m.Reading.Status != readerstate.Finished || !m.Reading.Finished.Equal(now) || m.Reading.Version != 2 {
		t.Errorf("at the end: %+v", m.Reading)
	}
}

func testHistory(t *testing.T, s *subject) {
	ctx := t.Context()
	equal(t, "none", must(s.History(ctx, ada, book(1)))(t), []readerstate.Past{})
	for i := range readerstate.MaxHistory + 10 {
		s.pass(time.Second)
		family := "web"
		if i%3 == 0 {
			family = "koreader"
		}
		must(must2(s.SetPlace(ctx, ada, book(1), at(family, float64(i)/100), always)))(t)
		must(must2(s.SetPlace(ctx, ada, book(2), at("web", float64(i)/100), always)))(t)
	}
	late := at("web", 0.99)
	late.At = s.now().Add(-time.Hour)
	must(must2(s.SetPlace(ctx, ada, book(1), late, always)))(t)
	history := must(s.History(ctx, ada, book(1)))(t)
	if len(history) != readerstate.MaxHistory {
		t.Fatalf("%d positions", len(history))
	}
	for i, p := range history {
		if want := int64(readerstate.MaxHistory + 11 - i); p.N != want {
			t.Errorf("position %d is number %d, want %d", i, p.N, want)
		}
		fate, progression := readerstate.Kept, float64(readerstate.MaxHistory+10-i)/100
		if i == 0 {
			fate, progression = readerstate.Late, 0.99
		}
		if p.Fate != fate || p.Progression != progression || p.Received.Nanosecond()%1e6 != 0 || p.Received.Location() != time.UTC {
			t.Errorf("position %d: %+v", i, p)
		}
	}
	// What is sent again is no new position.
	now := s.pass(time.Second)
	again, won, err := s.SetPlace(ctx, ada, book(2), at("web", float64(readerstate.MaxHistory+9)/100), always)
	if err != nil || !won || again.Version != readerstate.MaxHistory+11 || !again.Received.Equal(now) {
		t.Errorf("again: %+v, %v, %v", again, won, err)
	}
	if h := must(s.History(ctx, ada, book(2)))(t); h[0].N != readerstate.MaxHistory+10 || !h[0].Received.Equal(now) {
		t.Errorf("again: %+v", h[0])
	}
}

func testUndo(t *testing.T, s *subject) {
	ctx := t.Context()
	_, err := s.Undo(ctx, ada, book(1), "web", always)
	notFound(t, "undo of nothing", err)
	var places []readerstate.Place
	for i := range 3 {
		s.pass(time.Second)
		places = append(places, must(must2(s.SetPlace(ctx, ada, book(1), at("web", float64(i)/10), always)))(t))
	}
	other := must(must2(s.SetPlace(ctx, ada, book(1), at("koreader", 0.7), always)))(t)
	_, err = s.Undo(ctx, ada, book(1), "web", version(2))
	conflicts(t, "stale", err, places[2])
	now := s.pass(time.Second)
	back := must(s.Undo(ctx, ada, book(1), "web", version(3)))(t)
	equal(t, "back", back, readerstate.Place{Position: places[1].Position, Received: now, Since: now, Version: 4})
	back = must(s.Undo(ctx, ada, book(1), "web", readerstate.Write{ID: "undo"}))(t)
	if back.Position != places[0].Position {
		t.Errorf("back again: %+v", back)
	}
	equal(t, "the same again", must(s.Undo(ctx, ada, book(1), "web", readerstate.Write{ID: "undo"}))(t), back)
	_, err = s.Undo(ctx, ada, book(1), "web", always)
	notFound(t, "nothing before", err)
	equal(t, "places", must(s.PlacesIn(ctx, ada, book(1)))(t), []readerstate.Place{back, other})
	var fates []readerstate.Fate
	for _, p := range must(s.History(ctx, ada, book(1)))(t) {
		fates = append(fates, p.Fate)
	}
	equal(t, "history", fates, []readerstate.Fate{readerstate.Kept, readerstate.Undone, readerstate.Undone, readerstate.Kept})
	_, err = s.Undo(ctx, ada, book(1), "WEB", always)
	invalid(t, "family", err)
}

func testForget(t *testing.T, s *subject) {
	ctx := t.Context()
	for i := range 3 {
		must(must2(s.SetPlace(ctx, ada, book(1), at("web", float64(i)/10), always)))(t)
	}
	other := must(must2(s.SetPlace(ctx, ada, book(2), at("web", 0.5), always)))(t)
	if err := s.ForgetPlaces(ctx, ada, book(1), always); err != nil {
		t.Fatal(err)
	}
	if err := s.ForgetPlaces(ctx, ada, book(3), always); err != nil {
		t.Error("of nothing:", err)
	}
	equal(t, "places", must(s.PlacesIn(ctx, ada, book(1)))(t), []readerstate.Place{})
	equal(t, "history", must(s.History(ctx, ada, book(1)))(t), []readerstate.Past{})
	if recent := must(s.Recent(ctx, ada, "", readerstate.Cursor{}, 10))(t); len(recent) != 1 || recent[0].Book != book(2) || *recent[0].Place != other {
		t.Errorf("recent: %+v", recent)
	}
	if m := must(s.MarksOf(ctx, ada, []readerstate.Book{book(1)}))(t)[0]; m.Reading.Status != readerstate.InHand || m.Place != nil || !m.Read.IsZero() {
		t.Errorf("mark: %+v", m)
	}
	// Who has seen version 3 does not take the new one for it.
	if place := must(must2(s.SetPlace(ctx, ada, book(1), at("web", 0.1), version(0))))(t); place.Version != 4 {
		t.Errorf("the next one has version %d", place.Version)
	}
}

func testPosition(t *testing.T, s *subject) {
	for field, spoil := range map[string]func(*readerstate.Position){
		"family":       func(p *readerstate.Position) { p.Family = "" },
		"locator_type": func(p *readerstate.Position) { p.Type = "map" },
		"locator":      func(p *readerstate.Position) { p.Locator = strings.Repeat("x", readerstate.MaxLocator+1) },
		"progression":  func(p *readerstate.Position) { p.Progression = math.NaN() },
		"device":       func(p *readerstate.Position) { p.Device = "a\x00b" },
		"device_id":    func(p *readerstate.Position) { p.DeviceID = "\xff" },
		"at":           func(p *readerstate.Position) { p.At = time.Date(20000, 1, 1, 0, 0, 0, 0, time.UTC) },
	} {
		p := at("web", 0.5)
		spoil(&p)
		_, _, err := s.SetPlace(t.Context(), ada, book(1), p, always)
		invalid(t, field, err)
	}
	// What a client sent comes back as it was.
	p := at("web", 1.0/3)
	p.Type, p.Locator = readerstate.Readium, "{\"href\": \"a.xhtml\",\n \"title\":\"\u00e4 ≠ a\u0308 \\u0000\"}"
	p.Locator += strings.Repeat(" ", readerstate.MaxLocator-len(p.Locator))
	place := must(must2(s.SetPlace(t.Context(), ada, book(1), p, always)))(t)
	if place.Position != p || must(s.PlacesIn(t.Context(), ada, book(1)))(t)[0] != place {
		t.Errorf("%+v", place)
	}
}
