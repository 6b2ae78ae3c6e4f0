package storagetest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"math"
	"strings"
	"sync"
	"testing"

	"github.com/pressmark/pressmark/storage"
)

const tagAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."

func (s *suite) testStat(t *testing.T) {
	objects := map[string][]byte{"a.txt": pattern(10), "dir/b.txt": pattern(1000), "empty": {}}
	store := s.open(t, objects)
	for key, content := range objects {
		info, err := store.Stat(t.Context(), key)
		if err != nil {
			t.Errorf("Stat(%q): %v", key, err)
			continue
		}
		if info.Key != key || info.Size != int64(len(content)) {
			t.Errorf("Stat(%q) = key %q and size %d, want size %d", key, info.Key, info.Size, len(content))
		}
		if info.Tag == "" || len(info.Tag) > 128 || strings.Trim(info.Tag, tagAlphabet) != "" {
			t.Errorf("Stat(%q): tag %q is not 1 to 128 letters, digits, '-', '_' or '.'", key, info.Tag)
		}
		again, err := store.Stat(t.Context(), key)
		sameInfo(t, "second Stat", again, info, err)
		_, opened, err := read(t.Context(), store, key, storage.Range{})
		sameInfo(t, "Open", opened, info, err)
		for listed, err := range store.List(t.Context(), key) {
			sameInfo(t, "List", listed, info, err)
		}
	}
}

// sameInfo compares descriptions of one version. Times may be rounded to
// seconds on one way and not on another, as HTTP does.
func sameInfo(t testing.TB, what string, got, want storage.Info, err error) {
	t.Helper()
	if err != nil {
		t.Errorf("%s of %q: %v", what, want.Key, err)
		return
	}
	if d := got.ModTime.Sub(want.ModTime).Abs().Seconds(); got.Key != want.Key || got.Size != want.Size ||
		got.Tag != want.Tag || d >= 1 || got.ModTime.IsZero() != want.ModTime.IsZero() {
		t.Errorf("%s of %q: %+v, but Stat says %+v", what, want.Key, got, want)
	}
}

func (s *suite) testMissing(t *testing.T) {
	store := s.one(t, "dir/sub/file.txt", []byte("x"))
	for _, key := range []string{
		"nope", "dir/nope", "no/such/dir", "dir/sub/file.txt/below", "dir/sub/file.tx", "dir/sub/file.txt~",
		"dir", "dir/sub", // folders are not objects
	} {
		_, err := store.Stat(t.Context(), key)
		wantError(t, "Stat", key, err, fs.ErrNotExist)
		_, _, err = read(t.Context(), store, key, storage.Range{})
		wantError(t, "Open", key, err, fs.ErrNotExist)
		_, _, err = read(t.Context(), store, key, storage.Range{Offset: 1 << 40})
		wantError(t, "Open beyond the end", key, err, fs.ErrNotExist)
	}
}

func (s *suite) testBadKeys(t *testing.T) {
	store := s.one(t, "dir/file", []byte("x"))
	for _, key := range []string{
		"", ".", "..", "/", "/dir/file", "dir/file/", "dir//file", "./dir/file", "dir/./file", "dir/../dir/file",
		"../dir/file", "dir/..", "dir/file\x00", "dir\x00/file", "dir/\xff",
	} {
		_, err := store.Stat(t.Context(), key)
		wantError(t, "Stat", key, err, fs.ErrInvalid)
		_, _, err = read(t.Context(), store, key, storage.Range{})
		wantError(t, "Open", key, err, fs.ErrInvalid)
	}
	for _, prefix := range []string{"/", "/dir", "..//", "../", "./", "dir//", "dir/../", "dir/\x00", "\xff"} {
		found, err := keys(t.Context(), store, prefix)
		if len(found) > 0 {
			t.Errorf("List(%q) yields %q", prefix, found)
		}
		wantError(t, "List", prefix, err, fs.ErrInvalid)
	}
}

func (s *suite) testNames(t *testing.T) {
	objects := map[string][]byte{}
	add := func(keys ...string) {
		for _, key := range keys {
			objects[key] = []byte("content of " + key)
		}
	}
	add("Caf\u00e9/\u00e9.txt",
		"岛田 (7)/时间的书 - 岛田.epub", "библиотека/книга.fb2", "مكتبة/كتاب.epub", "😀/👩‍👩‍👧.cbz",
		"Maren Holloway/The Tide Clerk (1)/The Tide Clerk - Maren Holloway.epub",
		"O'Dwyer & Söhne/100% #1; a+b=c, d (2)/[x] {y} $z @w !v ~u ^t `s.txt",
		"..hidden/..x", ".dot/.file", "two  spaces/ leading.txt", "%2e%2e/%2Fetc", "a/&amp;.txt", strings.Repeat("ü", 100))
	if !s.q.FoldsNames {
		add("Cafe\u0301/e\u0301.txt", "caf\u00e9/\u00e9.txt")
	}
	if !s.q.PlainNames {
		add(`a "quoted" name/what?*.txt`, `back\slash`, "colon: <a|b>", "trailing dot./trailing space ", "...")
	}
	store := s.open(t, objects)
	for key, content := range objects {
		got, info, err := read(t.Context(), store, key, storage.Range{})
		if err != nil || !bytes.Equal(got, content) || info.Key != key {
			t.Errorf("Open(%q) = %q with key %q, %v", key, got, info.Key, err)
		}
	}
	wantKeys(t, store, "", objects)
}

