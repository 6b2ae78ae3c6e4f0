package cache

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

// NamespaceOptions say what a [Namespace] keeps, and for how long. Name and TTL
// have to be given.
type NamespaceOptions[V any] struct {
	// Name is 1 to 32 of a-z, 0-9, '-' and '_'. Keys in the tiers begin with it and
	// a colon.
	Name string
	// TTL is how long a value is kept, less up to a tenth of that, so that not all
	// end at once. Negative keeps nothing, and merges loads only. Values that may
	// change are loaded again earlier while nobody would tell of that: see Unheard.
	TTL time.Duration
	// NotFound is the error of a load, also wrapped, that says that there is no
	// value. It is kept for NegativeTTL, and returned by Get meanwhile. nil:
	// no error is ever kept.
	NotFound error
	// NegativeTTL is for how long it is kept that there is no value. 0 means a
	// tenth of TTL; negative does not keep it.
	NegativeTTL time.Duration
	// Stale is for how long after its TTL a value is still returned, while it is
	// loaded again in the background. It has to be in this process. 0: it is not.
	Stale time.Duration
	// Unchanging says that what a key stands for never changes, because a version
	// is part of the key: nothing is ever forgotten then, and nobody has to be
	// listened to.
	Unchanging bool
	// Unheard is how long a value is trusted while nobody would tell of a change:
	// the Feed, or where there is none the bus. After that, and after any gap, it is
	// loaded again; if that fails, it is used until its TTL ends. 0 means 10 s.
	// Negative is without bound, for what only this process changes.
	Unheard time.Duration
	// Feed tells of keys that were changed, beside the bus: of all that any process
	// changes in the database, say. It calls changed with each key, or "" for all
	// of them; else it is like Bus.Subscribe. While it does not tell, the bus alone is
	// not enough to trust values. nil: there is none.
	Feed func(ctx context.Context, listening func(), changed func(key string)) error
	// LocalOnly and SharedOnly leave out the other tier.
	LocalOnly, SharedOnly bool
	// Codec turns values into bytes for the shared store. nil is JSON.
	Codec Codec[V]
	// Shape is part of how values are recognised in the shared store, beside the
	// fields of V and their types: values of another shape, which another version
	// of the program has left there, are not read. It has to change when the same
	// fields get another meaning.
	Shape string
	// Seal is a key by which values in the shared store are authenticated
	// (HMAC-SHA256), so that who can write there cannot make some up. nil: whoever
	// can write there is believed.
	Seal []byte
	// Cost is about how many bytes a value takes in memory. nil counts the bytes
	// of V itself, without what it refers to.
	Cost func(V) int64
	// Inline says that loads do not wait for anything: the first caller makes one
	// itself, and cannot give up before it ends, where no shared tier has to be
	// asked. That saves a switch between goroutines.
	Inline bool
	// LoadTimeout bounds a load that is not made inline. 0 means 30 s; negative is
	// without bound.
	LoadTimeout time.Duration
}

// Namespace keeps values of one kind. Values are shared by all who get them and
// must not be changed. Safe for concurrent use.
type Namespace[V any] struct {
	o       NamespaceOptions[V]
	cache   *Cache
	local   Local  // nil if not used
	guard   *guard // nil if not used
	prefix  string
	tag     tag
	own     int64 // bytes of V itself
	marks   *marks
	trust   trust
	flights flights[V]
	pending pending
	// void is whether what is in the shared store may be what somebody has failed to
	// forget: nothing is looked for there until it was made void.
	void    atomic.Bool
	filling sync.Mutex // while void ends
	counted counters
}

// entry is what a Local keeps. Only retry changes.
type entry[V any] struct {
	key     string
	value   V
	absent  bool
	mark    mark
	epoch   uint64
	loaded  time.Time
	expires time.Time
	retry   atomic.Int64 // Unix time in ns until which it is not asked for again
}

// Times of values that have to be asked for again: patience is how long a caller
// waits if it could do with what was known before, retry the time between two
// attempts.
const (
	patience = time.Second
	retry    = 5 * time.Second
)

// NewNamespace returns a namespace of c.
func NewNamespace[V any](c *Cache, o NamespaceOptions[V]) (*Namespace[V], error) {
	if o.TTL == 0 {
		return nil, errors.New("cache: namespace " + o.Name + " lacks its TTL")
	}
	if o.NegativeTTL == 0 {
		o.NegativeTTL = o.TTL / 10
	}
	if o.Unheard == 0 {
		o.Unheard = 10 * time.Second
	}
	if o.Codec == nil {
		o.Codec = jsonCodec[V]{}
	}
	if o.LoadTimeout == 0 {
		o.LoadTimeout = 30 * time.Second
	}
	n := &Namespace[V]{o: o, cache: c, prefix: o.Name + ":", tag: tagOf[V](o.Name, o.Shape), own: sizeOf[V]()}
	n.trust.hasFeed = o.Feed != nil
	if !o.Unchanging {
		n.marks = newMarks()
	}
	if o.TTL > 0 && !o.SharedOnly {
		n.local = c.local
	}
	if o.TTL > 0 && !o.LocalOnly {
		n.guard = c.guard
		// This process may have ended before it could forget something, or what was
		// changed while no process ran.
		n.void.Store(n.guard != nil && n.marks != nil)
	}
	return n, c.add(o.Name, n)
}

