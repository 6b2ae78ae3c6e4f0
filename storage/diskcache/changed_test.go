package diskcache

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/pressmark/pressmark/storage"
	"github.com/pressmark/pressmark/storage/memstore"
)

// stale makes Stat answer with info, whatever is there.
func (o *origin) stale(info storage.Info) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.stat = func(storage.Info) storage.Info { return info }
}

// A source's Stat that is behind: Open delivers what there is, with its Info, if
// the old version is not kept, and otherwise the old one.
func TestStaleStat(t *testing.T) {
	old, now := pattern(2500, 1), pattern(3500, 2)
	for _, kept := range []bool{false, true} {
		src := newOrigin(t, nil)
		was := src.put(t, "a", old)
		c := newCache(t, t.TempDir(), 1000, 1<<20)
		s := c.Store(src, "mem")
		if kept {
			want(t, s, "a", old)
			settle(c)
		}
		is := src.put(t, "a", now)
		src.stale(was)
		content, info := now, is
		if kept {
			content, info = old, was
		}
		got, opened, err := read(t.Context(), s, "a", storage.Range{})
		if err != nil || !bytes.Equal(got, content) || opened != info {
			t.Errorf("kept: %v: %d bytes of %+v, %v; want %d of %+v", kept, len(got), opened, err, len(content), info)
		}
		// A range that the new version does not have any more, and one beyond its end.
		short := src.put(t, "a", pattern(10, 3))
		if !kept {
			if _, _, err := read(t.Context(), s, "a", storage.Range{Offset: 2000}); !errors.Is(err, storage.ErrChanged) && !errors.Is(err, storage.ErrRange) {
				t.Errorf("of %+v: %v", short, err)
			}
		}
		audit(t, c)
	}
}

// An object that is another each time it is opened.
func TestAlwaysChanging(t *testing.T) {
	src := newOrigin(t, map[string][]byte{"a": pattern(2500, 0)})
	src.open = func(n int, _ storage.Range) error {
		src.put(t, "a", pattern(2500, n))
		return nil
	}
	c := newCache(t, t.TempDir(), 1000, 1<<20)
	if _, _, err := read(t.Context(), c.Store(src, "mem"), "a", storage.Range{}); !errors.Is(err, storage.ErrChanged) {
		t.Errorf("%v", err)
	}
	if n := src.opens.Load(); n != 2 {
		t.Errorf("%d tries", n)
	}
	audit(t, c)
}

// An object that changes between two windows of a reader.
func TestChangedUnderReader(t *testing.T) {
	for name, change := range map[string]func(src *origin){
		"Put":     func(src *origin) { src.put(t, "a", pattern(9000, 2)) },
		"Shorter": func(src *origin) { src.put(t, "a", pattern(10, 2)) },
	} {
		t.Run(name, func(t *testing.T) {
			old := pattern(9000, 1)
			src := newOrigin(t, map[string][]byte{"a": old})
			c := newCache(t, t.TempDir(), 1000, 1<<20)
			rc := start(t, c.Store(src, "mem"), "a", storage.Range{Offset: 1})
			head := make([]byte, 999)
			if _, err := io.ReadFull(rc, head); err != nil {
				t.Fatal(err)
			}
			settle(c)
			change(src)
			got, err := io.ReadAll(rc)
			if !errors.Is(err, storage.ErrChanged) || !bytes.HasPrefix(old[1000:], got) {
				t.Errorf("%d bytes, %v", len(got), err)
			}
			audit(t, c)
		})
	}
}

// Tags are told apart, and so are sources, over restarts.
func TestVersions(t *testing.T) {
	dir := t.TempDir()
	a, b := newOrigin(t, map[string][]byte{"k": pattern(2500, 1)}), newOrigin(t, nil)
	// Two sources whose tags say nothing about the content.
	number := func(info storage.Info) storage.Info { info.Tag = "1"; return info }
	b.put(t, "k", pattern(2500, 2))
	for range 3 {
		c := newCache(t, dir, 1000, 1<<20)
		want(t, c.Store(numbered{a, number}, "a"), "k", pattern(2500, 1))
		want(t, c.Store(numbered{b, number}, "b"), "k", pattern(2500, 2))
		audit(t, c)
	}
	if a.opens.Load() != 1 || b.opens.Load() != 1 {
		t.Errorf("%d and %d Opens", a.opens.Load(), b.opens.Load())
	}
}

type numbered struct {
	*origin
	how func(storage.Info) storage.Info
}

func (n numbered) Stat(ctx context.Context, key string) (storage.Info, error) {
	info, err := n.origin.Stat(ctx, key)
	return n.how(info), err
}

func (n numbered) Open(ctx context.Context, key string, r storage.Range) (io.ReadCloser, storage.Info, error) {
	rc, info, err := n.origin.Open(ctx, key, r)
	return rc, n.how(info), err
}

// TestModel reads random ranges of objects that change all the time, through
// blocks of 16 bytes and a cache that is too small for them, and compares every
// byte with what was once put under the tag that came with it.
func TestModel(t *testing.T) {
	dir := t.TempDir()
	src := memstore.New(memstore.Options{})
	var mu sync.Mutex
	versions := map[string][]byte{} // by tag
	keys := []string{"a", "b", "c", "d"}
	put := func(rng *rand.Rand, key string) {
		content := pattern(rng.IntN(700), rng.IntN(1000))
		mu.Lock() // nobody looks for a version before it is noted
		defer mu.Unlock()
		info, err := src.Put(t.Context(), key, bytes.NewReader(content), storage.PutOptions{})
		if err != nil {
			t.Error(err)
		}
		versions[info.Tag] = content
	}
	for round := range 3 {
		c := newCache(t, dir, 16, 100*pageSize)
		s := c.Store(src, "mem")
		var wg sync.WaitGroup
		for g := range 8 {
			rng := rand.New(rand.NewPCG(uint64(round), uint64(g)))
			for _, key := range keys {
				put(rng, key)
			}
			wg.Go(func() {
				for range 60 {
					key := keys[rng.IntN(len(keys))]
					if rng.IntN(8) == 0 {
						put(rng, key)
					}
					r := storage.Range{Offset: int64(rng.IntN(800) - 100), Length: int64(rng.IntN(2) * rng.IntN(300))}
					rc, info, err := s.Open(t.Context(), key, r)
					if errors.Is(err, storage.ErrRange) || errors.Is(err, storage.ErrChanged) {
						continue
					}
					if err != nil {
						t.Error(err)
						continue
					}
					got, err := io.ReadAll(io.LimitReader(rc, int64(1+rng.IntN(1000))))
					if err == nil && rng.IntN(2) == 0 {
						var rest []byte
						rest, err = io.ReadAll(rc)
						got = append(got, rest...)
					}
					rc.Close()
					mu.Lock()
					content := versions[info.Tag]
					mu.Unlock()
					from, n, bad := r.Resolve(int64(len(content)))
					if bad != nil || !bytes.HasPrefix(content[from:from+n], got) || err != nil && !errors.Is(err, storage.ErrChanged) {
						t.Errorf("%s %+v: %q, %v, %v", key, r, got, err, bad)
					}
				}
			})
		}
		wg.Wait()
		settle(c)
		if s := c.Stats(); s.Hits == 0 || s.Misses == 0 || s.Degraded || s.Discarded > 0 {
			t.Errorf("%+v", s)
		}
		audit(t, c)
	}
}
