package covers

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// flights merges calls for one picture. Unlike x/sync/singleflight it knows
// how many callers wait, so that work for which nobody waits any more (a
// reader that scrolls past a thousand covers) ends instead of standing in the
// way of what is on the screen.
type flights struct {
	mu    sync.Mutex
	calls map[key]*flight
}

// workTime bounds the work on one picture; a slow store takes most of it.
const workTime = 30 * time.Second

type flight struct {
	cancel  context.CancelFunc
	waiters int // guarded by flights.mu
	done    chan struct{}
	jpeg    []byte
	err     error
}

// do returns what work returns, which runs once for all callers that come with
// the same key before it has ended.
func (f *flights) do(ctx context.Context, k key, work func(context.Context) ([]byte, error)) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	f.mu.Lock()
	call := f.calls[k]
	if call == nil {
		workCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), workTime)
		call = &flight{cancel: cancel, done: make(chan struct{})}
		if f.calls == nil {
			f.calls = make(map[key]*flight)
		}
		f.calls[k] = call
		go f.run(workCtx, k, call, work)
	}
	call.waiters++
	f.mu.Unlock()

	select {
	case <-call.done:
		return call.jpeg, call.err
	case <-ctx.Done():
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if call.waiters--; call.waiters == 0 {
		call.cancel()
		f.forget(k, call) // who comes now must not wait for work that was given up
	}
	return nil, ctx.Err()
}

func (f *flights) run(ctx context.Context, k key, call *flight, work func(context.Context) ([]byte, error)) {
	defer func() {
		// Image decoders have panicked on hostile files before, and here
		// that would end the whole process.
		if p := recover(); p != nil {
			call.jpeg, call.err = nil, fmt.Errorf("%w: panic in the decoder: %v", ErrNotImage, p)
		}
		call.cancel()
		f.mu.Lock()
		f.forget(k, call)
		f.mu.Unlock()
		close(call.done)
	}()
	call.jpeg, call.err = work(ctx)
}

// forget is called with the lock held.
func (f *flights) forget(k key, call *flight) {
	if f.calls[k] == call {
		delete(f.calls, k)
	}
}
