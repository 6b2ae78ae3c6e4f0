package ristrettocache_test

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pressmark/pressmark/cache/cachetest"
	"github.com/pressmark/pressmark/cache/memcache"
	"github.com/pressmark/pressmark/cache/ristrettocache"
)

func open(t *testing.T) *ristrettocache.Local {
	t.Helper()
	l, err := ristrettocache.New(ristrettocache.Options{MaxBytes: 16 << 20})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	return l
}

func TestTiers(t *testing.T) {
	t.Run("Local", func(t *testing.T) {
		cachetest.Run(t, func(t *testing.T) func() cachetest.Tiers {
			return func() cachetest.Tiers { return cachetest.Tiers{Local: open(t)} }
		})
	})
	t.Run("Both", func(t *testing.T) {
		cachetest.Run(t, func(t *testing.T) func() cachetest.Tiers {
			s := memcache.NewShared(nil)
			return func() cachetest.Tiers { return cachetest.Tiers{Local: open(t), Shared: s, Bus: s} }
		})
	})
}

// TestBound fills a cache with small values, for which keeping them takes more
// than they do, and with large ones, and holds what the heap has grown by to what
// it says that it keeps.
func TestBound(t *testing.T) {
	for _, size := range []int{32, 1000, 30_000} {
		const limit = 64 << 20
		l, err := ristrettocache.New(ristrettocache.Options{MaxBytes: limit})
		if err != nil {
			t.Fatal(err)
		}
		before := heap()
		for i := range 2 * limit / (size + 300) {
			key := fmt.Sprintf("key %d of some length", i)
			l.Set("ns", key, strings.Repeat("x", size), int64(size+len(key)+16), time.Hour)
			if i%100 == 0 {
				l.Wait()
			}
		}
		l.Wait()
		u, grown := l.Usage(), heap()-before
		if u.Bytes > limit || u.Bytes < limit*9/10 || u.Evicted+u.Dropped == 0 {
			t.Errorf("values of %d bytes: %+v", size, u)
		}
		if ratio := float64(grown) / float64(u.Bytes); ratio > 1.15 || ratio < 0.6 {
			t.Errorf("values of %d bytes: the heap has grown by %d for %d that are counted (%.2f)", size, grown, u.Bytes, ratio)
		} else {
			t.Logf("values of %d bytes: %.2f bytes of heap for each that is counted", size, ratio)
		}
		l.Close()
		runtime.KeepAlive(l)
	}
}

func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// TestClosed: what is called after Close, and while it closes, finds nothing and
// does not wait.
func TestClosed(t *testing.T) {
	l, err := ristrettocache.New(ristrettocache.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for i := range 2000 {
				key := fmt.Sprint(g, i)
				l.Set("ns", key, i, 100, time.Hour)
				l.Get("ns", key)
				l.Delete("ns", key)
				if i%100 == 0 {
					l.Wait()
				}
			}
		})
	}
	l.Close()
	wg.Wait()
	l.Close()
	if _, ok := l.Get("ns", "00"); ok {
		t.Error("a closed cache has something")
	}
	l.Usage()
}
