package snapshot

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// source is one opening of the database that is to be copied.
type source struct {
	path   string   // with symbolic links resolved, as SQLite names the journals
	file   *os.File // opened read-only, and the only descriptor that is copied
	header header
}

// attempt makes a copy in dir. again reports that a later attempt may succeed
// where this one did not.
func attempt(ctx context.Context, src, dir string, o Options) (c Copy, again bool, err error) {
	if err := ctx.Err(); err != nil {
		return Copy{}, false, err
	}
	s, err := openSource(src)
	if err != nil {
		return Copy{}, false, err
	}
	// In this order: closing a descriptor drops POSIX locks on the file, those
	// of an SQLite connection included.
	defer s.file.Close()

	out, err := os.CreateTemp(dir, "metadata-*.db")
	if err != nil {
		return Copy{}, false, err
	}
	defer out.Close()
	c.Path = out.Name()
	defer func() {
		if err != nil {
			out.Close()
			err = errors.Join(err, c.Remove())
			c = Copy{}
		}
	}()

	if s.header.wal() {
		err = s.copyWAL(ctx, out, &c)
	} else {
		err = s.copyRollback(ctx, out, &c, o)
	}
	c.ChangeCounter = s.header.changeCounter()
	if err == nil {
		err = out.Close()
	}
	if err == nil {
		err = finish(ctx, &c)
	}
	// Without a lock a torn copy looks like a damaged original.
	again = errors.Is(err, ErrLocked) || errors.Is(err, ErrUnstable) || errors.Is(err, ErrDamaged) && !c.Trusted
	return c, again, err
}

func openSource(src string) (*source, error) {
	path, err := filepath.EvalSymlinks(src)
	if err != nil {
		return nil, err
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() { // opening a pipe would wait for its other end
		return nil, fmt.Errorf("%w: expected a file, found %v", ErrDamaged, info.Mode().Type())
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	s := &source{path: path, file: f}
	if s.header, err = readHeader(f); err != nil {
		f.Close()
		return nil, err
	}
	return s, nil
}

// current reports whether the path still names the file that was opened.
func (s *source) current() error {
	opened, err := s.file.Stat()
	if err != nil {
		return err
	}
	named, err := os.Stat(s.path)
	if errors.Is(err, os.ErrNotExist) || err == nil && !os.SameFile(opened, named) {
		return fmt.Errorf("%w: it was replaced", ErrUnstable)
	}
	return err
}

// copyRollback copies a database in rollback mode to out, with its journal if
// that is hot, and fills in what c says about it.
func (s *source) copyRollback(ctx context.Context, out *os.File, c *Copy, o Options) error {
	l, err := s.lock(ctx, o.lock)
	if err != nil {
		return err
	}
	defer l.release()
	start := time.Now()

	// Opening and locking are two steps: the file may have been replaced or
	// switched to WAL mode between them.
	if err := s.current(); err != nil {
		return err
	}
	if s.header, err = readHeader(s.file); err != nil {
		return err
	}
	if s.header.wal() {
		return fmt.Errorf("%w: it was switched to WAL mode", ErrUnstable)
	}
	if c.Stamp, err = stamp(s.path); err != nil {
		return err
	}
	c.Method = l.method
	c.Trusted = l.method == LockedOFD && localFS(s.file)

	journal, err := s.openHotJournal(l)
	if err != nil {
		return err
	}
	held := func() error {
		if l.held() && time.Since(start) > o.MaxHold {
			c.LockHeld = time.Since(start)
			l.release()
			c.Method, c.Trusted = Unlocked, false
		}
		return ctx.Err()
	}
	if err := copyBytes(out, s.file, c.Stamp.Main.Size, held); err != nil {
		return err
	}
	if journal != nil {
		defer journal.Close()
		c.HotJournal = true
		if err := copyJournal(journal, c.Path+journalSuffix, held); err != nil {
			return err
		}
	}

	after, err := stamp(s.path)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnstable, err)
	}
	header, err := readHeader(s.file)
	if err != nil {
		return err
	}
	if err := s.current(); err != nil {
		return err
	}
	// A writer that waits behind the lock may go on filling its own journal.
	journalMatters := c.HotJournal || c.Method == Unlocked
	if after.Main != c.Stamp.Main || header != s.header || journalMatters && after.Journal != c.Stamp.Journal {
		return fmt.Errorf("%w (%s)", ErrUnstable, c.Method)
	}
	if l.held() {
		c.LockHeld = time.Since(start)
	}
	return nil
}
