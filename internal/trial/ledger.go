package main

import (
	"fmt"
	"slices"
	"sync"
)

// place is a position as the server stores it: what was told of it is unique, so
// that it can be recognised.
type place struct {
	Version int    `json:"version"`
	Locator string `json:"locator"`
}

// key names what one user made of one book.
type key struct {
	user int
	book string
}

// entry is what is known of the place of one user in one book.
type entry struct {
	acked   place    // the last that was acknowledged; version 0 is none
	unknown []string // told with acked's version and not answered: any one may be stored
	busy    bool     // a write is under way
}

// ledger holds every write that was sent: what the server has acknowledged it
// must keep. All writes of one entry name the version that was seen last, so
// that of those without an answer one at most can have been stored.
type ledger struct {
	quiet    sync.RWMutex // held by each write, so that all can be read back between two
	mu       sync.Mutex
	entries  map[key]*entry
	acked    int // writes
	unknown  int
	breaches []string
}

func newLedger() *ledger { return &ledger{entries: map[key]*entry{}} }

// begin starts a write, and returns the version that it has to name; false if
// one is under way.
func (l *ledger) begin(k key) (version int, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.entries[k]
	if e == nil {
		e = &entry{}
		l.entries[k] = e
	}
	if e.busy {
		return 0, false
	}
	e.busy = true
	return e.acked.Version, true
}

// acknowledge ends a write that the server says it has stored.
func (l *ledger) acknowledge(k key, stored place, sent string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.entries[k]
	e.busy = false
	l.acked++
	if stored.Locator != sent || stored.Version != e.acked.Version+1 {
		l.breach(k, "acknowledged as %v what was %q after version %d", stored, sent, e.acked.Version)
	}
	e.acked, e.unknown = stored, nil
}

// conflict ends a write that the server refused because it has another version:
// that has to be one of those that were never answered, this one included, which
// a proxy may have sent twice. It reports whether it was this one.
func (l *ledger) conflict(k key, stored place, sent string) (own bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.entries[k]
	e.busy = false
	if why := e.judge(stored, sent); why != "" {
		l.breach(k, "%s", why)
	}
	e.acked, e.unknown = stored, nil
	return stored.Locator == sent
}

// lose ends a write whose fate is not known.
func (l *ledger) lose(k key, sent string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.entries[k]
	e.busy = false
	l.unknown++
	e.unknown = append(e.unknown, sent)
}

// refuse ends a write that the server has surely not stored.
func (l *ledger) refuse(k key) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.entries[k].busy = false
}

// judge says what is wrong with what is stored, "" if nothing is. also is a
// locator that may be stored beside those that had no answer.
func (e *entry) judge(stored place, also ...string) string {
	switch {
	case stored == e.acked:
		return ""
	case stored.Version == e.acked.Version+1 && (slices.Contains(e.unknown, stored.Locator) || slices.Contains(also, stored.Locator)):
		return ""
	}
	return fmt.Sprintf("%v is stored, acknowledged was %v, and %d writes after it had no answer", stored, e.acked, len(e.unknown))
}

// check compares what is read back of one entry.
func (l *ledger) check(k key, stored place) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.entries[k]
	if e.busy {
		return // somebody writes: it is looked at when all rest
	}
	if why := e.judge(stored); why != "" {
		l.breach(k, "%s", why)
	}
}

// breach notes what must not be.
func (l *ledger) breach(k key, format string, args ...any) {
	l.breaches = append(l.breaches, fmt.Sprintf("user %d, book %s: ", k.user, k.book)+fmt.Sprintf(format, args...))
}

// of lists the books that a user wrote of.
func (l *ledger) of(user int) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var books []string
	for k := range l.entries {
		if k.user == user {
			books = append(books, k.book)
		}
	}
	slices.Sort(books)
	return books
}

// sum returns the counts, and what must not have been.
func (l *ledger) sum() (acked, unknown int, breaches []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.acked, l.unknown, slices.Clone(l.breaches)
}
