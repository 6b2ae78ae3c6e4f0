package httpapi_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pressmark/pressmark/auth"
	"github.com/pressmark/pressmark/httpapi"
	"github.com/pressmark/pressmark/httpapi/admission"
	"github.com/pressmark/pressmark/httpapi/conns"
	"github.com/pressmark/pressmark/httpapi/ratelimit"
)

// still is a clock that stands.
func still() time.Time { return time.Unix(1e9, 0) }

func limiter(burst int) *ratelimit.Limiter {
	return ratelimit.New(ratelimit.Options{Rate: ratelimit.Rate{PerSecond: 0.5, Burst: burst}, Now: still})
}

// from asks for a path from an address until it is refused, at most n times, and
// returns the number of answers before that, and the last.
func from(h http.Handler, address, path string, n int, header ...string) (int, *httptest.ResponseRecorder) {
	var w *httptest.ResponseRecorder
	for i := range n {
		r := httptest.NewRequest(http.MethodGet, path, nil)
		r.RemoteAddr = address
		for i := 0; i+1 < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		w = httptest.NewRecorder()
		if h.ServeHTTP(w, r); w.Code == http.StatusTooManyRequests {
			return i, w
		}
	}
	return n, w
}

// TestRateOfNetworks: whatever they ask for, kept ready or not, there or not.
func TestRateOfNetworks(t *testing.T) {
	a, _ := newAPI(t, func(o *httpapi.Options) {
		o.Limits.Networks = limiter(10)
		o.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")}
	})
	n, w := from(a, "192.0.2.7:4", "/api/books?limit=2", 50)
	if n != 10 {
		t.Errorf("%d answers, want 10", n)
	}
	h := w.Header()
	if h.Get("Retry-After") != "2" || h.Get("RateLimit") != `"network";r=0;t=2` || h.Get("RateLimit-Policy") != `"network";q=10;w=20` ||
		h.Get("Content-Type") != "application/problem+json" || h.Get("Etag") != "" {
		t.Errorf("%v", h)
	}
	for _, path := range []string{"/api/books?limit=3", "/api/books/1", "/nothing", "/openapi.json", "/api/files/download/1/epub"} {
		if n, _ := from(a, "192.0.2.7:5", path, 3); n != 0 {
			t.Errorf("%s is answered", path)
		}
	}
	for _, path := range []string{"/api/health", "/api/health/live", "/api/health/ready"} {
		if n, w := from(a, "192.0.2.7:5", path, 30); n != 30 || w.Code != http.StatusOK {
			t.Errorf("%s: %d answers, and %d", path, n, w.Code)
		}
	}
	for address, more := range map[string][]string{
		"192.0.2.8:4":    nil,
		"[2001:db8::1]:": nil,
		"203.0.113.1:1":  {"X-Forwarded-For", "192.0.2.7"}, // anybody can say so
		"198.51.100.4:1": {"X-Forwarded-For", "192.0.2.7, 192.0.2.99"},
	} {
		if n, _ := from(a, address, "/api/books?limit=2", 50, more...); n != 10 {
			t.Errorf("%s: %d answers, want 10", address, n)
		}
	}
	if n, _ := from(a, "198.51.100.5:1", "/api/books?limit=2", 5, "X-Forwarded-For", "192.0.2.7"); n != 0 {
		t.Error("a proxy that is trusted hides its client")
	}
	if n, _ := from(a, "[2001:db8::ffff]:1", "/api/books", 5); n != 0 {
		t.Error("another address of a /64 is answered")
	}
	if n, _ := from(a, "127.0.0.1:9", "/api/books", 50); n != 50 {
		t.Errorf("this machine gets %d answers of 50", n)
	}
	if s := a.LimitStats().Networks; s.Refused == 0 || s.Keys < 5 {
		t.Errorf("%+v", s)
	}
}

