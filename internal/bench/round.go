package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pressmark/pressmark/internal/rig"
)

// reply is how long an ask took.
type reply struct {
	*ask
	took time.Duration
}

// maxFaults bounds the wrong answers that the error of a round shows.
const maxFaults = 10

// roundOf asks each of the asks once, as fast as the answers come, over some
// connections that take the next one in turn.
func roundOf(ctx context.Context, srv *process, conns int, list []ask) (lap, error) {
	clients := make([]*client, 0, conns)
	defer func() {
		for _, c := range clients {
			c.close()
		}
	}()
	for range conns {
		c, err := dial(srv.Addr)
		if err != nil {
			return lap{}, err
		}
		clients = append(clients, c)
	}
	before, err := rig.CPUTime(srv.PID())
	if err != nil {
		return lap{}, err
	}
	var next atomic.Int64
	replies, faults := make([]reply, len(list)), make([]error, len(list))
	began := time.Now()
	var wg sync.WaitGroup
	for _, c := range clients {
		wg.Go(func() {
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= len(list) {
					return
				}
				begin := time.Now()
				a, err := c.do(list[i].request)
				replies[i] = reply{&list[i], time.Since(begin)}
				if err == nil && a.status != http.StatusOK {
					err = fmt.Errorf("answered %d: %.300s", a.status, a.body)
				}
				if err != nil {
					faults[i] = fmt.Errorf("q=%s, %s: %w", list[i].expression, list[i].with, err)
				}
			}
		})
	}
	wg.Wait()
	l := lap{replies: replies, elapsed: time.Since(began)}
	after, err := rig.CPUTime(srv.PID())
	l.cpu = after - before
	return l, errors.Join(ctx.Err(), err, few(faults))
}

// few joins the first of many errors.
func few(all []error) error {
	all = slices.DeleteFunc(all, func(err error) bool { return err == nil })
	if more := len(all) - maxFaults; more > 0 {
		all = append(all[:maxFaults:maxFaults], fmt.Errorf("and %d more", more))
	}
	return errors.Join(all...)
}

// lap is what rounds showed.
type lap struct {
	replies []reply
	elapsed time.Duration
	cpu     time.Duration
}

// and puts two laps together.
func (l lap) and(m lap) lap {
	return lap{slices.Concat(l.replies, m.replies), l.elapsed + m.elapsed, l.cpu + m.cpu}
}

// quantile returns the time within which the share q of the replies came; 1 is
// all of them.
func (l lap) quantile(q float64) time.Duration {
	took := make([]time.Duration, 0, len(l.replies))
	for _, r := range l.replies {
		took = append(took, r.took)
	}
	slices.Sort(took)
	return rig.Quantile(took, q)
}

// speed sums the lap up for the table.
func (l lap) speed() *speed {
	n := float64(max(len(l.replies), 1))
	return &speed{
		PerSecond: n / l.elapsed.Seconds(), CPU: time.Duration(float64(l.cpu) / n),
		P50: l.quantile(0.50), P95: l.quantile(0.95),
	}
}

// String writes how long replies took.
func (l lap) String() string {
	var parts []string
	for _, q := range []struct {
		name  string
		share float64
	}{{"p50", 0.50}, {"p95", 0.95}, {"p99", 0.99}, {"slowest", 1}} {
		parts = append(parts, q.name+" "+format(l.quantile(q.share).Seconds(), seconds))
	}
	return strings.Join(parts, ", ")
}

// slowest lists the n expressions with the slowest reply, a line each.
func (l lap) slowest(n int) string {
	list := slices.Clone(l.replies)
	slices.SortStableFunc(list, func(a, b reply) int { return int(b.took - a.took) })
	var b strings.Builder
	seen := map[string]bool{}
	for _, r := range list {
		if seen[r.expression] {
			continue
		}
		if seen[r.expression] = true; len(seen) > n {
			break
		}
		fmt.Fprintf(&b, "\n%8s  %s   (%s)", format(r.took.Seconds(), seconds), r.expression, r.with)
	}
	return b.String()
}
