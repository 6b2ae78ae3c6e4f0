package authtest

import (
	"errors"
	"fmt"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/pressmark/pressmark/auth"
)

// Store is what Sessions tests: sessions are of accounts.
type Store interface {
	auth.Users
	auth.Sessions
}

// Sessions tests what open returns: a store with nothing in it. It is called
// once for each subtest; they run in parallel.
func Sessions(t *testing.T, open func(t *testing.T) Store) {
	for name, test := range map[string]func(*testing.T, Store){
		"Begin": testBegin, "Trade": testTrade, "Reuse": testReuse, "Expire": testExpire, "End": testEnd, "Race": testRace, "TooMany": testTooMany,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open(t))
		})
	}
}

// noon is when these tests begin.
var noon = time.Date(2026, 11, 27, 12, 0, 0, 123456000, time.UTC)

// token stands for the hash of a session's n-th token.
func token(id string, n int64) [32]byte {
	var h [32]byte
	copy(h[:], fmt.Sprint(id, ".", n))
	return h
}

func begin(t *testing.T, s Store, user auth.UserID, id string) auth.Session {
	t.Helper()
	n := auth.Session{ID: id, User: user, Label: "Reader ♥ 1.0", Address: "2001:db8::1", Created: noon, Used: noon, Expires: noon.Add(time.Hour)}
	if err := s.Begin(t.Context(), n, token(id, 0)); err != nil {
		t.Fatal(err)
	}
	return n
}

// trade is the n-th trade of a session.
func trade(id string, n int64, at time.Time) auth.Trade {
	return auth.Trade{Session: id, Turn: n, Old: token(id, n), New: token(id, n+1), At: at, Expires: at.Add(time.Hour), Address: fmt.Sprint("192.0.2.", n)}
}

func has(t *testing.T, s Store, user auth.UserID, at time.Time, want ...auth.Session) {
	t.Helper()
	got, err := s.Sessions(t.Context(), user, at)
	if err != nil || len(got) != len(want) || len(want) > 0 && !reflect.DeepEqual(got, want) {
		t.Errorf("sessions %+v, %v, want %+v", got, err, want)
	}
}

func testBegin(t *testing.T, s Store) {
	u := create(t, s, user("ada"))
	other := create(t, s, user("other"))
	has(t, s, u.ID, noon)
	a := begin(t, s, u.ID, "a")
	b := begin(t, s, u.ID, "b")
	has(t, s, u.ID, noon, a, b)
	has(t, s, other.ID, noon)
	if err := s.Begin(t.Context(), auth.Session{ID: "c", User: 99}, token("c", 0)); !errors.Is(err, auth.ErrNotFound) {
		t.Errorf("of nobody: %v", err)
	}
	if err := s.Begin(t.Context(), a, token("a", 0)); err == nil {
		t.Error("the same id twice: no error")
	}
	has(t, s, u.ID, noon, a, b)
}

