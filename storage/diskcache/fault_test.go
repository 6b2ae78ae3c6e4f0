package diskcache

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pressmark/pressmark/storage"
)

// blockAll puts files where the folders of blocks have to be, so that nothing can
// be written.
func blockAll(t testing.TB, dir string) (undo func()) {
	t.Helper()
	var made []string
	for i := range 256 {
		path := filepath.Join(dir, string("0123456789abcdef"[i/16])+string("0123456789abcdef"[i%16]))
		if _, err := os.Stat(path); err == nil {
			continue
		}
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		made = append(made, path)
	}
	return func() {
		for _, path := range made {
			os.Remove(path)
		}
	}
}

// A disk that cannot be written to is told of once, left alone for a while, and
// tried again by one fetch at a time; readers notice nothing.
func TestDegraded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		content := pattern(5000, 1)
		src := newOrigin(t, map[string][]byte{"a": content, "b": content})
		for i := range 20 {
			src.put(t, fmt.Sprint(i), content)
		}
		var log bytes.Buffer
		c, err := open(t.TempDir(), Options{BlockSize: 1000, MaxBytes: 1 << 20, Logger: slog.New(slog.NewTextHandler(&log, nil))})
		if err != nil {
			t.Fatal(err)
		}
		undo := blockAll(t, c.dir)
		s := c.Store(src, "mem")
		began := time.Now()
		for range 5 {
			want(t, s, "a", content)
		}
		settle(c)
		st := c.Stats()
		if !st.Degraded || !st.Since.Equal(began) || st.Cause == nil || st.Fetches != 1 || st.Bypassed != 5 || st.Bytes != 0 {
			t.Errorf("%+v", st)
		}
		time.Sleep(retryAfter + time.Second)
		gate := make(chan struct{})
		src.open = func(int, storage.Range) error { <-gate; return nil }
		var readers sync.WaitGroup
		for i := range 20 { // one of them tries
			readers.Go(func() { want(t, s, fmt.Sprint(i), content) })
		}
		synctest.Wait()
		if st := c.Stats(); st.Fetches != 2 || !st.Degraded || !st.Since.Equal(began) {
			t.Errorf("%+v", st)
		}
		close(gate)
		readers.Wait()
		undo()
		want(t, s, "b", content)
		if st := c.Stats(); !st.Degraded || st.Blocks != 0 {
			t.Errorf("%+v", st)
		}
		time.Sleep(2*retryAfter + time.Second)
		want(t, s, "b", content)
		settle(c)
		if st := c.Stats(); st.Degraded || st.Cause != nil || !st.Since.IsZero() || st.Blocks != 5 {
			t.Errorf("%+v", st)
		}
		if n := strings.Count(log.String(), "\n"); n != 2 || strings.Count(log.String(), "level=WARN") != 1 {
			t.Errorf("%d lines:\n%s", n, &log)
		}
		audit(t, c)
	})
}

// The disk fails in the middle of an object: the readers go on where they stand,
// with bytes that are checked against those that they have got.
func TestFailsUnderReader(t *testing.T) {
	content := pattern(20_000, 1)
	for name, second := range map[string]func(rc io.ReadCloser) io.ReadCloser{
		"Same": func(rc io.ReadCloser) io.ReadCloser { return rc },
		"Other": func(rc io.ReadCloser) io.ReadCloser {
			return body{rc, func(p []byte) (int, error) {
				n, err := rc.Read(p)
				return copy(p, bytes.ToUpper(p[:n])), err
			}}
		},
		"Broken":    func(rc io.ReadCloser) io.ReadCloser { return failing(rc, 19_000, storage.ErrUnavailable) },
		"Short":     func(rc io.ReadCloser) io.ReadCloser { return failing(rc, 1, io.EOF) },
		"ShortTail": func(rc io.ReadCloser) io.ReadCloser { return failing(rc, 19_000, io.EOF) },
		"Replaced":  func(rc io.ReadCloser) io.ReadCloser { return rc },
	} {
		t.Run(name, func(t *testing.T) {
			src := newOrigin(t, map[string][]byte{"a": content})
			gate := make(chan struct{})
			src.body = func(ctx context.Context, n int, rc io.ReadCloser) io.ReadCloser {
				if n == 1 {
					return gated(ctx, rc, 900, gate)
				}
				return second(rc)
			}
			c := newCache(t, t.TempDir(), 1000, 1<<20)
			s := c.Store(src, "mem")
			rc := start(t, s, "a", storage.Range{})
			got := make([]byte, 800)
			if _, err := io.ReadFull(rc, got); err != nil {
				t.Fatal(err)
			}
			undo := blockAll(t, c.dir)
			if name == "Replaced" { // by a version that begins in the same way
				src.put(t, "a", append(bytes.Clone(content[:10_000]), make([]byte, 10_000)...))
			}
			close(gate)
			settle(c)
			rest, err := io.ReadAll(rc)
			got = append(got, rest...)
			wanted := map[string]error{"Other": storage.ErrChanged, "Broken": storage.ErrUnavailable, "Short": io.ErrUnexpectedEOF, "ShortTail": io.ErrUnexpectedEOF, "Replaced": storage.ErrChanged}[name]
			if !errors.Is(err, wanted) || !bytes.HasPrefix(content, got) || err == nil && len(got) != len(content) {
				t.Errorf("%d bytes, %v", len(got), err)
			}
			if st := c.Stats(); !st.Degraded || st.Bytes != 0 || st.Bypassed != 1 {
				t.Errorf("%+v", st)
			}
			rc.Close()
			undo()
			audit(t, c)
		})
	}
}

