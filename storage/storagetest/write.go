package storagetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/pressmark/pressmark/storage"
)

func (s *suite) testWriter(t *testing.T) {
	t.Run("Put", s.testPut)
	t.Run("Overwrite", s.testOverwrite)
	t.Run("FailedPut", s.testFailedPut)
	t.Run("Delete", s.testDelete)
	t.Run("OpenReader", s.testOpenReader)
	t.Run("ConcurrentPut", s.testConcurrentPut)
	t.Run("BadKeys", func(t *testing.T) {
		_, w := s.writer(t, nil)
		for _, key := range []string{"", ".", "/a", "a/", "../a", "a/../b", "a//b", "a\x00", "\xff"} {
			_, err := w.Put(t.Context(), key, bytes.NewReader(nil), storage.PutOptions{})
			wantError(t, "Put", key, err, fs.ErrInvalid)
			wantError(t, "Delete", key, w.Delete(t.Context(), key), fs.ErrInvalid)
		}
	})
}

func (s *suite) writer(t testing.TB, objects map[string][]byte) (storage.Store, storage.Writer) {
	t.Helper()
	store := s.open(t, objects)
	w, ok := storage.As[storage.Writer](store)
	if !ok {
		t.Fatalf("%T was a storage.Writer before and is none now", store)
	}
	return store, w
}

// wantObject fails the test unless the store holds content at key.
func wantObject(t testing.TB, store storage.Store, key string, content []byte) {
	t.Helper()
	got, _, err := read(t.Context(), store, key, storage.Range{})
	if err != nil || !bytes.Equal(got, content) {
		t.Errorf("Open(%q): %d bytes beginning %.16q, %v; want %d beginning %.16q", key, len(got), got, err, len(content), content)
	}
}

func (s *suite) testPut(t *testing.T) {
	store, w := s.writer(t, nil)
	objects := map[string][]byte{"small": []byte("x"), "empty": {}, "new/folders/deep/large": pattern(3 << 20), "new/ünï": pattern(99)}
	for key, content := range objects {
		// A plain reader: neither seekable nor of known length.
		info, err := w.Put(t.Context(), key, iotest.HalfReader(bytes.NewReader(content)), storage.PutOptions{ContentType: "text/plain"})
		if err != nil {
			t.Errorf("Put(%q): %v", key, err)
			continue
		}
		stat, err := store.Stat(t.Context(), key)
		sameInfo(t, "Info of Put", info, stat, err)
		wantObject(t, store, key, content)
	}
	wantKeys(t, store, "", objects)
}