// TestRateOfUsers: wherever they are, and whatever they show.
func TestRateOfUsers(t *testing.T) {
	d := newDoor(t)
	a, _ := newAPI(t, d.option, func(o *httpapi.Options) {
		o.PublicRead = false
		o.Limits.Users, o.Limits.Networks = limiter(10), limiter(20)
	})
	ada, bob := d.login(t, auth.Rule{}), d.login(t, auth.Rule{})
	if n, _ := from(a, "192.0.2.1:1", "/api/books?limit=2", 6, bearer(ada)...); n != 6 {
		t.Errorf("%d of 6", n)
	}
	n, w := from(a, "192.0.2.2:1", "/api/me", 50, bearer(ada)...)
	if n != 4 || !strings.HasPrefix(w.Header().Get("RateLimit"), `"user"`) {
		t.Errorf("from elsewhere %d more, want 4; %v", n, w.Header())
	}
	if n, _ := from(a, "192.0.2.1:1", "/api/books?limit=2", 50, bearer(ada)...); n != 0 {
		t.Error("what is kept ready is answered")
	}
	if n, _ := from(a, "192.0.2.1:1", "/api/books?limit=2", 50, bearer(bob)...); n != 10 {
		t.Errorf("another user gets %d, want 10", n)
	}
	// Who shows what is not good is nobody.
	if n, w := from(a, "192.0.2.1:1", "/api/books?limit=2", 50, bearer(ada+"x")...); n != 20 || !strings.HasPrefix(w.Header().Get("RateLimit"), `"network"`) {
		t.Errorf("bad tokens: %d, want the 20 of the network; %v", n, w.Header())
	}
	if n, _ := from(a, "192.0.2.1:1", "/api/books?limit=2", 1, bearer(bob)...); n != 0 {
		t.Error("bob again")
	}
}

// TestBusy: with no processor free what is kept ready is answered, and files are;
// all else is refused at once, or waits for its turn.
func TestBusy(t *testing.T) {
	q := admission.New(admission.Options{Running: 1, MaxWait: time.Millisecond})
	var pressed atomic.Bool
	s, content := tideShelf(t, func(o *httpapi.Options) {
		o.Limits.Work, o.Limits.Pressed = q, pressed.Load
		o.Cache = inMemory()
	})
	ready := get(s.api, "/api/books?limit=2")
	refused := func(what, path string) {
		t.Helper()
		w := get(s.api, path)
		if after := w.Header().Get("Retry-After"); w.Code != http.StatusServiceUnavailable || after < "1" || after > "4" {
			t.Errorf("%s: %s is %d, after %q", what, path, w.Code, after)
		}
	}
	leave, err := q.Enter(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/api/books?limit=3", "/api/books/1", "/api/authors", "/api/search/suggest?q=a"} {
		refused("busy", path)
	}
	wantBody(t, s.api, "/api/books?limit=2", ready.Body.Bytes())
	wantBody(t, s.api, tideURL, content)
	if w := get(s.api, "/api/health/live"); w.Code != http.StatusOK {
		t.Errorf("health: %d", w.Code)
	}
	leave()
	if w := get(s.api, "/api/books?limit=3"); w.Code != http.StatusOK {
		t.Errorf("afterwards: %d", w.Code)
	}
	pressed.Store(true)
	refused("no memory", "/api/books?limit=4")
	refused("no memory", tideURL)
	wantBody(t, s.api, "/api/books?limit=2", ready.Body.Bytes())
	pressed.Store(false)
	wantBody(t, s.api, tideURL, content)
	if s := s.api.LimitStats(); s.Work.Refused != 4 || s.Pressed != 2 || s.Downloads.Open != 0 || s.Work.Running != 0 {
		t.Errorf("%+v", s)
	}
}

// TestMaxDownloads: one network gets some of the downloads that may go on, all get
// no more than there may be, and lists go on.
func TestMaxDownloads(t *testing.T) {
	s, _ := tideShelf(t, func(o *httpapi.Options) { o.Limits.MaxDownloads = 6 })
	wait := make(chan struct{})
	begin := func(address string) {
		r := httptest.NewRequest(http.MethodGet, tideURL, nil)
		r.RemoteAddr = address
		w := &heldWriter{ResponseRecorder: httptest.NewRecorder(), begun: make(chan struct{}), wait: wait}
		go s.api.ServeHTTP(w, r)
		<-w.begun
	}
	for range 4 {
		begin("192.0.2.1:1")
	}
	_, w := from(s.api, "192.0.2.1:1", tideURL, 1)
	if w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") == "" {
		t.Errorf("a fifth download: %d", w.Code)
	}
	begin("192.0.2.2:1")
	begin("192.0.2.2:1")
	if _, w := from(s.api, "192.0.2.3:1", tideURL, 1); w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
		t.Errorf("a seventh: %d", w.Code)
	}
	if _, w := from(s.api, "192.0.2.3:1", "/api/books", 1); w.Code != http.StatusOK {
		t.Errorf("a list: %d", w.Code)
	}
	if d := s.api.LimitStats().Downloads; d != (httpapi.SlotStats{Open: 6, Full: 1, PerUser: 1}) {
		t.Errorf("%+v", d)
	}
	close(wait)
	for s.api.LimitStats().Downloads.Open > 0 {
		<-time.After(time.Millisecond)
	}
	if _, w := from(s.api, "192.0.2.1:1", tideURL, 1); w.Code != http.StatusOK {
		t.Errorf("afterwards: %d", w.Code)
	}
}

