package cache

import (
	"context"
	"errors"
	"time"
)

// begin returns what an entry remembers of the time at which its load began.
func (n *Namespace[V]) begin(key string) *entry[V] {
	e := &entry[V]{key: key, loaded: n.cache.now()}
	if n.marks != nil {
		e.epoch = n.trust.epoch.Load()
		e.mark = n.marks.of(key)
	}
	return e
}

// fetch fills e with the value that is kept in the shared store, or else with
// what load returns, and returns how that gets into the shared store. An error
// comes with an entry if it is one to keep.
func (n *Namespace[V]) fetch(ctx context.Context, e *entry[V], load func(context.Context) (V, error)) (_ *entry[V], keep func(), err error) {
	keep = func() {}
	var found lease
	if n.guard.ready() && !n.void.Load() && !n.pending.has(e.key) {
		found, err = n.lookUp(ctx, e)
		switch {
		case err != nil: // the guard has noted it: as if there were no shared store
		case found.hit:
			n.count(SharedHit)
			_, err := n.result(e)
			return e, keep, err
		default:
			n.count(SharedMiss)
		}
	}
	began := n.cache.now()
	value, err := load(ctx)
	took := n.cache.now().Sub(began)
	if err != nil && (!n.absent(err) || n.o.NegativeTTL < 0 || n.o.TTL < 0) {
		n.counted[LoadFailed].Add(1)
		n.event(Event{Kind: LoadFailed, Namespace: n.o.Name, Took: took, Err: err})
		return nil, keep, err
	}
	n.counted[Loaded].Add(1)
	n.event(Event{Kind: Loaded, Namespace: n.o.Name, Took: took})
	ttl := n.ttl(n.o.TTL)
	if err != nil {
		e.absent = true
		ttl = n.ttl(n.o.NegativeTTL)
	} else {
		e.value = value
	}
	e.expires = e.loaded.Add(ttl)
	if !found.good {
		return e, keep, err
	}
	return e, func() { n.share(ctx, e, found) }, err
}

// lease is the right to put what a load returns into the shared store.
type lease struct {
	hit  bool // there is no need to
	good bool // it may be put there
	// mark is what has to be there for that still, nil for anything.
	mark       []byte
	generation [16]byte
}

// lookUp fills e with the value that is kept in the shared store. It takes no
// longer than one call may.
func (n *Namespace[V]) lookUp(ctx context.Context, e *entry[V]) (l lease, err error) {
	err = n.guard.call(ctx, func(ctx context.Context) (err error) {
		l, err = n.lookUpIn(ctx, e)
		return err
	})
	return l, err
}

func (n *Namespace[V]) lookUpIn(ctx context.Context, e *entry[V]) (l lease, err error) {
	key := n.prefix + e.key
	if n.marks == nil {
		kept, err := n.guard.fetch(ctx, key)
		if err != nil {
			return l, err
		}
		l.hit = n.read(e, kept[0], l.generation)
		l.good = !l.hit
		return l, nil
	}
	kept, err := n.guard.fetch(ctx, generations+":"+n.o.Name, key)
	if err != nil {
		return l, err
	}
	if l.generation, err = n.generation(ctx, kept[0]); err != nil {
		return l, err
	}
	if l.hit = n.read(e, kept[1], l.generation); l.hit {
		return l, nil
	}
	l.mark, err = n.claim(ctx, key, kept[1])
	if err != nil {
		return l, err
	}
	if l.mark == nil { // somebody has put a value there in the meantime
		return l, nil
	}
	l.good = true
	return l, nil
}

// generations is the namespace of the generations of the others.
const generations = "gen"

// errGeneration is a generation that could not be made out.
var errGeneration = errors.New("the shared store keeps no generation")

// generation returns the namespace's generation, which is made if there is none.
func (n *Namespace[V]) generation(ctx context.Context, kept []byte) (g [16]byte, err error) {
	if len(kept) != len(g) {
		next := random()
		if kept == nil {
			kept, err = n.guard.shared.Add(ctx, generations+":"+n.o.Name, next, 0)
		} else {
			kept, err = next, n.guard.shared.Set(ctx, generations+":"+n.o.Name, next, 0)
		}
		if err != nil {
			return g, err
		}
	}
	if len(kept) != len(g) {
		return g, errGeneration
	}
	return [16]byte(kept), nil
}

// claim leaves a mark under a key where nothing is that can be read, and returns
// the one that is there then. Loads of several processes may share a mark, as
// whoever forgets the key takes it away. nil is none.
func (n *Namespace[V]) claim(ctx context.Context, key string, kept []byte) ([]byte, error) {
	if isLease(kept) {
		return kept, nil
	}
	mark := newLease()
	ttl := n.o.LoadTimeout + time.Second
	if n.o.LoadTimeout < 0 {
		ttl = n.o.TTL
	}
	if kept != nil { // of another version of the program, or out of date
		return mark, n.guard.shared.Set(ctx, key, mark, ttl)
	}
	kept, err := n.guard.shared.Add(ctx, key, mark, ttl)
	if err != nil || !isLease(kept) {
		return nil, err
	}
	return kept, nil
}

// share puts e into the shared store.
func (n *Namespace[V]) share(ctx context.Context, e *entry[V], l lease) {
	ttl := e.expires.Sub(n.cache.now())
	if ttl < time.Millisecond || n.marks != nil && e.mark != n.marks.of(e.key) || n.pending.has(e.key) {
		return
	}
	value, err := n.write(e, l.generation)
	if err != nil {
		n.cache.log.Error("A value cannot be encoded", "namespace", n.o.Name, "err", err)
		return
	}
	key := n.prefix + e.key
	if l.mark == nil {
		_ = n.guard.call(ctx, func(ctx context.Context) error { return n.guard.shared.Set(ctx, key, value, ttl) }) // the guard notes it
		return
	}
	_ = n.guard.call(ctx, func(ctx context.Context) error {
		_, err := n.guard.shared.Replace(ctx, key, l.mark, value, ttl)
		return err
	})
}
