// Package snapshot makes consistent private copies of a live metadata.db
// without writing in the library folder and without making Calibre wait.
//
// A reader that keeps a transaction open in Calibre's database makes Calibre
// fail with "database is locked". So the database is copied in one short moment
// and everything else is done with the copy, which nobody else knows:
//
//	dir, err := snapshot.OpenDir(filepath.Join(dataDir, "snapshots"))
//	defer dir.Close()
//	c, err := dir.Take(ctx, "/books/metadata.db", snapshot.Options{})
//	defer c.Remove()
//	db, err := sql.Open("sqlite", c.DSN())
//
// # How the copy is kept whole
//
// In rollback mode, which is Calibre's own, SQLite's SHARED lock is held while
// the file is copied: writers may prepare a change meanwhile, but none can
// reach the file. The lock is an open-file-description lock on the one
// descriptor that is read. An ordinary POSIX lock belongs to the process and
// falls when any descriptor of the file is closed in it, so that two servers
// in one process would take it from each other.
//
// A hot journal (left by a writer that died) is copied with the file, and
// SQLite rolls back the copy. The original waits for Calibre to do the same.
//
// In WAL mode no lock is taken. A connection to the original would write its
// -shm file, and a SHARED lock at the moment when Calibre closes the database
// would keep it from folding the -wal into the main file. None is needed: the
// main file is copied first and the -wal after it. Whatever a checkpoint wrote
// into the main file meanwhile came from frames that the -wal still holds, as
// long as the -wal was not restarted; and a restart changes the salts in its
// header, which are compared. The copy is then checkpointed into one plain file.
//
// Where locks do not exist, or where the file system is not known to be local,
// the files are compared before and after, and SQLite's quick_check of the
// copy decides ([Copy.Trusted] is false then).
//
// # Failures
//
// Every failure leaves the library and the scratch folder as they were.
// [ErrLocked] and [ErrUnstable] pass by themselves: keep what was loaded last
// and try again later. [ErrDamaged] does not, and its text says what was found
// and what was expected. A missing file is fs.ErrNotExist.
package snapshot

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"
)

var (
	// ErrLocked reports that a writer held the database for longer than
	// Options.Wait: a bulk edit in Calibre, or a commit that waits for others.
	ErrLocked = errors.New("database is locked by a writer")

	// ErrUnstable reports that the files were changed or replaced during each
	// attempt to copy them.
	ErrUnstable = errors.New("database kept changing while it was copied")

	// ErrDamaged reports a file that is not a whole SQLite database.
	ErrDamaged = errors.New("not a sound SQLite database")
)

// Options adjust a copy. The zero value works.
type Options struct {
	// Wait is how long to go on trying while a writer holds the lock or the
	// files change. 0 means 2 s; negative means one attempt.
	Wait time.Duration

	// MaxHold is the longest that Calibre's lock is held. A copy that takes
	// longer (a large library on a slow disk or share) goes on without the lock
	// and is then checked as if there had been none. 0 means 1 s; Calibre gives
	// up after 10 s.
	MaxHold time.Duration

	// lock replaces the platform's ways to lock, in tests.
	lock []locker
}

func (o Options) withDefaults() Options {
	if o.Wait == 0 {
		o.Wait = 2 * time.Second
	}
	if o.MaxHold == 0 {
		o.MaxHold = time.Second
	}
	if o.lock == nil {
		o.lock = lockers
	}
	return o
}

// Method says what kept the copy whole.
type Method string

const (
	// LockedOFD is SQLite's SHARED lock as an open-file-description lock.
	LockedOFD Method = "ofd lock"
	// LockedSQLite is the SHARED lock of an SQLite connection, where there are
	// no open-file-description locks.
	LockedSQLite Method = "sqlite lock"
	// Unlocked is a comparison of the files before and after.
	Unlocked Method = "no lock"
	// WALGeneration is the order of copying and the salts of the -wal.
	WALGeneration Method = "wal generation"
)

// Copy is a private copy of a metadata.db: one file in rollback mode, without
// journal or -wal, that nobody writes. The caller removes it.
type Copy struct {
	// Path is the copy's file.
	Path string
	// Size is its length in bytes.
	Size int64
	// ChangeCounter is the counter in the original's header, which SQLite
	// raises with each commit in rollback mode (file format, 1.3.7).
	ChangeCounter uint32
	// Stamp is what the original's files looked like when the copy began.
	Stamp Stamp

	// Method says what kept the copy whole.
	Method Method
	// LockHeld is how long writers were kept out. 0 without a lock.
	LockHeld time.Duration
	// LockWaited is how long a writer kept us from the lock. It is told of attempts
	// that fail, too.
	LockWaited time.Duration
	// Trusted reports that Method was enough: a working lock held to the end on
	// a local file system, or an unbroken -wal. Otherwise quick_check has
	// passed, too.
	Trusted bool
	// Checked reports that quick_check was run on the copy, and passed.
	Checked bool
	// WAL reports that the original is in WAL mode.
	WAL bool
	// HotJournal reports that a dead writer's change was rolled back in the copy.
	HotJournal bool
}

// Check runs SQLite's quick_check on the copy, unless that was done: all pages and
// rows, without comparing indexes with their tables. The error is [ErrDamaged], or
// that of ctx. The copy may be read meanwhile.
func (c Copy) Check(ctx context.Context) error {
	if c.Checked {
		return nil
	}
	return quickCheck(ctx, c)
}

// DSN is the name under which modernc.org/sqlite opens the copy: read-only and
// immutable, so that it takes no locks and makes no files.
func (c Copy) DSN() string { return dsn(c.Path, "mode=ro&immutable=1") }

// Remove deletes the copy. Removing it twice is no error.
func (c Copy) Remove() error {
	if c.Path == "" { // there is none
		return nil
	}
	var errs []error
	for _, suffix := range [...]string{"", journalSuffix, walSuffix, "-shm"} {
		if err := os.Remove(c.Path + suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// Take copies the database at src, the path of a metadata.db. It only reads
// there: neither a file nor a byte changes, and the folder may be read-only. A
// symbolic link is followed, and journals are looked for beside its target.
//
// ctx ends waiting, copying and checking. Take may be called concurrently, also
// for one database.
func (d *Dir) Take(ctx context.Context, src string, o Options) (Copy, error) {
	o = o.withDefaults()
	deadline := time.Now().Add(o.Wait)
	var waited time.Duration
	for pause := time.Millisecond; ; pause = min(2*pause, 50*time.Millisecond) {
		began := time.Now()
		c, again, err := attempt(ctx, src, d.Path, o)
		c.LockWaited = waited
		if err == nil {
			return c, nil
		}
		if !again || !time.Now().Before(deadline) {
			return c, fmt.Errorf("copy %s: %w", src, err)
		}
		select {
		case <-ctx.Done():
			return c, fmt.Errorf("copy %s: %w (last attempt: %w)", src, ctx.Err(), err)
		case <-time.After(pause):
		}
		if errors.Is(err, ErrLocked) {
			waited += time.Since(began)
		}
	}
}
