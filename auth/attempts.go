package auth

import (
	"context"
	"time"
)

// Limit bounds the failures of attempts that have something in common: an
// account, a network, a password that was tried.
type Limit struct {
	// Key is what they have in common, at most 200 bytes.
	Key string
	// Free is how many failures have no consequence.
	Free int
	// Most is the longest time for which attempts are refused.
	Most time.Duration
}

// Wait returns for how long attempts are refused after the n-th failure: one
// second after the first that is not free, then twice as long each time, up to
// Most.
func (l Limit) Wait(n int) time.Duration {
	if n <= l.Free {
		return 0
	}
	return min(time.Second<<min(n-l.Free-1, 30), l.Most)
}

// ForgetFailures is after how long without a failure counting starts anew.
const ForgetFailures = time.Hour

// Attempts counts failures. Implementations are safe for concurrent use, and
// what they acknowledge is kept.
type Attempts interface {
	// Attempt counts a failure for each limit, before anybody knows whether it is
	// one: so many attempts at a time are no better than one after another. If
	// one of the limits refuses attempts at that time, it counts nothing and
	// returns until when it does; otherwise the zero time. Keys differ.
	Attempt(ctx context.Context, at time.Time, limits ...Limit) (until time.Time, err error)

	// Forgive takes back the last n failures of each key, because they were none,
	// and with them the time for which they had attempts refused.
	Forgive(ctx context.Context, n int, keys ...string) error

	// ExpireAttempts removes what would start anew at that time.
	ExpireAttempts(ctx context.Context, at time.Time) error
}
