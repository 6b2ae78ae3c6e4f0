package watch_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pressmark/pressmark/watch"
	"github.com/pressmark/pressmark/watch/watchtest"
)

// source is a watcher whose changes are made by a test: one call of notify for
// each pause, after it.
type source struct {
	pauses []time.Duration
	err    error // what ends it when the pauses are over; nil waits for ctx
}

func (s source) Watch(ctx context.Context, notify func()) error {
	for _, d := range s.pauses {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(d):
			notify()
		}
	}
	if s.err != nil {
		return s.err
	}
	<-ctx.Done()
	return ctx.Err()
}

func TestJoin(t *testing.T) {
	watchtest.Run(t, func(files []string) watch.Watcher {
		return watch.Join(watch.NewPoll(files, exact), watch.NewPoll(files[:1], exact))
	}, watchtest.Quirks{Starts: 2})
}

func TestJoinStopsTheOthersOnError(t *testing.T) {
	broken := errors.New("broken")
	synctest.Test(t, func(t *testing.T) {
		w := watch.Join(
			source{pauses: []time.Duration{time.Second, time.Hour}},
			source{pauses: []time.Duration{2 * time.Second}, err: broken},
		)
		a := begin(t, w, 0)
		if err := <-a.ended; err != broken {
			t.Errorf("Watch returns %v, want %v", err, broken)
		}
		if len(a.calls) != 2 {
			t.Errorf("%d calls, want 2", len(a.calls))
		}
	})
}

func TestJoinOfNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := begin(t, watch.Join(), 0)
		time.Sleep(time.Hour)
		a.end(t)
	})
}
