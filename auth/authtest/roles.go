package authtest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pressmark/pressmark/auth"
)

// All is every role of package auth.
type All interface {
	Store
	auth.AppPasswords
	auth.Attempts
	auth.Audit
	auth.Setup
	auth.Changes
}

// Roles tests what open returns, a store with nothing in it, in the roles that
// Users and Sessions do not test. It is called once for each subtest; they run in
// parallel.
func Roles(t *testing.T, open func(t *testing.T) All) {
	for name, test := range map[string]func(*testing.T, All){
		"AppPasswords": testAppPasswords, "AppPasswordLimit": testAppPasswordLimit,
		"Attempts": testAttempts, "AttemptsTogether": testAttemptsTogether, "Forgive": testForgive, "AttemptRace": testAttemptRace,
		"Audit": testAudit, "Setup": testSetup, "SetupRace": testSetupRace, "Canceled": testCanceled, "Writers": testWriters,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open(t))
		})
	}
}

func appPassword(user auth.UserID, n int) auth.AppPassword {
	p := auth.AppPassword{
		ID: fmt.Sprintf("app%04d", n), User: user, Label: "KOReader ♥", Scopes: []auth.Scope{auth.ScopeRead, auth.ScopeOPDS},
		Created: noon.Add(time.Duration(n) * time.Second),
	}
	copy(p.Hash[:], fmt.Sprint("hash ", n))
	return p
}

