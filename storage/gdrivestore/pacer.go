package gdrivestore

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// pacer sends requests no faster than Drive allows, and again those that fail.
type pacer struct {
	limit *rate.Limiter
	turn  chan struct{} // holds one: who waits for limit, which does not take back what is given up

	mu    sync.Mutex
	until time.Time // when Drive wants requests again
}

const (
	maxAttempts  = 8
	firstBackoff = 250 * time.Millisecond
	maxBackoff   = 16 * time.Second
	callTimeout  = 15 * time.Second // of one attempt, without the content of files
	patience     = 30 * time.Second // after which nothing is sent again
	longestAfter = 2 * time.Minute  // that Drive may ask to wait before something is sent again
	urgentShare  = 30               // requests in 100 s that are left for looks for changes
)

// errQuota says that the request would have had to wait longer than its time.
var errQuota = errors.New("too many requests for the time that is left")

// newPacer allows n requests in any 100 s: a tenth of them at once, and the others
// as the time goes by, but for those that do not wait for others.
func newPacer(n int) *pacer {
	n -= min(n/10, urgentShare)
	burst := max(n/10, 1)
	return &pacer{limit: rate.NewLimiter(rate.Limit(float64(max(n-burst, 1))/100), burst), turn: make(chan struct{}, 1)}
}

// urgent is in the context of requests that do not wait for others.
type urgent struct{}

// do calls send until it succeeds, fails for good, or the time of ctx is over. The
// error is what judge makes of it, or that of ctx.
func (p *pacer) do(ctx context.Context, send func(context.Context) error) error {
	var last error
	began := time.Now()
	for attempt := 1; ; attempt++ {
		if err := p.wait(ctx); err != nil {
			if last != nil && !errors.Is(err, context.Canceled) {
				err = last
			}
			return err
		}
		err := send(ctx)
		if err == nil {
			return nil
		}
		if ended := ctx.Err(); ended != nil {
			return ended
		}
		v := judge(err)
		if !v.again || attempt == maxAttempts || v.after > longestAfter || time.Since(began) > patience {
			return v.err
		}
		last = v.err
		pause := min(firstBackoff<<(attempt-1), maxBackoff)
		pause = max(pause/2+rand.N(pause/2), v.after)
		if v.crowded {
			p.rest(pause)
		}
		if err := sleep(ctx, pause); err != nil {
			if errors.Is(err, errQuota) {
				err = last
			}
			return err
		}
	}
}

// wait waits until a request may be sent.
func (p *pacer) wait(ctx context.Context) error {
	p.mu.Lock()
	pause := time.Until(p.until)
	p.mu.Unlock()
	if err := sleep(ctx, pause); err != nil {
		if errors.Is(err, errQuota) {
			err = unavailable(err)
		}
		return err
	}
	if ctx.Value(urgent{}) != nil {
		return nil
	}
	select {
	case p.turn <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-p.turn }()
	err := p.limit.Wait(ctx)
	if err != nil && ctx.Err() == nil { // it would take longer than ctx lasts
		err = unavailable(errQuota)
	}
	return err
}

// rest has no request sent for a while.
func (p *pacer) rest(pause time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if until := time.Now().Add(pause); until.After(p.until) {
		p.until = until
	}
}

// sleep waits, or says errQuota at once if ctx ends before.
func sleep(ctx context.Context, d time.Duration) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if d <= 0 {
		return nil
	}
	if end, ok := ctx.Deadline(); ok && time.Until(end) < d {
		return errQuota
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
