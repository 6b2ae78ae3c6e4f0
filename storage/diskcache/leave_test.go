package diskcache

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pressmark/pressmark/storage"
)

// gatedEndless gives n bytes of its stream and then waits for the gate.
type gatedEndless struct {
	*endless
	n    int64
	gate chan struct{}
}

func (g gatedEndless) Open(ctx context.Context, key string, r storage.Range) (io.ReadCloser, storage.Info, error) {
	rc, info, err := g.endless.Open(ctx, key, r)
	return gated(ctx, rc, g.n, g.gate), info, err
}

// A fetch that nobody waits for any more goes on if little is missing.
func TestLeave(t *testing.T) {
	for _, c := range []struct {
		name    string
		missing int64
		goesOn  bool
	}{
		{"Little", 16*mib - 1, true},
		{"Much", 16 * mib, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const size = 20 * mib
				src := gatedEndless{&endless{size: size}, size - c.missing, make(chan struct{})}
				cache := newCache(t, t.TempDir(), mib, 1<<30)
				s := cache.Store(src, "endless")
				rc, other := start(t, s, "a", storage.Range{}), start(t, s, "a", storage.Range{})
				synctest.Wait()
				if _, err := io.CopyN(&checker{}, rc, size-c.missing); err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
				rc.Close()
				if inFlight(cache) == 0 {
					t.Fatal("it has ended with one reader left")
				}
				other.Close()
				synctest.Wait()
				if on := inFlight(cache) > 0; on != c.goesOn {
					t.Errorf("the fetch goes on: %v", on)
				}
				close(src.gate)
				settle(cache)
				if blocks := cache.Stats().Blocks; (blocks == 20) != c.goesOn {
					t.Errorf("%d blocks", blocks)
				}
				if cache.Stats().Degraded {
					t.Error("that is not the disk's fault")
				}
				audit(t, cache)
			})
		})
	}
}

// A fetch that was broken off, of a source that does not care, keeps nothing:
// another may be bringing the same blocks.
func TestBrokenOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size = 17 * mib
		gate := make(chan struct{})
		src := deaf{&endless{size: size}, gate}
		c := newCache(t, t.TempDir(), mib, 1<<30)
		s := c.Store(src, "endless")
		start(t, s, "a", storage.Range{}).Close()
		again := start(t, s, "a", storage.Range{Offset: 5 * mib})
		if n := inFlight(c); n != 1 {
			t.Errorf("%d blocks are on their way, want the one that was asked for", n)
		}
		close(gate)
		if n, err := io.CopyN(&checker{at: 5 * mib}, again, mib); err != nil {
			t.Error(n, err)
		}
		settle(c)
		if st := c.Stats(); st.Blocks != 1 || st.Fetches != 2 {
			t.Errorf("%+v", st)
		}
		again.Close()
		audit(t, c)
	})
}

// deaf waits for the gate, and not for its ctx.
type deaf struct {
	*endless
	gate chan struct{}
}

func (d deaf) Open(_ context.Context, key string, r storage.Range) (io.ReadCloser, storage.Info, error) {
	rc, info, err := d.endless.Open(context.Background(), key, r)
	return gated(context.Background(), rc, 0, d.gate), info, err
}

// Who comes while a fetch goes on without readers, gets on; a fetch that hangs
// without readers ends.
func TestHanging(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := newOrigin(t, map[string][]byte{"a": pattern(5000, 1)})
		src.gateFirst(100, nil)
		c := newCache(t, t.TempDir(), 1000, 1<<20)
		s := c.Store(src, "mem")
		start(t, s, "a", storage.Range{}).Close()
		time.Sleep(idleTimeout - time.Second)
		rc := start(t, s, "a", storage.Range{})
		time.Sleep(time.Hour) // as long as its reader has patience
		if src.opens.Load() != 1 || inFlight(c) != 5 {
			t.Errorf("%d Opens, %d blocks on their way", src.opens.Load(), inFlight(c))
		}
		rc.Close()
		time.Sleep(idleTimeout + time.Second)
		if inFlight(c) != 0 {
			t.Error("it hangs")
		}
		settle(c)
		want(t, s, "a", pattern(5000, 1))
		audit(t, c)
	})
}

