// Package watchtest proves that a [watch.Watcher] of files keeps its promises.
// The test of an adapter is one call:
//
//	func TestConformance(t *testing.T) {
//		watchtest.Run(t, func(files []string) watch.Watcher {
//			return mywatch.New(files)
//		}, watchtest.Quirks{})
//	}
//
// The suite works on real files in t.TempDir and in real time, so give watchers
// that poll a short interval. It contains a consumer that does what consumers
// do: it looks at the files whenever it is notified. A watcher passes when that
// consumer always arrives at the final state.
package watchtest

import (
	"context"
	"errors"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/pressmark/pressmark/watch"
)

// Quirks says where a watcher differs from others in ways that the contract
// allows. The zero value suits a watcher of one source.
type Quirks struct {
	// Starts is how many calls of notify the watcher makes at its beginning
	// when nothing changes: one for each watcher that was joined. The suite
	// makes its changes after them, so that only the change can be the cause
	// of the next. 0 means 1.
	Starts int
}

// patience is how long the suite waits before it says that a notification does
// not come. It does not slow down a watcher that passes.
const patience = 20 * time.Second

// Run runs the suite. newWatcher returns a watcher of the named files, which
// are absolute and in one directory, and may be missing, as may the directory.
// The tests are not parallel, because each checks that no goroutine is left.
func Run(t *testing.T, newWatcher func(files []string) watch.Watcher, q Quirks) {
	s := suite{newWatcher: newWatcher, starts: max(q.Starts, 1)}
	for _, c := range changes() {
		t.Run(c.name, func(t *testing.T) { s.change(t, c) })
	}
	t.Run("SlowNotify", s.slowNotify)
	t.Run("Serial", s.serial)
	t.Run("CancelledBefore", s.cancelledBefore)
	t.Run("WatchedAgain", s.watchedAgain)
}

type suite struct {
	newWatcher func(files []string) watch.Watcher
	starts     int
}

// change proves that the consumer arrives at the state after each step.
func (s suite) change(t *testing.T, c change) {
	l := newLibrary(t)
	if c.before != nil {
		c.before(l)
	}
	r := s.start(t, l, s.newWatcher(l.files()), nil)
	for _, step := range c.steps {
		step(l)
		r.arrive(t, l.look())
	}
	r.stop(t)
}

// slowNotify proves that what changes during a call leads to another call.
func (s suite) slowNotify(t *testing.T) {
	l := newLibrary(t)
	entered, release := make(chan struct{}), make(chan struct{})
	calls := 0
	r := s.start(t, l, s.newWatcher(l.files()), func() {
		calls++
		if calls == s.starts+1 {
			close(entered)
			<-release
		}
	})
	l.append("one")
	wait(t, entered, "the first change is not notified")
	// The consumer has looked before it was held up, and does not look again.
	l.append("two")
	close(release)
	r.arrive(t, l.look())
	r.stop(t)
}

// serial proves that calls are never concurrent. The race detector sees the
// unguarded counter, too.
func (s suite) serial(t *testing.T) {
	l := newLibrary(t)
	var inside int
	r := s.start(t, l, s.newWatcher(l.files()), func() {
		inside++
		if inside != 1 {
			t.Error("notify is called while a call of it runs")
		}
		inside--
	})
	for range 50 {
		l.append("more")
		l.journal()
		l.remove(journal)
	}
	r.arrive(t, l.look())
	r.stop(t)
}

func (s suite) cancelledBefore(t *testing.T) {
	l := newLibrary(t)
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	ended := make(chan error, 1)
	w := s.newWatcher(l.files())
	go func() { ended <- w.Watch(ctx, func() {}) }()
	select {
	case err := <-ended:
		if !errors.Is(err, context.Canceled) {
			t.Errorf("Watch with a cancelled context returns %v, want context.Canceled", err)
		}
	case <-time.After(patience):
		t.Fatal("Watch with a cancelled context does not return")
	}
}

func (s suite) watchedAgain(t *testing.T) {
	l := newLibrary(t)
	w := s.newWatcher(l.files())
	s.start(t, l, w, nil).stop(t)
	l.append("between")
	r := s.start(t, l, w, nil)
	r.arrive(t, l.look())
	l.append("during")
	r.arrive(t, l.look())
	r.stop(t)
}
