package storage_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/pressmark/pressmark/storage"
	"github.com/pressmark/pressmark/storage/memstore"
)

func put(t *testing.T, w storage.Writer, key, content string) storage.Info {
	t.Helper()
	info, err := w.Put(t.Context(), key, strings.NewReader(content), storage.PutOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return info
}

// signing adds what memstore has not, and counts what is opened.
type signing struct {
	storage.Store
	opened int
}

func (s *signing) SignedURL(_ context.Context, key string, o storage.SignOptions) (string, time.Time, error) {
	return "https://example.org/" + key, time.Unix(0, 0).Add(o.Lifetime), nil
}

func (s *signing) Open(ctx context.Context, key string, r storage.Range) (io.ReadCloser, storage.Info, error) {
	s.opened++
	return s.Store.Open(ctx, key, r)
}

// plain leaves keys alone and has an Unwrap.
type plain struct{ storage.Store }

func (p plain) Unwrap() storage.Store { return p.Store }

func TestAs(t *testing.T) {
	mem := memstore.New(memstore.Options{})
	signer := &signing{Store: mem}
	nested := plain{storage.Prefixed(plain{storage.Prefixed(plain{signer}, "a/b")}, "c/")}

	s, ok := storage.As[storage.Signer](nested)
	if !ok {
		t.Fatal("no Signer through wrappers")
	}
	url, expires, err := s.SignedURL(t.Context(), "k.jpg", storage.SignOptions{Lifetime: time.Minute})
	if url != "https://example.org/a/b/c/k.jpg" || expires.Unix() != 60 || err != nil {
		t.Errorf("SignedURL = %s, %v, %v", url, expires, err)
	}
	if _, _, err := s.SignedURL(t.Context(), "../k.jpg", storage.SignOptions{}); !errors.Is(err, fs.ErrInvalid) {
		t.Errorf("SignedURL of a bad key: %v", err)
	}
	// signing embeds a Store without Unwrap, so it hides what is inside.
	if _, ok := storage.As[storage.Writer](nested); ok {
		t.Error("a Writer where a wrapper without Unwrap is in the way")
	}
	if got, ok := storage.As[*memstore.Store](plain{mem}); !ok || got != mem {
		t.Error("a concrete store is not found through a wrapper")
	}
	// What leads to the store without the prefix must not be found.
	if _, ok := storage.As[*memstore.Store](storage.Prefixed(mem, "p")); ok {
		t.Error("the store behind a prefix is found")
	}
	if _, ok := storage.As[storage.Writer](nil); ok {
		t.Error("nil is a Writer")
	}
}

func TestPrefixedPrefix(t *testing.T) {
	mem := memstore.New(memstore.Options{})
	put(t, mem, "p/q/k", "x")
	if storage.Prefixed(mem, "") != storage.Store(mem) {
		t.Error("an empty prefix does not return the store")
	}
	for _, prefix := range []string{"p/q", "p/q/"} {
		if info, err := storage.Prefixed(mem, prefix).Stat(t.Context(), "k"); err != nil || info.Key != "k" {
			t.Errorf("prefix %q: %+v, %v", prefix, info, err)
		}
	}
	for _, prefix := range []string{"/", "/p", "p//", "../p", "p/..", "\x00"} {
		s := storage.Prefixed(mem, prefix)
		if _, err := s.Stat(t.Context(), "q/k"); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("prefix %q: Stat: %v", prefix, err)
		}
		for _, err := range s.List(t.Context(), "") {
			if !errors.Is(err, fs.ErrInvalid) {
				t.Errorf("prefix %q: List: %v", prefix, err)
			}
		}
	}
}

func TestReadSeekerChanged(t *testing.T) {
	mem := memstore.New(memstore.Options{})
	read := func(f io.Reader, n int) (string, error) {
		b := make([]byte, n)
		n, err := io.ReadFull(f, b)
		return string(b[:n]), err
	}
	f := storage.NewReadSeeker(t.Context(), mem, put(t, mem, "k", "first version"))
	if got, err := read(f, 5); got != "first" || err != nil {
		t.Fatalf("%q, %v", got, err)
	}
	put(t, mem, "k", "other version")
	// The stream that is open goes on with the version that it began.
	if got, err := read(f, 8); got != " version" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	for _, content := range []string{"other version", "short", ""} {
		put(t, mem, "k", content)
		if _, err := f.Seek(6, io.SeekStart); err != nil {
			t.Fatal(err)
		}
		if got, err := read(f, 1); !errors.Is(err, storage.ErrChanged) {
			t.Errorf("changed to %q: %q, %v", content, got, err)
		}
	}
	if err := mem.Delete(t.Context(), "k"); err != nil {
		t.Fatal(err)
	}
	if _, err := read(f, 1); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("deleted: %v", err)
	}
	put(t, mem, "k", "first version") // the same content is the same version
	if got, err := read(f, 7); got != "version" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	if _, err := f.Read(make([]byte, 1)); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("Read after Close: %v", err)
	}
}