// Get returns the value of key, which load makes if it is not kept. Errors are
// those of load, a [PanicError] if it panics, and that of ctx if that ends first.
// The context of load ends when nobody waits for it any more.
func (n *Namespace[V]) Get(ctx context.Context, key string, load func(context.Context) (V, error)) (V, error) {
	now := n.cache.now()
	e := n.find(key)
	switch n.state(e, now) {
	case fresh:
		n.count(LocalHit)
		return n.result(e)
	case stale:
		n.count(LocalHit)
		n.stale(nil)
		n.flights.background(n, key, load)
		return n.result(e)
	case doubtful:
		return n.again(ctx, e, load)
	}
	if n.local != nil {
		n.count(LocalMiss)
	}
	if n.o.Inline && !n.guard.ready() {
		return n.inline(ctx, key, load)
	}
	return n.await(ctx, key, n.flights.join(ctx, n, key, load))
}

// again returns what is kept now, if it can be had, or else what was kept before.
func (n *Namespace[V]) again(ctx context.Context, old *entry[V], load func(context.Context) (V, error)) (V, error) {
	n.count(LocalMiss)
	f := n.flights.join(ctx, n, old.key, load)
	t := time.NewTimer(patience)
	defer t.Stop()
	var err error
	select {
	case <-f.done:
		if err = f.err; err == nil || n.absent(err) {
			return f.value, err
		}
	case <-t.C: // it goes on: who asks next may have what it returns
		err = context.DeadlineExceeded
	case <-ctx.Done():
		n.flights.leave(old.key, f)
		var zero V
		return zero, ctx.Err()
	}
	now := n.cache.now()
	if old.mark != n.marks.of(old.key) || !now.Before(old.expires) {
		return n.Get(ctx, old.key, load) // it will not do any more
	}
	if old.retry.Swap(now.Add(retry).UnixNano()) <= now.UnixNano() {
		n.cache.log.Warn("What is kept cannot be asked for again, and is used as it was", "namespace", n.o.Name, "until", old.expires, "err", err)
	}
	n.stale(err)
	return n.result(old)
}

// Peek returns the value of key if it is kept in this process and need not be
// loaded again. That it is not counts as a miss when Put follows.
func (n *Namespace[V]) Peek(key string) (value V, ok bool) {
	return n.PeekIf(key, func(V) bool { return true })
}

// PeekIf is Peek for a value that good accepts. Another one is no hit.
func (n *Namespace[V]) PeekIf(key string, good func(V) bool) (value V, ok bool) {
	e := n.find(key)
	if n.state(e, n.cache.now()) != fresh || e.absent || !good(e.value) {
		return value, false
	}
	n.count(LocalHit)
	return e.value, true
}

// Put keeps a value in this process, if the namespace is Unchanging. It may take a
// moment until it is found.
func (n *Namespace[V]) Put(key string, value V) {
	if n.local != nil && n.o.Unchanging {
		n.count(LocalMiss)
		now := n.cache.now()
		n.keep(&entry[V]{key: key, value: value, loaded: now, expires: now.Add(n.ttl(n.o.TTL))})
	}
}

// Forget makes keys be loaded again, in all processes. Others are told by the
// time it returns, or, if they cannot be, as soon as they can.
func (n *Namespace[V]) Forget(ctx context.Context, keys ...string) {
	if len(keys) > 0 {
		n.forget(ctx, keys)
	}
}

// ForgetAll is Forget for all keys. It takes no longer than for one.
func (n *Namespace[V]) ForgetAll(ctx context.Context) { n.forget(ctx, nil) }

func (n *Namespace[V]) forget(ctx context.Context, keys []string) {
	if n.marks == nil {
		return
	}
	n.count(Forgot)
	n.cut(ctx, keys, true)
}

// drop forgets keys, or all with none, in this process.
func (n *Namespace[V]) drop(keys []string) {
	if len(keys) == 0 {
		n.marks.all.Add(1)
		n.flights.forgetAll()
		return // what is kept is not found any more, and ages out
	}
	for _, key := range keys {
		n.marks.stripe(key).Add(1)
		n.flights.forget(key)
		if n.local != nil {
			n.local.Delete(n.o.Name, key)
		}
	}
}

// heard forgets what another process has forgotten, which has seen to the shared
// store.
func (n *Namespace[V]) heard(keys []string) {
	if n.marks == nil {
		return
	}
	n.count(Heard)
	n.drop(keys)
}

