package auth_test

import (
	"fmt"
	"testing"

	"github.com/pressmark/pressmark/auth"
)

// TestLockoutIsRecorded: once, however long somebody goes on.
func TestLockoutIsRecorded(t *testing.T) {
	l := newLab(t)
	const address = "192.0.2.7"
	for n := range 30 {
		l.try(t, "ada", fmt.Sprint("guess ", n), address)
	}
	events, err := l.Events(t.Context(), 0, 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, e := range events {
		if e.Action == auth.DidLockOut {
			found++
			if e.Address != address || e.User == 0 {
				t.Errorf("%+v", e)
			}
		}
	}
	if found != 1 {
		t.Errorf("%d events tell of the lockout", found)
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
	events, err := l.Events(t.Context(), 0, 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, e := range events {
		if e.Action == auth.DidLockOut {
			found++
		}
	}
	if found != 2 { // of logins, and of app passwords
		t.Errorf("%d events tell of the lockout", found)
	}
}
