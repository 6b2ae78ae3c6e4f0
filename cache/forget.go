package cache

import (
	"context"
	"encoding/json"
	"iter"
	"slices"
	"sync"
	"sync/atomic"
)

// maxPending is how many keys are remembered that could not be forgotten in the
// shared store, rather than all.
const maxPending = 10_000

// pending are keys that the shared store may still have though they were
// forgotten, each with how often something was added when it was. The zero value
// has none.
type pending struct {
	some  atomic.Bool // whether there are any
	mu    sync.Mutex
	count uint64
	keys  map[string]uint64
	all   uint64 // 0: not all
}

func (p *pending) has(key string) bool {
	if !p.some.Load() {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.all > 0 || p.keys[key] > 0
}

// add adds keys, or all with none.
func (p *pending) add(keys []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.keys == nil {
		p.keys = map[string]uint64{}
	}
	p.count++
	for _, k := range keys {
		p.keys[k] = p.count
	}
	if len(keys) == 0 || len(p.keys) > maxPending {
		p.all = p.count
		clear(p.keys)
	}
	p.some.Store(true)
}

// look returns what is pending, all with no keys, and how much was added so far.
func (p *pending) look() (keys []string, count uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.all > 0 {
		return nil, p.count
	}
	for k := range p.keys {
		keys = append(keys, k)
	}
	return keys, p.count
}

// done takes away what look has returned, but not what was added since, though
// it be the same key.
func (p *pending) done(count uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for k, at := range p.keys {
		if at <= count {
			delete(p.keys, k)
		}
	}
	if p.all <= count {
		p.all = 0
	}
	p.some.Store(p.all > 0 || len(p.keys) > 0)
}

// cut forgets keys, or all with none: first in the shared store, or this process
// would find them there again, then in this process, and then, if others are to
// be told, there. What fails is done later, and until then this process does not
// look for them in the shared store.
func (n *Namespace[V]) cut(ctx context.Context, keys []string, tell bool) {
	// Who asked for it may have gone, but what was changed has been.
	ctx = context.WithoutCancel(ctx)
	err := n.cutShared(ctx, keys)
	if err != nil {
		n.pending.add(keys)
	}
	n.drop(keys)
	if tell {
		if bad := n.tell(ctx, keys); bad != nil {
			n.pending.add(keys)
			err = bad
		}
	}
	if err != nil {
		n.cache.nudge()
	}
}

func (n *Namespace[V]) cutShared(ctx context.Context, keys []string) error {
	switch {
	case n.guard == nil:
		return nil
	case n.guard.open.Load():
		return errLeftAlone
	}
	return n.delete(ctx, keys)
}

func (n *Namespace[V]) delete(ctx context.Context, keys []string) error {
	if n.guard == nil {
		return nil
	}
	if len(keys) == 0 {
		return n.renew(ctx)
	}
	full := make([]string, len(keys))
	for i, k := range keys {
		full[i] = n.prefix + k
	}
	return n.guard.try(ctx, func(ctx context.Context) error { return n.guard.shared.Delete(ctx, full...) })
}

// renew gives the namespace another generation, which makes void all that is in
// the shared store.
func (n *Namespace[V]) renew(ctx context.Context) error {
	if n.marks == nil || n.guard == nil {
		return nil
	}
	return n.guard.try(ctx, func(ctx context.Context) error {
		return n.guard.shared.Set(ctx, generations+":"+n.o.Name, random(), 0)
	})
}

// maxTold bounds the keys of one message, and of one call of the shared store, that
// are made up for.
const maxTold = 500

// fill makes void what is in the shared store, with void or if it has to be, and has
// it be used from then on.
func (n *Namespace[V]) fill(ctx context.Context, void bool) error {
	n.filling.Lock() // or what came in after one of two would be void with the other
	defer n.filling.Unlock()
	if !void && !n.void.Load() {
		return nil
	}
	if err := n.renew(ctx); err != nil {
		return err
	}
	n.void.Store(false)
	return nil
}

// flush forgets in the shared store what could not be forgotten before, and tells
// others again. With void nothing that is in there is good any more.
func (n *Namespace[V]) flush(ctx context.Context, void bool) error {
	if err := n.fill(ctx, void); err != nil {
		return err
	}
	if !n.pending.some.Load() {
		return nil
	}
	keys, count := n.pending.look()
	for next := range chunks(keys) {
		if err := n.delete(ctx, next); err != nil {
			return err
		}
		if err := n.tell(ctx, next); err != nil {
			return err
		}
	}
	n.pending.done(count)
	return nil
}

// chunks are keys in parts of maxTold; no keys, which are all, are one part.
func chunks(keys []string) iter.Seq[[]string] {
	if len(keys) == 0 {
		return func(yield func([]string) bool) { yield(nil) }
	}
	return slices.Chunk(keys, maxTold)
}

// message is what processes tell each other.
type message struct {
	From      string   `json:"from"`
	Namespace string   `json:"namespace"`
	Keys      [][]byte `json:"keys,omitempty"` // none is all
}

// tell tells other processes that keys, or all with none, were forgotten.
func (n *Namespace[V]) tell(ctx context.Context, keys []string) error {
	if n.cache.bus == nil {
		return nil
	}
	m := message{From: n.cache.self, Namespace: n.o.Name}
	for _, k := range keys {
		m.Keys = append(m.Keys, []byte(k))
	}
	text, err := json.Marshal(m)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, n.cache.timeout)
	defer cancel()
	if err := n.cache.bus.Publish(ctx, text); err != nil {
		n.event(Event{Kind: Failed, Namespace: n.o.Name, Err: err})
		return err
	}
	return nil
}

// listen forgets what other processes forget, until ctx ends.
func (c *Cache) listen(ctx context.Context) {
	again(ctx, c.log, "Other processes are not heard; what they may forget is kept for a short time only", func(began func()) error {
		err := c.bus.Subscribe(ctx, func() {
			for _, s := range c.spaces() {
				s.up(ctx, theBus)
			}
			c.listening.Store(true)
			began()
		}, c.hear)
		if c.listening.Load() {
			for _, s := range c.spaces() {
				s.down(theBus, err)
			}
			c.listening.Store(false) // who sees that sees what it means
		}
		return err
	})
}

// hear takes a message. One that cannot be read is of another version of the
// program, whatever it is about.
func (c *Cache) hear(text []byte) {
	var m message
	if err := json.Unmarshal(text, &m); err != nil {
		for _, s := range c.spaces() {
			s.heard(nil)
		}
		return
	}
	if m.From == c.self {
		return
	}
	c.mu.RLock()
	s := c.namespaces[m.Namespace]
	c.mu.RUnlock()
	if s == nil {
		return
	}
	keys := make([]string, len(m.Keys))
	for i, k := range m.Keys {
		keys[i] = string(k)
	}
	s.heard(keys)
}
