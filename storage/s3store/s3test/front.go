package s3test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"sync"
	"testing"
)

// Front stands in front of a server. It sees every request, and can make it fail.
type Front struct {
	// Server is the one to use, and to be in front of another.
	Server

	mu       sync.Mutex
	requests []string
	fault    func(*http.Request) Fault
}

// Fault is how a request fails. The zero value is not at all.
type Fault struct {
	// Status is answered instead of asking the server, with Code as Amazon's
	// error code.
	Status int
	Code   string
	// Cut breaks the connection off after so many bytes of the answer's body.
	Cut int64
	// Stall is what to wait for at that point, before that. nil is nothing.
	Stall <-chan struct{}
	// ETag is the answer's, as a server has it that mixes two versions.
	ETag string
}

// Front starts a front of s. Signatures are for the host that the client asks, so
// it passes that on.
func (s Server) Front(tb testing.TB) *Front {
	tb.Helper()
	target, err := url.Parse(s.Endpoint)
	if err != nil {
		tb.Fatal(err)
	}
	f := &Front{}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host = target.Scheme, target.Host
			r.Out.Host = r.In.Host
		},
		FlushInterval: -1,
	}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fault := f.see(r)
		switch {
		case fault.Status != 0:
			_, _ = io.Copy(io.Discard, r.Body) // what the client makes of it is its own affair
			w.Header().Set("Content-Type", "application/xml")
			w.WriteHeader(fault.Status)
			_, _ = io.WriteString(w, "<Error><Code>"+fault.Code+"</Code><Message>on purpose, in a test</Message></Error>")
		case fault.Cut > 0 || fault.Stall != nil:
			proxy.ServeHTTP(&cutter{w, r, fault}, r)
		case fault.ETag != "":
			proxy.ServeHTTP(&tagger{w, fault.ETag}, r)
		default:
			proxy.ServeHTTP(w, r)
		}
	}))
	tb.Cleanup(srv.Close)
	f.Server = s
	f.Endpoint = srv.URL
	return f
}

func (f *Front) see(r *http.Request) Fault {
	f.mu.Lock()
	f.requests = append(f.requests, r.Method+" "+r.URL.Path)
	fault := f.fault
	f.mu.Unlock()
	if fault == nil {
		return Fault{}
	}
	return fault(r)
}

// Requests returns the method and path of each request since the last call.
func (f *Front) Requests() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	seen := slices.Clone(f.requests)
	f.requests = nil
	return seen
}

// Fail has fault say how each request fails. nil lets all pass.
func (f *Front) Fail(fault func(*http.Request) Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fault = fault
}

// cutter breaks off what is written to it.
type cutter struct {
	http.ResponseWriter
	r     *http.Request
	fault Fault
}

func (c *cutter) Write(b []byte) (int, error) {
	if int64(len(b)) < c.fault.Cut {
		c.fault.Cut -= int64(len(b))
		return c.ResponseWriter.Write(b)
	}
	_, _ = c.ResponseWriter.Write(b[:c.fault.Cut])
	http.NewResponseController(c.ResponseWriter).Flush()
	if c.fault.Stall != nil {
		select {
		case <-c.fault.Stall:
		case <-c.r.Context().Done():
		}
	}
	panic(http.ErrAbortHandler)
}

// Flush implements http.Flusher, for the proxy.
func (c *cutter) Flush() { http.NewResponseController(c.ResponseWriter).Flush() }

// tagger answers with another ETag.
type tagger struct {
	http.ResponseWriter
	etag string
}

func (t *tagger) WriteHeader(status int) {
	t.Header().Set("ETag", t.etag)
	t.ResponseWriter.WriteHeader(status)
}
