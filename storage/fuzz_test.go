package storage_test

import (
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pressmark/pressmark/storage"
)

// A key never leaves the folder that it is joined to, and every beginning of a
// key is a prefix.
func FuzzCheckKey(f *testing.F) {
	for _, seed := range []string{"", ".", "..", "a", "a/b", "/a", "a/", "a//b", "a/../b", "a/..b", "a\x00", "\xff", "é/😀", `a\..\b`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, key string) {
		if storage.CheckKey("fuzz", key) != nil {
			return
		}
		if path.Clean(key) != key || !filepath.IsLocal(key) || strings.ContainsRune(key, 0) {
			t.Errorf("%q is accepted", key)
		}
		for i := range key { // at the beginning of each character
			if err := storage.CheckPrefix(key[:i]); err != nil {
				t.Errorf("%q begins a key, but: %v", key[:i], err)
			}
		}
	})
}

// What Resolve selects lies within the object.
func FuzzRange(f *testing.F) {
	for _, n := range []int64{0, 1, -1, 100, -100, 1<<63 - 1, -1 << 63} {
		f.Add(n, int64(0), int64(100))
		f.Add(int64(50), n, int64(100))
		f.Add(n, n, int64(0))
	}
	f.Fuzz(func(t *testing.T, offset, length, size int64) {
		if size < 0 {
			return
		}
		start, n, err := storage.Range{Offset: offset, Length: length}.Resolve(size)
		if err != nil {
			if length >= 0 && offset <= size {
				t.Errorf("Range{%d, %d} of %d: %v", offset, length, size, err)
			}
			return
		}
		if start < 0 || n < 0 || start > size || n > size-start || length > 0 && n > length {
			t.Errorf("Range{%d, %d} of %d: %d bytes from %d", offset, length, size, n, start)
		}
	})
}
