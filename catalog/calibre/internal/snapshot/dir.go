package snapshot

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

const (
	dirPrefix = "snapshot-"
	lockName  = "lock"
)

// Dir is a folder for copies that belongs to one owner in one process.
type Dir struct {
	// Path is the folder, an absolute path.
	Path string
	lock *os.File
}

// OpenDir makes a new folder in parent, which is created if need be, with
// access for this user only: metadata.db holds more than the catalogue.
//
// Folders of owners that died are removed. An owner keeps a file named lock in
// its folder locked, so that several processes, and several owners in one, can
// share parent. The file snapshots.lock in parent orders their starts.
func OpenDir(parent string) (*Dir, error) {
	d, err := openDir(parent)
	if err != nil {
		return nil, fmt.Errorf("make a folder for copies in %s: %w", parent, err)
	}
	return d, nil
}

func openDir(parent string) (_ *Dir, err error) {
	if parent, err = filepath.Abs(parent); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(parent, 0o700); err != nil {
		return nil, err
	}
	// Without it a folder that is just being made would look abandoned.
	gate, err := os.OpenFile(filepath.Join(parent, "snapshots.lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	defer gate.Close()
	if err := flockWait(gate); err != nil {
		return nil, err
	}
	if err := sweep(parent); err != nil {
		return nil, err
	}
	d := &Dir{}
	if d.Path, err = os.MkdirTemp(parent, dirPrefix+"*"); err != nil {
		return nil, err
	}
	d.lock, err = os.OpenFile(filepath.Join(d.Path, lockName), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err == nil {
		err = flockWait(d.lock)
	}
	if err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

// Close removes the folder with all copies in it.
func (d *Dir) Close() error {
	// First the lock: some systems do not delete a file that is open.
	if d.lock != nil {
		d.lock.Close()
	}
	return os.RemoveAll(d.Path)
}

func sweep(parent string) error {
	entries, err := os.ReadDir(parent)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !e.IsDir() || !strings.HasPrefix(e.Name(), dirPrefix) {
			continue
		}
		dir := filepath.Join(parent, e.Name())
		free, err := abandoned(filepath.Join(dir, lockName))
		if err != nil {
			return err
		}
		if free {
			if err := os.RemoveAll(dir); err != nil {
				return err
			}
		}
	}
	return nil
}
