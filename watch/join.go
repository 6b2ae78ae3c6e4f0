package watch

import (
	"context"
	"sync"
)

// Join returns a watcher that runs all of ws and passes on the calls of each,
// one at a time. It therefore calls notify at its beginning once for each of
// them. When one ends with an error the others are stopped, and Watch returns
// that error. A Join of no watchers sees nothing: it never calls notify and
// blocks until its context ends, which is how watching is switched off.
func Join(ws ...Watcher) Watcher { return joined(ws) }

type joined []Watcher

func (ws joined) Watch(ctx context.Context, notify func()) error {
	if len(ws) == 0 {
		<-ctx.Done()
		return ctx.Err()
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()

	var mu sync.Mutex
	serial := func() {
		mu.Lock()
		defer mu.Unlock()
		notify()
	}
	ended := make(chan error, len(ws))
	for _, w := range ws {
		go func() { ended <- w.Watch(ctx, serial) }()
	}
	first := <-ended
	cancel()
	for range len(ws) - 1 {
		<-ended
	}
	return first
}
