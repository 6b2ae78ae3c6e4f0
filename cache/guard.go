package cache

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

// errLeftAlone is the error of calls that were not made.
var errLeftAlone = errors.New("the shared store is left alone because it failed")

// guard makes the calls of the shared store, each in its time, and leaves it alone
// when it fails (a circuit breaker). nil is no store.
type guard struct {
	shared           Shared
	c                *Cache
	most             int32 // failures
	open             atomic.Bool
	failed           atomic.Int32 // one after another
	mu               sync.Mutex
	since            time.Time
	err              error
	failures, opened atomic.Uint64
}

func newGuard(o Options, c *Cache) *guard {
	return &guard{shared: o.Shared, c: c, most: int32(o.Failures)}
}

// ready tells whether there is a store that is not left alone.
func (g *guard) ready() bool { return g != nil && !g.open.Load() }

// call makes a call.
func (g *guard) call(ctx context.Context, f func(context.Context) error) error {
	if g.open.Load() {
		return errLeftAlone
	}
	return g.try(ctx, f)
}

// try makes a call even if the store is left alone.
func (g *guard) try(ctx context.Context, f func(context.Context) error) error {
	short, cancel := context.WithTimeout(ctx, g.c.timeout)
	defer cancel()
	err := f(short)
	if err == nil {
		if g.failed.Load() != 0 {
			g.failed.Store(0)
		}
		return nil
	}
	if ctx.Err() != nil { // the caller's doing
		return err
	}
	g.failures.Add(1)
	g.c.event(Event{Kind: Failed, Err: err})
	g.mu.Lock()
	g.err = err
	g.mu.Unlock()
	if g.failed.Add(1) >= g.most && g.open.CompareAndSwap(false, true) {
		g.opened.Add(1)
		g.mu.Lock()
		g.since = g.c.now()
		g.mu.Unlock()
		g.c.log.Warn("The shared cache is left alone; everything works without it", "err", err)
		g.c.event(Event{Kind: Opened, Err: err})
		g.c.nudge()
	}
	return err
}

// close tries a call, and if that succeeds uses the store again.
func (g *guard) close(ctx context.Context) error {
	err := g.try(ctx, func(ctx context.Context) error {
		_, err := g.shared.Get(ctx, generations) // which is never there
		return err
	})
	if err != nil {
		return err
	}
	g.failed.Store(0)
	g.open.Store(false)
	g.c.log.Info("The shared cache is used again")
	g.c.event(Event{Kind: Closed})
	return nil
}

func (g *guard) state(s *SharedState) {
	g.mu.Lock()
	defer g.mu.Unlock()
	s.Used, s.Open, s.Err = true, g.open.Load(), g.err
	if s.Open {
		s.Since = g.since
	}
	s.Failures, s.Opened = g.failures.Load(), g.opened.Load()
}

// fetch gets what is kept under each key, as part of a call.
func (g *guard) fetch(ctx context.Context, keys ...string) ([][]byte, error) {
	kept, err := g.shared.Get(ctx, keys...)
	if err == nil && len(kept) != len(keys) {
		err = errors.New("the shared store has another number of answers than keys")
	}
	return kept, err
}
