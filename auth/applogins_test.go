package auth_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pressmark/pressmark/auth"
)

func (l *lab) app(t *testing.T, scopes ...auth.Scope) (auth.AppPassword, string) {
	t.Helper()
	p, text, err := l.AddAppPassword(t.Context(), 1, "KOReader", scopes, auth.Client{})
	if err != nil {
		t.Fatal(err)
	}
	return p, text
}

func TestAppPassword(t *testing.T) {
	l := newLab(t)
	p, text := l.app(t, auth.ScopeOPDS, auth.ScopeRead, auth.ScopeOPDS)
	if !slices.Equal(p.Scopes, []auth.Scope{auth.ScopeRead, auth.ScopeOPDS}) || len(strings.ReplaceAll(text, "-", "")) != 26 {
		t.Errorf("%+v, %s", p, text)
	}
	c := auth.Client{Address: "192.0.2.1"}
	for _, given := range []string{text, strings.ToUpper(text), strings.ReplaceAll(text, "-", ""), strings.ReplaceAll(text, "-", " ")} {
		for _, login := range []string{"ada", "ADA@example.com"} {
			i, err := l.VerifyApp(t.Context(), login, given, c)
			if err != nil || i.User.Username != "ada" || i.App != p.ID || i.Session != "" || !slices.Equal(i.Scopes, p.Scopes) {
				t.Errorf("%s, %s: %+v, %v", login, given, i, err)
			}
		}
	}
	i, err := l.VerifyApp(t.Context(), "ada", text, c)
	if err != nil || !i.Allows(auth.ScopeOPDS) || !i.Allows(auth.ScopeAPI, auth.ScopeRead) || i.Allows(auth.ScopeAPI, auth.ScopeKOSync) || i.Allows() {
		t.Errorf("%+v, %v", i, err)
	}
	for _, given := range [][2]string{{"bob", text}, {"", text}, {"ada", ""}, {"ada", "password of ada"}, {"ada", text + "a"}, {"ada", strings.Repeat("a", 26)}, {"ada", strings.Repeat("a", 1<<20)}} {
		l.pass(time.Hour) // so that failures do not count
		if _, err := l.VerifyApp(t.Context(), given[0], given[1], c); !errors.Is(err, auth.ErrRefused) {
			t.Errorf("%.40q: %v", given, err)
		}
	}
	list, err := l.AppPasswords(t.Context(), 1)
	if err != nil || len(list) != 1 || list[0].Used.IsZero() || list[0].Address != "192.0.2.1" {
		t.Errorf("%+v, %v", list, err)
	}
	if ok, err := l.Current(t.Context(), i); !ok || err != nil {
		t.Errorf("current: %v, %v", ok, err)
	}
	if _, err := l.Login(t.Context(), "ada", text, c); !errors.Is(err, auth.ErrRefused) {
		t.Errorf("login with it: %v", err)
	}
	if err := l.RemoveAppPassword(t.Context(), 1, 1, p.ID, c); err != nil {
		t.Fatal(err)
	}
	if _, err := l.VerifyApp(t.Context(), "ada", text, c); !errors.Is(err, auth.ErrRefused) {
		t.Errorf("removed: %v", err)
	}
	if ok, err := l.Current(t.Context(), i); ok || err != nil {
		t.Errorf("current when removed: %v, %v", ok, err)
	}
}

// TestAppPasswordOfOther: an account that is disabled, or another key.
func TestAppPasswordEnds(t *testing.T) {
	l := newLab(t)
	_, text := l.app(t, auth.ScopeAPI)
	c := auth.Client{Address: "192.0.2.1"}
	good := func() bool {
		t.Helper()
		l.pass(time.Hour)
		_, err := l.VerifyApp(t.Context(), "ada", text, c)
		if err != nil && !errors.Is(err, auth.ErrRefused) {
			t.Error(err)
		}
		return err == nil
	}
	disable := func(disabled bool) {
		t.Helper()
		if _, err := l.Update(t.Context(), 0, 1, func(u *auth.User) error { u.Disabled = disabled; return nil }, c); err != nil {
			t.Fatal(err)
		}
	}
	disable(true)
	if good() {
		t.Error("of a disabled account")
	}
	disable(false)
	if !good() {
		t.Error("enabled again")
	}
	l.o.Key, l.o.OldKeys = []byte("the new key has 32 bytes as well"), [][]byte{key}
	if l.restart(t); !good() {
		t.Error("with the old key")
	}
	l.o.OldKeys = nil
	if l.restart(t); !good() {
		t.Error("one that was used has not moved to the new key")
	}
	l.o.Key = []byte("a third key that has 32 bytes...")
	if l.restart(t); good() {
		t.Error("with another key")
	}
}

// TestAppPasswordFailures: they lock the network and the password, not the
// account; what is good does not cost anything.
func TestAppPasswordFailures(t *testing.T) {
	l := newLab(t)
	_, text := l.app(t, auth.ScopeAPI)
	var locked *auth.LockedError
	try := func(text, address string) string {
		_, err := l.VerifyApp(t.Context(), "ada", text, auth.Client{Address: address})
		switch {
		case err == nil:
			return "in"
		case errors.As(err, &locked):
			return "locked"
		}
		return "refused"
	}
	// A program that was not told that its password has ended: from wherever.
	n := 0
	for ; n < 100 && try("aaaaa-aaaaa-aaaaa-aaaaa-aaaaaa", fmt.Sprint("203.0.113.", n)) == "refused"; n++ {
	}
	if n != 4 {
		t.Errorf("one wrong password was looked at %d times", n)
	}
	for n = 0; n < 100 && try(strings.Repeat("a", 24)+fmt.Sprint(n%10, n/10), "192.0.2.1") == "refused"; n++ {
	}
	if n != 21 {
		t.Errorf("%d wrong passwords of one network were looked at", n)
	}
	if got := try(text, "192.0.2.1"); got != "locked" {
		t.Errorf("the right one from there, not seen before: %s", got)
	}
	if got := try(text, "192.0.2.2"); got != "in" {
		t.Errorf("from another network: %s", got)
	}
	if got := try(text, "192.0.2.1"); got != "in" {
		t.Errorf("from the locked one, now that it is known: %s", got)
	}
	if got := l.try(t, "ada", "password of ada", "198.51.100.1"); got != "in" {
		t.Errorf("the account: %s", got)
	}
	asked := l.users.asked.Load()
	for range 1000 {
		try(text, "192.0.2.2")
	}
	if n := l.users.asked.Load() - asked; n > 1 {
		t.Errorf("a thousand requests asked for the account %d times", n)
	}
}
