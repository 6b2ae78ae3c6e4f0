package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/pressmark/pressmark/internal/rig"
)

// class is a kind of request.
type class string

const (
	lists          class = "list"
	searches       class = "search"
	details        class = "detail"
	coverImages    class = "cover"
	states         class = "state"
	writes         class = "write"
	localDownloads class = "download"
	s3Downloads    class = "download from S3"
	driveDownloads class = "download from Drive"
	tokens         class = "token"
)

// download reports whether a request is for a book.
func (c class) download() bool { return strings.HasPrefix(string(c), "download") }

// event is one request that has ended.
type event struct {
	class class
	due   time.Time     // when it should have been sent
	took  time.Duration // from then until the last byte
	// kind says what went wrong, "" if nothing did: a status, or one of those of
	// kindOf.
	kind string
	// later reports whether the answer says when to come again.
	later bool
	// text is the beginning of what was answered, if it went wrong.
	text string
}

// The kinds of failures that have no status.
const (
	kindTimeout = "timeout"
	kindRefused = "refused"
	kindReset   = "reset"
	kindCut     = "cut"   // in the middle of the body
	kindWrong   = "wrong" // other bytes than those of the file
	kindOther   = "other"
)

// kindOf names an error of a request.
func kindOf(err error) string {
	var n net.Error
	switch {
	case err == nil:
		return ""
	case errors.As(err, &n) && n.Timeout(), errors.Is(err, context.DeadlineExceeded):
		return kindTimeout
	case errors.Is(err, syscall.ECONNREFUSED):
		return kindRefused
	case errors.Is(err, io.ErrUnexpectedEOF):
		return kindCut
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, io.EOF):
		return kindReset
	}
	return kindOther
}

// tally collects events.
type tally struct {
	mu      sync.Mutex
	events  []event
	offered int                 // page views that were due
	skipped int                 // of those, what was left out as too many of the user's were open
	views   map[*view]time.Time // that are under way
}

func (t *tally) add(e event) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.events = append(t.events, e)
}

func (t *tally) view(skipped bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.offered++
	if skipped {
		t.skipped++
	}
}

// open and close are the beginning and the end of a page view.
func (t *tally) open(v *view) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.views == nil {
		t.views = map[*view]time.Time{}
	}
	t.views[v] = v.due
}

func (t *tally) close(v *view) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.views, v)
}

// olderThan reports whether a page view is under way that was due before a time.
func (t *tally) olderThan(mark time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, due := range t.views {
		if due.Before(mark) {
			return true
		}
	}
	return false
}

// between returns the events that were due in a period.
func (t *tally) between(from, to time.Time) []event {
	t.mu.Lock()
	defer t.mu.Unlock()
	var part []event
	for _, e := range t.events {
		if !e.due.Before(from) && e.due.Before(to) {
			part = append(part, e)
		}
	}
	return part
}

// forget lets go of events that were due before a time.
func (t *tally) forget(before time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.events = slices.DeleteFunc(t.events, func(e event) bool { return e.due.Before(before) })
}

// failures counts what went wrong, by class and kind.
func failures(events []event) map[string]int {
	counts := map[string]int{}
	for _, e := range events {
		if e.kind != "" {
			counts[string(e.class)+": "+e.kind]++
		}
	}
	return counts
}

// example is what was answered to one of the requests that failed.
func example(events []event) string {
	for _, e := range events {
		if e.kind != "" && e.text != "" {
			return fmt.Sprintf(" (%s, due %s: %s)", e.class, e.due.Format("15:04:05.000"), e.text)
		}
	}
	return ""
}

// listed writes counts in one line, the greatest first.
func listed(counts map[string]int) string {
	if len(counts) == 0 {
		return "none"
	}
	names := slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b))
	})
	for i, name := range names {
		names[i] = fmt.Sprintf("%s ×%d", name, counts[name])
	}
	return strings.Join(names, ", ")
}

// quantiles are those of times.
type quantiles struct {
	n                   int
	p50, p95, p99, most time.Duration
}

func quantilesOf(times []time.Duration) quantiles {
	slices.Sort(times)
	q := quantiles{n: len(times), p50: rig.Quantile(times, 0.50), p95: rig.Quantile(times, 0.95), p99: rig.Quantile(times, 0.99)}
	if q.n > 0 {
		q.most = times[q.n-1]
	}
	return q
}

func (q quantiles) String() string {
	return fmt.Sprintf("p50 %s, p95 %s, p99 %s, longest %s", short(q.p50), short(q.p95), short(q.p99), short(q.most))
}

// short writes a duration with three digits at most.
func short(d time.Duration) string {
	switch {
	case d >= 10*time.Second:
		return d.Round(time.Second).String()
	case d >= time.Second:
		return d.Round(10 * time.Millisecond).String()
	case d >= 10*time.Millisecond:
		return d.Round(time.Millisecond).String()
	}
	return d.Round(10 * time.Microsecond).String()
}

// timesOf returns how long those of the events took that a filter takes.
func timesOf(events []event, take func(event) bool) []time.Duration {
	var times []time.Duration
	for _, e := range events {
		if take(e) {
			times = append(times, e.took)
		}
	}
	return times
}
