package httpapi

import (
	"net/http"
	"sync"

	"github.com/pressmark/pressmark/auth"
	"github.com/pressmark/pressmark/httpapi/ratelimit"
)

// owner is who a slot is given to: a user, or the network of who is not known.
// The zero value is this machine, of which as many as like to share slots.
type owner struct {
	user    auth.UserID
	network ratelimit.Key
}

// ownerOf returns who a request comes from, as far as slots go.
func (a *API) ownerOf(r *http.Request) (o owner) {
	if i, known := identityOf(r.Context()); known {
		return owner{user: i.User.ID}
	}
	if addr, ok := a.clientAddr(r); ok {
		o.network, _ = ratelimit.NetworkOf(addr)
	}
	return o
}

// slots bound what goes on at a time, over all and for each owner. Without a bound
// over all there is none for owners.
type slots struct {
	what       string // goes on, in the plural
	most, each int    // most < 0: no bound
	retryAfter int    // seconds

	mu    sync.Mutex
	open  int
	by    map[owner]int
	full  uint64
	greed uint64
}

// SlotStats are what goes on now, and what was refused since the start.
type SlotStats struct {
	Open    int    // now
	Full    uint64 // refused as there were as many as there may be
	PerUser uint64 // refused as one user, or network, had as many as it may
}

// newSlots bounds to most, of which a tenth are for one owner, and some at least.
func newSlots(what string, most, some, retryAfter int) slots {
	return slots{what: what, most: most, each: max(most/10, some), retryAfter: retryAfter, by: map[owner]int{}}
}

// enter takes a slot, which leave gives back.
func (s *slots) enter(o owner) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.most >= 0 && s.open >= s.most {
		s.full++
		return unavailable("Too many "+s.what+" are going on.", s.retryAfter, nil)
	}
	if s.most >= 0 && o != (owner{}) && s.by[o] >= s.each {
		s.greed++
		return &statusError{status: http.StatusTooManyRequests, detail: "You have too many " + s.what + " going on. End one first.", retryAfter: s.retryAfter}
	}
	s.open++
	s.by[o]++
	return nil
}

func (s *slots) leave(o owner) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open--
	if s.by[o]--; s.by[o] == 0 {
		delete(s.by, o)
	}
}

func (s *slots) stats() SlotStats {
	s.mu.Lock()
	defer s.mu.Unlock()
	return SlotStats{s.open, s.full, s.greed}
}