func testAppPasswords(t *testing.T, s All) {
	u, other := create(t, s, user("ada")), create(t, s, user("other"))
	list := func(user auth.UserID, want ...auth.AppPassword) {
		t.Helper()
		got, err := s.AppPasswords(t.Context(), user)
		if err != nil || len(got) != len(want) || len(want) > 0 && !reflect.DeepEqual(got, want) {
			t.Errorf("app passwords %+v, %v, want %+v", got, err, want)
		}
	}
	list(u.ID)
	second, first := appPassword(u.ID, 2), appPassword(u.ID, 1)
	for _, p := range []auth.AppPassword{second, first} {
		if err := s.AddAppPassword(t.Context(), p); err != nil {
			t.Fatal(err)
		}
	}
	list(u.ID, first, second)
	list(other.ID)
	for name, bad := range map[string]auth.AppPassword{"the same again": first, "the same hash": {ID: "new", User: u.ID, Label: "x", Scopes: first.Scopes, Hash: first.Hash, Created: noon}} {
		if err := s.AddAppPassword(t.Context(), bad); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	for field, spoil := range map[string]func(*auth.AppPassword){
		"label":  func(p *auth.AppPassword) { p.Label = "" },
		"scopes": func(p *auth.AppPassword) { p.Scopes = []auth.Scope{"all"} },
	} {
		bad := appPassword(u.ID, 9)
		spoil(&bad)
		var invalid *auth.InvalidError
		if err := s.AddAppPassword(t.Context(), bad); !errors.As(err, &invalid) || invalid.Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
	if err := s.AddAppPassword(t.Context(), appPassword(99, 9)); !errors.Is(err, auth.ErrNotFound) {
		t.Errorf("of nobody: %v", err)
	}
	list(u.ID, first, second)

	if got, err := s.FindAppPassword(t.Context(), second.Hash); err != nil || !reflect.DeepEqual(got, second) {
		t.Errorf("found %+v, %v", got, err)
	}
	if _, err := s.FindAppPassword(t.Context(), [32]byte{1}); !errors.Is(err, auth.ErrNotFound) {
		t.Errorf("found what is not there: %v", err)
	}
	old := second.Hash
	second.Hash, second.Used, second.Address = [32]byte{7}, noon.Add(time.Minute), "2001:db8::1"
	if err := s.UseAppPassword(t.Context(), second.ID, second.Hash, second.Used, second.Address); err != nil {
		t.Fatal(err)
	}
	list(u.ID, first, second)
	if _, err := s.FindAppPassword(t.Context(), old); !errors.Is(err, auth.ErrNotFound) {
		t.Errorf("found by the hash of before: %v", err)
	}
	for _, id := range []string{"", "nope", "\x00", "\xff", second.ID + " "} {
		if err := s.UseAppPassword(t.Context(), id, old, noon, ""); !errors.Is(err, auth.ErrNotFound) {
			t.Errorf("use %q: %v", id, err)
		}
		if err := s.RemoveAppPassword(t.Context(), u.ID, id); !errors.Is(err, auth.ErrNotFound) {
			t.Errorf("remove %q: %v", id, err)
		}
	}
	if err := s.RemoveAppPassword(t.Context(), other.ID, first.ID); !errors.Is(err, auth.ErrNotFound) {
		t.Errorf("remove another's: %v", err)
	}
	if err := s.RemoveAppPassword(t.Context(), u.ID, first.ID); err != nil {
		t.Error(err)
	}
	list(u.ID, second)
	if err := s.Delete(t.Context(), u.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := s.FindAppPassword(t.Context(), second.Hash); !errors.Is(err, auth.ErrNotFound) {
		t.Errorf("of a deleted account: %v", err)
	}
}

func testAppPasswordLimit(t *testing.T, s All) {
	u := create(t, s, user("ada"))
	for n := range auth.MaxAppPasswords {
		if err := s.AddAppPassword(t.Context(), appPassword(u.ID, n)); err != nil {
			t.Fatal(err)
		}
	}
	var invalid *auth.InvalidError
	if err := s.AddAppPassword(t.Context(), appPassword(u.ID, 1000)); !errors.As(err, &invalid) || invalid.Field != "app_passwords" {
		t.Errorf("one too many: %v", err)
	}
}

// attempt attempts, and wants to be refused for so long; 0 is not at all.
func attempt(t *testing.T, s auth.Attempts, at time.Time, refused time.Duration, limits ...auth.Limit) {
	t.Helper()
	until, err := s.Attempt(t.Context(), at, limits...)
	switch {
	case err != nil:
		t.Fatal(err)
	case until.IsZero() != (refused == 0), !until.IsZero() && until.Sub(at) != refused:
		t.Errorf("refused for %v, want %v", until.Sub(at), refused)
	}
}

func testAttempts(t *testing.T, s All) {
	l := auth.Limit{Key: "user:1 from 192.0.2.1/32 ♥", Free: 2, Most: 5 * time.Second}
	at := noon
	attempt(t, s, at, 0, l)
	attempt(t, s, at.Add(-time.Second), 0, l) // a replica's clock is late
	attempt(t, s, at, 0, l)
	attempt(t, s, at, time.Second, l)
	attempt(t, s, at.Add(999999*time.Microsecond), time.Microsecond, l)
	for _, wait := range []time.Duration{1, 2, 4, 5, 5} {
		attempt(t, s, at, wait*time.Second, l)
		at = at.Add(wait * time.Second)
		attempt(t, s, at, 0, l)
	}
	attempt(t, s, at, 0, auth.Limit{Key: "another", Free: 2, Most: time.Hour})
	// What counts is what the limit of the call says.
	attempt(t, s, at.Add(5*time.Second), 0, auth.Limit{Key: l.Key, Free: 100, Most: time.Hour})
	attempt(t, s, at.Add(5*time.Second), 0, l)
	attempt(t, s, at.Add(5*time.Second), 5*time.Second, l)
	// An hour without a failure, and counting starts anew.
	at = at.Add(5*time.Second + auth.ForgetFailures)
	for range 3 {
		attempt(t, s, at, 0, l)
	}
	attempt(t, s, at, time.Second, l)
	if err := s.ExpireAttempts(t.Context(), at.Add(auth.ForgetFailures-time.Microsecond)); err != nil {
		t.Fatal(err)
	}
	attempt(t, s, at, time.Second, l)
	if err := s.ExpireAttempts(t.Context(), at.Add(auth.ForgetFailures)); err != nil {
		t.Fatal(err)
	}
	attempt(t, s, at, 0, l)
}

// testAttemptsTogether: one limit that refuses keeps the others from counting.
func testAttemptsTogether(t *testing.T, s All) {
	a := auth.Limit{Key: "a", Free: 0, Most: time.Hour}
	b := auth.Limit{Key: "b", Free: 1, Most: time.Hour}
	c := auth.Limit{Key: "c", Free: 0, Most: time.Hour}
	attempt(t, s, noon, 0, b, a)
	attempt(t, s, noon, time.Second, a, b)
	attempt(t, s, noon, time.Second, b, a)
	attempt(t, s, noon, 0, b) // the second that counts
	attempt(t, s, noon.Add(time.Second), 0, a)
	attempt(t, s, noon.Add(time.Second), 2*time.Second, a, b)
	attempt(t, s, noon.Add(time.Second), 0, c)
	attempt(t, s, noon.Add(time.Second), 2*time.Second, c, a) // the later one
	attempt(t, s, noon.Add(time.Second), 2*time.Second, a, c)
	attempt(t, s, noon, 0)
}

func testForgive(t *testing.T, s All) {
	a, b := auth.Limit{Key: "a", Free: 1, Most: time.Hour}, auth.Limit{Key: "b", Free: 1, Most: time.Hour}
	attempt(t, s, noon, 0, a, b)
	attempt(t, s, noon, 0, a, b)
	attempt(t, s, noon, time.Second, a)
	if err := s.Forgive(t.Context(), 1, "b", "nothing", "a"); err != nil {
		t.Fatal(err)
	}
	attempt(t, s, noon, 0, a) // the second failure again
	attempt(t, s, noon, time.Second, a)
	if err := s.Forgive(t.Context(), 1000, "a"); err != nil {
		t.Fatal(err)
	}
	attempt(t, s, noon, 0, a)
	attempt(t, s, noon, 0, a)
	attempt(t, s, noon, time.Second, a)
	attempt(t, s, noon, 0, b)
	if err := s.Forgive(t.Context(), 1); err != nil {
		t.Error(err)
	}
}

// testAttemptRace: as many get through at once as one after another.
func testAttemptRace(t *testing.T, s All) {
	limits := []auth.Limit{{Key: "a", Free: 5, Most: time.Hour}, {Key: "b", Free: 100, Most: time.Hour}}
	var through atomic.Int64
	var wg sync.WaitGroup
	for i := range 32 {
		wg.Go(func() {
			l := limits
			if i%2 == 0 {
				l = []auth.Limit{limits[1], limits[0]}
			}
			until, err := s.Attempt(t.Context(), noon, l...)
			if err != nil {
				t.Error(err)
			}
			if until.IsZero() {
				through.Add(1)
			}
		})
	}
	wg.Wait()
	if n := through.Load(); n != 6 {
		t.Errorf("%d got through", n)
	}
}

func testAudit(t *testing.T, s All) {
	const n = 12
	for i := range n {
		e := auth.Event{
			ID: 99, At: noon.Add(time.Duration(i)*time.Minute + 7), Action: auth.DidLogIn,
			Actor: auth.UserID(i % 3), User: auth.UserID(i % 4), Address: "2001:db8::1", Detail: fmt.Sprint("event ♥ ", i),
		}
		if err := s.Record(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	events := func(user auth.UserID, before int64, limit int) []auth.Event {
		t.Helper()
		list, err := s.Events(t.Context(), user, before, limit)
		if err != nil {
			t.Fatal(err)
		}
		return list
	}
	all := events(0, 0, 1000)
	if len(all) != n {
		t.Fatalf("%d events", len(all))
	}
	for i, e := range all {
		i = n - 1 - i
		if e.Detail != fmt.Sprint("event ♥ ", i) || !e.At.Equal(noon.Add(time.Duration(i)*time.Minute)) || e.At.Location() != time.UTC ||
			e.Action != auth.DidLogIn || e.Actor != auth.UserID(i%3) || e.User != auth.UserID(i%4) || e.Address != "2001:db8::1" {
			t.Errorf("%+v", e)
		}
	}
	if got := events(0, all[4].ID, 3); !reflect.DeepEqual(got, all[5:8]) {
		t.Errorf("the page behind the fifth: %+v", got)
	}
	for _, limit := range []int{0, -1, 1} {
		if got := events(0, 0, limit); len(got) != 1 {
			t.Errorf("limit %d: %d events", limit, len(got))
		}
	}
	if got := events(0, 0, 1<<30); len(got) != n {
		t.Errorf("%d events", len(got))
	}
	for _, e := range events(2, 0, 100) {
		if e.Actor != 2 && e.User != 2 {
			t.Errorf("of another: %+v", e)
		}
	}
	if got := events(2, 0, 100); len(got) != 6 { // 2, 5, 6, 8, 10, 11
		t.Errorf("%d events of one account", len(got))
	}
	if err := s.ExpireEvents(t.Context(), noon.Add(10*time.Minute)); err != nil {
		t.Fatal(err)
	}
	if got := events(0, 0, 100); !reflect.DeepEqual(got, all[:2]) {
		t.Errorf("left are %+v", got)
	}
}

func setupToken(n byte) auth.SetupToken {
	return auth.SetupToken{Nonce: fmt.Sprint("nonce ", n), Hash: [32]byte{n}, Expires: noon.Add(time.Hour)}
}

func testSetup(t *testing.T, s All) {
	ada := user("ada")
	ada.Role, ada.Disabled, ada.Access = auth.Reader, true, auth.Access{Restricted: true}
	finish := func(at time.Time, n byte) (auth.User, error) {
		return s.FinishSetup(t.Context(), at, [32]byte{n}, ada, "hash of ada")
	}
	if _, err := finish(noon, 1); !errors.Is(err, auth.ErrNotFound) {
		t.Errorf("none is open: %v", err)
	}
	open := func(at time.Time, given, want auth.SetupToken) {
		t.Helper()
		if got, err := s.OpenSetup(t.Context(), at, given); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("open is %+v, %v, want %+v", got, err, want)
		}
	}
	first, second := setupToken(1), setupToken(2)
	open(noon, first, first)
	open(noon.Add(59*time.Minute), second, first)
	if _, err := finish(noon, 2); !errors.Is(err, auth.ErrNotFound) {
		t.Errorf("another's hash: %v", err)
	}
	if _, err := finish(noon.Add(time.Hour), 1); !errors.Is(err, auth.ErrNotFound) {
		t.Errorf("when it has ended: %v", err)
	}
	second.Expires = noon.Add(2 * time.Hour)
	open(noon.Add(time.Hour), second, second)
	if _, err := finish(noon, 1); !errors.Is(err, auth.ErrNotFound) {
		t.Errorf("the hash of before: %v", err)
	}
	bad := ada
	ada.Email = "nobody"
	var invalid *auth.InvalidError
	if _, err := finish(noon, 2); !errors.As(err, &invalid) {
		t.Errorf("an account that cannot be: %v", err)
	}
	ada = bad
	u, err := finish(noon.Add(time.Hour), 2)
	if err != nil || u.Role != auth.Admin || u.Disabled || u.Access.Restricted || u.Generation < 1 {
		t.Fatalf("%+v, %v", u, err)
	}
	is(t, s, u)
	if _, hash, err := s.Find(t.Context(), "ada"); err != nil || hash != "hash of ada" {
		t.Errorf("%s, %v", hash, err)
	}
	if _, err := finish(noon, 2); !errors.Is(err, auth.ErrNotFound) {
		t.Errorf("again: %v", err)
	}
	if _, err := s.OpenSetup(t.Context(), noon, first); !errors.Is(err, auth.ErrNotFound) {
		t.Errorf("open where there are users: %v", err)
	}
}

func testSetupRace(t *testing.T, s All) {
	if _, err := s.OpenSetup(t.Context(), noon, setupToken(1)); err != nil {
		t.Fatal(err)
	}
	var made atomic.Int64
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			switch _, err := s.FinishSetup(t.Context(), noon, [32]byte{1}, user(fmt.Sprint("admin", i)), ""); {
			case err == nil:
				made.Add(1)
			case !errors.Is(err, auth.ErrNotFound):
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := made.Load(); n != 1 {
		t.Errorf("%d admins", n)
	}
}

func testCanceled(t *testing.T, s All) {
	u := create(t, s, user("ada"))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for name, call := range map[string]func() error{
		"AddAppPassword":    func() error { return s.AddAppPassword(ctx, appPassword(u.ID, 1)) },
		"FindAppPassword":   func() error { _, err := s.FindAppPassword(ctx, [32]byte{}); return err },
		"AppPasswords":      func() error { _, err := s.AppPasswords(ctx, u.ID); return err },
		"UseAppPassword":    func() error { return s.UseAppPassword(ctx, "x", [32]byte{}, noon, "") },
		"RemoveAppPassword": func() error { return s.RemoveAppPassword(ctx, u.ID, "x") },
		"Attempt":           func() error { _, err := s.Attempt(ctx, noon, auth.Limit{Key: "x"}); return err },
		"Forgive":           func() error { return s.Forgive(ctx, 1, "x") },
		"ExpireAttempts":    func() error { return s.ExpireAttempts(ctx, noon) },
		"Record":            func() error { return s.Record(ctx, auth.Event{At: noon}) },
		"Events":            func() error { _, err := s.Events(ctx, 0, 0, 1); return err },
		"ExpireEvents":      func() error { return s.ExpireEvents(ctx, noon) },
		"OpenSetup":         func() error { _, err := s.OpenSetup(ctx, noon, setupToken(1)); return err },
		"FinishSetup":       func() error { _, err := s.FinishSetup(ctx, noon, [32]byte{1}, user("x"), ""); return err },
		"Watch":             func() error { return s.Watch(ctx, func() {}, func(auth.UserID) {}) },
	} {
		if err := call(); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// testWriters: whoever writes waits for others, and is not sent away.
func testWriters(t *testing.T, s All) {
	u := create(t, s, user("ada"))
	var wg sync.WaitGroup
	for i := range 32 {
		wg.Go(func() {
			for n := range 4 {
				id := i*100 + n
				l := auth.Limit{Key: "all", Free: 1000, Most: time.Hour}
				_, attempted := s.Attempt(t.Context(), noon, l, auth.Limit{Key: fmt.Sprint(i), Free: 1000})
				for _, err := range []error{
					attempted,
					s.Begin(t.Context(), auth.Session{ID: fmt.Sprint(id), User: u.ID, Created: noon, Used: noon, Expires: noon}, token("x", int64(id))),
					s.Record(t.Context(), auth.Event{At: noon, Action: auth.DidLogIn}),
					s.Forgive(t.Context(), 1, "all", fmt.Sprint(i)),
				} {
					if err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	wg.Wait()
	if list, err := s.Events(t.Context(), 0, 0, 1000); err != nil || len(list) != 128 {
		t.Errorf("%d events, %v", len(list), err)
	}
	attempt(t, s, noon, 0, auth.Limit{Key: "all", Free: 0, Most: time.Hour})
	attempt(t, s, noon, time.Second, auth.Limit{Key: "all", Free: 0, Most: time.Hour})
}
