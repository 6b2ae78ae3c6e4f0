package httpapi

import (
	"cmp"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"
)

// problemJSON is the body of every error answer, application/problem+json as RFC
// 9457 has it.
type problemJSON struct {
	Type      string             `json:"type" doc:"Always about:blank: the status says the kind." example:"about:blank"`
	Title     string             `json:"title" doc:"The status in words." example:"Unprocessable Entity"`
	Status    int                `json:"status" doc:"The HTTP status." example:"422"`
	Detail    string             `json:"detail" doc:"What happened, for people." example:"sort: unknown field \"nope\""`
	Errors    []problemErrorJSON `json:"errors" nullable:"false" doc:"The parts of the request at fault."`
	RequestID string             `json:"request_id" doc:"Names this request in the server's log."`

	Stored any `json:"stored,omitempty" doc:"Only where a change needed another version (409): what is stored."`
}

// problemErrorJSON is one part of a request that is at fault.
type problemErrorJSON struct {
	Location string `json:"location" doc:"Which part: query, path or header, a dot, and the name." example:"query.sort"`
	Message  string `json:"message" doc:"What is wrong with it." example:"unknown field"`
	Value    string `json:"value" doc:"What was given, cut short if it is long." example:"nope"`

	Position *int   `json:"position,omitempty" minimum:"0" doc:"Errors in q only: where in it, in characters (code points) from 0." example:"12"`
	Expected string `json:"expected,omitempty" doc:"Errors in q only: what could stand there." example:"a closing parenthesis"`
}

// fail answers a request with the problem that err is, and logs what an
// operator has to know. If an answer has begun already, the connection is
// broken off, which is the only way left to say that it is not whole.
func (a *API) fail(w http.ResponseWriter, r *http.Request, err error) {
	e := explain(err)
	gone := r.Context().Err()
	switch {
	case gone != nil && (e.status == statusCanceled || errors.Is(err, gone)):
		return // nobody listens any more
	case e.status == statusCanceled: // not by the client, who must not take silence for success
		e = explain(unavailable("The work was broken off.", soon(), err))
	}
	t, _ := w.(*tracker)
	begun := t != nil && t.begun
	if begun || e.status >= 500 && e.status != http.StatusNotImplemented {
		a.logFault(w, r, e.status, err)
	}
	if begun {
		panic(http.ErrAbortHandler)
	}
	a.writeProblem(w, r, e)
}

func (a *API) logFault(w http.ResponseWriter, r *http.Request, status int, err error) {
	level := slog.LevelError
	if status == http.StatusServiceUnavailable { // expected while something is down
		if level = slog.LevelWarn; !a.faults.allow(time.Now()) {
			level = slog.LevelDebug
		}
	}
	a.log.LogAttrs(r.Context(), level, "Request failed",
		slog.Int("status", status), slog.String("method", r.Method), slog.String("path", shownPath(r.URL.Path)),
		slog.String("request", requestID(w)), slog.Any("err", err))
}

// mostFaults is how many requests that fail because something is down have a line
// for operators in a minute. How many there are, clients say.
const mostFaults = 10

// sparing counts lines of the log.
type sparing struct {
	minute atomic.Int64
	lines  atomic.Int64
}

func (s *sparing) allow(now time.Time) bool {
	if minute := now.Unix() / 60; s.minute.Swap(minute) != minute {
		s.lines.Store(0)
	}
	return s.lines.Add(1) <= mostFaults
}

// writeProblem sends e. Headers that were set for the answer that did not
// come are taken back.
func (a *API) writeProblem(w http.ResponseWriter, r *http.Request, e *statusError) {
	p := problemJSON{
		Type: "about:blank", Title: http.StatusText(e.status), Status: e.status,
		Detail: e.detail, Errors: []problemErrorJSON{}, RequestID: requestID(w),
	}
	p.Stored = e.stored
	if e.location != "" {
		fault := problemErrorJSON{Location: e.location, Message: e.message, Value: e.value}
		if e.expected != "" {
			fault.Position, fault.Expected = &e.position, e.expected
		}
		p.Errors = append(p.Errors, fault)
	}
	body, err := json.Marshal(p)
	if err != nil { // a struct of strings and a number cannot fail
		body = []byte("{}")
	}
	h := w.Header()
	for _, k := range []string{"Etag", "Last-Modified", "Content-Encoding", "Content-Disposition", "Content-Range", "Accept-Ranges"} {
		delete(h, k)
	}
	h["Content-Type"] = []string{"application/problem+json"}
	h["Content-Length"] = []string{strconv.Itoa(len(body))}
	h["Cache-Control"] = []string{"no-store"}
	for name, value := range e.headers {
		h[name] = []string{value}
	}
	if e.retryAfter > 0 {
		h["Retry-After"] = []string{strconv.Itoa(e.retryAfter)}
	}
	if e.status == http.StatusUnauthorized {
		h["Www-Authenticate"] = []string{cmp.Or(e.challenge, `Bearer realm="Pressmark"`)}
	}
	w.WriteHeader(e.status)
	if r.Method != http.MethodHead {
		w.Write(body) // a client that went away is not our fault
	}
}
