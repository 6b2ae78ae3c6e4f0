package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/pressmark/pressmark/catalog/calibre/calibretest"
)

// locker is another process that holds metadata.db locked.
type locker struct {
	cmd   *exec.Cmd
	stdin io.WriteCloser
}

// lock has sqlite3 take the exclusive lock. This process must not open the file
// for it: a lock belongs to a process, and closing the file anywhere in it ends it.
func lock(path string) (*locker, error) {
	cmd := exec.Command("sqlite3", path)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	l := &locker{cmd, stdin}
	if _, err := io.WriteString(stdin, ".timeout 10000\nBEGIN EXCLUSIVE;\nSELECT 'locked';\n"); err != nil {
		return nil, errors.Join(err, l.release())
	}
	buf := make([]byte, 64)
	n, err := stdout.Read(buf)
	if said := strings.TrimSpace(string(buf[:n])); said != "locked" {
		return nil, errors.Join(fmt.Errorf("sqlite3 says %q", said), err, l.release())
	}
	return l, nil
}

// release ends the transaction and the process.
func (l *locker) release() error {
	_, err := io.WriteString(l.stdin, "ROLLBACK;\n.quit\n")
	return errors.Join(err, l.stdin.Close(), l.cmd.Wait())
}

// libraryFaults are those of metadata.db. None of them may be noticed.
func (s *site) libraryFaults() []fault {
	lib := s.library
	aside := filepath.Join(s.dir, "metadata.db.aside")
	var change libraryChange
	after := func(ctx context.Context) error { return s.shows(ctx, &change) }
	ill := func(ctx context.Context) error { return s.ready(ctx, true) }
	var held *locker
	locked := fault{
		name: "metadata.db locked EXCLUSIVE after a change",
		begin: func(context.Context) (err error) {
			if err := change.make(lib); err != nil {
				return err
			}
			held, err = lock(lib.database())
			return err
		},
		during: ill, end: func(context.Context) error { return held.release() }, after: after,
	}
	if _, err := exec.LookPath("sqlite3"); err != nil {
		locked.absent = "sqlite3 is not in PATH"
	}
	// another puts a changed copy in the place of metadata.db.
	another := func(context.Context) error {
		if err := os.Remove(aside); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		if err := copyFile(lib.database(), aside); err != nil {
			return err
		}
		if err := change.makeAt(lib, aside); err != nil {
			return err
		}
		beside := lib.database() + ".new"
		if err := copyFile(aside, beside); err != nil {
			return err
		}
		return os.Rename(beside, lib.database())
	}
	// back brings back what was put aside, changed.
	back := func(context.Context) error {
		if err := change.makeAt(lib, aside); err != nil {
			return err
		}
		beside := lib.database() + ".new"
		if err := copyFile(aside, beside); err != nil {
			return err
		}
		return os.Rename(beside, lib.database())
	}
	putAside := func() error {
		if err := os.Remove(aside); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		return copyFile(lib.database(), aside)
	}
	return []fault{
		locked,
		{name: "metadata.db replaced by another copy, twice", begin: another, during: func(ctx context.Context) error { return s.ready(ctx, false) }, end: another, after: after},
		{
			name: "metadata.db truncated, and restored", during: ill, end: back, after: after,
			begin: func(context.Context) error { return errors.Join(putAside(), calibretest.Truncate(lib.database())) },
		},
		{
			name: "metadata.db deleted, and restored", during: ill, end: back, after: after,
			begin: func(context.Context) error { return errors.Join(putAside(), os.Remove(lib.database())) },
		},
	}
}
