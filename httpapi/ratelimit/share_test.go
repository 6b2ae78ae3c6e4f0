package ratelimit_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pressmark/pressmark/httpapi/ratelimit"
)

// levels is a Shared in memory.
type levels struct {
	mu     sync.Mutex
	kept   map[string]float64
	at     map[string]time.Time
	broken bool
	hangs  bool
	keys   int // of all calls
}

func (s *levels) Spend(ctx context.Context, keys []string, spent []int, perSecond, most float64) ([]float64, error) {
	s.mu.Lock()
	if s.hangs {
		s.mu.Unlock()
		<-ctx.Done()
		return nil, ctx.Err()
	}
	defer s.mu.Unlock()
	if s.broken {
		return nil, errors.New("broken")
	}
	if s.kept == nil {
		s.kept, s.at = map[string]float64{}, map[string]time.Time{}
	}
	s.keys += len(keys)
	out := make([]float64, len(keys))
	for i, k := range keys {
		now := time.Now()
		out[i] = min(most, max(0, s.kept[k]-perSecond*now.Sub(s.at[k]).Seconds())+float64(spent[i]))
		s.kept[k], s.at[k] = out[i], now
	}
	return out, nil
}

func (s *levels) told() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.keys
}

func share(t *testing.T, store ratelimit.Shared, n int) []*ratelimit.Limiter {
	var all []*ratelimit.Limiter
	for range n {
		l := ratelimit.New(ratelimit.Options{Rate: ratelimit.Rate{PerSecond: 100, Burst: 200}, MaxKeys: 64})
		all = append(all, l)
		go l.Share(t.Context(), ratelimit.ShareOptions{Store: store, Name: func(k ratelimit.Key) string { return fmt.Sprint(k) }})
	}
	return all
}

// offer sends 1,000 requests a second of key 7, in turn to each limiter, and
// returns how many are allowed.
func offer(d time.Duration, all []*ratelimit.Limiter) (n int) {
	for i := range int(d / time.Millisecond) {
		n += allowed(all[i%len(all)], 7, 1)
		time.Sleep(time.Millisecond)
	}
	return n
}

// TestShare: who spreads over four replicas gets what one would give.
func TestShare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &levels{}
		all := share(t, store, 4)
		const want = 200 + 10*100
		if n := offer(10*time.Second, all); n < want*9/10 || n > want*5/4 {
			t.Errorf("%d in 10 s, want %d", n, want)
		}
		// It goes on, and one that has seen nothing of it yet does not give a burst.
		if n := offer(10*time.Second, append(share(t, store, 1), all...)); n < 900 || n > 1250 {
			t.Errorf("%d in 10 s more, want 1000", n)
		}
		// Who rests has a full burst again, and nothing is exchanged.
		time.Sleep(10 * time.Second)
		before := store.told()
		time.Sleep(10 * time.Second)
		if store.told() != before {
			t.Error("full buckets are exchanged")
		}
		if n := allowed(all[0], 7, 500); n != 200 {
			t.Errorf("after a rest %d at once, want 200", n)
		}
	})
}

// TestShareBroken: each limits by itself while the store fails or hangs, nobody
// waits for it, and what was spent meanwhile is told afterwards.
func TestShareBroken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &levels{broken: true}
		all := share(t, store, 2)
		began := time.Now()
		if n := allowed(all[0], 7, 1000) + allowed(all[1], 7, 1000); n != 400 || time.Since(began) != 0 {
			t.Errorf("%d at once after %v", n, time.Since(began))
		}
		if n := offer(10*time.Second, all); n < 1950 || n > 2050 {
			t.Errorf("%d in 10 s, want what both give", n)
		}
		if s := all[0].Stats(); s.Failed < 3 || s.Failed > 10 || s.Exchanged != 0 {
			t.Errorf("%+v", s)
		}
		store.mu.Lock()
		store.broken = false
		store.mu.Unlock()
		offer(10*time.Second, all) // it is tried again after 5 s at the latest
		if n := offer(10*time.Second, all); n < 900 || n > 1250 {
			t.Errorf("%d in 10 s, want 1000", n)
		}
		store.mu.Lock()
		store.hangs = true
		store.mu.Unlock()
		if n := offer(10*time.Second, all); n < 1500 {
			t.Errorf("%d in 10 s of a store that hangs", n)
		}
	})
}

// TestToldLate: what was spent while the store failed is told when it is back.
func TestToldLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &levels{broken: true}
		var all []*ratelimit.Limiter
		for range 2 {
			l := ratelimit.New(ratelimit.Options{Rate: ratelimit.Rate{PerSecond: 1, Burst: 100}, MaxKeys: 64})
			all = append(all, l)
			go l.Share(t.Context(), ratelimit.ShareOptions{Store: store, Name: func(k ratelimit.Key) string { return fmt.Sprint(k) }})
		}
		allowed(all[0], 7, 100)
		time.Sleep(time.Second)
		store.mu.Lock()
		store.broken = false
		store.mu.Unlock()
		time.Sleep(2 * time.Second)
		allowed(all[1], 7, 10)
		time.Sleep(time.Second)
		if n := allowed(all[1], 7, 100); n > 5 {
			t.Errorf("%d more at another replica", n)
		}
	})
}