func TestReadSeekerOpens(t *testing.T) {
	mem := memstore.New(memstore.Options{})
	info := put(t, mem, "k", "0123456789")
	store := &signing{Store: mem}
	f := storage.NewReadSeeker(t.Context(), store, info)
	defer f.Close()
	step := func(what string, want int) {
		t.Helper()
		if store.opened != want {
			t.Errorf("%s: the object was opened %d times, want %d", what, store.opened, want)
		}
	}
	for _, whence := range []int{io.SeekEnd, io.SeekCurrent, io.SeekStart} {
		if _, err := f.Seek(0, whence); err != nil {
			t.Fatal(err)
		}
	}
	step("seeks", 0)
	b := make([]byte, 3)
	for range 2 {
		if _, err := f.Read(b); err != nil {
			t.Fatal(err)
		}
	}
	step("two reads in a row", 1)
	f.Seek(-6, io.SeekCurrent)
	f.Seek(6, io.SeekCurrent)
	if _, err := f.Read(b); err != nil || string(b) != "678" {
		t.Fatalf("%q, %v", b, err)
	}
	step("a seek forth and back", 1)
	f.Seek(100, io.SeekStart)
	if _, err := f.Read(b); err != io.EOF {
		t.Errorf("behind the end: %v", err)
	}
	step("a read behind the end", 1)
	f.Seek(-2, io.SeekEnd)
	if n, err := io.ReadFull(f, b); n != 2 || string(b[:n]) != "89" || err != io.ErrUnexpectedEOF {
		t.Errorf("%q, %v", b[:n], err)
	}
	step("a seek and a read", 2)
	for _, bad := range []struct {
		offset int64
		whence int
	}{{-1, io.SeekStart}, {-11, io.SeekEnd}, {0, 7}} {
		if _, err := f.Seek(bad.offset, bad.whence); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("Seek(%d, %d): %v", bad.offset, bad.whence, err)
		}
	}
}

func TestNewReader(t *testing.T) {
	broken := errors.New("broken")
	for _, c := range []struct {
		body io.Reader
		n    int64
		want string
		err  error
	}{
		{strings.NewReader("abcdef"), 4, "abcd", nil},
		{strings.NewReader("abcd"), 4, "abcd", nil},
		{iotest.DataErrReader(strings.NewReader("abcd")), 4, "abcd", nil},
		{strings.NewReader("abcd"), 0, "", nil},
		{strings.NewReader("abc"), 4, "abc", io.ErrUnexpectedEOF},
		{iotest.DataErrReader(strings.NewReader("abc")), 4, "abc", io.ErrUnexpectedEOF},
		{io.MultiReader(strings.NewReader("ab"), iotest.ErrReader(broken)), 4, "ab", broken},
	} {
		r := storage.NewReader(t.Context(), "some/key", io.NopCloser(c.body), c.n)
		got, err := io.ReadAll(r)
		if string(got) != c.want || !errors.Is(err, c.err) {
			t.Errorf("got %q, %v; want %q, %v", got, err, c.want, c.err)
		}
		if err != nil && !strings.Contains(err.Error(), "some/key") {
			t.Errorf("the error does not name the key: %v", err)
		}
	}
}

func TestModTag(t *testing.T) {
	now := time.Date(2026, 11, 23, 19, 31, 2, 412, time.UTC)
	seen := map[string]bool{}
	for _, tag := range []string{
		storage.ModTag(0, time.Time{}), storage.ModTag(1, time.Time{}), storage.ModTag(1, now), storage.ModTag(2, now),
		storage.ModTag(1, now.Add(1)), storage.ModTag(1, time.Unix(-5, 0)),
	} {
		if tag == "" || seen[tag] {
			t.Errorf("tag %q is empty or not unique", tag)
		}
		seen[tag] = true
	}
	if storage.ModTag(1, now) != storage.ModTag(1, now.In(time.FixedZone("", 3600))) {
		t.Error("the tag depends on the time zone")
	}
}
