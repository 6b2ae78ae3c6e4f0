package cache

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
)

// PanicError is a panic in a load, as those who waited for it get it.
type PanicError struct {
	Value any
	Stack []byte // where it was
}

func (e *PanicError) Error() string { return fmt.Sprintf("panic in a load: %v", e.Value) }

// absentError says that there is no value, as it was found out before.
type absentError struct {
	namespace, key string
	err            error
}

func (e *absentError) Error() string { return e.namespace + " " + e.key + ": " + e.err.Error() }
func (e *absentError) Unwrap() error { return e.err }

// flights are the loads that are under way.
type flights[V any] struct {
	mu    sync.Mutex
	byKey map[string]*flight[V]
}

// flight is one load. value and err may be read when done is closed.
type flight[V any] struct {
	cancel  context.CancelFunc
	waiters int // guarded by flights.mu
	done    chan struct{}
	value   V
	err     error
}

// join waits with the others for a load of key, which it begins if there is none.
// Who gives up has to leave.
func (f *flights[V]) join(ctx context.Context, n *Namespace[V], key string, load func(context.Context) (V, error)) *flight[V] {
	f.mu.Lock()
	if fl := f.byKey[key]; fl != nil {
		fl.waiters++
		f.mu.Unlock()
		n.count(Joined) // without the lock, as it may ask for what it is told of
		return fl
	}
	defer f.mu.Unlock()
	if e := n.since(key); e != nil {
		fl := &flight[V]{cancel: func() {}, waiters: 1, done: make(chan struct{})}
		fl.value, fl.err = n.result(e)
		close(fl.done)
		return fl
	}
	loadCtx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	if n.o.LoadTimeout > 0 {
		loadCtx, cancel = context.WithTimeout(context.WithoutCancel(ctx), n.o.LoadTimeout)
	}
	fl := &flight[V]{cancel: cancel, waiters: 1, done: make(chan struct{})}
	f.add(key, fl)
	// What is forgotten from here on is not kept.
	began := n.begin(key)
	go func() {
		defer cancel()
		n.fly(loadCtx, fl, began, load)
	}()
	return fl
}

// since returns what another load may have kept since a caller looked: a load is
// under way until it has.
func (n *Namespace[V]) since(key string) *entry[V] {
	if e := n.find(key); n.state(e, n.cache.now()) == fresh {
		return e
	}
	return nil
}

// inline is Get where no value is kept: with a load under way it waits for that,
// else it loads in the caller's goroutine.
func (n *Namespace[V]) inline(ctx context.Context, key string, load func(context.Context) (V, error)) (V, error) {
	f := &n.flights
	f.mu.Lock()
	if fl := f.byKey[key]; fl != nil {
		fl.waiters++
		f.mu.Unlock()
		n.count(Joined)
		return n.await(ctx, key, fl)
	}
	if e := n.since(key); e != nil {
		f.mu.Unlock()
		return n.result(e)
	}
	loadCtx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	fl := &flight[V]{cancel: cancel, waiters: 1, done: make(chan struct{})}
	f.add(key, fl)
	began := n.begin(key)
	f.mu.Unlock()
	// Others may still wait for it when this caller does not any more.
	stop := context.AfterFunc(ctx, func() { f.leave(key, fl) })
	defer stop()
	n.fly(loadCtx, fl, began, load)
	if err := ctx.Err(); err != nil && fl.err != nil { // this is why, and may be another error
		return fl.value, err
	}
	return fl.value, fl.err
}

// await waits for a load that it has joined.
func (n *Namespace[V]) await(ctx context.Context, key string, fl *flight[V]) (V, error) {
	select {
	case <-fl.done:
		return fl.value, fl.err
	case <-ctx.Done():
		n.flights.leave(key, fl)
		var zero V
		return zero, ctx.Err()
	}
}

// add adds a load. The lock is held.
func (f *flights[V]) add(key string, fl *flight[V]) {
	if f.byKey == nil {
		f.byKey = map[string]*flight[V]{}
	}
	f.byKey[key] = fl
}

// background begins a load of key for nobody, if there is none.
func (f *flights[V]) background(n *Namespace[V], key string, load func(context.Context) (V, error)) {
	f.join(context.Background(), n, key, load)
}

// leave is called by who does not wait any more. A load for which nobody waits
// ends, and who comes now must not wait for it.
func (f *flights[V]) leave(key string, fl *flight[V]) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if fl.waiters--; fl.waiters > 0 {
		return
	}
	fl.cancel()
	if f.byKey[key] == fl {
		delete(f.byKey, key)
	}
}

// land is called when fl has ended.
func (f *flights[V]) land(key string, fl *flight[V]) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.byKey[key] == fl {
		delete(f.byKey, key)
	}
}

// forget makes who comes from now on not wait for a load of key that has begun.
func (f *flights[V]) forget(key string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.byKey, key)
}

func (f *flights[V]) forgetAll() {
	f.mu.Lock()
	defer f.mu.Unlock()
	clear(f.byKey)
}

// fly loads began.key and hands the value out before it keeps it, so that nobody
// waits for that. Who comes while it is kept still finds the load.
func (n *Namespace[V]) fly(ctx context.Context, fl *flight[V], began *entry[V], load func(context.Context) (V, error)) {
	returned := false
	fail := func(err error) { // which is not kept
		fl.err = err
		n.flights.land(began.key, fl)
		close(fl.done)
	}
	defer func() {
		if !returned { // runtime.Goexit: whoever waits must not wait for ever
			fail(errNoReturn)
		}
	}()
	e, keep, err := n.fetchSafely(ctx, began, load)
	returned = true
	if e == nil {
		fail(err)
		return
	}
	fl.value, fl.err = e.value, err
	if n.local == nil && n.guard == nil { // nothing is kept, also not for a moment
		n.flights.land(began.key, fl)
		close(fl.done)
		return
	}
	close(fl.done)
	defer n.flights.land(began.key, fl)
	n.keepSafely(e, keep)
}

// keepSafely keeps e in both tiers. A Cost or a Codec that panics is no reason to
// end the program.
func (n *Namespace[V]) keepSafely(e *entry[V], share func()) {
	defer func() {
		if p := recover(); p != nil {
			n.cache.log.Error("Panic while a value is kept", "namespace", n.o.Name, "err", p, "stack", string(debug.Stack()))
		}
	}()
	if n.keep(e) {
		n.local.Wait() // or who comes next would load it again
	}
	share()
}

// errNoReturn is the error of a load that neither returned nor panicked.
var errNoReturn = errors.New("the load has ended its goroutine")

// fetchSafely is fetch for loads that panic.
func (n *Namespace[V]) fetchSafely(ctx context.Context, began *entry[V], load func(context.Context) (V, error)) (e *entry[V], keep func(), err error) {
	defer func() {
		if p := recover(); p != nil {
			stack := debug.Stack()
			n.cache.log.Error("Panic in a load", "namespace", n.o.Name, "err", p, "stack", string(stack))
			e, err = nil, &PanicError{p, stack}
		}
	}()
	return n.fetch(ctx, began, load)
}
