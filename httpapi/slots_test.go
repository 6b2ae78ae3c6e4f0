package httpapi

import (
	"errors"
	"net/http"
	"testing"
)

// TestSlots: nobody gets more than a share, and all together not more than there
// are. This machine has no share of its own.
func TestSlots(t *testing.T) {
	s := newSlots("downloads", 40, 2, 7)
	status := func(o owner) int {
		err := s.enter(o)
		var known *statusError
		if errors.As(err, &known) {
			return known.status
		}
		return 0
	}
	ada, bob, here := owner{user: 1}, owner{network: 2}, owner{}
	for range 4 {
		if status(ada) != 0 || status(bob) != 0 {
			t.Fatal("refused")
		}
	}
	if got := status(ada); got != http.StatusTooManyRequests {
		t.Errorf("more than a share: %d", got)
	}
	for range 32 {
		if status(here) != 0 {
			t.Fatal("refused")
		}
	}
	if got := status(owner{user: 3}); got != http.StatusServiceUnavailable {
		t.Errorf("more than there are: %d", got)
	}
	s.leave(ada)
	if status(ada) != 0 {
		t.Error("what was given back is not there")
	}
	if st := s.stats(); st != (SlotStats{40, 1, 1}) {
		t.Errorf("%+v", st)
	}
	for range 4 {
		s.leave(ada)
		s.leave(bob)
	}
	for range 32 {
		s.leave(here)
	}
	if len(s.by) != 0 || s.open != 0 {
		t.Errorf("%d owners, %d open", len(s.by), s.open)
	}
	free := newSlots("downloads", -1, 2, 7)
	for range 100 {
		if err := free.enter(ada); err != nil {
			t.Fatal(err)
		}
	}
}
