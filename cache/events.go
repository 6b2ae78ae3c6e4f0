package cache

import (
	"sync/atomic"
	"time"
)

// EventKind says what happened.
type EventKind int

// The kinds of events.
const (
	// LocalHit is a value found in this process, LocalMiss one that was not.
	LocalHit EventKind = iota
	LocalMiss
	// SharedHit is a value found in the shared store, SharedMiss one that was not,
	// or that could not be read.
	SharedHit
	SharedMiss
	// Joined is a caller who waits for a load that another has begun.
	Joined
	// Loaded is a value that was loaded, LoadFailed an error instead of one. Took
	// is how long it took.
	Loaded
	LoadFailed
	// ServedStale is an old value that was returned, because it is replaced in the
	// background or because the new one cannot be had; Err says why.
	ServedStale
	// Forgot is when this process is asked to forget keys, or all, Heard when
	// another process has.
	Forgot
	Heard
	// Gap is a time in which messages of other processes may have been missed.
	Gap
	// Failed is a call of the shared store or the bus that failed; Err says why.
	Failed
	// Opened is when the shared store is left alone from now on, Closed when it is
	// used again.
	Opened
	Closed
)

// Event is something that happened in a cache.
type Event struct {
	Kind EventKind
	// Namespace is where; empty for what is about all of them.
	Namespace string
	Took      time.Duration
	Err       error
}

// Stats are the counts of a namespace since it was made.
type Stats struct {
	Namespace string
	// Local and Shared tell which tiers it uses, Forgets whether keys are ever
	// forgotten.
	Local, Shared, Forgets bool
	// Void is true while nothing is looked for in the shared tier, as it may have
	// what somebody has failed to forget.
	Void bool

	LocalHits, LocalMisses   uint64
	SharedHits, SharedMisses uint64
	// Joins is how many callers waited for a load that another had begun.
	Joins             uint64
	Loads, LoadErrors uint64
	Stale             uint64
	// ForgetsSent is how often this process was asked to forget keys, or all,
	// ForgetsReceived how often it was told to.
	ForgetsSent, ForgetsReceived uint64
}

// counters are the counts behind Stats.
type counters [Heard + 1]atomic.Uint64

func (c *counters) stats(name string) Stats {
	return Stats{
		Namespace: name,
		LocalHits: c[LocalHit].Load(), LocalMisses: c[LocalMiss].Load(),
		SharedHits: c[SharedHit].Load(), SharedMisses: c[SharedMiss].Load(),
		Joins: c[Joined].Load(),
		Loads: c[Loaded].Load(), LoadErrors: c[LoadFailed].Load(),
		Stale:       c[ServedStale].Load(),
		ForgetsSent: c[Forgot].Load(), ForgetsReceived: c[Heard].Load(),
	}
}

// Stats returns the counts of all namespaces, by name.
func (c *Cache) Stats() []Stats {
	spaces := c.spaces()
	all := make([]Stats, len(spaces))
	for i, s := range spaces {
		all[i] = s.stats()
	}
	return all
}

// Usage is how much is kept in this process; false if that is not known.
func (c *Cache) Usage() (Usage, bool) {
	if m, ok := c.local.(Measured); ok {
		return m.Usage(), true
	}
	return Usage{}, false
}

// SharedState is how the shared store does.
type SharedState struct {
	// Used is false without a shared store.
	Used bool
	// Open is true while it is left alone because it failed; Since is when that
	// began, Err the last error.
	Open  bool
	Since time.Time
	Err   error
	// Failures counts calls that failed, Opened how often it was left alone.
	Failures, Opened uint64
	// Listening is true while messages of other processes arrive.
	Listening bool
}

// Shared returns how the shared store does.
func (c *Cache) Shared() SharedState {
	s := SharedState{Listening: c.listening.Load()}
	if c.guard != nil {
		c.guard.state(&s)
	}
	return s
}
