// Package cache keeps what is costly to make: in the memory of this process
// ([Local]), in a store that several processes share ([Shared]), or in both.
// Adapters are ristrettocache (in process), rediscache (shared) and memcache
// (exact, for tests); cachetest holds any of them, also one of your own, to what
// is promised here.
//
//	c := cache.New(cache.Options{Local: local, Shared: redis, Bus: redis})
//	users, err := cache.NewNamespace(c, cache.NamespaceOptions[User]{
//		Name:     "user",
//		TTL:      5 * time.Minute,
//		NotFound: ErrNotFound,
//	})
//	…
//	u, err := users.Get(ctx, "42", func(ctx context.Context) (User, error) {
//		return db.User(ctx, 42)
//	})
//
// # What it promises
//
// A cache is never the truth. Without any of its tiers the answers are the same,
// only slower; a tier that fails is passed by, and one that is sick is left alone
// until it is well ([Options.SharedTimeout] is the longest that anybody waits
// for it).
//
// Calls for one key at the same time load once. A caller that gives up does not
// fail the others; work for which nobody waits any more ends.
//
// What is forgotten ([Namespace.Forget]) is not seen again, in any process,
// whatever loads were under way: what a load that began before returns is given
// to those who waited for it, and kept nowhere. In this process that holds when
// Forget returns, in others when its message has arrived; while messages may be
// missing, entries are asked for again, and live for [NamespaceOptions.Unheard]
// at most.
//
// # How
//
// An entry in process remembers two counters, one of its namespace and one that
// it shares with a few other keys, as they were when its load began. Forget
// counts up. So an entry that a tier brings back late, or did not delete, is
// recognised, and nothing has to be remembered of what was forgotten.
//
// In the shared store a miss leaves a random mark under the key, and a load may
// replace that mark by its value, and nothing else. Forget deletes the key, and
// with it the mark. Each value also bears the generation of its namespace, a
// random number that is kept in the store as well: one that was evicted is
// replaced by another one, so that what it made void stays void.
package cache

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Options are the tiers of a [Cache], and how it uses them. The zero value
// keeps nothing and merges loads.
type Options struct {
	// Local keeps values in this process. nil: nothing is kept there.
	Local Local
	// Shared keeps values for several processes. nil: nothing is kept there.
	Shared Shared
	// Bus tells other processes what was forgotten, and this one what they forget.
	// nil: nobody is told.
	Bus Bus
	// SharedTimeout is the longest that looking a key up in Shared may take, and any
	// other call of Shared or Bus. 0 and less mean
	// 50 ms.
	SharedTimeout time.Duration
	// Failures is after how many calls of Shared that failed one after another it
	// is left alone. 0 means 5.
	Failures int
	// Probe is how long it is left alone before it is tried again; each time that
	// it fails twice as long, up to 20 times that. 0 means 250 ms.
	Probe time.Duration
	// OnEvent is told of all that happens, in the goroutine in which it does, and
	// must not block. nil: nobody is.
	OnEvent func(Event)
	// Now is the clock. nil is time.Now.
	Now func() time.Time
	// Logger gets what operators have to know. nil is slog.Default.
	Logger *slog.Logger
}

// Cache is a set of namespaces over the same tiers. Safe for concurrent use.
type Cache struct {
	local   Local
	guard   *guard // nil without a shared tier
	bus     Bus
	self    string // names this process on the bus
	timeout time.Duration
	onEvent func(Event)
	now     func() time.Time
	log     *slog.Logger
	pause   time.Duration // before what failed is tried again
	wake    chan struct{}
	// listening is whether the bus tells what others forget.
	listening atomic.Bool

	mu         sync.RWMutex
	namespaces map[string]space
}

// space is what a Cache knows of a Namespace[V], whatever V is.
type space interface {
	heard(keys []string) // another process has forgotten keys, or with none all
	follow(ctx context.Context)
	up(ctx context.Context, s source)
	down(s source, err error)
	flush(ctx context.Context, void bool) error
	stats() Stats
}

