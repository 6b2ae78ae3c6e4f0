package auth_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pressmark/pressmark/auth"
)

// TestFollow: a change by another process takes effect at once while changes are
// told, and after 10 s while they are not.
func TestFollow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t)
		g := l.login(t, "ada")
		disable := func(disabled bool) {
			t.Helper()
			if _, err := l.store.Update(t.Context(), 1, func(u *auth.User) error { u.Disabled = disabled; return nil }); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		if !l.in(t, g.Access) {
			t.Fatal("not in")
		}
		disable(true)
		if !l.in(t, g.Access) {
			t.Error("nobody has told, and the account was asked for")
		}
		l.pass(9 * time.Second)
		if !l.in(t, g.Access) {
			t.Error("asked for too early")
		}
		l.pass(2 * time.Second)
		if l.in(t, g.Access) {
			t.Error("trusted for more than 10 s though nobody tells of changes")
		}
		disable(false)
		ctx, stop := context.WithCancel(t.Context())
		followed := make(chan error)
		go func() { followed <- l.cache.Run(ctx) }()
		synctest.Wait()
		if !l.in(t, g.Access) {
			t.Error("what was known before changes were told is still used")
		}
		asked := l.users.asked.Load()
		l.pass(4 * time.Minute)
		if !l.in(t, g.Access) || l.users.asked.Load() != asked {
			t.Error("asked again though changes are told")
		}
		disable(true)
		if l.in(t, g.Access) {
			t.Error("a change that was told has no effect")
		}
		disable(false)
		if !l.in(t, g.Access) {
			t.Error("not in")
		}
		stop()
		if err := <-followed; !errors.Is(err, context.Canceled) {
			t.Errorf("followed: %v", err)
		}
		disable(true)
		l.pass(11 * time.Second)
		if l.in(t, g.Access) {
			t.Error("trusted for more than 10 s after the last word")
		}
	})
}

// TestDatabaseDown: who was seen lately is let in until the entry ends, others
// get an error that is no refusal.
func TestDatabaseDown(t *testing.T) {
	l := newLab(t)
	g, other := l.login(t, "ada"), l.login(t, "bob")
	if !l.in(t, g.Access) {
		t.Fatal("not in")
	}
	l.users.down.Store(true)
	for range 24 { // an entry lasts for five minutes, less up to a tenth
		if !l.in(t, g.Access) {
			t.Fatal("forgotten while the database is down")
		}
		l.pass(11 * time.Second)
	}
	if n := l.users.asked.Load(); n > 30 {
		t.Errorf("asked %d times while it is down", n)
	}
	if _, err := l.Verify(t.Context(), other.Access); !errors.Is(err, errDown) {
		t.Errorf("somebody who was not seen: %v", err)
	}
	l.pass(40 * time.Second)
	if _, err := l.Verify(t.Context(), g.Access); !errors.Is(err, errDown) {
		t.Errorf("after five minutes: %v", err)
	}
	l.users.down.Store(false)
	if !l.in(t, g.Access) {
		t.Error("it is up again")
	}
}

// TestSessionBegunElsewhere: a process that remembers an account hears of a new
// session by its token.
func TestSessionBegunElsewhere(t *testing.T) {
	l := newLab(t)
	here := l.Logins
	g := l.login(t, "ada")
	if _, err := here.Verify(t.Context(), g.Access); err != nil {
		t.Fatal(err)
	}
	l.restart(t) // another process
	second := l.login(t, "ada")
	if _, err := here.Verify(t.Context(), second.Access); err != nil {
		t.Errorf("a session that began elsewhere: %v", err)
	}
}

// TestPurpose: a token of one purpose opens nothing else.
func TestPurpose(t *testing.T) {
	l := newLab(t)
	g := l.login(t, "ada")
	i, err := l.Verify(t.Context(), g.Access)
	if err != nil {
		t.Fatal(err)
	}
	ticket, _, err := l.Ticket(i, auth.File{Library: "main", Book: 3, Format: "EPUB"})
	if err != nil {
		t.Fatal(err)
	}
	verify := map[string]func(string) error{
		"access": func(s string) error { _, err := l.Verify(t.Context(), s); return err },
		"cookie": func(s string) error { _, err := l.VerifyCookie(t.Context(), s); return err },
		"ticket": func(s string) error { _, _, err := l.VerifyTicket(t.Context(), s); return err },
	}
	for made, token := range map[string]string{"access": g.Access, "cookie": g.Cookie, "ticket": ticket, "refresh": g.Refresh} {
		for asked, v := range verify {
			if err := v(token); (made == asked) != (err == nil) || err != nil && !errors.Is(err, auth.ErrRefused) {
				t.Errorf("%s as %s: %v", made, asked, err)
			}
		}
		if _, err := l.Refresh(t.Context(), token, auth.Client{}); (made == "refresh") != (err == nil) {
			t.Errorf("%s as refresh: %v", made, err)
		}
	}
	if _, f, err := l.VerifyTicket(t.Context(), ticket); err != nil || f != (auth.File{Library: "main", Book: 3, Format: "EPUB"}) {
		t.Errorf("%+v, %v", f, err)
	}
	if err := l.Logout(t.Context(), i, auth.Client{}); err != nil {
		t.Fatal(err)
	}
	for name, v := range verify {
		if err := v(map[string]string{"access": g.Access, "cookie": g.Cookie, "ticket": ticket}[name]); !errors.Is(err, auth.ErrRefused) {
			t.Errorf("%s after logout: %v", name, err)
		}
	}
}

