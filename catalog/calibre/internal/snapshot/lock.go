package snapshot

import (
	"context"
	"errors"
)

// SQLite's lock bytes (os.h, "unix locking"). They lie at 1 GiB whatever the
// size of the file is, and no page that is in use covers them.
const (
	pendingByte  = 0x40000000      // held by a writer that waits for readers to leave, or writes
	reservedByte = pendingByte + 1 // held by a writer that prepares a change
	sharedFirst  = pendingByte + 2 // read-locked by readers, write-locked by the writer while it writes
	sharedSize   = 510
)

// locker takes SQLite's SHARED lock on a source. It does not wait: ErrLocked
// reports that a writer is in the way, errors.ErrUnsupported that this lock
// cannot be had here.
type locker func(context.Context, *source) (*sharedLock, error)

type sharedLock struct {
	method Method
	unlock func() // nil once the lock is gone

	// reserved reports whether a live writer holds RESERVED. nil where that
	// cannot be asked.
	reserved func() (bool, error)
}

func (l *sharedLock) held() bool { return l.unlock != nil }

// release lets the lock go. Doing so twice does nothing.
func (l *sharedLock) release() {
	if l.unlock != nil {
		l.unlock()
		l.unlock = nil
	}
}

// lock takes the first lock that works, or none where none does.
func (s *source) lock(ctx context.Context, try []locker) (*sharedLock, error) {
	for _, take := range try {
		l, err := take(ctx, s)
		if !errors.Is(err, errors.ErrUnsupported) {
			return l, err
		}
	}
	return &sharedLock{method: Unlocked}, nil
}
