package auth_test

import (
	"fmt"
	"testing"

	"github.com/pressmark/pressmark/auth"
)

// lockedOut are the events that tell of one.
func (l *lab) lockedOut(t *testing.T) (all []auth.Event) {
	t.Helper()
	events, err := l.Events(t.Context(), 0, 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		if e.Action == auth.DidLockOut {
			all = append(all, e)
		}
	}
	return all
}

// TestLockoutIsRecorded: once, however long somebody goes on.
func TestLockoutIsRecorded(t *testing.T) {
	l := newLab(t)
	const address = "192.0.2.7"
	for n := range 30 {
		l.try(t, "ada", fmt.Sprint("guess ", n), address)
	}
	if all := l.lockedOut(t); len(all) != 1 || all[0].Address != address || all[0].User == 0 {
		t.Errorf("the lockout is told by %+v", all)
	}
}

// TestLockoutIsRecordedOnce: also of who thinks of another name, or app password,
// each time.
func TestLockoutIsRecordedOnce(t *testing.T) {
	l := newLab(t)
	const address = "192.0.2.8"
	for n := range 200 {
		l.try(t, fmt.Sprint("nobody ", n), "guess", address)
		_, _ = l.VerifyApp(t.Context(), "ada", fmt.Sprintf("%026d", n), auth.Client{Address: address})
	}
	if all := l.lockedOut(t); len(all) != 2 { // of logins, and of app passwords
		t.Errorf("%d events tell of the lockout", len(all))
	}
}