func TestSetup(t *testing.T) {
	l := newLab(t)
	if _, _, err := l.OpenSetup(t.Context()); !errors.Is(err, auth.ErrNotFound) {
		t.Errorf("with users: %v", err)
	}
	for _, id := range []auth.UserID{1, 2} {
		if err := l.Delete(t.Context(), 0, id, auth.Client{}); err != nil {
			t.Fatal(err)
		}
	}
	token, expires, err := l.OpenSetup(t.Context())
	if err != nil || expires.Sub(time.UnixMicro(l.now.Load())) != time.Hour {
		t.Fatalf("%v, %v", expires, err)
	}
	l.restart(t)
	if again, _, err := l.OpenSetup(t.Context()); err != nil || again != token {
		t.Errorf("another replica shows another token: %v", err)
	}
	u := auth.User{Email: "eve@example.com", Username: "eve", Role: auth.Reader}
	finish := func(token string) (auth.Grant, error) {
		return l.FinishSetup(t.Context(), token, u, "correct horse", auth.Client{Address: "192.0.2.1"})
	}
	for _, wrong := range []string{"", "x", token + "x", strings.ToUpper(token)} {
		if _, err := finish(wrong); !errors.Is(err, auth.ErrRefused) {
			t.Errorf("%q: %v", wrong, err)
		}
	}
	l.pass(time.Hour)
	if _, err := finish(token); !errors.Is(err, auth.ErrRefused) {
		t.Errorf("an hour later: %v", err)
	}
	next, _, err := l.OpenSetup(t.Context())
	if err != nil || next == token {
		t.Fatalf("the token of before is shown again: %v", err)
	}
	g, err := finish(next)
	if err != nil || g.User.Role != auth.Admin || !l.in(t, g.Access) {
		t.Fatalf("%+v, %v", g, err)
	}
	if _, err := finish(next); !errors.Is(err, auth.ErrRefused) {
		t.Errorf("the same token again: %v", err)
	}
}

// TestAudit: what is done to accounts is kept, by whom and from where, and no
// secret with it.
func TestAudit(t *testing.T) {
	l := newLab(t)
	c := auth.Client{Address: "192.0.2.1"}
	g := l.login(t, "ada")
	l.try(t, "ada", "a wrong secret", "192.0.2.1")
	l.try(t, "a secret as a name", "a wrong secret", "192.0.2.1")
	p, text := l.app(t, auth.ScopeOPDS)
	for _, err := range []error{
		l.RemoveAppPassword(t.Context(), 2, 1, p.ID, c),
		l.SetPassword(t.Context(), 2, 1, "a new secret", c),
		l.Logout(t.Context(), g.Identity, c),
		l.Delete(t.Context(), 2, 1, c),
	} {
		if err != nil && !errors.Is(err, auth.ErrNotFound) {
			t.Error(err)
		}
	}
	list, err := l.Events(t.Context(), 1, 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range list {
		got = append(got, string(e.Action))
		if strings.Contains(e.Detail, "secret") || strings.Contains(e.Detail, text) {
			t.Errorf("%+v", e)
		}
	}
	if want := "user_deleted password_set app_password_removed app_password_added login_failed login user_created"; strings.Join(got, " ") != want {
		t.Errorf("%s\nwant %s", strings.Join(got, " "), want)
	}
	if e := list[1]; e.Actor != 2 || e.User != 1 || e.Address != "192.0.2.1" {
		t.Errorf("%+v", e)
	}
	if all, err := l.Events(t.Context(), 0, 0, 100); err != nil || len(all) != len(list)+2 {
		t.Errorf("%d events in all, %v", len(all), err) // bob, and the failure of nobody
	}
}
