package httpapi_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/pressmark/pressmark/auth"
	"github.com/pressmark/pressmark/httpapi"
	"github.com/pressmark/pressmark/httpapi/admission"
	"github.com/pressmark/pressmark/httpapi/ratelimit"
)

// from sends a GET from an address.
func from(h http.Handler, addr, path string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.RemoteAddr = addr
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// TestRates sends more than a network and a user may, of what is kept ready as well
// as of what is not. Nobody else is held up, and neither is health.
func TestRates(t *testing.T) {
	few := ratelimit.Options{Rate: ratelimit.Rate{PerSecond: 0.01, Burst: 5}}
	d := newDoor(t)
	s := newSample(t, d.option, func(o *httpapi.Options) {
		o.PublicRead = true
		o.Cache = inMemory()
		o.Limits.Users, o.Limits.Networks = ratelimit.New(few), ratelimit.New(few)
	})
	ada, bob := bearer(d.login(t, auth.Rule{})), bearer(d.admin(t))
	for _, c := range []struct {
		name, addr string
		header     []string
		next       string // of somebody else
		others     []string
	}{
		{"network", "203.0.113.9:1", nil, "203.0.113.10:1", nil},
		{"IPv6", "[2001:db8:1:2::7]:1", nil, "[2001:db8:1:3::7]:1", nil},
		{"user", "127.0.0.1:1", ada, "127.0.0.1:1", bob},
	} {
		for i := range 5 {
			path := "/api/books?limit=5" // soon kept ready
			if i > 2 {
				path = fmt.Sprintf("/api/books?limit=%d", 5+i)
			}
			if w := from(s.api, c.addr, path, c.header...); w.Code != 200 {
				t.Fatalf("%s: request %d: %d %s", c.name, i, w.Code, w.Body)
			}
		}
		for _, path := range []string{"/api/books?limit=5", "/api/books?limit=49", "/api/nothing", "/api/files/cover/1"} {
			w := from(s.api, c.addr, path, c.header...)
			if path == "/api/nothing" && c.header != nil {
				continue // no operation has asked who it is
			}
			if w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") == "" || w.Header().Get("RateLimit") == "" ||
				!strings.Contains(w.Header().Get("RateLimit-Policy"), "q=5;w=500") || w.Header().Get("Content-Type") != "application/problem+json" {
				t.Errorf("%s: %s: %d %v", c.name, path, w.Code, w.Header())
			}
		}
		for range 10 {
			if w := from(s.api, c.addr, "/api/health/ready", c.header...); w.Code != 200 {
				t.Fatalf("%s: health: %d", c.name, w.Code)
			}
		}
		if w := from(s.api, c.next, "/api/books?limit=5", c.others...); w.Code != 200 {
			t.Errorf("%s: somebody else: %d %s", c.name, w.Code, w.Body)
		}
	}
	if w := from(s.api, "203.0.113.9:1", "/api/books?limit=5", bob...); w.Code != 200 {
		t.Errorf("a user in a network that has sent too much: %d", w.Code)
	}
	for range 20 {
		if w := from(s.api, "127.0.0.1:1", "/api/books?limit=5"); w.Code != 200 {
			t.Fatalf("this machine: %d", w.Code)
		}
	}
	if st := s.api.LimitStats(); st.Users.Refused != 3 || st.Networks.Refused != 8 {
		t.Errorf("%+v", st)
	}
}

// TestBusy has all that can be done at a time going on, and then no memory left:
// what is kept ready is sent, what is not is refused at once.
func TestBusy(t *testing.T) {
	work := admission.New(admission.Options{Running: 1, MaxWait: time.Nanosecond})
	pressed := false
	s := newSample(t, func(o *httpapi.Options) {
		o.Limits.Work, o.Limits.Pressed = work, func() bool { return pressed }
		o.Cache = inMemory()
	})
	const ready, other = "/api/books?limit=5", "/api/books?limit=6"
	for range 3 {
		if w := get(s.api, ready); w.Code != 200 {
			t.Fatal(w.Code)
		}
	}
	check := func(what string, busy bool) {
		t.Helper()
		for path, works := range map[string]bool{ready: true, other: !busy, "/api/health": true, "/api/files/download/1/epub": !pressed} {
			w := get(s.api, path)
			if works && w.Code != 200 || !works && (w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "") {
				t.Errorf("%s: %s: %d, Retry-After %q", what, path, w.Code, w.Header().Get("Retry-After"))
			}
		}
	}
	leave, err := work.Enter(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	// The one before was quick, so the next would be let wait, for twice MaxWait.
	check("busy", true)
	leave()
	pressed = true
	check("no memory", true)
	pressed = false
	check("again", false)
	if st := s.api.LimitStats(); st.Pressed != 2 || st.Work.Refused == 0 || st.Work.Running != 0 || st.Downloads.Open != 0 {
		t.Errorf("%+v", st)
	}
}

// TestSlowBody sends half of a body: who waits for the rest does so for a bounded
// time, and others of the connection's kind are not held up.
func TestSlowBody(t *testing.T) {
	d := newDoor(t)
	s := newSample(t, d.option, func(o *httpapi.Options) { o.Limits.BodyTime = 50 * time.Millisecond })
	srv := httptest.NewServer(s.api)
	defer srv.Close()
	for _, path := range []string{"/api/auth/login", "/api/books/search"} {
		c, err := net.Dial("tcp", srv.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if _, err := fmt.Fprintf(c, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{\"username\":", path); err != nil {
			t.Fatal(err)
		}
		res, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		body, _ := io.ReadAll(res.Body)
		if res.StatusCode != http.StatusRequestTimeout {
			t.Errorf("%s: %d %s", path, res.StatusCode, body)
		}
		if _, err := c.Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("%s: the connection goes on: %v", path, err)
		}
	}
}

// TestManyHeaders sends more header fields than anybody needs.
func TestManyHeaders(t *testing.T) {
	s := newSample(t)
	var header []string
	for i := range 200 {
		header = append(header, fmt.Sprint("X-", i), "x")
	}
	if w := get(s.api, "/api/books", header...); w.Code != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("%d", w.Code)
	}
}