// The folder is removed while the cache runs: it is made again, and locked.
func TestFolderRemoved(t *testing.T) {
	content := pattern(5000, 1)
	src := newOrigin(t, map[string][]byte{"a": content, "b": content})
	c := newCache(t, filepath.Join(t.TempDir(), "cache"), 1000, 1<<20)
	s := c.Store(src, "mem")
	want(t, s, "a", content)
	settle(c)
	if err := os.RemoveAll(c.dir); err != nil {
		t.Skipf("a folder in use cannot be removed here: %v", err)
	}
	for range 2 {
		want(t, s, "a", content)
		want(t, s, "b", content)
		settle(c)
	}
	if st := c.Stats(); st.Degraded || st.Blocks != 10 || st.BytesFetched != 15_000 {
		t.Errorf("%+v", st)
	}
	if _, err := open(c.dir, Options{BlockSize: 1000, MaxBytes: 1 << 20}); !errors.Is(err, ErrInUse) {
		t.Errorf("it is not locked: %v", err)
	}
	audit(t, c)
}

// The folder is removed in the middle of a fetch.
func TestFolderRemovedUnderFetch(t *testing.T) {
	content := pattern(5000, 1)
	src := newOrigin(t, map[string][]byte{"a": content})
	gate := make(chan struct{})
	src.gateFirst(1500, gate)
	c := newCache(t, filepath.Join(t.TempDir(), "cache"), 1000, 1<<20)
	s := c.Store(src, "mem")
	rc := start(t, s, "a", storage.Range{})
	head := make([]byte, 1200)
	if _, err := io.ReadFull(rc, head); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(c.dir); err != nil {
		t.Skipf("a folder in use cannot be removed here: %v", err)
	}
	close(gate)
	rest, err := io.ReadAll(rc)
	if err != nil || !bytes.Equal(append(head, rest...), content) {
		t.Errorf("%d bytes, %v", len(rest), err)
	}
	rc.Close()
	want(t, s, "a", content)
	settle(c)
	if !c.Stats().Degraded {
		t.Error("that nothing is kept is not told")
	}
	audit(t, c)
}

// Somebody else takes the folder after it was removed.
func TestFolderTaken(t *testing.T) {
	content := pattern(5000, 1)
	src := newOrigin(t, map[string][]byte{"a": content})
	c := newCache(t, filepath.Join(t.TempDir(), "cache"), 1000, 1<<20)
	if err := os.RemoveAll(c.dir); err != nil {
		t.Skipf("a folder in use cannot be removed here: %v", err)
	}
	audit(t, newCacheKept(t, c.dir, func() {
		want(t, c.Store(src, "mem"), "a", content)
		if st := c.Stats(); !errors.Is(st.Cause, ErrInUse) {
			t.Errorf("%+v", st)
		}
		settle(c)
	}))
}

// newCacheKept opens a cache, calls f, and returns the cache.
func newCacheKept(t testing.TB, dir string, f func()) *Cache {
	c := newCache(t, dir, 1000, 1<<20)
	f()
	return c
}

// A block that may not be read is as good as none.
func TestForbidden(t *testing.T) {
	if os.Getuid() == 0 {
		asNobody(t)
		return
	}
	if os.PathSeparator != '/' {
		t.Skip("SKIPPED: modes do not keep anybody from reading here")
	}
	content := pattern(5000, 1)
	src := newOrigin(t, map[string][]byte{"a": content})
	c := newCache(t, t.TempDir(), 1000, 1<<20)
	s := c.Store(src, "mem")
	want(t, s, "a", content)
	settle(c)
	for _, f := range blockFiles(t, c) {
		if err := os.Chmod(f, 0); err != nil {
			t.Fatal(err)
		}
	}
	want(t, s, "a", content)
	settle(c)
	if st := c.Stats(); st.Degraded || st.Discarded == 0 || st.Blocks != 5 {
		t.Errorf("%+v", st)
	}
	audit(t, c)
}
