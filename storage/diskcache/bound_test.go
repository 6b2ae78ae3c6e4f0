package diskcache

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"testing"
	"time"

	"github.com/pressmark/pressmark/storage"
)

// At no moment do the files on disk take more than they may. It is looked at
// each time that a fetch is about to write, with one fetch at a time: a look at
// a folder that changes meanwhile would count what was never there together.
// TestBoundTogether has many, where a file system counts.
func TestBound(t *testing.T) {
	const limit = 60 * pageSize
	src := newOrigin(t, nil)
	fillShelf(t, src)
	c := newCache(t, t.TempDir(), 1500, limit)
	most := int64(0)
	src.body = func(_ context.Context, n int, rc io.ReadCloser) io.ReadCloser {
		return body{rc, func(p []byte) (int, error) {
			used, _, _ := usage(t, c.dir)
			most = max(most, used)
			m, err := rc.Read(p)
			if err == io.EOF && n%7 == 0 {
				err = errors.New("broken")
			}
			return m, err
		}}
	}
	readShelf(t, c, src, 0)
	if most > limit || most < limit/2 {
		t.Errorf("the files took %d bytes of %d", most, limit)
	}
	if st := c.Stats(); st.Evictions == 0 || st.Bytes > limit || st.Degraded {
		t.Errorf("%+v", st)
	}
	audit(t, c)
}

// fillShelf makes 20 objects of one to 20 blocks.
func fillShelf(t testing.TB, src *origin) {
	for i := range 20 {
		src.put(t, fmt.Sprint(i), pattern(1000+i*1500, i))
	}
}

// readShelf reads them in an order of its own.
func readShelf(t testing.TB, c *Cache, src *origin, order int) {
	s := c.Store(src, "mem")
	for i := range 60 {
		k := (i*7 + order*5) % 20
		got, _, err := read(context.Background(), s, fmt.Sprint(k), storage.Range{})
		if err == nil && string(got) != string(pattern(1000+k*1500, k)) {
			t.Errorf("%d: %d bytes", k, len(got))
		}
		if order == 0 {
			settle(c)
		}
	}
}

// The blocks that were used last stay, also over a restart.
func TestOrder(t *testing.T) {
	for _, restart := range []bool{false, true} {
		t.Run(fmt.Sprintf("Restart=%v", restart), func(t *testing.T) {
			src := newOrigin(t, nil)
			for i := range 12 {
				src.put(t, fmt.Sprint(i), pattern(1000, i))
			}
			c := newCache(t, t.TempDir(), 1000, 8*pageSize)
			s := c.Store(src, "mem")
			for i := range 8 {
				want(t, s, fmt.Sprint(i), pattern(1000, i))
				settle(c)
			}
			if restart {
				// All were written in this moment; make it hours ago, one after the other.
				for i := range 8 {
					o := &object{name: "mem", key: fmt.Sprint(i), size: 1000, blockSize: 1000}
					info, err := src.Stat(t.Context(), o.key)
					if err != nil {
						t.Fatal(err)
					}
					o.tag = info.Tag
					at := time.Now().Add(time.Duration(i-100) * time.Hour)
					if err := os.Chtimes(c.path(o.id(0)), at, at); err != nil {
						t.Fatal(err)
					}
				}
				audit(t, c)
				c = newCache(t, c.dir, 1000, 8*pageSize)
				s = c.Store(src, "mem")
			}
			want(t, s, "0", pattern(1000, 0)) // 1 is the oldest now
			if restart {
				audit(t, c)
				c = newCache(t, c.dir, 1000, 8*pageSize)
				s = c.Store(src, "mem")
			}
			for i := 8; i < 12; i++ {
				want(t, s, fmt.Sprint(i), pattern(1000, i))
				settle(c)
			}
			src.opens.Store(0)
			for _, i := range []int{0, 5, 6, 7, 8, 9, 10, 11} {
				want(t, s, fmt.Sprint(i), pattern(1000, i))
			}
			if n := src.opens.Load(); n != 0 {
				t.Errorf("%d of the newest are gone", n)
			}
			want(t, s, "1", pattern(1000, 1))
			if n := src.opens.Load(); n != 1 {
				t.Error("the oldest is there")
			}
			audit(t, c)
		})
	}
}

