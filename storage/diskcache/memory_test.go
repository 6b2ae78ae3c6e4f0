package diskcache

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pressmark/pressmark/storage"
)

// An object of 200 MB is never in memory, neither while it is fetched nor when it
// is there: all that is allocated in between, collected or not, is little.
func TestMemory(t *testing.T) {
	const size = 200_000_000
	limit := uint64(8 * mib)
	if raceDetector { // under it sync.Pool forgets a quarter of what it is given
		limit = 128 * mib
	}
	src := &endless{size: size}
	c := newCache(t, t.TempDir(), defaultBlockSize, 1<<30)
	s := c.Store(src, "endless")
	for _, name := range []string{"cold", "warm"} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		rc := start(t, s, "a", storage.Range{})
		if n, err := io.CopyBuffer(&checker{}, struct{ io.Reader }{rc}, make([]byte, 32<<10)); n != size || err != nil {
			t.Fatal(n, err)
		}
		rc.Close()
		settle(c)
		runtime.ReadMemStats(&after)
		if n := after.TotalAlloc - before.TotalAlloc; n > limit {
			t.Errorf("%s: %d bytes were allocated", name, n)
		} else {
			t.Logf("%s: %d bytes were allocated", name, n)
		}
	}
	audit(t, c)
}

// A reader that waits, for a source or for its client between two blocks, holds
// no block in memory.
func TestWaitingReader(t *testing.T) {
	gate := make(chan struct{})
	src := newOrigin(t, map[string][]byte{"a": pattern(3000, 1)})
	src.gateFirst(0, gate)
	c := newCache(t, t.TempDir(), 1000, 1<<20)
	s := c.Store(src, "mem")
	holds := func(rc io.ReadCloser) bool { return rc.(*reader).buf != nil }
	cold := start(t, s, "a", storage.Range{})
	if holds(cold) {
		t.Error("a reader that waits for the source holds a block")
	}
	close(gate)
	settle(c)
	warm := start(t, s, "a", storage.Range{})
	for _, n := range []int{999, 1} {
		if _, err := io.ReadFull(warm, make([]byte, n)); err != nil {
			t.Fatal(err)
		}
	}
	if holds(warm) {
		t.Error("a reader that has read a block to its end holds it")
	}
	audit(t, c)
}

// BenchmarkWarm reads an object of 64 MiB that is on disk, and for comparison a
// file of that size.
func BenchmarkWarm(b *testing.B) {
	const size = 64 * mib
	buf := make([]byte, 256<<10)
	b.Run("Cache", func(b *testing.B) {
		c := newCache(b, b.TempDir(), defaultBlockSize, 1<<30)
		s := c.Store(&endless{size: size}, "endless")
		pass := func() {
			rc, _, err := s.Open(b.Context(), "a", storage.Range{})
			if err != nil {
				b.Fatal(err)
			}
			if n, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, rc, buf); n != size || err != nil {
				b.Fatal(n, err)
			}
			rc.Close()
		}
		pass()
		settle(c)
		b.SetBytes(size)
		b.ReportAllocs()
		for b.Loop() {
			pass()
		}
	})
	b.Run("File", func(b *testing.B) {
		name := filepath.Join(b.TempDir(), "file")
		if err := os.WriteFile(name, make([]byte, size), 0o600); err != nil {
			b.Fatal(err)
		}
		b.SetBytes(size)
		b.ReportAllocs()
		for b.Loop() {
			f, err := os.Open(name)
			if err != nil {
				b.Fatal(err)
			}
			if n, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{f}, buf); n != size || err != nil {
				b.Fatal(n, err)
			}
			f.Close()
		}
	})
}

// BenchmarkSmall reads a cover of 50 kB that is on disk.
func BenchmarkSmall(b *testing.B) {
	c := newCache(b, b.TempDir(), defaultBlockSize, 1<<30)
	src := newOrigin(b, map[string][]byte{"cover": pattern(50_000, 1)})
	s := c.Store(src, "mem")
	b.SetBytes(50_000)
	b.ReportAllocs()
	for b.Loop() {
		rc, _, err := s.Open(b.Context(), "cover", storage.Range{})
		if err != nil {
			b.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, rc); err != nil {
			b.Fatal(err)
		}
		rc.Close()
	}
}

// BenchmarkCold reads an object of 64 MiB that is fetched meanwhile.
func BenchmarkCold(b *testing.B) {
	const size = 64 * mib
	buf := make([]byte, 256<<10)
	b.SetBytes(size)
	b.ReportAllocs()
	for b.Loop() {
		c := newCache(b, b.TempDir(), defaultBlockSize, 1<<30)
		rc, _, err := c.Store(&endless{size: size}, "endless").Open(b.Context(), "a", storage.Range{})
		if err != nil {
			b.Fatal(err)
		}
		if _, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, rc, buf); err != nil {
			b.Fatal(err)
		}
		rc.Close()
		c.Close()
	}
}

// A reader whose client takes its time holds no memory, of a block that is on disk
// and of one that is on its way, and goes on where it was.
func TestIdleReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := newOrigin(t, map[string][]byte{"a": pattern(5000, 1)})
		c := newCache(t, t.TempDir(), 1000, 1<<20)
		gate := make(chan struct{})
		src.gateFirst(1500, gate)
		for range 2 { // on its way, and on disk
			rc := start(t, c.Store(src, "mem"), "a", storage.Range{})
			got := make([]byte, 5000)
			for at := 0; at < len(got); at += 250 {
				if at == 1500 {
					close(gate)
				}
				if _, err := io.ReadFull(rc, got[at:at+250]); err != nil {
					t.Fatal(at, err)
				}
				<-time.After(2 * idleReader)
				synctest.Wait()
				if r := rc.(*reader); r.buf != nil {
					t.Errorf("it holds memory at %d", at)
				}
			}
			if !bytes.Equal(got, pattern(5000, 1)) {
				t.Error("other bytes")
			}
			if err := rc.Close(); err != nil {
				t.Error(err)
			}
			gate = make(chan struct{})
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
}
