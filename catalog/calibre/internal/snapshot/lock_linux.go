package snapshot

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

var lockers = []locker{lockOFD, lockSQLite}

// lockOFD takes the SHARED lock as SQLite does (os_unix.c, unixLock): PENDING
// for a moment, which fails while a writer waits or writes and so never starves
// one; then the shared bytes; then PENDING is given back.
func lockOFD(_ context.Context, s *source) (*sharedLock, error) {
	if err := lockBytes(s.file, unix.F_RDLCK, pendingByte, 1); err != nil {
		return nil, err
	}
	err := lockBytes(s.file, unix.F_RDLCK, sharedFirst, sharedSize)
	if e := lockBytes(s.file, unix.F_UNLCK, pendingByte, 1); err == nil {
		err = e
	}
	if err != nil {
		return nil, err
	}
	return &sharedLock{
		method: LockedOFD,
		// Closing the only descriptor would release the lock as well.
		unlock:   func() { _ = lockBytes(s.file, unix.F_UNLCK, sharedFirst, sharedSize) },
		reserved: func() (bool, error) { return writeLocked(s.file, reservedByte) },
	}, nil
}

// lockBytes sets an open-file-description lock. The descriptor is open for
// reading only, which is enough for a read lock.
func lockBytes(f *os.File, kind int16, start, length int64) error {
	lk := unix.Flock_t{Type: kind, Whence: io.SeekStart, Start: start, Len: length}
	for {
		err := unix.FcntlFlock(f.Fd(), unix.F_OFD_SETLK, &lk)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.EACCES):
			return ErrLocked
		case errors.Is(err, unix.EINVAL), errors.Is(err, unix.ENOLCK), errors.Is(err, unix.ENOSYS), errors.Is(err, unix.EOPNOTSUPP):
			return fmt.Errorf("lock: %w: %w", errors.ErrUnsupported, err)
		case err != nil:
			return fmt.Errorf("lock: %w", err)
		}
		return nil
	}
}

// writeLocked reports whether somebody else holds a write lock on the byte at.
func writeLocked(f *os.File, at int64) (bool, error) {
	lk := unix.Flock_t{Type: unix.F_RDLCK, Whence: io.SeekStart, Start: at, Len: 1}
	if err := unix.FcntlFlock(f.Fd(), unix.F_OFD_GETLK, &lk); err != nil {
		return false, fmt.Errorf("ask for lock: %w", err)
	}
	return lk.Type != unix.F_UNLCK, nil
}