// The end of one reader's context is that of its own reads.
func TestContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		content := pattern(5000, 1)
		src := newOrigin(t, map[string][]byte{"a": content})
		gate := make(chan struct{})
		src.gateFirst(0, gate)
		c := newCache(t, t.TempDir(), 1000, 1<<20)
		s := c.Store(src, "mem")
		ctx, cancel := context.WithCancel(t.Context())
		first, _, err := s.Open(ctx, "a", storage.Range{}) // it is its fetch
		if err != nil {
			t.Fatal(err)
		}
		second := start(t, s, "a", storage.Range{})
		failed, closed := make(chan error), make(chan error)
		go func() {
			_, err := first.Read(make([]byte, 10))
			failed <- err
		}()
		third := start(t, s, "a", storage.Range{})
		go func() {
			_, err := third.Read(make([]byte, 10))
			closed <- err
		}()
		synctest.Wait()
		cancel()
		if err := <-failed; !errors.Is(err, context.Canceled) {
			t.Errorf("after the end of ctx: %v", err)
		}
		third.Close()
		if err := <-closed; !errors.Is(err, fs.ErrClosed) {
			t.Errorf("after Close: %v", err)
		}
		first.Close()
		close(gate)
		got, err := io.ReadAll(second)
		if err != nil || string(got) != string(content) {
			t.Errorf("another reader: %d bytes, %v", len(got), err)
		}
		if n := src.opens.Load(); n != 1 {
			t.Errorf("%d Opens", n)
		}
		audit(t, c)
	})
}

// A ctx that ends while the source's Open waits.
func TestContextInOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := newOrigin(t, map[string][]byte{"a": pattern(5000, 1)})
		gate := make(chan struct{})
		src.open = func(int, storage.Range) error { <-gate; return nil }
		c := newCache(t, t.TempDir(), 1000, 1<<20)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, _, err := c.Store(src, "mem").Open(ctx, "a", storage.Range{}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
		close(gate)
		settle(c)
		if n := c.Stats().Blocks; n != 5 {
			t.Errorf("%d blocks: the fetch has not gone on", n)
		}
		audit(t, c)
	})
}

// A reader that does not read holds nobody up.
func TestSlowReader(t *testing.T) {
	content := pattern(50_000, 1)
	src := newOrigin(t, map[string][]byte{"a": content})
	c := newCache(t, t.TempDir(), 1000, 1<<20)
	s := c.Store(src, "mem")
	slow := start(t, s, "a", storage.Range{})
	if _, err := slow.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	settle(c)
	if n := c.Stats().Blocks; n != 50 {
		t.Errorf("%d blocks", n)
	}
	if rest, err := io.ReadAll(slow); err != nil || string(rest) != string(content[1:]) {
		t.Errorf("%d bytes, %v", len(rest), err)
	}
	audit(t, c)
}

// After Close, and when it comes in between, readers get all from the source.
func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		content := pattern(5000, 1)
		src := newOrigin(t, map[string][]byte{"a": content, "b": content})
		src.gateFirst(1500, nil)
		c := newCache(t, t.TempDir(), 1000, 1<<20)
		s := c.Store(src, "mem")
		rc, idle := start(t, s, "a", storage.Range{}), start(t, s, "a", storage.Range{})
		head := make([]byte, 1500)
		if _, err := io.ReadFull(rc, head); err != nil {
			t.Fatal(err)
		}
		audit(t, c)
		for _, rc := range []io.Reader{io.MultiReader(readerOf(head), rc), idle} {
			if got, err := io.ReadAll(rc); err != nil || string(got) != string(content) {
				t.Errorf("a reader at Close: %d bytes, %v", len(got), err)
			}
		}
		want(t, s, "b", content)
		if st := c.Stats(); st.Degraded || st.Blocks != 0 {
			t.Errorf("%+v", st)
		}
	})
}
