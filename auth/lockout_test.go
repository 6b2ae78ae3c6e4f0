package auth_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/pressmark/pressmark/auth"
)

// try logs in and tells what came of it: "in", "refused" or "locked".
func (l *lab) try(t *testing.T, login, password, address string) string {
	t.Helper()
	_, err := l.Login(t.Context(), login, password, auth.Client{Address: address})
	var locked *auth.LockedError
	switch {
	case err == nil:
		return "in"
	case errors.As(err, &locked):
		if locked.For <= 0 || locked.For > 15*time.Minute {
			t.Errorf("locked for %v", locked.For)
		}
		return "locked"
	case !errors.Is(err, auth.ErrRefused):
		t.Error(err)
	}
	return "refused"
}

// until tries until it is locked, and returns how often it was not.
func (l *lab) until(t *testing.T, login, password func(n int) string, address func(n int) string) int {
	t.Helper()
	for n := range 1000 {
		if l.try(t, login(n), password(n), address(n)) == "locked" {
			return n
		}
	}
	return 1000
}

func always(s string) func(int) string { return func(int) string { return s } }

// TestLockoutOfPair: who guesses the password of one account is slowed down more
// and more, whatever they guess, and the right password does not help meanwhile.
func TestLockoutOfPair(t *testing.T) {
	l := newLab(t)
	const address = "192.0.2.7"
	guess := func(n int) string { return fmt.Sprint("guess ", n) }
	for _, login := range []string{"ada", "nobody"} {
		if n := l.until(t, always(login), guess, always(address)); n != 6 {
			t.Errorf("%s: %d guesses were looked at", login, n)
		}
	}
	if got := l.try(t, "ada@example.com", "password of ada", address); got != "locked" {
		t.Errorf("the right password by another name of the account: %s", got)
	}
	waits := 0
	for l.pass(time.Second); waits < 20; waits++ {
		if l.try(t, "ada", "wrong", address) == "locked" {
			break
		}
		l.pass(time.Second << waits)
	}
	if waits > 2 {
		t.Errorf("the delay does not grow: %d more guesses", waits)
	}
	if got := l.try(t, "bob", "password of bob", "192.0.2.8"); got != "in" {
		t.Errorf("another account from another address: %s", got)
	}
	l.pass(16 * time.Minute)
	if got := l.try(t, "ada", "password of ada", address); got != "in" {
		t.Errorf("after a while: %s", got)
	}
}

// countedAttempts counts how often it is asked.
type countedAttempts struct {
	auth.Attempts
	asked int
}

func (c *countedAttempts) Attempt(ctx context.Context, at time.Time, limits ...auth.Limit) (time.Time, error) {
	c.asked++
	return c.Attempts.Attempt(ctx, at, limits...)
}

// TestLockoutIsRemembered: who goes on trying does not keep the database busy,
// and is let in when the time is over.
func TestLockoutIsRemembered(t *testing.T) {
	l := newLab(t)
	attempts := &countedAttempts{Attempts: l.store}
	l.restart(t, func(o *auth.LoginOptions) { o.Attempts = attempts })
	for l.try(t, "ada", "wrong", "192.0.2.1") != "locked" {
	}
	before := attempts.asked
	for range 100 {
		if got := l.try(t, "ada", "password of ada", "192.0.2.1"); got != "locked" {
			t.Fatal(got)
		}
	}
	if n := attempts.asked - before; n > 1 {
		t.Errorf("asked %d times", n)
	}
	if got := l.try(t, "bob", "password of bob", "192.0.2.1"); got != "in" {
		t.Errorf("another account: %s", got)
	}
	l.pass(time.Second)
	if got := l.try(t, "ada", "password of ada", "192.0.2.1"); got != "in" {
		t.Errorf("a second later: %s", got)
	}
}

