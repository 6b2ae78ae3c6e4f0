package httpapi

import (
	"crypto/rand"
	"encoding/hex"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/pressmark/pressmark/auth"
)

// front is what every answer carries, made once. Header values are shared
// slices that are put into the header map as they are, under keys in
// canonical form: the cheapest way that net/http has.
type front struct {
	nosniff, csp, vary []string
	origins            map[string][]string // allowed origin -> its header value
	anyOrigin          bool
	shared, private    []string // Cache-Control of catalogue answers
}

// What browsers may do with our answers: nothing but read them. Pages that we
// serve as pages (docs) replace the policy.
const cspNothing = "default-src 'none'; frame-ancestors 'none'"

// Answers of an open catalogue may be kept by proxies for a moment, shorter
// than the time that the library takes to settle, so that changes show no
// later than promised; the entity tag makes asking again cheap.
const (
	cacheShared  = "public, max-age=0, s-maxage=2"
	cachePrivate = "private, no-cache"
)

func newFront(o *Options) front {
	f := front{
		nosniff: []string{"nosniff"}, csp: []string{cspNothing},
		vary:   []string{"Accept-Encoding"},
		shared: []string{cacheShared}, private: []string{cachePrivate},
		origins: map[string][]string{},
	}
	if len(o.CORSOrigins) > 0 {
		f.vary = []string{"Accept-Encoding, Origin"}
	}
	for _, origin := range o.CORSOrigins {
		f.origins[origin] = []string{origin}
		f.anyOrigin = f.anyOrigin || origin == "*"
	}
	return f
}

// ServeHTTP answers a request. Answers that are kept ready go out before
// anything is routed or parsed. They have eight headers: net/http's map has to
// grow for a ninth, which costs more than all that is done here, so what only
// pages need (Referrer-Policy) is set where they are served.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	began := a.observer.begin()
	defer a.observer.end()
	h := w.Header()
	h["X-Request-Id"] = a.ids.of(r)
	h["X-Content-Type-Options"] = a.front.nosniff
	h["Content-Security-Policy"] = a.front.csp
	h["Vary"] = a.front.vary
	if a.drains.Load() {
		h["Connection"] = []string{"close"}
	}
	if origin := r.Header["Origin"]; origin != nil && a.front.cors(h, r, origin[0]) {
		w.WriteHeader(http.StatusNoContent)
		a.observe(w, r, began, Observation{Route: otherRoute, Status: http.StatusNoContent}, 0)
		return
	}
	if r.ContentLength != 0 && a.opts.Limits.BodyTime > 0 {
		a.timeBody(w)
	}
	if r.ProtoMajor > 1 {
		s := newStreamWriter(w)
		defer s.bound() // what is left is sent when we have returned
		w = s
	}
	if e, user := a.ready(r); e != nil {
		if err := a.charge(r, user); err != nil {
			a.fail(w, r, err)
			a.observe(w, r, began, Observation{Route: e.route, Status: http.StatusTooManyRequests}, user)
			return
		}
		status, n := e.write(w, r, a.cacheControl(r, e.partial))
		a.observe(w, r, began, Observation{Route: e.route, Status: status, Bytes: int64(n), Ready: true}, user)
		return
	}
	t := &tracker{ResponseWriter: w}
	defer a.observeTracked(t, r, began) // after recovered
	defer a.recovered(t, r)
	if err := oversized(r); err != nil {
		a.fail(t, r, err)
		return
	}
	a.mux.ServeHTTP(t, r)
}

// ready returns the answer to r that is kept, if there is one, and whose request
// it is, 0 for anybody's. Nobody has been asked yet who r comes from.
func (a *API) ready(r *http.Request) (*respEntry, auth.UserID) {
	if !keepable(r) {
		return nil, 0
	}
	user, sees, ok := a.sees(r)
	if !ok {
		return nil, 0
	}
	return a.cache.get(r.Context(), cacheKey(r, sees, acceptedEncoding(r.Header["Accept-Encoding"]))), user
}

// keepable tells whether the answer to r may be kept.
func keepable(r *http.Request) bool {
	// Where RawPath is set the path has escapes that Path does not show.
	return (r.Method == http.MethodGet || r.Method == http.MethodHead) && r.URL.RawPath == ""
}

// cacheKey returns the key under which an answer to r is kept. Users who see the
// same share it.
func cacheKey(r *http.Request, sees string, enc encoding) string {
	return respKey(r.URL.Path, r.URL.RawQuery, sees, enc)
}

// keyFor returns the key under which the answer to r may be kept that was made
// for whom the operation knows. They may see something else by now.
func keyFor(r *http.Request) (string, bool) {
	i, _ := identityOf(r.Context())
	return cacheKey(r, i.View, acceptedEncoding(r.Header["Accept-Encoding"])), keepable(r)
}