// An object that takes more than half of the cache goes by, in whole and in
// part, and pushes nothing out.
func TestTooLarge(t *testing.T) {
	large, small := pattern(17_001, 1), pattern(16_000, 2)
	src := newOrigin(t, map[string][]byte{"large": large, "small": small})
	c := newCache(t, t.TempDir(), 1000, 34*pageSize)
	s := c.Store(src, "mem")
	want(t, s, "small", small)
	for range 3 {
		want(t, s, "large", large)
		if got, _, err := read(t.Context(), s, "large", storage.Range{Offset: -5}); err != nil || string(got) != string(large[len(large)-5:]) {
			t.Errorf("%q, %v", got, err)
		}
	}
	want(t, s, "small", small)
	if st := c.Stats(); st.Bypassed != 6 || st.Evictions != 0 || st.Fetches != 1 || st.Blocks != 16 {
		t.Errorf("%+v", st)
	}
	audit(t, c)
}

// What does not fit beside fetches that run goes by.
func TestNoRoom(t *testing.T) {
	content := pattern(10_000, 1)
	src := newOrigin(t, map[string][]byte{"a": content, "b": content, "c": content})
	gate := make(chan struct{})
	src.body = func(ctx context.Context, n int, rc io.ReadCloser) io.ReadCloser {
		if n <= 2 {
			return gated(ctx, rc, 10, gate)
		}
		return rc
	}
	c := newCache(t, t.TempDir(), 1000, 25*pageSize)
	s := c.Store(src, "mem")
	a, b := start(t, s, "a", storage.Range{}), start(t, s, "b", storage.Range{})
	want(t, s, "c", content)
	if st := c.Stats(); st.Bypassed != 1 || st.Fetches != 2 || st.Bytes != 20*pageSize {
		t.Errorf("%+v", st)
	}
	close(gate)
	for _, rc := range []io.Reader{a, b} {
		if got, err := io.ReadAll(rc); err != nil || string(got) != string(content) {
			t.Errorf("%d bytes, %v", len(got), err)
		}
	}
	settle(c)
	want(t, s, "c", content)
	audit(t, c)
}

// A reader whose blocks are removed faster than it reads gets all the same.
func TestEvictedUnderReader(t *testing.T) {
	content := pattern(16_000, 1)
	src := newOrigin(t, map[string][]byte{"a": content, "b": pattern(16_000, 2), "c": pattern(16_000, 3)})
	c := newCache(t, t.TempDir(), 1000, 32*pageSize)
	s := c.Store(src, "mem")
	rc := start(t, s, "a", storage.Range{})
	var got []byte
	for {
		b := make([]byte, 700)
		n, err := io.ReadFull(rc, b)
		got = append(got, b[:n]...)
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		for k, seed := range map[string]int{"b": 2, "c": 3} {
			want(t, s, k, pattern(16_000, seed))
		}
		settle(c)
	}
	if string(got) != string(content) {
		t.Errorf("%d bytes", len(got))
	}
	if src.opens.Load() < 5 {
		t.Error("nothing was removed: this test shows nothing")
	}
	audit(t, c)
}

// Sizes that no disk has are no trouble.
func TestHuge(t *testing.T) {
	src := &endless{size: math.MaxInt64}
	c := newCache(t, t.TempDir(), 1000, 1<<20)
	rc := start(t, c.Store(src, "endless"), "a", storage.Range{Offset: -5})
	if n, err := io.Copy(&checker{at: math.MaxInt64 - 5}, rc); n != 5 || err != nil {
		t.Errorf("%d bytes, %v", n, err)
	}
	if st := c.Stats(); st.Bypassed != 1 || st.Bytes != 0 {
		t.Errorf("%+v", st)
	}
	audit(t, c)
}