func (s *suite) testRanges(t *testing.T) {
	const size = 100_000
	content := pattern(size)
	store := s.open(t, map[string][]byte{"file": content, "empty": {}, "one": {'1'}})
	for _, c := range []struct {
		r        storage.Range
		from, to int
	}{
		{storage.Range{}, 0, size},
		{storage.Range{Length: 1}, 0, 1},
		{storage.Range{Length: size}, 0, size},
		{storage.Range{Length: size + 1}, 0, size},
		{storage.Range{Length: math.MaxInt64}, 0, size},
		{storage.Range{Offset: 1}, 1, size},
		{storage.Range{Offset: 1, Length: math.MaxInt64}, 1, size},
		{storage.Range{Offset: 12_345, Length: 6_789}, 12_345, 12_345 + 6_789},
		{storage.Range{Offset: 65_535, Length: 2}, 65_535, 65_537},
		{storage.Range{Offset: size - 1}, size - 1, size},
		{storage.Range{Offset: size - 1, Length: 1}, size - 1, size},
		{storage.Range{Offset: size - 1, Length: 9}, size - 1, size},
		{storage.Range{Offset: size}, size, size},
		{storage.Range{Offset: size, Length: 5}, size, size},
		{storage.Range{Offset: -1}, size - 1, size},
		{storage.Range{Offset: -22, Length: 10}, size - 22, size - 12},
		{storage.Range{Offset: -size}, 0, size},
		{storage.Range{Offset: -size - 1}, 0, size},
		{storage.Range{Offset: -size - 1, Length: 3}, 0, 3},
		{storage.Range{Offset: math.MinInt64}, 0, size},
	} {
		got, info, err := read(t.Context(), store, "file", c.r)
		if err != nil || !bytes.Equal(got, content[c.from:c.to]) {
			t.Errorf("%+v of %d bytes: got %d bytes beginning %.8q, %v; want bytes %d to %d", c.r, size, len(got), got, err, c.from, c.to)
		} else if info.Size != size {
			t.Errorf("%+v: Info.Size is %d, want that of the object, %d", c.r, info.Size, size)
		}
	}
	for _, r := range []storage.Range{{}, {Length: 5}, {Offset: -5}} {
		if got, _, err := read(t.Context(), store, "empty", r); err != nil || len(got) > 0 {
			t.Errorf("%+v of an empty object: %q, %v", r, got, err)
		}
	}
	for key, offset := range map[string]int64{"file": size + 1, "one": 2, "empty": 1} {
		for _, r := range []storage.Range{{Offset: offset}, {Offset: offset, Length: 1}, {Offset: math.MaxInt64, Length: 1}} {
			_, _, err := read(t.Context(), store, key, r)
			wantError(t, fmt.Sprintf("Open %+v", r), key, err, storage.ErrRange)
		}
	}
	for _, r := range []storage.Range{{Length: -1}, {Offset: 5, Length: math.MinInt64}} {
		_, _, err := read(t.Context(), store, "file", r)
		wantError(t, fmt.Sprintf("Open %+v", r), "file", err, fs.ErrInvalid)
	}
}

func (s *suite) testCancel(t *testing.T) {
	store := s.open(t, map[string][]byte{"file": pattern(1 << 20), "a/1": {1}, "a/2": {2}, "a/3": {3}})
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := store.Stat(ended, "file")
	wantError(t, "Stat after the end of ctx", "file", err, context.Canceled)
	_, _, err = read(ended, store, "file", storage.Range{})
	wantError(t, "Open after the end of ctx", "file", err, context.Canceled)
	found, err := keys(ended, store, "a/")
	wantError(t, "List after the end of ctx", "a/", err, context.Canceled)
	if len(found) > 0 {
		t.Errorf("List after the end of ctx yields %q", found)
	}

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	rc, _, err := store.Open(ctx, "file", storage.Range{})
	if err != nil {
		t.Fatal(err)
	}
	defer rc.Close()
	if _, err := io.ReadFull(rc, make([]byte, 100)); err != nil {
		t.Fatalf("reading 100 bytes: %v", err)
	}
	cancel()
	_, err = io.Copy(io.Discard, rc)
	wantError(t, "Read after the end of ctx", "file", err, context.Canceled)

	ctx, cancel = context.WithCancel(t.Context())
	defer cancel()
	err = nil
	for _, e := range store.List(ctx, "a/") {
		cancel()
		err = e
	}
	wantError(t, "List when ctx ends within the loop", "a/", err, context.Canceled)
}

func (s *suite) testConcurrent(t *testing.T) {
	const readers = 50
	content := pattern(100_000)
	objects := map[string][]byte{}
	for i := range 5 {
		objects[fmt.Sprintf("dir/%d", i)] = content[i:]
	}
	store := s.open(t, objects)
	var wg sync.WaitGroup
	for i := range readers {
		wg.Go(func() {
			key, offset := fmt.Sprintf("dir/%d", i%5), i*1000
			want := objects[key]
			got, _, err := read(t.Context(), store, key, storage.Range{Offset: int64(offset)})
			if err != nil || !bytes.Equal(got, want[offset:]) {
				t.Errorf("reader %d: %d bytes of %q from %d, %v; want %d", i, len(got), key, offset, err, len(want)-offset)
			}
			if _, err := store.Stat(t.Context(), key); err != nil {
				t.Errorf("reader %d: %v", i, err)
			}
			if found, err := keys(t.Context(), store, "dir/"); err != nil || len(found) != 5 {
				t.Errorf("reader %d: List yields %q, %v", i, found, err)
			}
		})
	}
	wg.Wait()
}
