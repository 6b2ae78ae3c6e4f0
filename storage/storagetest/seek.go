package storagetest

import (
	"bytes"
	"context"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"reflect"
	"testing"
	"testing/iotest"

	"github.com/pressmark/pressmark/storage"
)

func (s *suite) testReadSeeker(t *testing.T) {
	content := pattern(50_000)
	store := s.open(t, map[string][]byte{"dir/file": content, "empty": {}})
	for key, want := range map[string][]byte{"dir/file": content, "empty": {}} {
		info, err := store.Stat(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		f := storage.NewReadSeeker(t.Context(), store, info)
		if err := iotest.TestReader(f, want); err != nil {
			t.Errorf("NewReadSeeker of %q: %v", key, err)
		}
		if err := f.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	}

	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f, info, err := storage.OpenSeeker(r.Context(), store, "dir/file")
		if err != nil {
			t.Error(err)
			return
		}
		defer f.Close()
		http.ServeContent(w, r, "file.txt", info.ModTime, f)
	})
	for header, want := range map[string][]byte{
		"":                    content,
		"bytes=0-0":           content[:1],
		"bytes=40000-40099":   content[40000:40100],
		"bytes=-7":            content[len(content)-7:],
		"bytes=49990-9999999": content[49990:],
	} {
		r := httptest.NewRequestWithContext(t.Context(), "GET", "/", nil)
		r.Header.Set("Range", header)
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		if !bytes.Equal(w.Body.Bytes(), want) {
			t.Errorf("ServeContent, Range %q: status %d, %d bytes, want %d", header, w.Code, w.Body.Len(), len(want))
		}
	}
}

func (s *suite) testFileOpener(t *testing.T) {
	content := pattern(5000)
	store := s.one(t, "dir/file", content)
	files, ok := storage.As[storage.FileOpener](store)
	if !ok {
		t.Fatalf("%T was a storage.FileOpener before and is none now", store)
	}
	stat, err := store.Stat(t.Context(), "dir/file")
	if err != nil {
		t.Fatal(err)
	}
	f, info, err := files.OpenFile(t.Context(), "dir/file")
	sameInfo(t, "OpenFile", info, stat, err)
	if err != nil {
		return
	}
	defer f.Close()
	if err := iotest.TestReader(f, content); err != nil {
		t.Errorf("OpenFile: %v", err)
	}
	for key, want := range map[string]error{
		"nope": fs.ErrNotExist, "dir": fs.ErrNotExist, "dir/file/x": fs.ErrNotExist,
		"": fs.ErrInvalid, "../dir/file": fs.ErrInvalid, "/dir/file": fs.ErrInvalid,
	} {
		_, _, err := files.OpenFile(t.Context(), key)
		wantError(t, "OpenFile", key, err, want)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, _, err = files.OpenFile(ended, "dir/file")
	wantError(t, "OpenFile after the end of ctx", "dir/file", err, context.Canceled)
}

// testForwarding checks that Prefixed has the capabilities of its store, no
// more and no fewer, and that they work on the store's own keys.
func testForwarding(t *testing.T, open Open) {
	inner := open(t, map[string][]byte{"shelf/file": []byte("inside")})
	outer := storage.Prefixed(inner, "shelf/")
	same[storage.Writer](t, inner, outer)
	same[storage.Signer](t, inner, outer)
	same[storage.FileOpener](t, inner, outer)

	if w, ok := storage.As[storage.Writer](outer); ok {
		if _, err := w.Put(t.Context(), "new", bytes.NewReader([]byte("n")), storage.PutOptions{}); err != nil {
			t.Error(err)
		}
		wantObject(t, inner, "shelf/new", []byte("n"))
		if err := w.Delete(t.Context(), "file"); err != nil {
			t.Error(err)
		}
		wantKeys(t, inner, "", map[string][]byte{"shelf/new": nil})
	}
	if files, ok := storage.As[storage.FileOpener](storage.Prefixed(open(t, map[string][]byte{"shelf/file": []byte("inside")}), "shelf")); ok {
		f, _, err := files.OpenFile(t.Context(), "file")
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if got, err := io.ReadAll(f); err != nil || string(got) != "inside" {
			t.Errorf("OpenFile through Prefixed: %q, %v", got, err)
		}
	}
}

func same[T any](t *testing.T, inner, outer storage.Store) {
	t.Helper()
	_, in := storage.As[T](inner)
	_, out := storage.As[T](outer)
	if in != out {
		t.Errorf("%v: the store has it: %v; Prefixed has it: %v", reflect.TypeFor[T](), in, out)
	}
}