// heldWriter takes nothing for a while.
type heldWriter struct {
	*httptest.ResponseRecorder
	begun chan struct{}
	wait  chan struct{}
	held  bool
}

func (w *heldWriter) Write(b []byte) (int, error) {
	if !w.held {
		w.held = true
		close(w.begun)
		<-w.wait
	}
	return w.ResponseRecorder.Write(b)
}

// TestSlowBody: a body that does not come ends the request, also where nobody
// wanted it, and one that comes in pieces is read.
func TestSlowBody(t *testing.T) {
	a, _ := newAPI(t, func(o *httpapi.Options) { o.Limits.BodyTime = 200 * time.Millisecond })
	get(a, "/api/books?limit=2") // is kept ready
	srv := httptest.NewServer(a)
	defer srv.Close()
	ask := func(head, body string) (status string, closed bool) {
		c, err := net.Dial("tcp", srv.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if _, err := fmt.Fprintf(c, "%s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n%s", head, body); err != nil {
			t.Fatal(err)
		}
		res, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		_, _ = io.Copy(io.Discard, res.Body)
		_, err = c.Read(make([]byte, 1)) // blocks while the server waits for more
		return res.Status, err != nil
	}
	for _, c := range []struct{ head, body, want string }{
		{"POST /api/books/search", "Content-Length: 20\r\n\r\n{\"limit\"", "408 Request Timeout"},
		{"POST /api/books/search", "Transfer-Encoding: chunked\r\n\r\n3\r\n{\"l", "408 Request Timeout"},
		{"GET /api/books?limit=2", "Content-Length: 20\r\n\r\n{", "200 OK"},
		{"GET /api/books?limit=7", "Content-Length: 20\r\n\r\n{", "200 OK"},
		{"POST /api/books/search", "Connection: close\r\nContent-Length: 11\r\n\r\n{\"limit\":2}", "200 OK"},
	} {
		if status, closed := ask(c.head, c.body); status != c.want || !closed {
			t.Errorf("%s %q: %s, closed %v", c.head, c.body, status, closed)
		}
	}
}

// TestBodyTimeEnds: the time for a body is not that for the answer.
func TestBodyTimeEnds(t *testing.T) {
	q := admission.New(admission.Options{Running: 1, MaxWait: time.Hour})
	a, _ := newAPI(t, func(o *httpapi.Options) { o.Limits.BodyTime, o.Limits.Work = 20*time.Millisecond, q })
	srv := httptest.NewServer(a)
	defer srv.Close()
	leave, err := q.Enter(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(100*time.Millisecond, leave)
	res, err := http.Post(srv.URL+"/api/books/search", "application/json", strings.NewReader(`{"limit": 2}`))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if body, err := io.ReadAll(res.Body); res.StatusCode != http.StatusOK || len(body) == 0 || err != nil {
		t.Errorf("%s, %d bytes, %v", res.Status, len(body), err)
	}
}

func TestManyHeaders(t *testing.T) {
	a, _ := newAPI(t)
	var header []string
	for i := range 101 {
		header = append(header, fmt.Sprint("X-", i), "y")
	}
	if w := get(a, "/api/books?limit=9", header...); w.Code != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("%d", w.Code)
	}
}

// TestHTTP2 fetches a file and a list over HTTP/2, whose answers are written in
// pieces.
func TestHTTP2(t *testing.T) {
	s, _ := tideShelf(t)
	content := noise(1<<20 + 123)
	s.write(tideEPUB, content)
	srv := httptest.NewUnstartedServer(s.api)
	srv.EnableHTTP2 = true
	srv.StartTLS()
	defer srv.Close()
	res, err := srv.Client().Get(srv.URL + tideURL)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil || res.ProtoMajor != 2 || !bytes.Equal(body, content) {
		t.Errorf("%s: %d bytes of %d, %v", res.Proto, len(body), len(content), err)
	}
}

// TestBoundedConnectionsUseSendfile: what bounds connections is not in the way.
func TestBoundedConnectionsUseSendfile(t *testing.T) {
	s, _ := tideShelf(t)
	content := noise(6<<20 + 123)
	s.write(tideEPUB, content)
	srv := httptest.NewUnstartedServer(s.api)
	l := &watchedListener{Listener: srv.Listener}
	srv.Listener = conns.Listen(l, conns.Options{Max: 10})
	srv.Start()
	defer srv.Close()
	res, err := http.Get(srv.URL + tideURL)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if got := drain(t, res.Body); got != string(content) {
		t.Fatalf("%d bytes, want %d", len(got), len(content))
	}
	if l.files.Load() < int64(len(content))-512 || l.others.Load() != 0 {
		t.Errorf("%d of %d bytes went as a file, and %d other calls", l.files.Load(), len(content), l.others.Load())
	}
}

// BenchmarkLimits is a ready answer without limits, with one for its network, and
// with one for its user beside the same user without.
func BenchmarkLimits(b *testing.B) {
	d := newDoor(b)
	generous := ratelimit.New(ratelimit.Options{Rate: ratelimit.Rate{PerSecond: 1e9, Burst: 1e9}})
	free, _ := newAPI(b, d.option)
	limited, _ := newAPI(b, d.option, func(o *httpapi.Options) { o.Limits.Users, o.Limits.Networks = generous, generous })
	token := d.login(b, auth.Rule{})
	for _, c := range []struct {
		name   string
		a      *httpapi.API
		header []string
	}{{"network free", free, nil}, {"network limited", limited, nil}, {"user free", free, bearer(token)}, {"user limited", limited, bearer(token)}} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			_, w := from(c.a, "192.0.2.1:1", "/api/books?limit=50", 1, c.header...)
			if w.Code != http.StatusOK {
				b.Fatal(w.Body)
			}
			r := httptest.NewRequest(http.MethodGet, "/api/books?limit=50", nil)
			r.RemoteAddr = "192.0.2.1:1234"
			for i := 0; i+1 < len(c.header); i += 2 {
				r.Header.Set(c.header[i], c.header[i+1])
			}
			out := discard{http.Header{}}
			for b.Loop() {
				clear(out.header)
				c.a.ServeHTTP(out, r)
			}
		})
	}
}

