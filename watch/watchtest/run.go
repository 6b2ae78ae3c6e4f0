package watchtest

import (
	"context"
	"errors"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/pressmark/pressmark/watch"
)

// run is one running Watch with the suite's consumer behind it.
type run struct {
	cancel context.CancelFunc
	looks  chan string // what the consumer saw, the latest only; closed when Watch has returned
	ended  chan error
	seen   string
	ignore goleak.Option
}

// start starts w and returns after its first calls. extra, which may be nil, is
// called at the end of each notify, when the consumer has looked.
func (s suite) start(t *testing.T, l *library, w watch.Watcher, extra func()) *run {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	r := &run{
		cancel: cancel,
		looks:  make(chan string, 1),
		ended:  make(chan error, 1),
		ignore: goleak.IgnoreCurrent(),
	}
	started := make(chan struct{})
	calls := 0
	notify := func() {
		select { // keep the latest only, so that the watcher is never held up
		case <-r.looks:
		default:
		}
		r.looks <- l.look()
		if calls++; calls == s.starts {
			close(started)
		}
		if extra != nil {
			extra()
		}
	}
	go func() {
		err := w.Watch(ctx, notify)
		close(r.looks)
		r.ended <- err
	}()
	wait(t, started, "the watcher does not call notify at its beginning")
	return r
}

// arrive waits until the consumer has seen want.
func (r *run) arrive(t *testing.T, want string) {
	t.Helper()
	deadline := time.After(patience)
	for r.seen != want {
		select {
		case seen, ok := <-r.looks:
			if !ok {
				t.Fatalf("Watch returned by itself: %v", <-r.ended)
			}
			r.seen = seen
		case <-deadline:
			t.Fatalf("the last change is not notified\n seen: %s\nthere: %s", r.seen, want)
		}
	}
}

// stop ends Watch and checks what it leaves. A call of notify that comes after
// its return finds looks closed, and panics.
func (r *run) stop(t *testing.T) {
	t.Helper()
	r.cancel()
	select {
	case err := <-r.ended:
		if !errors.Is(err, context.Canceled) {
			t.Errorf("Watch returns %v when its context is cancelled, want context.Canceled", err)
		}
	case <-time.After(patience):
		t.Fatal("Watch does not return when its context is cancelled")
	}
	goleak.VerifyNone(t, r.ignore)
}

func wait(t *testing.T, c <-chan struct{}, complaint string) {
	t.Helper()
	select {
	case <-c:
	case <-time.After(patience):
		t.Fatal(complaint)
	}
}
