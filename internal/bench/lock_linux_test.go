package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestReadLocked sees a lock for reading as long as another holds it.
func TestReadLocked(t *testing.T) {
	path := filepath.Join(t.TempDir(), "metadata.db")
	holder, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer holder.Close()
	asker, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer asker.Close()
	for _, kind := range []int16{unix.F_UNLCK, unix.F_RDLCK, unix.F_UNLCK} {
		lk := unix.Flock_t{Type: kind, Start: sharedFirst + 1, Len: 1}
		if err := unix.FcntlFlock(holder.Fd(), unix.F_OFD_SETLK, &lk); err != nil {
			t.Fatal(err)
		}
		locked, err := readLocked(asker)
		if err != nil || locked != (kind == unix.F_RDLCK) {
			t.Errorf("locked %v, %v", locked, err)
		}
	}
	w := watchLock(path)
	if held, err := w.stop(); err != nil || held != 0 {
		t.Errorf("nobody held it: %v, %v", held, err)
	}
	if _, err := watchLock(path + "-missing").stop(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}

func TestMeter(t *testing.T) {
	var m meter
	now := time.Unix(1e9, 0)
	for _, so := range []bool{false, true, true, true, false, false, true, false} {
		now = now.Add(time.Second)
		m.observe(so, now)
	}
	if m.sum != 4*time.Second {
		t.Errorf("%v, want 4 s", m.sum)
	}
}