// TestLockoutOfNetwork: one password tried on many accounts.
func TestLockoutOfNetwork(t *testing.T) {
	l := newLab(t)
	name := func(n int) string { return fmt.Sprint("user", n) }
	if n := l.until(t, name, always("Winter2026"), always("192.0.2.9")); n != 21 {
		t.Errorf("%d accounts were tried", n)
	}
	// An IPv6 network has 2^64 addresses, an IPv4 address can be written as one.
	if n := l.until(t, name, always("Winter2026"), func(n int) string { return fmt.Sprintf("2001:db8:1:2:%x::%x", n, n) }); n != 21 {
		t.Errorf("%d accounts were tried from one /64", n)
	}
	if n := l.until(t, name, always("Winter2026"), always("::ffff:192.0.2.9")); n != 0 {
		t.Errorf("%d accounts were tried from the same address written as IPv6", n)
	}
	if got := l.try(t, "ada", "password of ada", "2001:db8:1:3::1"); got != "in" {
		t.Errorf("from another network: %s", got)
	}
	if got := l.try(t, "ada", "password of ada", "192.0.2.9"); got != "locked" {
		t.Errorf("from the network that is locked: %s", got)
	}
}

// TestLockoutOfOthers: many addresses that guess at one account slow each other
// down, but not its owner at home, and nowhere for longer than a minute.
func TestLockoutOfOthers(t *testing.T) {
	l := newLab(t)
	if got := l.try(t, "ada", "password of ada", "198.51.100.1"); got != "in" {
		t.Fatal(got)
	}
	address := func(n int) string { return fmt.Sprintf("203.0.113.%d", n%250) }
	if n := l.until(t, always("ada"), func(n int) string { return fmt.Sprint("guess ", n) }, address); n != 21 {
		t.Errorf("%d guesses from as many addresses were looked at", n)
	}
	for range 100 { // attackers go on
		l.try(t, "ada", "wrong", "203.0.113.251")
		l.pass(10 * time.Second)
	}
	if got := l.try(t, "ada", "password of ada", "198.51.100.1"); got != "in" {
		t.Errorf("at home: %s", got)
	}
	l.pass(time.Minute)
	if got := l.try(t, "ada", "password of ada", "198.51.100.99"); got != "in" {
		t.Errorf("somewhere else, a minute later: %s", got)
	}
}

// TestLockoutForgives: logins that succeed count for nothing, and neither does
// a server that is too busy to look.
func TestLockoutForgives(t *testing.T) {
	l := newLab(t)
	for range 50 {
		if got := l.try(t, "ada", "password of ada", "192.0.2.1"); got != "in" {
			t.Fatal(got)
		}
	}
	for range 4 {
		l.try(t, "ada", "wrong", "192.0.2.1")
	}
	for range 10 {
		if got := l.try(t, "ada", "password of ada", "192.0.2.1"); got != "in" {
			t.Fatal(got)
		}
	}
}

// TestChangePassword: guessing the current password through a session that was
// left open is slowed down, too.
func TestChangePassword(t *testing.T) {
	l := newLab(t)
	a, b := l.login(t, "ada"), l.login(t, "ada")
	c := auth.Client{Address: "192.0.2.1"}
	if err := l.ChangePassword(t.Context(), a.Identity, "wrong", "the new one", c); !errors.Is(err, auth.ErrRefused) {
		t.Errorf("with a wrong one: %v", err)
	}
	var unfit *auth.InvalidError
	if err := l.ChangePassword(t.Context(), a.Identity, "password of ada", "short", c); !errors.As(err, &unfit) {
		t.Errorf("a short one: %v", err)
	}
	if err := l.ChangePassword(t.Context(), a.Identity, "password of ada", "the new one", c); err != nil {
		t.Fatal(err)
	}
	if !l.in(t, a.Access) || l.in(t, b.Access) {
		t.Error("the other session goes on, or this one does not")
	}
	if _, err := l.Refresh(t.Context(), b.Refresh, c); !errors.Is(err, auth.ErrRefused) {
		t.Errorf("the other session refreshes: %v", err)
	}
	if l.try(t, "ada", "password of ada", "192.0.2.1") != "refused" || l.try(t, "ada", "the new one", "192.0.2.1") != "in" {
		t.Error("which password is good?")
	}
	var locked *auth.LockedError
	for range 10 {
		if err := l.ChangePassword(t.Context(), a.Identity, "wrong", "the new one", c); errors.As(err, &locked) {
			return
		}
	}
	t.Error("guesses are not counted")
}
