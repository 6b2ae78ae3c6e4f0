// Package ristrettocache keeps a cache in the memory of this process by
// [ristretto], which decides by how often something is asked for what is worth
// its room.
//
//	local, err := ristrettocache.New(ristrettocache.Options{MaxBytes: 256 << 20})
//	defer local.Close()
//
// [ristretto]: https://pkg.go.dev/github.com/dgraph-io/ristretto/v2
package ristrettocache

import (
	"fmt"
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dgraph-io/ristretto/v2"

	"github.com/pressmark/pressmark/cache"
)

// Options are the settings of a [Local].
type Options struct {
	// MaxBytes bounds the costs of all that is kept, with what keeping it takes. 0
	// means 128 MiB.
	MaxBytes int64
}

// Local keeps values in this process. Safe for concurrent use.
type Local struct {
	kept    *ristretto.Cache[uint64, *item]
	seed    maphash.Seed
	max     int64
	evicted atomic.Uint64

	// closing keeps writers out of a cache that is closed, where they would wait
	// for ever.
	closing sync.RWMutex
	closed  bool
}

// item is a value with its key, as ristretto knows keys by a hash alone.
type item struct {
	namespace, key string
	value          any
}

var (
	_ cache.Local    = (*Local)(nil)
	_ cache.Measured = (*Local)(nil)
)

// overhead is what ristretto takes for a value beside the 56 bytes that it counts
// itself: its share of a map of values, one of costs, and one of times at which
// values end (TestBound measures it).
const overhead = 300

// averageBytes is how large a value is thought to be when room is made for
// counting how often each is asked for.
const averageBytes = 2 << 10

// New returns an empty one, which has to be closed: it has a goroutine.
func New(o Options) (*Local, error) {
	if o.MaxBytes == 0 {
		o.MaxBytes = 128 << 20
	}
	l := &Local{max: o.MaxBytes, seed: maphash.MakeSeed()}
	kept, err := ristretto.NewCache(&ristretto.Config[uint64, *item]{
		NumCounters: max(10*o.MaxBytes/averageBytes, 1000),
		MaxCost:     o.MaxBytes,
		BufferItems: 64,
		Metrics:     true,
		OnEvict:     func(*ristretto.Item[*item]) { l.evicted.Add(1) },
	})
	if err != nil {
		return nil, fmt.Errorf("ristretto: %w", err)
	}
	l.kept = kept
	return l, nil
}

func (l *Local) hash(namespace, key string) uint64 {
	return maphash.String(l.seed, key) + 3*maphash.String(l.seed, namespace)
}

// Get returns what was set last under key.
func (l *Local) Get(namespace, key string) (any, bool) {
	i, ok := l.kept.Get(l.hash(namespace, key))
	if !ok || i.key != key || i.namespace != namespace {
		return nil, false
	}
	return i.value, true
}

// Set keeps value, if it is worth more than what would have to make room for it,
// and there are not too many at once.
func (l *Local) Set(namespace, key string, value any, cost int64, ttl time.Duration) {
	if ttl <= 0 {
		return
	}
	l.closing.RLock()
	defer l.closing.RUnlock()
	if !l.closed {
		l.kept.SetWithTTL(l.hash(namespace, key), &item{namespace, key, value}, cost+overhead, ttl)
	}
}

// Wait returns when what was set can be found: it goes through a buffer.
func (l *Local) Wait() {
	l.closing.RLock()
	defer l.closing.RUnlock()
	if !l.closed {
		l.kept.Wait()
	}
}

// Delete drops what is kept under key.
func (l *Local) Delete(namespace, key string) {
	l.closing.RLock()
	defer l.closing.RUnlock()
	if !l.closed {
		l.kept.Del(l.hash(namespace, key))
	}
}

// Usage returns how much is kept, about.
func (l *Local) Usage() cache.Usage {
	l.closing.RLock()
	defer l.closing.RUnlock()
	m := l.kept.Metrics
	return cache.Usage{
		Items: max(int64(m.KeysAdded()-m.KeysEvicted()), 0), Bytes: max(int64(m.CostAdded()-m.CostEvicted()), 0), Max: l.max,
		Evicted: l.evicted.Load(), Dropped: m.SetsDropped() + m.SetsRejected(),
	}
}

// Close drops everything. What is called afterwards finds and keeps nothing.
func (l *Local) Close() {
	l.closing.Lock()
	defer l.closing.Unlock()
	if !l.closed {
		l.closed = true
		l.kept.Close()
	}
}
