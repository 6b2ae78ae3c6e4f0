package ratelimit_test

import (
	"fmt"
	"net/netip"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pressmark/pressmark/httpapi/ratelimit"
)

// clock is a clock that stands still between calls of pass.
type clock struct{ nanos atomic.Int64 }

func (c *clock) now() time.Time       { return time.Unix(1e9, c.nanos.Load()) }
func (c *clock) pass(d time.Duration) { c.nanos.Add(int64(d)) }

func ExampleLimiter_Allow() {
	l := ratelimit.New(ratelimit.Options{Rate: ratelimit.Rate{PerSecond: 2, Burst: 3}, Now: func() time.Time { return time.Unix(0, 0) }})
	for range 4 {
		wait, ok := l.Allow(7)
		fmt.Println(ok, wait)
	}
	// Output:
	// true 0s
	// true 0s
	// true 0s
	// false 500ms
}

// allowed counts how many of n requests of a key are allowed.
func allowed(l *ratelimit.Limiter, k ratelimit.Key, n int) (count int) {
	for range n {
		if _, ok := l.Allow(k); ok {
			count++
		}
	}
	return count
}

func TestBucket(t *testing.T) {
	var c clock
	l := ratelimit.New(ratelimit.Options{Rate: ratelimit.Rate{PerSecond: 10, Burst: 50}, Now: c.now})
	if n := allowed(l, 1, 100); n != 50 {
		t.Errorf("%d at once, want the burst of 50", n)
	}
	if n := allowed(l, 2, 100); n != 50 {
		t.Errorf("another key gets %d, want 50", n)
	}
	for range 10 {
		c.pass(time.Second)
		if n := allowed(l, 1, 100); n != 10 {
			t.Errorf("%d in a second, want 10", n)
		}
	}
	if s := l.Stats(); s.Keys != 2 || s.Refused != 1000 {
		t.Errorf("%+v", s)
	}
	if !l.Exhausted(1) || l.Exhausted(3) {
		t.Error("who has nothing left is not told from who has")
	}
	if c.pass(time.Second); l.Exhausted(1) || allowed(l, 1, 100) != 10 {
		t.Error("to look takes tokens")
	}
	var off *ratelimit.Limiter
	if n := allowed(off, 1, 100); n != 100 {
		t.Errorf("without a limiter %d of 100", n)
	}
	if n := allowed(ratelimit.New(ratelimit.Options{}), 1, 100); n != 100 {
		t.Errorf("without a rate %d of 100", n)
	}
}

func TestNetworkOf(t *testing.T) {
	key := func(s string) ratelimit.Key {
		k, ok := ratelimit.NetworkOf(netip.MustParseAddr(s))
		if !ok {
			t.Errorf("%s is not limited", s)
		}
		return k
	}
	if key("2001:db8:1:2::1") != key("2001:db8:1:2:ffff::9") || key("2001:db8:1:2::1") == key("2001:db8:1:3::1") {
		t.Error("IPv6 is not by /64")
	}
	if key("192.0.2.1") == key("192.0.2.2") || key("192.0.2.1") != key("::ffff:192.0.2.1") {
		t.Error("IPv4 is not by address")
	}
	for _, s := range []string{"127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"} {
		if _, ok := ratelimit.NetworkOf(netip.MustParseAddr(s)); ok {
			t.Errorf("%s is limited", s)
		}
	}
	if _, ok := ratelimit.NetworkOf(netip.Addr{}); ok {
		t.Error("no address is limited")
	}
}

// TestManyKeys: 100,000 addresses do not take more memory than the table, and
// who is pushed out of it has no more tokens for that.
func TestManyKeys(t *testing.T) {
	var c clock
	l := ratelimit.New(ratelimit.Options{Rate: ratelimit.Rate{PerSecond: 1, Burst: 10}, MaxKeys: 4096, Now: c.now})
	const few = 1000 // so few that the table holds them
	total := 0
	for k := range few {
		total += allowed(l, ratelimit.Key(k), 11)
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for k := range 100_000 {
		if _, ok := l.Allow(ratelimit.Key(1e6 + k)); ok {
			total++
		}
	}
	// And those that were there come back.
	for k := range few {
		total += allowed(l, ratelimit.Key(k), 10)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 1<<20 {
		t.Errorf("memory grew by %d bytes", grown)
	}
	if most := 4096 * 10; total > most {
		t.Errorf("%d requests got through, where all buckets hold %d", total, most)
	}
	if s := l.Stats(); s.Keys > 4096 || s.Evicted < 90_000 {
		t.Errorf("%+v", s)
	}
}

// TestIdleGoFirst: an idle owner's place is taken, not that of one who has spent
// all.
func TestIdleGoFirst(t *testing.T) {
	var c clock
	l := ratelimit.New(ratelimit.Options{Rate: ratelimit.Rate{PerSecond: 1, Burst: 10}, MaxKeys: 8, Now: c.now})
	for k := range ratelimit.Key(8) {
		allowed(l, k, 1)
	}
	c.pass(time.Minute)
	allowed(l, 3, 20) // spends all
	for k := range ratelimit.Key(7) {
		if n := allowed(l, 100+k, 20); n != 10 {
			t.Errorf("a newcomer in the place of one who was idle got %d, want 10", n)
		}
	}
	if n := allowed(l, 3, 10); n != 0 {
		t.Errorf("who had spent all got %d more", n)
	}
}

func BenchmarkAllow(b *testing.B) {
	l := ratelimit.New(ratelimit.Options{Rate: ratelimit.Rate{PerSecond: 1e9, Burst: 1e9}})
	for k := range ratelimit.Key(10_000) {
		l.Allow(k)
	}
	b.Run("one key", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			l.Allow(7)
		}
	})
	b.Run("many cores", func(b *testing.B) {
		b.ReportAllocs()
		var who atomic.Uint64
		b.RunParallel(func(pb *testing.PB) {
			k := ratelimit.Key(who.Add(1) * 1000)
			for pb.Next() {
				k++
				l.Allow(k & 8191)
			}
		})
	})
}
