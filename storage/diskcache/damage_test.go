package diskcache

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/pressmark/pressmark/storage"
)

// A file that is not what it should be is never served: it is removed, counted
// and fetched again, whatever has happened to it.
func TestDamage(t *testing.T) {
	const blockSize = 1000
	content := pattern(2500, 1)
	edit := func(change func(b []byte) []byte) func(t *testing.T, path, other string) {
		return func(t *testing.T, path, _ string) {
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, change(b), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, damage := range map[string]func(t *testing.T, path, other string){
		"Empty":     edit(func([]byte) []byte { return nil }),
		"Truncated": edit(func(b []byte) []byte { return b[:len(b)-1] }),
		"Longer":    edit(func(b []byte) []byte { return append(b, 0) }),
		"MuchLonger": edit(func(b []byte) []byte {
			return append(b, make([]byte, 1<<20)...)
		}),
		"Zeros":    edit(func(b []byte) []byte { return make([]byte, len(b)) }),
		"Header":   edit(func(b []byte) []byte { b[0] ^= 1; return b }),
		"Content":  edit(func(b []byte) []byte { b[len(b)/2] ^= 1; return b }),
		"Checksum": edit(func(b []byte) []byte { b[len(b)-1] ^= 1; return b }),
		"Foreign":  edit(func([]byte) []byte { return []byte("#!/bin/sh\n") }),
		"Swapped": func(t *testing.T, path, other string) {
			b, err := os.ReadFile(other)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, b, 0o600); err != nil {
				t.Fatal(err)
			}
		},
		"Folder": func(t *testing.T, path, _ string) {
			os.Remove(path)
			if err := os.MkdirAll(filepath.Join(path, "sub"), 0o700); err != nil {
				t.Fatal(err)
			}
		},
	} {
		for _, restart := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/Restart=%v", name, restart), func(t *testing.T) {
				src := newOrigin(t, map[string][]byte{"a": content})
				c := newCache(t, t.TempDir(), blockSize, 1<<22)
				s := c.Store(src, "mem")
				want(t, s, "a", content)
				settle(c)
				files := blockFiles(t, c)
				if len(files) != 3 {
					t.Fatalf("%d files", len(files))
				}
				damage(t, files[0], files[1])
				if restart {
					c.Close()
					c = newCache(t, c.dir, blockSize, 1<<22)
					s = c.Store(src, "mem")
				}
				src.asked()
				want(t, s, "a", content)
				settle(c)
				if n := len(src.asked()); n != 1 {
					t.Errorf("%d fetches for one block", n)
				}
				// At a start a folder is seen for what it is, and removed at once.
				if n := c.Stats().Discarded; n != 1 && (name != "Folder" || !restart) {
					t.Errorf("%d files were discarded, want 1", n)
				}
				want(t, s, "a", content)
				if n := len(src.asked()); n != 0 {
					t.Errorf("%d more fetches", n)
				}
				audit(t, c)
			})
		}
	}
}

// A block that vanishes is fetched again, also under a reader.
func TestVanished(t *testing.T) {
	content := pattern(2500, 1)
	src := newOrigin(t, map[string][]byte{"a": content})
	c := newCache(t, t.TempDir(), 1000, 1<<20)
	s := c.Store(src, "mem")
	want(t, s, "a", content)
	settle(c)
	rc := start(t, s, "a", storage.Range{})
	head := make([]byte, 500)
	if _, err := rc.Read(head); err != nil {
		t.Fatal(err)
	}
	for _, f := range blockFiles(t, c) {
		os.Remove(f)
	}
	rest := make([]byte, 2000)
	n := 0
	for n < len(rest) {
		m, err := rc.Read(rest[n:])
		if n += m; err != nil {
			t.Fatal(n, err)
		}
	}
	if !bytes.Equal(append(head, rest...), content) {
		t.Error("other bytes")
	}
	if n := c.Stats().Discarded; n != 0 {
		t.Errorf("%d blocks were found to be damaged", n)
	}
	rc.Close()
	want(t, s, "a", content)
	audit(t, c)
}

// A temporary file that somebody changes while it is served is noticed as well.
func TestTempChanged(t *testing.T) {
	content := pattern(2500, 1)
	src := newOrigin(t, map[string][]byte{"a": content})
	gate := make(chan struct{})
	src.gateFirst(700, gate)
	c := newCache(t, t.TempDir(), 1000, 1<<20)
	rc := start(t, c.Store(src, "mem"), "a", storage.Range{})
	head := make([]byte, 500)
	if n, err := rc.Read(head); n != 500 || err != nil {
		t.Fatal(n, err)
	}
	temps, err := filepath.Glob(filepath.Join(c.dir, "??", "*"+tempSuffix))
	if err != nil || len(temps) != 1 {
		t.Fatal(temps, err)
	}
	b, err := os.ReadFile(temps[0])
	if err != nil {
		t.Fatal(err)
	}
	for i := range b {
		b[i] = 0
	}
	if err := os.WriteFile(temps[0], b, 0o600); err != nil {
		t.Fatal(err)
	}
	rd := rc.(*reader)
	rd.have, rd.content, rd.sum = 0, nil, nil // as of a reader that comes now
	got := make([]byte, 2000)
	n := 0
	for n < len(got) {
		m, err := rc.Read(got[n:])
		if n += m; err != nil {
			t.Fatal(n, err)
		}
	}
	if !bytes.Equal(append(head, got...), content) {
		t.Error("other bytes")
	}
	if !c.Stats().Degraded {
		t.Error("a disk that forgets is not trouble")
	}
	close(gate)
}
