package server

import (
	"context"
	"errors"
	"maps"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pressmark/pressmark/auth"
	"github.com/pressmark/pressmark/httpapi"
)

// requestMetrics are what requests add to. To find a series by its labels costs
// several times what adding to it does, so those that there are are kept by what
// an Observation has.
type requestMetrics struct {
	took  *prometheus.HistogramVec
	bytes *prometheus.CounterVec
	known atomic.Pointer[map[requestKey]requestSeries]
	mu    sync.Mutex // held to replace known
}

type requestKey struct {
	method, route string
	status        int
}

type requestSeries struct {
	took  prometheus.Observer
	bytes prometheus.Counter
}

func newRequestMetrics() *requestMetrics {
	m := &requestMetrics{
		took: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "request_duration_seconds", Help: "Time to answer requests; of downloads, covers and event streams, until the answer began.",
			Buckets: []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .02, .05, .1, .25, .5, 1, 2.5, 5, 10, 30},
		}, []string{"method", "route", "status"}),
		bytes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "response_bytes_total", Help: "Bytes of bodies that were sent.",
		}, []string{"route"}),
	}
	m.known.Store(&map[requestKey]requestSeries{})
	return m
}

// observe adds a request.
func (m *requestMetrics) observe(o httpapi.Observation) {
	k := requestKey{o.Method, o.Route, o.Status}
	s, ok := (*m.known.Load())[k]
	if !ok {
		s = m.add(k)
	}
	s.took.Observe(o.Took.Seconds())
	s.bytes.Add(float64(o.Bytes))
}

func (m *requestMetrics) add(k requestKey) requestSeries {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := requestSeries{m.took.WithLabelValues(k.method, k.route, strconv.Itoa(k.status)), m.bytes.WithLabelValues(k.route)}
	next := maps.Clone(*m.known.Load())
	next[k] = s
	m.known.Store(&next)
	return s
}

// Describe implements prometheus.Collector.
func (m *requestMetrics) Describe(ch chan<- *prometheus.Desc) {
	m.took.Describe(ch)
	m.bytes.Describe(ch)
}

// Collect implements prometheus.Collector.
func (m *requestMetrics) Collect(ch chan<- prometheus.Metric) {
	m.took.Collect(ch)
	m.bytes.Collect(ch)
}

// loginMetrics count proofs of who somebody is.
type loginMetrics struct {
	*prometheus.CounterVec
	tokens prometheus.Counter // access tokens that were good: the most frequent
}

func newLoginMetrics() *loginMetrics {
	v := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "auth_attempts_total", Help: "Proofs of who somebody is, by kind and by how they turned out.",
	}, []string{"kind", "result"})
	return &loginMetrics{v, v.WithLabelValues(string(auth.ByToken), "ok")}
}

func (m *loginMetrics) observe(p auth.Proof, err error) {
	if p == auth.ByToken && err == nil {
		m.tokens.Inc()
		return
	}
	m.WithLabelValues(string(p), loginResult(err)).Inc()
}

func loginResult(err error) string {
	var locked *auth.LockedError
	switch {
	case err == nil:
		return "ok"
	case errors.As(err, &locked):
		return "locked"
	case errors.Is(err, auth.ErrRefused):
		return "refused"
	case errors.Is(err, auth.ErrBusy):
		return "busy"
	case errors.Is(err, context.Canceled):
		return "canceled"
	}
	return "error"
}
