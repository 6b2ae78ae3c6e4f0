package calibre

import (
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/pressmark/pressmark/catalog"
	"github.com/pressmark/pressmark/catalog/calibre/internal/snapshot"
)

// Status implements catalog.Live.
func (l *Library) Status() catalog.Status {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.status
}

// succeed notes that the contents were equal to the library's at that time.
// next are the contents if they were read, nil if they needed not be.
func (l *Library) succeed(at time.Time, next *contents) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.status.Loaded = at
	if next != nil {
		l.status.Books = next.index.Len()
		if r := next.revision(); r != l.status.Revision {
			l.status.Revision, l.status.Changed = r, at
		}
		if l.library == "" {
			l.library = next.state.library
		}
	}
	if now := l.status.Revision.Library; now != l.library {
		l.problem(fmt.Errorf("Calibre library %s: %w: its id was %s and is %s", l.db, ErrOtherLibrary, l.library, now), true)
		return
	}
	if l.status.Problem == nil {
		return
	}
	if l.cause != "" {
		l.log.Info("Calibre library can be read again", "took", l.now().Sub(l.status.Since))
	}
	l.status.Problem, l.status.Since, l.cause = nil, time.Time{}, ""
}

// fail notes that the library could not be read.
func (l *Library) fail(err error, why purpose) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.problem(err, why != firstLoad) // whoever calls Load gets the error
}

// problem notes why the contents may be out of date, and logs it once for each
// distinct cause. The caller holds mu.
func (l *Library) problem(err error, log bool) {
	if l.status.Problem == nil {
		l.status.Since = l.now()
	}
	l.status.Problem = err
	if cause := causeOf(err); log && cause != l.cause {
		l.cause = cause
		l.log.Warn("Calibre library has a problem, the last good catalog is served", "err", err)
	}
}

// causeOf tells causes apart whose texts differ from one attempt to the next.
func causeOf(err error) string {
	for _, cause := range [...]error{
		ErrLocked, snapshot.ErrUnstable, ErrDamaged, ErrNotCalibre, ErrOtherLibrary, fs.ErrNotExist, fs.ErrPermission,
	} {
		if errors.Is(err, cause) {
			return cause.Error()
		}
	}
	return err.Error()
}

// warn logs what is odd in a database, when that is not what was logged last.
func (l *Library) warn(w warnings) {
	l.mu.Lock()
	defer l.mu.Unlock()
	// A refresh sees only the books that it loads.
	if text := w.String(); text != "" && text != l.warned {
		l.warned = text
		l.log.Warn("Calibre library holds values that were passed over", "values", text)
	}
}

func (l *Library) logSwap(began time.Time, next *contents, c catalog.Change, first, missed bool) {
	log := l.log.With("books", next.index.Len(), "revision", c.Revision.Digest, "took", l.now().Sub(began))
	switch changes := []any{"added", len(c.Added), "changed", len(c.Changed), "removed", len(c.Removed)}; {
	case first:
		log.Info("Calibre library loaded")
	case missed:
		log.Warn("refresh_missed", changes...)
	default:
		log.Info("Calibre library refreshed", changes...)
	}
}
