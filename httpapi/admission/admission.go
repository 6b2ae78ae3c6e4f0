// Package admission keeps latency bounded when more work comes than the machine
// can do: so much is done at a time as it has cores for, a little waits, and the
// rest is refused at once, which costs next to nothing.
//
// A [Queue] is for work that takes a processor. Nobody should hold a place in it
// who waits for a store, a database or a client.
//
// Who comes is refused if what stands before it would take longer than
// [Options.MaxWait], by the time that work has taken of late. So a queue is as
// long as is worth waiting for, whatever the machine's speed, and those who are
// refused know at once. Those who wait are served in the order in which they
// came; who has waited twice as long as was expected of them at most, because
// work has become slower meanwhile, is refused then.
//
// A burst and an overload differ in that a queue of the first comes to its end. One
// that has not been empty for MaxWait is kept to a fifth of it (as CoDel, RFC 8289,
// tells good queues from bad ones): it would be waited in for nothing. So is one
// in which somebody was refused a moment ago, ten times MaxWait at most.
package admission

import (
	"container/list"
	"context"
	"errors"
	"math"
	"runtime"
	"sync"
	"time"
)

// ErrBusy says that more is asked for than can be done. Trying again after a
// second or two may help.
var ErrBusy = errors.New("too much is asked for at the moment")

// Options are the settings of a [Queue].
type Options struct {
	// Running is how much is done at a time. 0 means twice GOMAXPROCS.
	Running int
	// MaxWait is how long work may wait for its turn in a burst; in an overload that
	// goes on it is a fifth. 0 means 500 ms.
	MaxWait time.Duration
}

// Queue admits work. Make one with [New].
type Queue struct {
	running int
	maxWait time.Duration

	mu      sync.Mutex
	busy    int
	waiting list.List // of chan struct{}
	since   time.Time // when the first came to an empty queue
	refused time.Time // when somebody was, last
	usual   float64   // seconds that work takes, of late
	stats   Stats
}

// New returns a queue in which nothing waits.
func New(o Options) *Queue {
	if o.Running <= 0 {
		o.Running = 2 * runtime.GOMAXPROCS(0)
	}
	if o.MaxWait <= 0 {
		o.MaxWait = 500 * time.Millisecond
	}
	return &Queue{running: o.Running, maxWait: o.MaxWait}
}

// Enter waits for a turn and returns what the caller has to call when it is done.
// The error is [ErrBusy], or that of ctx.
func (q *Queue) Enter(ctx context.Context) (leave func(), err error) {
	q.mu.Lock()
	if q.busy < q.running {
		q.busy++
		q.mu.Unlock()
		return q.leaver(), nil
	}
	now := time.Now()
	if q.waiting.Len() == 0 {
		q.since = now
	}
	most := q.maxWait
	if now.Sub(q.since) > q.maxWait || now.Sub(q.refused) < 10*q.maxWait {
		most /= 5
	}
	if float64(q.waiting.Len()+1)*q.usual/float64(q.running) > most.Seconds() || q.waiting.Len() >= mostWaiting {
		q.stats.Refused++
		q.refused = now
		q.mu.Unlock()
		return nil, ErrBusy
	}
	turn := make(chan struct{})
	place := q.waiting.PushBack(turn)
	q.mu.Unlock()

	timer := time.NewTimer(2 * most)
	defer timer.Stop()
	select {
	case <-turn:
		return q.leaver(), nil
	case <-timer.C:
		err = ErrBusy
	case <-ctx.Done():
		err = ctx.Err()
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	select {
	case <-turn: // it came at the same moment
		return q.leaver(), nil
	default:
	}
	q.waiting.Remove(place)
	if errors.Is(err, ErrBusy) {
		q.stats.Refused++
		q.refused = time.Now()
	}
	return nil, err
}

// mostWaiting bounds the queue while it is not known how long work takes.
const mostWaiting = 1024

// weight is how much the time of one work counts in what is usual.
const weight = 1.0 / 32

func (q *Queue) leaver() func() {
	began := time.Now()
	return func() {
		took := time.Since(began).Seconds()
		q.mu.Lock()
		defer q.mu.Unlock()
		if q.usual == 0 {
			q.usual = took
		}
		q.usual += weight * (took - q.usual)
		q.stats.Admitted++
		if next := q.waiting.Front(); next != nil {
			q.waiting.Remove(next)
			if turn, ok := next.Value.(chan struct{}); ok {
				close(turn) // the place goes on
			}
			return
		}
		q.busy--
	}
}

// Stats are counts since the start, and what there is now.
type Stats struct {
	Admitted uint64 // work that was done
	Refused  uint64
	Running  int // now
	Waiting  int // now
	Usual    time.Duration
}

// Stats returns what has been counted.
func (q *Queue) Stats() Stats {
	q.mu.Lock()
	defer q.mu.Unlock()
	s := q.stats
	s.Running, s.Waiting, s.Usual = q.busy, q.waiting.Len(), time.Duration(math.Round(q.usual*1e9))
	return s
}