func testTrade(t *testing.T, s Store) {
	u := create(t, s, user("ada"))
	want := begin(t, s, u.ID, "a")
	b := begin(t, s, u.ID, "b")
	at := noon
	for n := range int64(3) {
		at = at.Add(30 * time.Minute)
		tr := trade("a", n, at)
		got, err := s.Trade(t.Context(), tr)
		want.Used, want.Expires, want.Address = at, tr.Expires, tr.Address
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("trade %d: %+v, %v, want %+v", n, got, err, want)
		}
		// The answer was lost, and the client asks again.
		tr.At = at.Add(auth.TradeAgain)
		if got, err = s.Trade(t.Context(), tr); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("trade %d again: %+v, %v, want %+v", n, got, err, want)
		}
		if n == 0 {
			has(t, s, u.ID, at, want, b)
		}
	}
	for name, tr := range map[string]auth.Trade{
		"none": trade("nope", 0, at), "no id": trade("a\x00\xff", 0, at), "not yet": trade("a", 4, at),
		"forged": {Session: "a", Turn: 3, Old: token("x", 0), New: token("x", 1), At: at, Expires: at.Add(time.Hour)},
	} {
		if _, err := s.Trade(t.Context(), tr); !errors.Is(err, auth.ErrNotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
	has(t, s, u.ID, at, want)
}

func testReuse(t *testing.T, s Store) {
	u := create(t, s, user("ada"))
	for name, again := range map[string]auth.Trade{
		"late":        trade("late", 1, noon.Add(auth.TradeAgain+time.Microsecond)),
		"one before":  trade("one before", 0, noon),
		"another one": {Session: "another one", Turn: 1, Old: token("another one", 1), New: token("other", 2), At: noon, Expires: noon.Add(time.Hour)},
	} {
		begin(t, s, u.ID, name)
		for n := range int64(2) {
			if _, err := s.Trade(t.Context(), trade(name, n, noon)); err != nil {
				t.Fatal(err)
			}
		}
		if n, err := s.Trade(t.Context(), again); !errors.Is(err, auth.ErrReused) || n.User != u.ID || n.ID != name {
			t.Errorf("%s: %+v, %v", name, n, err)
		}
		if _, err := s.Trade(t.Context(), trade(name, 2, noon)); !errors.Is(err, auth.ErrNotFound) {
			t.Errorf("%s: the session goes on: %v", name, err)
		}
	}
	has(t, s, u.ID, noon)
}

func testExpire(t *testing.T, s Store) {
	u := create(t, s, user("ada"))
	a := begin(t, s, u.ID, "a")
	last := a.Expires.Add(-time.Microsecond)
	has(t, s, u.ID, last, a)
	has(t, s, u.ID, a.Expires)
	if _, err := s.Trade(t.Context(), trade("a", 0, a.Expires)); !errors.Is(err, auth.ErrNotFound) {
		t.Errorf("expired: %v", err)
	}
	if err := s.Expire(t.Context(), last); err != nil {
		t.Error(err)
	}
	has(t, s, u.ID, last, a)
	if err := s.Expire(t.Context(), a.Expires); err != nil {
		t.Error(err)
	}
	has(t, s, u.ID, last)
}

func testEnd(t *testing.T, s Store) {
	u := create(t, s, user("ada"))
	other := create(t, s, user("other"))
	a, b, c := begin(t, s, u.ID, "a"), begin(t, s, u.ID, "b"), begin(t, s, u.ID, "c")
	d := begin(t, s, other.ID, "d")
	if err := s.End(t.Context(), other.ID, "a"); !errors.Is(err, auth.ErrNotFound) {
		t.Errorf("somebody else's: %v", err)
	}
	has(t, s, u.ID, noon, a, b, c)
	if err := s.End(t.Context(), u.ID, "a"); err != nil {
		t.Error(err)
	}
	for _, id := range []string{"a", "", "b\x00\xff"} {
		if err := s.End(t.Context(), u.ID, id); !errors.Is(err, auth.ErrNotFound) {
			t.Errorf("end %q: %v", id, err)
		}
	}
	has(t, s, u.ID, noon, b, c)
	if err := s.EndAll(t.Context(), u.ID, "c"); err != nil {
		t.Error(err)
	}
	has(t, s, u.ID, noon, c)
	if err := s.EndAll(t.Context(), u.ID, ""); err != nil {
		t.Error(err)
	}
	has(t, s, u.ID, noon)
	has(t, s, other.ID, noon, d)
	if err := s.Delete(t.Context(), other.ID); err != nil {
		t.Error(err)
	}
	has(t, s, other.ID, noon)
	if _, err := s.Trade(t.Context(), trade("d", 0, noon)); !errors.Is(err, auth.ErrNotFound) {
		t.Errorf("of a deleted account: %v", err)
	}
}

// testRace: of many that trade one token at once all get the same successor, and
// the session goes on.
func testRace(t *testing.T, s Store) {
	u := create(t, s, user("ada"))
	begin(t, s, u.ID, "a")
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			if _, err := s.Trade(t.Context(), trade("a", 0, noon)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if _, err := s.Trade(t.Context(), trade("a", 1, noon)); err != nil {
		t.Error(err)
	}
}

// testTooMany: who logs in again and again loses the sessions that were used
// longest ago, and nobody else's.
func testTooMany(t *testing.T, s Store) {
	u, other := create(t, s, user("ada")), create(t, s, user("other"))
	kept := begin(t, s, other.ID, "other")
	const more = 3
	for i := range auth.MaxSessions + more {
		n := auth.Session{ID: fmt.Sprintf("s%04d", i), User: u.ID, Created: noon, Used: noon.Add(time.Duration(i) * time.Second), Expires: noon.Add(24 * time.Hour)}
		if err := s.Begin(t.Context(), n, token(n.ID, 0)); err != nil {
			t.Fatal(err)
		}
	}
	list, err := s.Sessions(t.Context(), u.ID, noon)
	if err != nil || len(list) != auth.MaxSessions || list[0].ID != fmt.Sprintf("s%04d", auth.MaxSessions+more-1) || list[len(list)-1].ID != fmt.Sprintf("s%04d", more) {
		t.Fatalf("%d sessions, %v", len(list), err)
	}
	has(t, s, other.ID, noon, kept)
}
