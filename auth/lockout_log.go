package auth

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// lockoutLog remembers what was recorded, so that who goes on trying does not fill
// the audit log. The zero value is empty.
type lockoutLog struct {
	mu   sync.Mutex
	seen map[string]time.Time
}

// The time between two events of the same lockout, and how many are remembered.
const (
	lockoutAgain = 15 * time.Minute
	maxLockouts  = 10_000
)

// fresh reports whether a lockout was not recorded lately, and notes that it is.
func (k *lockoutLog) fresh(key string, now time.Time) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if at, ok := k.seen[key]; ok && now.Sub(at) < lockoutAgain && !now.Before(at) {
		return false
	}
	if k.seen == nil || len(k.seen) >= maxLockouts {
		k.seen = map[string]time.Time{}
	}
	k.seen[key] = now
	return true
}

// recordLockout keeps an event if err says that somebody is locked out. Lockouts
// are told apart by what who tries cannot choose: not by names or passwords.
func (l *Logins) recordLockout(ctx context.Context, who Event, now time.Time, err error) {
	var locked *LockedError
	if errors.As(err, &locked) && l.locked.fresh(fmt.Sprint(who.User, network(who.Address), who.Detail), now) {
		who.Action = DidLockOut
		l.record(ctx, who)
	}
}
