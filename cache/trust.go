package cache

import (
	"hash/maphash"
	"sync"
	"sync/atomic"
)

// stripes is how many counters the keys of a namespace share.
const stripes = 1024

// marks count what was forgotten. The zero value is not ready; see newMarks.
type marks struct {
	seed maphash.Seed
	all  atomic.Uint32
	some [stripes]atomic.Uint32
}

func newMarks() *marks { return &marks{seed: maphash.MakeSeed()} }

// mark is what the counters of a key were at some time.
type mark struct{ all, some uint32 }

func (m *marks) stripe(key string) *atomic.Uint32 {
	return &m.some[maphash.String(m.seed, key)%stripes]
}

func (m *marks) of(key string) mark {
	if m == nil {
		return mark{}
	}
	return mark{m.all.Load(), m.stripe(key).Load()}
}

// trust tells whether somebody would tell of what is changed elsewhere: the feed, if
// there is one, as it knows of every change, also of those that processes without a
// cache make; else the bus.
type trust struct {
	mu        sync.Mutex
	hasFeed   bool // set before it is used
	bus, feed bool
	listening atomic.Bool
	// epoch grows whenever something may have been missed: what was kept before
	// has to be asked for again.
	epoch atomic.Uint64
}

// source is who tells.
type source int

const (
	theBus source = iota
	theFeed
)

// up is called when a source begins to tell. What happened before it did is not
// known.
func (t *trust) up(s source) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.set(s, true)
	t.epoch.Add(1)
}

// down is called when a source ends, and reports whether that is a gap. One that
// failed had missed messages before that was noticed.
func (t *trust) down(s source) (gap bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	heard := t.listening.Load()
	t.set(s, false)
	if !heard || t.listening.Load() {
		return false
	}
	t.epoch.Add(1)
	return true
}

func (t *trust) set(s source, up bool) {
	if s == theFeed {
		t.feed = up
	} else {
		t.bus = up
	}
	t.listening.Store(t.feed || t.bus && !t.hasFeed)
}
