package httpapi

import (
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/pressmark/pressmark/auth"
)

// Observation is what an operator may want to know of a request. Method and Route
// have few values, whatever clients ask for.
type Observation struct {
	// Method is the request's, "other" if HTTP does not have it.
	Method string
	// Route is the pattern that the path matched, below Options.Prefix, such as
	// /api/books/{id}; "other" where nothing is served.
	Route string
	// Status is that of the answer; 499 if the client went away before there was
	// one.
	Status int
	// Took is the time until the answer was written; of downloads, covers and
	// event streams, whose rest is the client's time, until it began.
	Took time.Duration
	// Bytes is the length of the body as far as it was sent.
	Bytes int64
	// Ready is whether the answer was kept ready.
	Ready bool
	// Known is whether a ready answer was for somebody who showed an access token.
	Known bool
}

// Activity is what an API is doing at a moment.
type Activity struct {
	// Requests are those that are being answered, of which EventStreams are open
	// and Downloads send a file.
	Requests, EventStreams, Downloads int64
}

// Activity returns what the API is doing now.
func (a *API) Activity() Activity {
	return Activity{a.observer.requests.Load(), int64(a.events.slots.stats().Open), a.observer.downloads.Load()}
}

// observer counts what goes on.
type observer struct {
	timed               bool // somebody is told of requests, or the log is
	requests, downloads atomic.Int64
}

// begin counts a request and returns the time, if anybody wants to know it.
func (o *observer) begin() (began time.Time) {
	o.requests.Add(1)
	if o.timed {
		began = time.Now()
	}
	return began
}

func (o *observer) end() { o.requests.Add(-1) }

// seen is what a tracker notes for an observer.
type seen struct {
	status    int
	bytes     int64
	user      auth.UserID
	streaming bool
	at        time.Time // when an answer began that streams
}

const otherRoute = "other"

// routeOf returns Observation.Route of a request that was routed.
func (a *API) routeOf(r *http.Request) string {
	_, path, _ := strings.Cut(r.Pattern, " ")
	path = strings.TrimSuffix(strings.TrimPrefix(path, a.opts.Prefix), "/{$}")
	if path == "" { // "/", which answers what nothing else does
		return otherRoute
	}
	return path
}

func methodOf(r *http.Request) string {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return r.Method
	}
	return "other"
}

// observe tells of an answer that needed no routing. user is 0 for who is not known.
func (a *API) observe(w http.ResponseWriter, r *http.Request, began time.Time, o Observation, user auth.UserID) {
	if !a.observer.timed {
		return
	}
	o.Method, o.Took, o.Known = methodOf(r), time.Since(began), o.Ready && user != 0
	a.tell(w, r, o, user)
}

// observeTracked tells of an answer that t was written to.
func (a *API) observeTracked(t *tracker, r *http.Request, began time.Time) {
	if !a.observer.timed {
		return
	}
	o := Observation{Method: methodOf(r), Route: a.routeOf(r), Status: t.status, Took: time.Since(began), Bytes: t.bytes}
	switch {
	case t.status == 0 && r.Context().Err() != nil:
		o.Status = statusCanceled
	case t.status == 0:
		o.Status = http.StatusOK // which net/http sends
	case !t.at.IsZero():
		o.Took = t.at.Sub(began)
	}
	a.tell(t, r, o, t.user)
}

func (a *API) tell(w http.ResponseWriter, r *http.Request, o Observation, user auth.UserID) {
	ctx := r.Context()
	if a.opts.Observe != nil {
		a.opts.Observe(ctx, o)
	}
	if !a.log.Enabled(ctx, slog.LevelDebug) {
		return
	}
	a.log.LogAttrs(ctx, slog.LevelDebug, "Answered", slog.String("method", o.Method), slog.String("route", o.Route), slog.Int("status", o.Status),
		slog.Duration("took", o.Took), slog.Int64("bytes", o.Bytes), slog.String("request", requestID(w)), slog.Int64("user", int64(user)))
}