type discard struct{ header http.Header }

func (d discard) Header() http.Header       { return d.header }
func (discard) Write(b []byte) (int, error) { return len(b), nil }
func (discard) WriteHeader(int)             {}

// TestRateOfAppPasswords: a network that has sent too much does not have the
// database asked for one app password after another; one that is known is good all
// the same.
func TestRateOfAppPasswords(t *testing.T) {
	d := newDoor(t)
	a, _ := newAPI(t, d.option, func(o *httpapi.Options) {
		o.PublicRead = false
		o.Limits.Networks = limiter(5) // fewer than lock a network out
	})
	user := d.create(t, "ada", auth.Rule{})
	_, text, err := d.logins.AddAppPassword(t.Context(), user.ID, "reader", []auth.Scope{auth.ScopeRead}, auth.Client{})
	if err != nil {
		t.Fatal(err)
	}
	const address = "192.0.2.1:1"
	good := func() int { _, w := from(a, address, "/api/books?limit=2", 1, basic("ada", text)...); return w.Code }
	if code := good(); code != http.StatusOK {
		t.Fatal(code)
	}
	for n := range 100 {
		from(a, address, "/api/books", 1, basic("ada", fmt.Sprintf("%026d", n))...)
	}
	failed := 0
	events, err := d.logins.Events(t.Context(), 0, 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		if e.Action == auth.FailedLogIn {
			failed++
		}
	}
	if failed > 5 || failed == 0 {
		t.Errorf("%d app passwords were looked up", failed)
	}
	if _, w := from(a, address, "/api/books", 1, basic("ada", strings.Repeat("b", 26))...); w.Code != http.StatusTooManyRequests {
		t.Errorf("one more: %d", w.Code)
	}
	if code := good(); code != http.StatusOK {
		t.Errorf("the good one afterwards: %d", code)
	}
}

// TestLogWithoutLogins: nobody can be known, whatever they show, also to the log.
func TestLogWithoutLogins(t *testing.T) {
	var log bytes.Buffer
	var known atomic.Int64
	a, _ := newAPI(t, func(o *httpapi.Options) {
		o.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		o.Cache = inMemory()
		o.Observe = func(_ context.Context, o httpapi.Observation) {
			if o.Known {
				known.Add(1)
			}
		}
	})
	for range 3 {
		if w := get(a, "/api/books?limit=2", bearer("anything")...); w.Code != http.StatusOK {
			t.Fatal(w.Code)
		}
	}
	if n := strings.Count(log.String(), "msg=Answered"); n != 3 || known.Load() != 0 {
		t.Errorf("%d known, log:\n%s", known.Load(), log.String())
	}
}