// New returns a cache. It does no I/O. With a Shared or a Bus, Run has to run
// meanwhile.
func New(o Options) *Cache {
	if o.SharedTimeout <= 0 {
		o.SharedTimeout = 50 * time.Millisecond
	}
	if o.Failures == 0 {
		o.Failures = 5
	}
	if o.Probe == 0 {
		o.Probe = 250 * time.Millisecond
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	c := &Cache{
		local: o.Local, bus: o.Bus, self: rand.Text(), timeout: o.SharedTimeout,
		onEvent: o.OnEvent, now: o.Now, log: o.Logger.With("component", "cache"),
		pause: o.Probe, wake: make(chan struct{}, 1), namespaces: map[string]space{},
	}
	if o.Shared != nil {
		c.guard = newGuard(o, c)
	}
	return c
}

// Run follows what other processes forget, and tries again to reach a shared
// store that failed, until ctx ends. It returns ctx.Err(). Namespaces have to be
// made before.
func (c *Cache) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	for _, s := range c.spaces() {
		wg.Go(func() { s.follow(ctx) })
	}
	if c.bus != nil {
		wg.Go(func() { c.listen(ctx) })
	}
	wg.Go(func() {
		if c.recover(ctx) != nil { // what is shared is void at first
			c.nudge()
		}
		c.makeUp(ctx)
	})
	wg.Wait()
	<-ctx.Done()
	return ctx.Err()
}

// nudge makes Run look what there is to make up for.
func (c *Cache) nudge() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// makeUp does what could not be done when it should have been, until ctx ends. No
// request waits for that.
func (c *Cache) makeUp(ctx context.Context) {
	pause := c.pause
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.wake:
		}
		for done := false; !done; {
			select {
			case <-ctx.Done():
				return
			case <-time.After(pause):
			}
			if done = c.recover(ctx) == nil; done {
				pause = c.pause
			} else {
				pause = min(2*pause, 20*c.pause)
			}
		}
	}
}

// recover makes up for what could not be done. After a time in which the shared
// store was left alone it also makes void what is in there of what can be
// forgotten: others may have failed to forget it, and be gone.
func (c *Cache) recover(ctx context.Context) error {
	open := c.guard != nil && c.guard.open.Load()
	for _, s := range c.spaces() {
		if err := s.flush(ctx, open); err != nil {
			return err
		}
	}
	if open {
		return c.guard.close(ctx)
	}
	return nil
}

func (c *Cache) event(e Event) {
	if c.onEvent != nil {
		c.onEvent(e)
	}
}

func (c *Cache) spaces() []space {
	c.mu.RLock()
	defer c.mu.RUnlock()
	names := make([]string, 0, len(c.namespaces))
	for name := range c.namespaces {
		names = append(names, name)
	}
	slices.Sort(names)
	all := make([]space, len(names))
	for i, name := range names {
		all[i] = c.namespaces[name]
	}
	return all
}

func (c *Cache) add(name string, s space) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !validName(name) {
		return fmt.Errorf("cache: namespace %q is not 1 to 32 of a-z, 0-9, '-' and '_'", name)
	}
	if c.namespaces[name] != nil || name == generations {
		return fmt.Errorf("cache: there is a namespace %q already", name)
	}
	c.namespaces[name] = s
	return nil
}

func validName(s string) bool {
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return false
		}
	}
	return len(s) >= 1 && len(s) <= 32
}

// again calls follow until ctx ends, with pauses that grow while it fails at
// once. follow calls its argument when it has begun well. Only the first failure
// is worth a line.
func again(ctx context.Context, log *slog.Logger, what string, follow func(began func()) error) {
	const shortest, longest = 100 * time.Millisecond, 5 * time.Second
	pause := shortest
	level := slog.LevelWarn
	for {
		err := follow(func() { pause, level = shortest, slog.LevelWarn })
		if ctx.Err() != nil {
			return
		}
		log.Log(ctx, level, what, "err", err)
		level = slog.LevelDebug
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
		pause = min(2*pause, longest)
	}
}
