// Package ratelimit bounds how many requests a second each user, or each network,
// gets, in bounded memory, and over several replicas.
//
// # In one process
//
// A [Limiter] has a token bucket (golang.org/x/time/rate) for each [Key]. Keys are
// kept in a table of fixed size, in sets of eight: where a key goes follows from a
// hash with a secret seed. When a ninth key comes to a set it takes over the
// fullest of the eight buckets, with the tokens that are in it. So
//
//   - memory is bounded (about 150 bytes a key), however many addresses send;
//   - a bucket that is full, because its owner is idle, goes first, and its owner
//     loses nothing;
//   - being evicted gives nobody a token: who comes back takes over a bucket as
//     well. What all keys of a set get together is bounded by its eight buckets.
//
// # In several
//
// [Limiter.Share] brings together what replicas have spent, by a level for each
// key in a [Shared] store: it rises with what is spent anywhere and sinks by the
// rate. Only buckets of which a part is spent are exchanged, ten times a second,
// in the background: [Limiter.Allow] never waits for it. While the store fails each
// replica limits by itself.
package ratelimit

import (
	"hash/maphash"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
)

// Rate is how much is allowed. The zero value allows everything.
type Rate struct {
	// PerSecond is how many requests a second may come in the long run.
	PerSecond float64
	// Burst is how many may come at once after a while without any.
	Burst int
}

// Key names who is limited. Users and networks have a Limiter each.
type Key uint64

// NetworkOf returns the key of the network of an address: an IPv4 address by
// itself, an IPv6 address by its first 64 bits, which is the least that a customer
// has. ok is false for addresses of this machine, which are not limited.
func NetworkOf(addr netip.Addr) (k Key, ok bool) {
	addr = addr.Unmap()
	if !addr.IsValid() || addr.IsLoopback() {
		return 0, false
	}
	if addr.Is4() {
		b := addr.As4()
		return Key(b[0])<<24 | Key(b[1])<<16 | Key(b[2])<<8 | Key(b[3]), true // ::/32 is nobody's in IPv6
	}
	b := addr.As16()
	for _, c := range b[:8] {
		k = k<<8 | Key(c)
	}
	return k, true
}

// Options are the settings of a [Limiter].
type Options struct {
	// Rate is what each key gets.
	Rate Rate
	// MaxKeys is how many keys are remembered, rounded up to eight times a power of
	// two. 0 means 65,536, which take 10 MB at most.
	MaxKeys int
	// Now is the clock. nil is time.Now.
	Now func() time.Time
}

// ways is how many buckets a set has.
const ways = 8

// Limiter limits. Make one with [New]. Its methods may be called by several
// goroutines at once; those of different keys do not wait for each other.
type Limiter struct {
	rate    Rate
	now     func() time.Time
	seed    maphash.Seed
	sets    []atomic.Pointer[set] // made when they are needed
	mask    uint64
	refused atomic.Uint64
	keys    atomic.Int64
	evicted atomic.Uint64
	told    atomic.Uint64
	failed  atomic.Uint64
}

type set struct {
	mu      sync.Mutex
	buckets [ways]bucket
}

type bucket struct {
	tokens *rate.Limiter // nil: free
	key    Key
	spent  uint32 // since others were told
	shared bool   // others are told, and heard
}

// New returns a limiter whose keys all have full buckets.
func New(o Options) *Limiter {
	if o.MaxKeys <= 0 {
		o.MaxKeys = 65_536
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	o.Rate.Burst = max(1, o.Rate.Burst)
	n := 1
	for n*ways < o.MaxKeys {
		n *= 2
	}
	return &Limiter{rate: o.Rate, now: o.Now, seed: maphash.MakeSeed(), sets: make([]atomic.Pointer[set], n), mask: uint64(n - 1)}
}

// Rate returns what each key gets.
func (l *Limiter) Rate() Rate { return l.rate }

// Allow takes a token of k's bucket, if there is one. Else wait is the time until
// there is. A nil limiter allows everything.
func (l *Limiter) Allow(k Key) (wait time.Duration, ok bool) {
	if l == nil || l.rate.PerSecond <= 0 {
		return 0, true
	}
	at := &l.sets[maphash.Comparable(l.seed, k)&l.mask]
	s := at.Load()
	if s == nil {
		at.CompareAndSwap(nil, &set{})
		s = at.Load()
	}
	now := l.now()
	s.mu.Lock()
	b := s.find(k)
	if b == nil {
		b = l.take(s, k, now)
	}
	if ok = b.tokens.AllowN(now, 1); ok {
		b.spent++
	} else {
		wait = time.Duration((1 - b.tokens.TokensAt(now)) / l.rate.PerSecond * float64(time.Second))
	}
	s.mu.Unlock()
	if !ok {
		l.refused.Add(1)
	}
	return wait, ok
}

// Exhausted reports whether Allow would refuse k now. It takes nothing, and
// remembers nobody.
func (l *Limiter) Exhausted(k Key) bool {
	if l == nil || l.rate.PerSecond <= 0 {
		return false
	}
	s := l.sets[maphash.Comparable(l.seed, k)&l.mask].Load()
	if s == nil {
		return false
	}
	now := l.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.find(k)
	return b != nil && b.tokens.TokensAt(now) < 1
}

func (s *set) find(k Key) *bucket {
	for i := range s.buckets {
		if b := &s.buckets[i]; b.key == k && b.tokens != nil {
			return b
		}
	}
	return nil
}

// take gives k a bucket: a free one, or the fullest with what is in it.
func (l *Limiter) take(s *set, k Key, now time.Time) *bucket {
	var fullest *bucket
	var most float64
	for i := range s.buckets {
		b := &s.buckets[i]
		if b.tokens == nil {
			l.keys.Add(1)
			b.key, b.tokens = k, rate.NewLimiter(rate.Limit(l.rate.PerSecond), l.rate.Burst)
			return b
		}
		if n := b.tokens.TokensAt(now); fullest == nil || n > most {
			fullest, most = b, n
		}
	}
	l.evicted.Add(1)
	fullest.key, fullest.spent, fullest.shared = k, 0, false
	return fullest
}

// Stats are counts since the start, but for Keys.
type Stats struct {
	Refused   uint64 // requests over the limit
	Keys      int64  // that are remembered
	Evicted   uint64 // keys that others took the place of
	Exchanged uint64 // buckets that were brought together with those of replicas
	Failed    uint64 // exchanges that failed
}

// Stats returns what has been counted. That of a nil limiter is zero.
func (l *Limiter) Stats() Stats {
	if l == nil {
		return Stats{}
	}
	return Stats{
		Refused: l.refused.Load(), Keys: l.keys.Load(), Evicted: l.evicted.Load(),
		Exchanged: l.told.Load(), Failed: l.failed.Load(),
	}
}
