package diskcache

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/pressmark/pressmark/storage"
)

const mib = 1 << 20

// What is asked of the source, for what is asked of the cache.
func TestWindows(t *testing.T) {
	const size = 200*mib + 17
	type ranges = []storage.Range
	for _, c := range []struct {
		name string
		size int64
		read storage.Range
		take int64 // how much is read of it; 0 is all, up to io.EOF
		want ranges
	}{
		{"Small", 5000, storage.Range{}, 0, ranges{{}}},
		{"SmallTail", 5000, storage.Range{Offset: -22}, 0, ranges{{}}},
		{"Whole", 64 * mib, storage.Range{}, 0, ranges{{}}},
		{"Large", 256 * mib, storage.Range{}, 0, ranges{{}}},
		{"Larger", 258*mib + 1, storage.Range{}, 0, ranges{
			{Length: 64 * mib}, {Offset: 64 * mib, Length: 64 * mib}, {Offset: 128 * mib, Length: 64 * mib}, {Offset: 192 * mib, Length: 64 * mib}, {Offset: 256 * mib, Length: 2*mib + 1},
		}},
		{"LengthInBlock", size, storage.Range{Length: 100}, 0, ranges{{Length: mib}}},
		{"LengthOverBlocks", size, storage.Range{Length: mib + 1}, 0, ranges{{Length: 2 * mib}}},
		{"OffsetAndLength", size, storage.Range{Offset: 3*mib + 5, Length: 10}, 0, ranges{{Offset: 3 * mib, Length: mib}}},
		{"Tail", size, storage.Range{Offset: -10}, 0, ranges{{Offset: 200 * mib, Length: 17}}},
		{"OffsetLooked", size, storage.Range{Offset: 5 * mib}, 10, ranges{{Offset: 5 * mib, Length: mib}}},
		{"OffsetReadOn", size, storage.Range{Offset: 5*mib + 3}, 40 * mib, ranges{
			{Offset: 5 * mib, Length: mib},
			{Offset: 6 * mib, Length: 2 * mib},
			{Offset: 8 * mib, Length: 4 * mib},
			{Offset: 12 * mib, Length: 8 * mib},
			{Offset: 20 * mib, Length: 16 * mib},
			{Offset: 36 * mib, Length: 16 * mib},
		}},
		{"OffsetKnownLength", size, storage.Range{Offset: 5 * mib, Length: 5*mib + 1}, 0, ranges{
			{Offset: 5 * mib, Length: mib}, {Offset: 6 * mib, Length: 2 * mib}, {Offset: 8 * mib, Length: 3 * mib},
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			src := &endless{size: c.size}
			cache := newCache(t, t.TempDir(), mib, 1<<30)
			rc := start(t, cache.Store(src, "endless"), "a", c.read)
			from, n, _ := c.read.Resolve(c.size)
			if c.take > 0 {
				n = c.take
			}
			var to io.Writer = &checker{at: from}
			got, err := io.CopyN(to, rc, n)
			if err != nil || got != n {
				t.Fatalf("%d bytes of %d, %v", got, n, err)
			}
			if c.take == 0 {
				if m, err := rc.Read(make([]byte, 1)); m != 0 || err != io.EOF {
					t.Errorf("at the end: %d, %v", m, err)
				}
			}
			rc.Close()
			settle(cache)
			if got := src.asked(); !slices.Equal(got, c.want) {
				t.Errorf("the source was asked for\n%v, want\n%v", got, c.want)
			}
			audit(t, cache)
		})
	}
}

// A window ends where blocks are that are kept, or on their way.
func TestGaps(t *testing.T) {
	content := pattern(10_000, 1)
	src := newOrigin(t, map[string][]byte{"a": content})
	c := newCache(t, t.TempDir(), 1000, 1<<20)
	s := c.Store(src, "mem")
	for _, at := range []int64{3000, 7000} {
		if _, _, err := read(t.Context(), s, "a", storage.Range{Offset: at, Length: 1}); err != nil {
			t.Fatal(err)
		}
	}
	src.asked()
	want(t, s, "a", content)
	wanted := []storage.Range{{Length: 3000}, {Offset: 4000, Length: 3000}, {Offset: 8000, Length: 2000}}
	if got := src.asked(); !slices.Equal(got, wanted) {
		t.Errorf("asked for %v, want %v", got, wanted)
	}
	if n := src.bytes.Load(); n != 10_000 {
		t.Errorf("%d bytes were fetched", n)
	}
	want(t, s, "a", content)
	if got := src.asked(); len(got) > 0 {
		t.Errorf("asked for %v once more", got)
	}
	audit(t, c)
}

// However many read an object, it is fetched once.
func TestOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		content := pattern(50_000, 1)
		src := newOrigin(t, map[string][]byte{"a": content})
		gate := make(chan struct{})
		src.gateFirst(20_000, gate)
		c := newCache(t, t.TempDir(), 5000, 1<<20)
		s := c.Store(src, "mem")
		var readers sync.WaitGroup
		for i := range 200 {
			readers.Go(func() {
				r := storage.Range{Offset: int64(i%4) * 5000}
				got, _, err := read(t.Context(), s, "a", storage.Range{})
				if i%2 == 1 {
					got, _, err = read(t.Context(), s, "a", r)
				} else {
					r = storage.Range{}
				}
				if err != nil || !bytes.Equal(got, content[r.Offset:]) {
					t.Errorf("%d bytes, %v", len(got), err)
				}
			})
		}
		synctest.Wait()
		close(gate)
		readers.Wait()
		if src.opens.Load() != 1 || src.bytes.Load() != 50_000 {
			t.Errorf("%d Opens, %d bytes", src.opens.Load(), src.bytes.Load())
		}
		if s := c.Stats(); s.Fetches != 1 || s.BytesFetched != 50_000 || s.Blocks != 10 {
			t.Errorf("%+v", s)
		}
		audit(t, c)
	})
}

