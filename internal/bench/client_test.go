package main

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// serverAddr runs a handler until the test ends.
func serverAddr(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

func TestClient(t *testing.T) {
	big := bytes.Repeat([]byte("0123456789abcdef"), 20_000) // more than a buffer
	huge := bytes.Repeat(big, 4)                            // more than is kept
	addr := serverAddr(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Long", strings.Repeat("x", len(r.URL.RawQuery)*1000))
		switch r.URL.Path {
		case "/none":
			w.WriteHeader(http.StatusNotModified)
		case "/big":
			http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(big))
		case "/huge":
			http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(huge))
		case "/missing":
			http.Error(w, "not here", http.StatusNotFound)
		default:
			w.Write([]byte("hello " + r.Header.Get("X-Name")))
		}
	})
	c, err := dial(addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	for _, want := range []struct {
		target string
		status int
		body   string
		size   int64
	}{
		{"/", 200, "hello you", 9},
		{"/none", 304, "", 0},
		{"/big", 200, string(big), int64(len(big))},
		{"/huge", 200, "", int64(len(huge))},
		{"/missing", 404, "not here\n", 9},
		{"/?" + strings.Repeat("q", 60), 200, "hello you", 9}, // headers longer than half a buffer
	} {
		a, err := c.do(get(nil, want.target, "X-Name: you"))
		if err != nil {
			t.Fatalf("%s: %v", want.target, err)
		}
		if a.status != want.status || a.size != want.size || string(a.body) != want.body {
			t.Errorf("%.20s: status %d, %d bytes, body %.40q", want.target, a.status, a.size, a.body)
		}
	}
}

func TestClientErrors(t *testing.T) {
	addr := serverAddr(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/chunked":
			w.(http.Flusher).Flush()
		case "/cut":
			w.Header().Set("Content-Length", "1000")
			w.Write([]byte("short"))
		case "/endless":
			w.Header().Set("X", strings.Repeat("x", maxHead+1))
		}
	})
	for path, want := range map[string]string{
		"/chunked": "without Content-Length", "/cut": "closed the connection", "/endless": "do not end",
	} {
		c, err := dial(addr)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.do(get(nil, path)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", path, err, want)
		}
		c.close()
	}
}

func TestParseHead(t *testing.T) {
	for head, want := range map[string][2]int64{
		"HTTP/1.1 200 OK\r\ncontent-LENGTH:  12\r\nA: b\r\n\r\n":           {200, 12},
		"HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n":           {304, 0},
		"HTTP/1.1 404\r\nX-Content-Length: 1\r\nContent-Length: 0\r\n\r\n": {404, 0},
	} {
		status, length, err := parseHead([]byte(head))
		if err != nil || int64(status) != want[0] || length != want[1] {
			t.Errorf("%q: %d, %d, %v", head, status, length, err)
		}
	}
	for _, head := range []string{
		"", "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\n", "HTTP/1.1 2x0 OK\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
	} {
		if _, _, err := parseHead([]byte(head)); err == nil {
			t.Errorf("%q: no error", head)
		}
	}
}

func TestLoad(t *testing.T) {
	var seen atomic.Int64
	addr := serverAddr(t, func(w http.ResponseWriter, r *http.Request) {
		seen.Add(1)
		w.Write([]byte(r.URL.Path))
	})
	l, err := newLoad(addr, 200, again([][]byte{get(nil, "/aa"), get(nil, "/bb")})(0, 3))
	if err != nil {
		t.Fatal(err)
	}
	defer l.close()
	for range 2 { // the second run begins anew
		seen.Store(0)
		s, err := l.run(t.Context(), 20*time.Millisecond)
		if err != nil {
			t.Fatal(err)
		}
		if n := int(seen.Load()); s.requests != n || n == 0 || len(s.took) != n || s.bytes != int64(3*n) {
			t.Errorf("%d requests, %d seen, %d times, %d bytes", s.requests, n, len(s.took), s.bytes)
		}
	}
}

func TestLoadStopsAtFaults(t *testing.T) {
	var seen atomic.Int64
	addr := serverAddr(t, func(w http.ResponseWriter, r *http.Request) {
		if seen.Add(1) == 5 {
			http.Error(w, "no more", http.StatusInternalServerError)
		}
		w.Write(nil)
	})
	l, err := newLoad(addr, 200, same(get(nil, "/x?y=z"))(0, 2))
	if err != nil {
		t.Fatal(err)
	}
	defer l.close()
	_, err = l.run(t.Context(), time.Minute)
	if err == nil || !strings.Contains(err.Error(), "GET /x?y=z: answered 500, expected 200: no more") {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := l.run(ctx, time.Minute); err != context.Canceled {
		t.Errorf("cancelled: %v", err)
	}
}

func TestBare(t *testing.T) {
	stored := "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nEtag: \"x\"\r\nDate: long ago\r\nContent-Length: 2\r\n\r\n{}"
	h, err := bareHandler([]byte(stored))
	if err != nil {
		t.Fatal(err)
	}
	c, err := dial(serverAddr(t, h))
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	a, err := c.do(get(nil, "/any"))
	if err != nil {
		t.Fatal(err)
	}
	if a.status != 200 || string(a.body) != "{}" || headerOf(a.head, "ETag") != `"x"` ||
		headerOf(a.head, "content-type") != "application/json" || headerOf(a.head, "date") == "long ago" {
		t.Errorf("%s%s", a.head, a.body)
	}

	h, err = bareHandler([]byte("HTTP/1.1 304 Not Modified\r\nEtag: \"y\"\r\n\r\n"))
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	h(w, nil)
	if w.Code != http.StatusNotModified || w.Header().Get("ETag") != `"y"` || w.Body.Len() > 0 {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	if _, err := bareHandler([]byte("nonsense")); err == nil {
		t.Error("nonsense was taken for an answer")
	}
}
