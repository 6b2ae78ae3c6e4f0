package watch

import (
	"context"
	"sync"
	"time"
)

// SettleOptions adjusts a [Settler]. The zero value waits for 2 s of quiet, but
// never longer than 10 s.
type SettleOptions struct {
	// Quiet is how long nothing must have changed before a burst of changes
	// is passed on. 0 means 2 s; negative passes changes on at once.
	Quiet time.Duration

	// MaxDelay bounds the wait for quiet, counted from the first change that
	// has not been passed on, so that a long import shows as it goes. Where it
	// is shorter than Quiet, it wins. 0 means 10 s, or Quiet if that is
	// longer; negative means that there is no bound.
	MaxDelay time.Duration
}

// Settler passes on the calls of another watcher when a burst of them is over,
// or has lasted for MaxDelay; a burst that goes on is passed on every MaxDelay.
//
// It is made for a notify that does the work itself and takes its time: calls
// are serial, the inner watcher is never held up, and a change made during a
// call leads to another call. The waiting times of that change run from when
// it was made, not from when the call ended.
type Settler struct {
	inner Watcher
	opts  SettleOptions
	kick  chan struct{}
}

var _ Watcher = (*Settler)(nil)

// NewSettler returns a settler of what w reports.
func NewSettler(w Watcher, o SettleOptions) *Settler {
	if o.Quiet == 0 {
		o.Quiet = 2 * time.Second
	}
	if o.MaxDelay == 0 {
		o.MaxDelay = max(10*time.Second, o.Quiet)
	}
	return &Settler{inner: w, opts: o, kick: make(chan struct{}, 1)}
}

// Kick asks for a call of notify without waiting for quiet: at once, or when
// the call that is being made has returned. Changes waiting to settle are
// passed on by it. Several kicks before that call are one. A kick is kept while
// Watch does not run. Kick does not block and may be called from anywhere,
// notify included.
func (s *Settler) Kick() {
	select {
	case s.kick <- struct{}{}:
	default:
	}
}

// Watch implements [Watcher]. Its delay is that of the inner watcher and at
// most MaxDelay more, or the rest of a call that is being made. Changes that
// wait to settle when ctx ends, or when the inner watcher fails, are not passed
// on. Watch must not be called while another call of it runs.
func (s *Settler) Watch(ctx context.Context, notify func()) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()

	b := burst{opts: s.opts, began: make(chan struct{}, 1)}
	ended := make(chan error, 1)
	go func() { ended <- s.inner.Watch(ctx, b.add) }()

	var due <-chan time.Time // nil while nothing waits to settle
	for {
		select {
		case err := <-ended: // also when ctx ends: the inner watcher sees to that
			return err
		case <-b.began:
			due = time.After(b.wait())
			continue
		case <-due:
			if d := b.wait(); d > 0 { // more changes came meanwhile
				due = time.After(d)
				continue
			}
		case <-s.kick:
		}
		if ctx.Err() != nil {
			return <-ended
		}
		due = nil
		b.end()
		select { // the call that comes now is the one that was asked for
		case <-s.kick:
		default:
		}
		notify()
	}
}

// burst is the changes that have not been passed on.
type burst struct {
	opts  SettleOptions
	began chan struct{} // has a token from the first change on, until it is taken

	mu          sync.Mutex
	first, last time.Time // first is zero when there are none
}

func (b *burst) add() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.last = time.Now()
	if b.first.IsZero() {
		b.first = b.last
		b.began <- struct{}{} // never blocks: end has emptied it
	}
}

// end must come before notify is called: what is added later was not seen by
// that call.
func (b *burst) end() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.first = time.Time{}
	select {
	case <-b.began: // a kick came first
	default:
	}
}

// wait returns how long the burst must still go unreported.
func (b *burst) wait() time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.opts.Quiet < 0 {
		return 0
	}
	d := time.Until(b.last.Add(b.opts.Quiet))
	if b.opts.MaxDelay > 0 {
		d = min(d, time.Until(b.first.Add(b.opts.MaxDelay)))
	}
	return d
}
