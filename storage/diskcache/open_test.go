package diskcache

import (
	"context"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pressmark/pressmark/storage"
)

func TestOptions(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		dir string
		o   Options
		bad string
	}{
		"Zero":       {filepath.Join(dir, "a", "b"), Options{}, ""},
		"SmallBlock": {filepath.Join(dir, "c"), Options{BlockSize: minBlockSize - 1}, "block size"},
		"LargeBlock": {filepath.Join(dir, "c"), Options{BlockSize: maxBlockSize + 1}, "block size"},
		"Few":        {filepath.Join(dir, "c"), Options{MaxBytes: 4*mib - 1}, "four blocks"},
		"Negative":   {filepath.Join(dir, "c"), Options{MaxBytes: -1}, "four blocks"},
		"File":       {file, Options{}, file},
		"BelowFile":  {filepath.Join(file, "sub"), Options{}, file},
	} {
		cache, err := Open(c.dir, c.o)
		if err == nil {
			cache.Close()
		}
		if (err == nil) != (c.bad == "") || err != nil && !strings.Contains(err.Error(), c.bad) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if fi, err := os.Stat(filepath.Join(dir, "a", "b")); err != nil || fi.Mode().Perm()&0o077 != 0 && os.PathSeparator == '/' {
		t.Errorf("the folder: %v, %v", fi, err)
	}
}

func TestLock(t *testing.T) {
	dir := t.TempDir()
	c := newCache(t, dir, 1000, 1<<20)
	if _, err := Open(dir, Options{}); !errors.Is(err, ErrInUse) || !strings.Contains(err.Error(), dir) {
		t.Errorf("second Open: %v", err)
	}
	for range 2 {
		if err := c.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	}
	audit(t, newCache(t, dir, 1000, 1<<20))
}

// What is not ours is left alone, what was left unfinished is not.
func TestLeftovers(t *testing.T) {
	dir := t.TempDir()
	name := "ab" + strings.Repeat("0", 30)
	for path, ours := range map[string]bool{
		"README":                    false,
		"ab/README":                 false,
		"ab/" + name + ".txt":       false,
		"ab/AB" + name[2:]:          false,
		"ab/cd" + name[2:]:          false,
		"ab/" + name[:31]:           false,
		"abc/" + name:               false,
		"ab/" + name + ".1.tmp":     true,
		"ab/" + name + ".zz.tmp":    true,
		"ab/" + name + "/a/folder":  true,
		"cd/cd" + name[2:] + ".tmp": true,
	} {
		path := filepath.Join(dir, filepath.FromSlash(path))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if _, err := os.Stat(path); (err == nil) == ours {
				t.Errorf("%s, which is ours: %v: %v", path, ours, err)
			}
		})
	}
	c := newCache(t, dir, 1000, 1<<20)
	if n := c.Stats().Blocks; n != 0 {
		t.Errorf("%d blocks", n)
	}
	c.Close()
}

// Blocks are taken over without being read, and a limit that was lowered holds
// at once.
func TestRestart(t *testing.T) {
	dir := t.TempDir()
	content := pattern(20_000, 1)
	src := newOrigin(t, map[string][]byte{"a": content})
	c := newCache(t, dir, 1000, 1<<20)
	want(t, c.Store(src, "mem"), "a", content)
	settle(c)
	audit(t, c)
	for _, f := range blockFiles(t, c)[:2] { // nobody notices before they are used
		if err := os.WriteFile(f, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c = newCache(t, dir, 1000, 1<<20)
	if s := c.Stats(); s.Blocks != 20 || s.Discarded != 0 {
		t.Errorf("%+v", s)
	}
	audit(t, c)
	c = newCache(t, dir, 1000, 5*pageSize)
	if s := c.Stats(); s.Blocks != 5 || s.Bytes != 5*pageSize || s.Evictions != 15 {
		t.Errorf("%+v", s)
	}
	audit(t, c)
	c = newCache(t, dir, 999, 1<<20) // of another size: they are not used
	src.opens.Store(0)
	want(t, c.Store(src, "mem"), "a", content)
	if src.opens.Load() != 1 || c.Stats().BytesFetched != 20_000 {
		t.Errorf("%+v", c.Stats())
	}
	settle(c)
	audit(t, c)
}

// BenchmarkOpen is the start with 100,000 blocks on disk.
func BenchmarkOpen(b *testing.B) {
	dir := b.TempDir()
	c := newCache(b, dir, 1000, 1<<40)
	for i := range uint64(100_000) {
		var id blockID
		binary.LittleEndian.PutUint64(id[:], i*0x9e3779b97f4a7c15)
		f, err := c.createTemp(c.path(id))
		if err != nil {
			b.Fatal(err)
		}
		f.Write([]byte("x"))
		f.Close()
	}
	c.Close()
	for b.Loop() {
		c, err := Open(dir, Options{})
		if err != nil {
			b.Fatal(err)
		}
		if n := c.Stats().Blocks; n != 100_000 {
			b.Fatalf("%d blocks", n)
		}
		c.Close()
	}
}

// The key of an object can be longer than what a block has room for.
func TestLongKey(t *testing.T) {
	key := strings.Repeat("k", maxHeader)
	src := newOrigin(t, map[string][]byte{key: pattern(100, 1)})
	c := newCache(t, t.TempDir(), 1000, 1<<20)
	for range 2 {
		got, _, err := read(context.Background(), c.Store(src, "mem"), key, storage.Range{})
		if err != nil || string(got) != string(pattern(100, 1)) {
			t.Errorf("%q, %v", got, err)
		}
	}
	if s := c.Stats(); s.Bypassed != 2 || s.Blocks != 0 {
		t.Errorf("%+v", s)
	}
	audit(t, c)
}
