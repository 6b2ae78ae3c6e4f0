package main

import (
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// Where SQLite locks a database for reading (SQLite: os_unix.c, SHARED_FIRST
// and SHARED_SIZE).
const (
	sharedFirst = 0x40000000 + 2
	sharedSize  = 510
)

// lockWatch sees how long others hold a lock for reading on a database, as a
// writer would meet it: it asks the kernel several times in a millisecond
// whether a writer could lock the file.
type lockWatch struct {
	quit, done chan struct{}
	held       time.Duration
	err        error
}

func watchLock(path string) *lockWatch {
	w := &lockWatch{quit: make(chan struct{}), done: make(chan struct{})}
	go func() {
		defer close(w.done)
		w.err = w.run(path)
	}()
	return w
}

func (w *lockWatch) run(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	var m meter
	for {
		locked, err := readLocked(f)
		if err != nil {
			return fmt.Errorf("ask for locks on %s: %w", path, err)
		}
		m.observe(locked, time.Now())
		w.held = m.sum
		select {
		case <-w.quit:
			return nil
		default:
			time.Sleep(200 * time.Microsecond)
		}
	}
}

// stop returns for how long the lock was held in all.
func (w *lockWatch) stop() (time.Duration, error) {
	close(w.quit)
	<-w.done
	return w.held, w.err
}

// readLocked reports whether somebody else holds a lock for reading on a
// database.
func readLocked(f *os.File) (bool, error) {
	lk := unix.Flock_t{Type: unix.F_WRLCK, Start: sharedFirst, Len: sharedSize}
	err := unix.FcntlFlock(f.Fd(), unix.F_OFD_GETLK, &lk)
	return lk.Type != unix.F_UNLCK, err
}

// meter sums up for how long something was so.
type meter struct {
	since time.Time // zero while it is not so
	sum   time.Duration
}

func (m *meter) observe(so bool, now time.Time) {
	switch {
	case so && m.since.IsZero():
		m.since = now
	case !so && !m.since.IsZero():
		m.sum += now.Sub(m.since)
		m.since = time.Time{}
	}
}
