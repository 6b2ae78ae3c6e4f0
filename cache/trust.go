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

// trust tells whether somebody would tell of what other processes forget.
type trust struct {
	mu        sync.Mutex
	sources   int
	listening atomic.Bool
	// epoch grows whenever something may have been missed: what was kept before
	// has to be asked for again.
	epoch atomic.Uint64
}

// up is called when a source of messages begins. What happened before it did is
// not known.
func (t *trust) up() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sources++
	t.epoch.Add(1)
	t.listening.Store(true)
}

// down is called when a source ends, and tells whether that is a gap. One that
// failed had missed messages before that was noticed, which another source may
// have told of.
func (t *trust) down() (gap bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.sources--; t.sources > 0 {
		return false
	}
	t.listening.Store(false)
	t.epoch.Add(1)
	return true
}
