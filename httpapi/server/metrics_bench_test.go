package server

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/pressmark/pressmark/httpapi"
)

// BenchmarkObserve is what counting one request costs, which every answer pays.
func BenchmarkObserve(b *testing.B) {
	i := &instruments{metrics: newMetrics()}
	o := httpapi.Observation{Method: "GET", Route: "/api/books/{id}", Status: 200, Took: 40 * time.Microsecond, Bytes: 20_000, Ready: true, Known: true}
	b.ReportAllocs()
	for b.Loop() {
		i.observe(b.Context(), o)
	}
}

func TestObserveAllocatesNothing(t *testing.T) {
	i := &instruments{metrics: newMetrics()}
	o := httpapi.Observation{Method: "GET", Route: "/api/books/{id}", Status: 200, Took: time.Microsecond, Bytes: 1, Ready: true, Known: true}
	if n := testing.AllocsPerRun(100, func() { i.observe(t.Context(), o) }); n > 0 {
		t.Errorf("%v allocations per request", n)
	}
}

// blank is a ResponseWriter that keeps nothing.
type blank struct{ h http.Header }

func (w blank) Header() http.Header         { return w.h }
func (w blank) Write(b []byte) (int, error) { return len(b), nil }
func (w blank) WriteHeader(int)             {}

// BenchmarkReady is all that an answer costs which is kept ready, without net/http.
func BenchmarkReady(b *testing.B) {
	s := open(b, sampleConfig(b))
	r := httptest.NewRequest(http.MethodGet, "/api/books?limit=50", nil)
	for range 5 {
		s.Handler().ServeHTTP(httptest.NewRecorder(), r)
		s.caches.local.Wait()
	}
	w := blank{http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		clear(w.h)
		s.Handler().ServeHTTP(w, r)
	}
}
