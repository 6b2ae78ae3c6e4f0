package snapshot

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestDir(t *testing.T) {
	parent := filepath.Join(t.TempDir(), "data", "snapshots")
	mine, err := OpenDir(parent)
	if err != nil {
		t.Fatal(err)
	}
	other := start(t, roleOwner, parent)
	theirs := other.answer()
	c, err := mine.Take(t.Context(), library(t, 50), Options{})
	if err != nil {
		t.Fatal(err)
	}
	exists := func(path string, want bool) {
		t.Helper()
		if _, err := os.Stat(path); (err == nil) != want {
			t.Errorf("%s: %v; expected it to exist: %v", path, err, want)
		}
	}

	second, err := OpenDir(parent)
	if err != nil {
		t.Fatal(err)
	}
	exists(c.Path, true)
	exists(theirs, true)
	if info, err := os.Stat(mine.Path); err != nil || info.Mode().Perm()&0o077 != 0 {
		t.Errorf("others can read the copies: %v, %v", info, err)
	}
	if err := second.Close(); err != nil {
		t.Error(err)
	}
	exists(second.Path, false)

	other.kill()
	exists(theirs, true)
	third, err := OpenDir(parent)
	if err != nil {
		t.Fatal(err)
	}
	exists(theirs, false)
	exists(c.Path, true)
	for range 2 {
		if err := errors.Join(c.Remove(), third.Close(), mine.Close()); err != nil {
			t.Error(err)
		}
	}
	if names := list(t, parent); len(names) != 1 {
		t.Errorf("left over: %v", names)
	}
}