// follow follows the namespace's feed.
func (n *Namespace[V]) follow(ctx context.Context) {
	if n.o.Feed == nil || n.marks == nil {
		return
	}
	again(ctx, n.cache.log.With("namespace", n.o.Name), "Nobody tells of changes", func(began func()) error {
		up := false
		err := n.o.Feed(ctx, func() {
			up = true
			n.up(ctx, theFeed)
			began()
		}, func(key string) {
			n.count(Heard)
			var keys []string
			if key != "" {
				keys = []string{key}
			}
			n.cut(ctx, keys, false)
		})
		if up {
			n.down(theFeed, err)
		}
		return err
	})
}

// up is called when the bus or the feed begins to tell what is forgotten. What is
// in the shared store becomes void: while this process did not listen the store may
// have come back with what it had long ago, and somebody who has no cache may have
// changed what is in there.
func (n *Namespace[V]) up(ctx context.Context, s source) {
	if n.marks != nil && n.guard != nil {
		n.void.Store(true)
		if n.guard.open.Load() || n.fill(ctx, true) != nil {
			n.cache.nudge()
		}
	}
	n.trust.up(s)
}

// down is called when the bus or the feed ends.
func (n *Namespace[V]) down(s source, err error) {
	if n.trust.down(s) && n.marks != nil {
		n.event(Event{Kind: Gap, Namespace: n.o.Name, Err: err})
	}
}

// state says what an entry is good for.
type state int

const (
	gone     state = iota // nothing
	fresh                 // all
	stale                 // all, but it is time for the next
	doubtful              // the case that it cannot be loaded
)

func (n *Namespace[V]) state(e *entry[V], now time.Time) state {
	switch {
	case e == nil:
		return gone
	case !now.Before(e.expires):
		if n.o.Stale > 0 && !e.absent && now.Before(e.expires.Add(n.o.Stale)) {
			return stale
		}
		return gone
	case n.marks == nil,
		e.epoch == n.trust.epoch.Load() && n.heardOf(e.loaded, now),
		now.UnixNano() < e.retry.Load():
		return fresh
	}
	return doubtful
}

// heardOf reports whether a value that was loaded at some time can be trusted:
// somebody would have told of a change, or that was a moment ago.
func (n *Namespace[V]) heardOf(loaded, now time.Time) bool {
	return n.o.Unheard < 0 || n.trust.listening.Load() || now.Before(loaded.Add(n.o.Unheard))
}

// find returns what is kept in this process under key and was not forgotten.
func (n *Namespace[V]) find(key string) *entry[V] {
	if n.local == nil {
		return nil
	}
	v, ok := n.local.Get(n.o.Name, key)
	if !ok {
		return nil
	}
	e, ok := v.(*entry[V])
	if !ok || n.marks != nil && e.mark != n.marks.of(key) {
		return nil
	}
	return e
}

// keep keeps e in this process, or tells that it does not.
func (n *Namespace[V]) keep(e *entry[V]) bool {
	if n.local == nil || n.marks != nil && e.mark != n.marks.of(e.key) {
		return false
	}
	ttl := e.expires.Sub(e.loaded) + n.o.Stale
	if ttl <= 0 {
		return false
	}
	cost := entryBytes + int64(len(e.key)) + n.own
	if n.o.Cost != nil && !e.absent {
		cost += n.o.Cost(e.value)
	}
	n.local.Set(n.o.Name, e.key, e, cost, ttl)
	return true
}

// entryBytes is what an entry takes beside its key and its value.
const entryBytes = 128

func (n *Namespace[V]) result(e *entry[V]) (V, error) {
	if e.absent {
		return e.value, &absentError{n.o.Name, e.key, n.o.NotFound}
	}
	return e.value, nil
}

// absent tells whether an error says that there is no value.
func (n *Namespace[V]) absent(err error) bool {
	return n.o.NotFound != nil && errors.Is(err, n.o.NotFound)
}

// ttl is d less up to a tenth.
func (n *Namespace[V]) ttl(d time.Duration) time.Duration {
	if d <= 0 {
		return d
	}
	return d - rand.N(d/10+1)
}

func (n *Namespace[V]) stale(err error) {
	n.counted[ServedStale].Add(1)
	n.event(Event{Kind: ServedStale, Namespace: n.o.Name, Err: err})
}

func (n *Namespace[V]) count(k EventKind) {
	n.counted[k].Add(1)
	n.event(Event{Kind: k, Namespace: n.o.Name})
}

func (n *Namespace[V]) event(e Event) { n.cache.event(e) }

func (n *Namespace[V]) stats() Stats {
	s := n.counted.stats(n.o.Name)
	s.Local, s.Shared, s.Forgets = n.local != nil, n.guard != nil, n.marks != nil
	s.Void = n.void.Load()
	return s
}
