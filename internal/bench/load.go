package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// source makes the requests of one connection. It appends the next one to dst
// and may look at the answer before, which is the zero value at the beginning.
type source interface {
	next(dst []byte, before answer) []byte
}

// cycle asks its requests in turn.
type cycle struct {
	requests [][]byte
	at       int
}

func (c *cycle) next(dst []byte, _ answer) []byte {
	r := c.requests[c.at%len(c.requests)]
	c.at++
	return append(dst, r...)
}

// load keeps connections to one server busy.
type load struct {
	addr    string
	want    int // the status that every answer must have
	workers []*worker
}

// worker is a connection with its requests.
type worker struct {
	*client
	source  source
	request []byte
	before  answer
	took    []time.Duration
	bytes   int64
}

// newLoad connects once for each source.
func newLoad(addr string, want int, sources []source) (*load, error) {
	l := &load{addr: addr, want: want}
	for _, s := range sources {
		c, err := dial(addr)
		if err != nil {
			l.close()
			return nil, err
		}
		l.workers = append(l.workers, &worker{client: c, source: s})
	}
	return l, nil
}

func (l *load) close() {
	for _, w := range l.workers {
		w.close()
	}
}

// slice is what one run of a load saw.
type slice struct {
	requests int
	bytes    int64 // of bodies
	elapsed  time.Duration
	took     []time.Duration // each request, sorted
}

// run asks as fast as the answers come, for about d.
func (l *load) run(ctx context.Context, d time.Duration) (slice, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	begin := time.Now()
	end := begin.Add(d)
	var wg sync.WaitGroup
	for _, w := range l.workers {
		wg.Go(func() {
			if err := w.run(ctx, end, l.want); err != nil {
				cancel(fmt.Errorf("%s: %w", requestLine(w.request), err))
			}
		})
	}
	wg.Wait()
	s := slice{elapsed: time.Since(begin)}
	if err := context.Cause(ctx); err != nil {
		return s, err
	}
	for _, w := range l.workers {
		s.requests += len(w.took)
		s.bytes += w.bytes
		s.took = append(s.took, w.took...)
	}
	slices.Sort(s.took)
	return s, nil
}

func (w *worker) run(ctx context.Context, end time.Time, want int) error {
	w.took, w.bytes = w.took[:0], 0
	for now := time.Now(); now.Before(end) && ctx.Err() == nil; {
		w.request = w.source.next(w.request[:0], w.before)
		a, err := w.do(w.request)
		if err != nil {
			return err
		}
		if a.status != want {
			return fmt.Errorf("answered %d, expected %d: %.300s", a.status, want, a.body)
		}
		w.before = a
		w.bytes += a.size
		done := time.Now()
		w.took = append(w.took, done.Sub(now))
		now = done
	}
	return nil
}

// requestLine is the first line of a request without its version.
func requestLine(request []byte) string {
	line, _, _ := strings.Cut(string(request), "\r\n")
	return strings.TrimSuffix(line, " HTTP/1.1")
}