// Bytes are given out as they come, and io.EOF when the source has said so.
func TestFirstBytes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		content := pattern(5000, 1)
		src := newOrigin(t, map[string][]byte{"a": content})
		gate := make(chan struct{})
		src.gateFirst(100, gate)
		c := newCache(t, t.TempDir(), 1000, 1<<20)
		rc := start(t, c.Store(src, "mem"), "a", storage.Range{Length: 50})
		all := start(t, c.Store(src, "mem"), "a", storage.Range{})
		b := make([]byte, 1000)
		if n, err := io.ReadFull(all, b[:100]); err != nil || !bytes.Equal(b[:n], content[:100]) {
			t.Errorf("%d bytes, %v", n, err)
		}
		if n, err := io.ReadFull(rc, b[:50]); err != nil || !bytes.Equal(b[:n], content[:50]) {
			t.Errorf("%d bytes, %v", n, err)
		}
		ended := make(chan error)
		go func() {
			_, err := rc.Read(b[:1])
			ended <- err
		}()
		synctest.Wait()
		select {
		case err := <-ended:
			t.Errorf("the end without proof: %v", err)
		default:
		}
		close(gate)
		if err := <-ended; err != io.EOF {
			t.Errorf("the end: %v", err)
		}
		rest, err := io.ReadAll(all)
		if err != nil || !bytes.Equal(rest, content[100:]) {
			t.Errorf("%d bytes, %v", len(rest), err)
		}
		audit(t, c)
	})
}

// Only an io.EOF of the source proves anything: what came in a stream that ends
// otherwise is not kept, and its readers get the error.
func TestProof(t *testing.T) {
	broken := errors.New("the digest is wrong")
	content := pattern(5000, 1)
	for _, n := range []int64{0, 1, 999, 1000, 4999, 5000} {
		for _, readers := range []int{1, 20} {
			t.Run(fmt.Sprintf("%d/%d", n, readers), func(t *testing.T) {
				src := newOrigin(t, map[string][]byte{"a": content})
				gate := make(chan struct{})
				src.body = func(ctx context.Context, i int, rc io.ReadCloser) io.ReadCloser {
					if i == 1 {
						return gated(ctx, failing(rc, n, broken), 0, gate)
					}
					return rc
				}
				c := newCache(t, t.TempDir(), 1000, 1<<20)
				s := c.Store(src, "mem")
				streams := make([]io.ReadCloser, readers)
				for i := range streams {
					streams[i] = start(t, s, "a", storage.Range{})
				}
				close(gate)
				var wg sync.WaitGroup
				for _, rc := range streams {
					wg.Go(func() {
						got, err := io.ReadAll(rc)
						if !errors.Is(err, broken) || !bytes.HasPrefix(content[:n], got) {
							t.Errorf("%d bytes, %v", len(got), err)
						}
						rc.Close()
					})
				}
				wg.Wait()
				settle(c)
				if st := c.Stats(); st.Blocks != 0 || st.Bytes != 0 || st.Degraded {
					t.Errorf("%+v", st)
				}
				want(t, s, "a", content)
				audit(t, c)
			})
		}
	}
}

// A source that ends too early, or not where it should, or with nothing.
func TestBadStreams(t *testing.T) {
	content := pattern(5000, 1)
	for name, c := range map[string]struct {
		body func(rc io.ReadCloser) io.ReadCloser
		want error
	}{
		"Short":   {func(rc io.ReadCloser) io.ReadCloser { return failing(rc, 4999, io.EOF) }, io.ErrUnexpectedEOF},
		"Nothing": {func(rc io.ReadCloser) io.ReadCloser { return failing(rc, 300, nil) }, io.ErrNoProgress},
		"Long": {func(rc io.ReadCloser) io.ReadCloser {
			return body{rc, io.MultiReader(rc, bytes.NewReader([]byte{1})).Read}
		}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			src := newOrigin(t, map[string][]byte{"a": content})
			src.body = func(_ context.Context, _ int, rc io.ReadCloser) io.ReadCloser { return c.body(rc) }
			cache := newCache(t, t.TempDir(), 1000, 1<<20)
			_, _, err := read(t.Context(), cache.Store(src, "mem"), "a", storage.Range{})
			if err == nil || c.want != nil && !errors.Is(err, c.want) {
				t.Errorf("%v", err)
			}
			if cache.Stats().Blocks != 0 {
				t.Error("blocks are kept")
			}
			audit(t, cache)
		})
	}
}

// A source's Open that fails is the reader's Open that fails.
func TestOpenFails(t *testing.T) {
	src := newOrigin(t, map[string][]byte{"a": pattern(5000, 1)})
	src.open = func(int, storage.Range) error { return storage.ErrUnavailable }
	c := newCache(t, t.TempDir(), 1000, 1<<20)
	if _, _, err := c.Store(src, "mem").Open(t.Context(), "a", storage.Range{}); !errors.Is(err, storage.ErrUnavailable) {
		t.Errorf("%v", err)
	}
	if c.Stats().Degraded {
		t.Error("that is not the disk's fault")
	}
	audit(t, c)
}
