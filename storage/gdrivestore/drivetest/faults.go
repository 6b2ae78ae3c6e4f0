package drivetest

import (
	"context"
	"net/url"
	"slices"
	"time"
)

// The operations that there are.
const (
	OpList           = "list"           // files.list
	OpGet            = "get"            // files.get, of metadata
	OpMedia          = "media"          // files.get with alt=media
	OpChanges        = "changes"        // changes.list
	OpStartPageToken = "startPageToken" // changes.getStartPageToken
	OpToken          = "token"          // a token is asked for
	OpOther          = "other"          // anything else, which is refused
)

// Request is a request that has come in.
type Request struct {
	// Op is the operation, and N its how many-th this is, from 1 and since
	// [Drive.Reset].
	Op string
	N  int
	// FileID is the file that is asked for, if it is one.
	FileID string
	// Range is the header of this name, such as "bytes=0-1023".
	Range string
	// Method and Path are those of HTTP.
	Method, Path string
	// Query are the parameters. They must not be changed.
	Query url.Values
}

// Fault is what goes wrong with an answer. The zero value is nothing.
//
// Cut, Stall, Truncate and Flip are places in the body of any answer, also of JSON:
// so many bytes are sent before. For these 0 is never, and -1 before the first byte.
type Fault struct {
	// Status and Reason are answered instead. Each has a usual value for the other,
	// such as 404 for "notFound", and "rateLimitExceeded" for 429.
	Status int
	Reason string
	// RetryAfter is sent along, in full seconds. 0 is not.
	RetryAfter time.Duration
	// Delay is for how long nothing is sent, in addition to the latency.
	Delay time.Duration
	// Drop closes the connection without an answer.
	Drop bool
	// Cut breaks the connection off within the body.
	Cut int64
	// Stall sends nothing more until the client goes away.
	Stall int64
	// Truncate ends the body early, and has the header say that it is whole.
	Truncate int64
	// Flip alters the byte at this place.
	Flip int64
	// Incomplete has a list say that it is.
	Incomplete bool
}

// Counts are how many requests there were, by operation.
type Counts struct {
	List, Get, Media, Changes, StartPageToken, Token, Other int
	// Bytes are those sent as media.
	Bytes int64
	// Busiest is the most requests, without those for tokens, within 100 s.
	Busiest int
	// Limited is how many were refused for a quota of [Options].
	Limited int
}

// API returns how many requests there were, without those for tokens.
func (c Counts) API() int {
	return c.List + c.Get + c.Media + c.Changes + c.StartPageToken + c.Other
}

func (c *Counts) of(op string) *int {
	switch op {
	case OpList:
		return &c.List
	case OpGet:
		return &c.Get
	case OpMedia:
		return &c.Media
	case OpChanges:
		return &c.Changes
	case OpStartPageToken:
		return &c.StartPageToken
	case OpToken:
		return &c.Token
	default:
		return &c.Other
	}
}

// keptRequests is how many of the last requests are kept.
const keptRequests = 10_000

// quotaWindow is what the quota of users is counted over.
const quotaWindow = 100 * time.Second

// traffic is what goes on and how. It is under Drive.mu.
type traffic struct {
	fail           func(Request) Fault
	latency        time.Duration
	bytesPerSecond int

	counts   Counts
	requests []Request
	recent   []time.Time // of all requests to the API, within quotaWindow
	accepted []time.Time // of those that were within the quota
	day      time.Time   // when the present one began
	today    int
}

// Fail has fault say of each request what goes wrong with it. nil is nothing. It is
// called by several goroutines at once, and may call methods of d.
func (d *Drive) Fail(fault func(Request) Fault) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.traffic.fail = fault
}

// SetLatency sets how long each answer takes to begin.
func (d *Drive) SetLatency(latency time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.traffic.latency = latency
}

// SetBytesPerSecond sets how fast each download comes that begins now. 0 is at once.
func (d *Drive) SetBytesPerSecond(n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.traffic.bytesPerSecond = n
}

// Forbid has downloads of a file fail with 403 and a reason, such as
// "cannotDownloadAbusiveFile". With "notFound" it is out of the client's sight
// altogether, as after it was no longer shared. An empty reason allows it again.
func (d *Drive) Forbid(id, reason string) error {
	return d.change("forbid", id, func(f *file) error {
		was := d.hidden(f)
		if f.forbidden = reason; d.hidden(f) != was {
			d.changed(f)
		}
		return nil
	})
}

// Calls returns how many requests there were since New or Reset.
func (d *Drive) Calls() Counts {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.traffic.counts
}

// Requests returns the requests since New or Reset, the last 10,000 at most.
func (d *Drive) Requests() []Request {
	d.mu.RLock()
	defer d.mu.RUnlock()
	requests := d.traffic.requests
	return slices.Clone(requests[max(0, len(requests)-keptRequests):])
}

// Reset sets all counts to 0. Quotas, faults and tokens stay as they are.
func (d *Drive) Reset() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.traffic.counts, d.traffic.requests, d.traffic.recent = Counts{}, nil, nil
}

// shape is how an answer comes.
type shape struct {
	Fault
	bytesPerSecond int
}

// arrive counts a request, and says what shall become of it.
func (d *Drive) arrive(r *Request) shape {
	d.mu.Lock()
	t := &d.traffic
	n := t.counts.of(r.Op)
	*n++
	r.N = *n
	if len(t.requests) == 2*keptRequests {
		t.requests = slices.Delete(t.requests, 0, keptRequests)
	}
	t.requests = append(t.requests, *r)
	if r.Op != OpToken {
		now := d.o.Now()
		t.recent = append(since(t.recent, now), now)
		t.counts.Busiest = max(t.counts.Busiest, len(t.recent))
	}
	s := shape{bytesPerSecond: t.bytesPerSecond}
	latency, fail := t.latency, t.fail
	d.mu.Unlock()
	if fail != nil {
		s.Fault = fail(*r)
	}
	s.Delay += latency
	return s
}

// since returns the times that are within a window which ends now.
func since(times []time.Time, now time.Time) []time.Time {
	i := 0
	for i < len(times) && now.Sub(times[i]) >= quotaWindow {
		i++
	}
	return times[i:]
}

// admit checks the quotas. What it refuses does not count.
func (d *Drive) admit() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	t, now := &d.traffic, d.o.Now()
	if t.day.IsZero() || now.Sub(t.day) >= 24*time.Hour {
		t.day, t.today = now, 0
	}
	if d.o.PerDay > 0 && t.today >= d.o.PerDay {
		t.counts.Limited++
		return failed(0, "dailyLimitExceeded")
	}
	if d.o.PerUser100s > 0 {
		t.accepted = since(t.accepted, now)
		if len(t.accepted) >= d.o.PerUser100s {
			t.counts.Limited++
			return failed(0, "userRateLimitExceeded")
		}
		t.accepted = append(t.accepted, now)
	}
	t.today++
	return nil
}

func (d *Drive) sent(n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.traffic.counts.Bytes += int64(n)
}

// sleep waits, and reports whether ctx lasted.
func sleep(ctx context.Context, wait time.Duration) bool {
	if wait <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