func (s *suite) testOverwrite(t *testing.T) {
	store, w := s.writer(t, map[string][]byte{"dir/key": []byte("first")})
	first, err := store.Stat(t.Context(), "dir/key")
	if err != nil {
		t.Fatal(err)
	}
	tags := map[string]string{first.Tag: "first"}
	contents := []string{"a longer one", "s", ""}
	for i := range 20 { // quickly, and of one size
		contents = append(contents, fmt.Sprintf("v%02d", i))
	}
	for _, content := range contents {
		info, err := w.Put(t.Context(), "dir/key", bytes.NewReader([]byte(content)), storage.PutOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if other, ok := tags[info.Tag]; ok {
			t.Errorf("%q has the tag of %q: %s", content, other, info.Tag)
		}
		tags[info.Tag] = content
		stat, err := store.Stat(t.Context(), "dir/key")
		sameInfo(t, "Info of Put", info, stat, err)
		wantObject(t, store, "dir/key", []byte(content))
	}
	wantKeys(t, store, "", map[string][]byte{"dir/key": nil})
}

func (s *suite) testFailedPut(t *testing.T) {
	objects := map[string][]byte{"dir/old": []byte("old")}
	store, w := s.writer(t, objects)
	before, err := store.Stat(t.Context(), "dir/old")
	if err != nil {
		t.Fatal(err)
	}
	broken := errors.New("the body broke")
	for _, key := range []string{"dir/old", "dir/new", "other/new"} {
		for _, size := range []int{0, 1, 200_000} {
			body := io.MultiReader(bytes.NewReader(pattern(size)), iotest.ErrReader(broken))
			_, err := w.Put(t.Context(), key, body, storage.PutOptions{})
			wantError(t, "Put of a body that fails", key, err, broken)

			ctx, cancel := context.WithCancel(t.Context())
			body = io.MultiReader(bytes.NewReader(pattern(size)), callReader(cancel), bytes.NewReader(pattern(200_000)))
			_, err = w.Put(ctx, key, body, storage.PutOptions{})
			wantError(t, "Put whose ctx ends", key, err, context.Canceled)

			_, err = w.Put(ctx, key, bytes.NewReader(nil), storage.PutOptions{})
			wantError(t, "Put after the end of ctx", key, err, context.Canceled)
			wantError(t, "Delete after the end of ctx", key, w.Delete(ctx, key), context.Canceled)
		}
	}
	after, err := store.Stat(t.Context(), "dir/old")
	sameInfo(t, "Stat after failed Puts", after, before, err)
	wantObject(t, store, "dir/old", []byte("old"))
	wantKeys(t, store, "", objects)
}

// callReader calls the function when it is read, and is empty.
type callReader func()

func (f callReader) Read([]byte) (int, error) {
	f()
	return 0, io.EOF
}

func (s *suite) testDelete(t *testing.T) {
	store, w := s.writer(t, map[string][]byte{"dir/a": []byte("a"), "dir/b": []byte("b"), "c": []byte("c")})
	for range 2 { // the second time there is nothing left to delete
		for _, key := range []string{"dir/a", "c", "never/was", "never", "dir", "dir/b/below"} {
			if err := w.Delete(t.Context(), key); err != nil {
				t.Errorf("Delete(%q): %v", key, err)
			}
		}
		_, err := store.Stat(t.Context(), "dir/a")
		wantError(t, "Stat of a deleted object", "dir/a", err, fs.ErrNotExist)
		wantKeys(t, store, "", map[string][]byte{"dir/b": nil})
	}
	wantObject(t, store, "dir/b", []byte("b"))
	if _, err := w.Put(t.Context(), "dir/a", bytes.NewReader([]byte("again")), storage.PutOptions{}); err != nil {
		t.Error(err)
	}
	wantObject(t, store, "dir/a", []byte("again"))
}

// An open reader ends with its own version or with an error.
func (s *suite) testOpenReader(t *testing.T) {
	old := pattern(1 << 20)
	for what, change := range map[string]func(w storage.Writer) error{
		"Put": func(w storage.Writer) error {
			_, err := w.Put(t.Context(), "key", bytes.NewReader(bytes.ToUpper(old)), storage.PutOptions{})
			return err
		},
		"Delete": func(w storage.Writer) error { return w.Delete(t.Context(), "key") },
	} {
		store, w := s.writer(t, map[string][]byte{"key": old})
		rc, _, err := store.Open(t.Context(), "key", storage.Range{})
		if err != nil {
			t.Fatal(err)
		}
		head := make([]byte, 1000)
		if _, err := io.ReadFull(rc, head); err != nil {
			t.Fatal(err)
		}
		if err := change(w); err != nil {
			t.Errorf("%s while the object is read: %v", what, err)
		}
		rest, err := io.ReadAll(rc)
		if got := append(head, rest...); err == nil && !bytes.Equal(got, old) {
			t.Errorf("a reader that was open at a %s got %d bytes that are not what it opened", what, len(got))
		}
		rc.Close()
	}
}

// Readers see whole versions, and no two versions share a tag.
func (s *suite) testConcurrentPut(t *testing.T) {
	version := func(c byte) []byte { return bytes.Repeat([]byte{c}, 50_000) }
	store, w := s.writer(t, map[string][]byte{"dir/key": version('0')})
	var tags sync.Map
	check := func(tag string, content []byte) {
		if len(content) != 50_000 || bytes.Count(content, content[:1]) != len(content) {
			t.Errorf("read a mix of versions, %d bytes", len(content))
			return
		}
		if other, ok := tags.LoadOrStore(tag, content[0]); ok && other != content[0] {
			t.Errorf("tag %s is of versions %c and %c", tag, other, content[0])
		}
	}
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for j := range 5 {
				content := version(byte('A' + i*5 + j))
				info, err := w.Put(t.Context(), "dir/key", bytes.NewReader(content), storage.PutOptions{})
				if err != nil {
					t.Errorf("Put: %v", err)
					return
				}
				check(info.Tag, content)
				got, info, err := read(t.Context(), store, "dir/key", storage.Range{})
				if errors.Is(err, storage.ErrChanged) {
					continue
				}
				if err != nil {
					t.Errorf("Open: %v", err)
					return
				}
				check(info.Tag, got)
			}
		})
	}
	wg.Wait()
	wantKeys(t, store, "", map[string][]byte{"dir/key": nil})
}
