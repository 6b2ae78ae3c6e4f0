// Package memcache has tiers of a cache that are exact: what is set is there at
// once, and what goes is what was used longest ago. They are for tests, and for
// programs that need no more.
package memcache

import (
	"container/list"
	"sync"
	"time"

	"github.com/pressmark/pressmark/cache"
)

// Options are the settings of a [Local].
type Options struct {
	// MaxBytes bounds the costs of what is kept. 0 means 16 MiB.
	MaxBytes int64
	// Now is the clock. nil is time.Now.
	Now func() time.Time
}

// Local keeps values in this process, those used last. Its lock is one for all,
// so that many cores wait for each other.
type Local struct {
	now func() time.Time

	mu    sync.Mutex
	byKey map[name]*list.Element // of *item
	order list.List              // the one that was used last in front
	usage cache.Usage
}

var (
	_ cache.Local    = (*Local)(nil)
	_ cache.Measured = (*Local)(nil)
)

// name is a key of a namespace.
type name struct{ namespace, key string }

type item struct {
	name    name
	value   any
	cost    int64
	expires time.Time
}

// NewLocal returns an empty one.
func NewLocal(o Options) *Local {
	if o.MaxBytes == 0 {
		o.MaxBytes = 16 << 20
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Local{now: o.Now, byKey: map[name]*list.Element{}, usage: cache.Usage{Max: o.MaxBytes}}
}

// Get returns what was set last under key.
func (l *Local) Get(namespace, key string) (any, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	el := l.byKey[name{namespace, key}]
	if el == nil {
		return nil, false
	}
	i := el.Value.(*item)
	if !l.now().Before(i.expires) {
		l.remove(el)
		return nil, false
	}
	l.order.MoveToFront(el)
	return i.value, true
}

// Set keeps value, unless it costs more than all may.
func (l *Local) Set(namespace, key string, value any, cost int64, ttl time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := name{namespace, key}
	if el := l.byKey[n]; el != nil {
		l.remove(el)
	}
	if cost > l.usage.Max || ttl <= 0 {
		l.usage.Dropped++
		return
	}
	l.byKey[n] = l.order.PushFront(&item{n, value, cost, l.now().Add(ttl)})
	l.usage.Items++
	l.usage.Bytes += cost
	for l.usage.Bytes > l.usage.Max {
		l.remove(l.order.Back())
		l.usage.Evicted++
	}
}

// Wait returns at once.
func (l *Local) Wait() {}

// Delete drops what is kept under key.
func (l *Local) Delete(namespace, key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := name{namespace, key}
	if el := l.byKey[n]; el != nil {
		l.remove(el)
	}
}

// Usage returns how much is kept.
func (l *Local) Usage() cache.Usage {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.usage
}

func (l *Local) remove(el *list.Element) {
	i := l.order.Remove(el).(*item)
	delete(l.byKey, i.name)
	l.usage.Items--
	l.usage.Bytes -= i.cost
}