// sees returns the sender of r, 0 for anybody, and names what they see, if that
// can be said in no time.
func (a *API) sees(r *http.Request) (user auth.UserID, view string, ok bool) {
	given := r.Header["Authorization"]
	if given == nil || a.opts.Logins == nil {
		return 0, "", a.opts.PublicRead
	}
	token, ok := bearerOf(given)
	if !ok {
		return 0, "", false
	}
	user, view, err := a.opts.Logins.View(r.Context(), token)
	return user, view, err == nil
}

// cacheControl is the Cache-Control header of a catalogue answer to r. What is
// asked for with credentials is not for shared caches, whoever may read it, and
// neither is what shows a part of the library only.
func (a *API) cacheControl(r *http.Request, partial bool) []string {
	if a.opts.PublicRead && !partial && r.Header["Authorization"] == nil && r.Header["Cookie"] == nil {
		return a.front.shared
	}
	return a.front.private
}

// recovered turns a panic into a logged 500.
func (a *API) recovered(t *tracker, r *http.Request) {
	p := recover()
	if p == nil {
		return
	}
	if p == http.ErrAbortHandler {
		panic(p) // net/http breaks the connection off without a word
	}
	a.log.ErrorContext(r.Context(), "Panic while answering", "method", r.Method, "path", shownPath(r.URL.Path), "request", requestID(t), "err", p, "stack", string(debug.Stack()))
	if t.begun {
		panic(http.ErrAbortHandler)
	}
	a.writeProblem(t, r, explain(nil))
}

// noRoute answers what no operation answers: 405 where the path is known by
// another method, else 404.
func (a *API) noRoute(w http.ResponseWriter, r *http.Request) {
	if err := a.charge(r, 0); err != nil {
		a.fail(w, r, err)
		return
	}
	allow := a.allowed(r)
	if len(allow) == 0 {
		a.fail(w, r, errNoRoute)
		return
	}
	w.Header()["Allow"] = []string{strings.Join(allow, ", ")}
	if r.Method == http.MethodOptions {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	a.fail(w, r, &statusError{status: http.StatusMethodNotAllowed, detail: "This path is not served by this method."})
}

// allowed lists the methods that have an operation at r's path.
func (a *API) allowed(r *http.Request) []string {
	var allow []string
	for _, m := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		probe := &http.Request{Method: m, URL: r.URL, Host: r.Host}
		if _, pattern := a.mux.Handler(probe); pattern != "" && pattern != "/" {
			allow = append(allow, m)
		}
	}
	if len(allow) > 0 {
		allow = append(allow, http.MethodOptions)
	}
	return allow
}

// cors adds the headers that let a page of the origin read the answer, if it
// may, and says whether r was a preflight, which needs nothing more.
func (f *front) cors(h http.Header, r *http.Request, origin string) (preflight bool) {
	allowed := f.origins[origin]
	if f.anyOrigin {
		allowed = f.origins["*"]
	}
	if allowed == nil {
		return false
	}
	h["Access-Control-Allow-Origin"] = allowed
	h["Access-Control-Expose-Headers"] = []string{"ETag, X-Request-Id, Content-Disposition, Content-Range, Accept-Ranges, Allow, Location, Retry-After, RateLimit, RateLimit-Policy"}
	if r.Method != http.MethodOptions || r.Header["Access-Control-Request-Method"] == nil {
		return false
	}
	h["Access-Control-Allow-Methods"] = []string{"GET, HEAD, POST, PUT, PATCH, DELETE"}
	h["Access-Control-Allow-Headers"] = []string{"Authorization, Content-Type, If-None-Match, If-Match, If-Range, Range, Last-Event-ID, Idempotency-Key, X-Request-Id"}
	h["Access-Control-Max-Age"] = []string{"600"}
	h["Vary"] = []string{"Origin, Access-Control-Request-Method, Access-Control-Request-Headers"}
	return true
}

// idSource names requests: a random prefix for the process, then a count.
type idSource struct {
	prefix string
	count  *atomic.Uint64
}

func newIDSource() idSource {
	var b [6]byte
	rand.Read(b[:]) // never fails
	return idSource{hex.EncodeToString(b[:]) + "-", new(atomic.Uint64)}
}

// of returns the name that the client gave the request, if it is a sane one,
// else a new one.
func (s idSource) of(r *http.Request) []string {
	if given := r.Header["X-Request-Id"]; len(given) == 1 && validName(given[0]) {
		return given
	}
	var b [32]byte
	id := append(b[:0], s.prefix...)
	id = strconv.AppendUint(id, s.count.Add(1), 36)
	return []string{string(id)}
}

// requestID is the name of the request that w answers.
func requestID(w http.ResponseWriter) string {
	if v := w.Header()["X-Request-Id"]; len(v) > 0 {
		return v[0]
	}
	return ""
}
