package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/pressmark/pressmark/cache"
)

// metrics are what Prometheus is told.
type metrics struct {
	registry *prometheus.Registry
	loads    *prometheus.HistogramVec
	requests *requestMetrics
	logins   *loginMetrics
	catalog  *catalogMetrics
	stores   *prometheus.HistogramVec
	queries  *prometheus.HistogramVec
	redis    *prometheus.HistogramVec
	lost     prometheus.Counter // spans
}

func newMetrics() *metrics {
	m := &metrics{registry: prometheus.NewRegistry()}
	m.loads = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "cache_load_duration_seconds", Help: "Time to make what was not in the cache.",
		Buckets: []float64{.0001, .0005, .001, .005, .01, .05, .1, .5, 1, 5},
	}, []string{"namespace", "result"})
	m.requests, m.logins, m.catalog = newRequestMetrics(), newLoginMetrics(), newCatalogMetrics()
	m.stores, m.queries, m.redis = newStoreMetrics(), newQueryMetrics(), newRedisMetrics()
	m.lost = prometheus.NewCounter(prometheus.CounterOpts{Name: "trace_spans_lost_total", Help: "Spans of traces that could not be sent."})
	m.registry.MustRegister(m.requests, m.logins, m.catalog, m.stores, m.queries, m.redis, m.lost)
	m.registry.MustRegister(m.loads, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// cacheEvent notes what counting alone does not tell.
func (m *metrics) cacheEvent(e cache.Event) {
	switch e.Kind {
	case cache.Loaded:
		m.loads.WithLabelValues(e.Namespace, "ok").Observe(e.Took.Seconds())
	case cache.LoadFailed:
		m.loads.WithLabelValues(e.Namespace, "error").Observe(e.Took.Seconds())
	}
}

func (m *metrics) register(c *cache.Cache) { m.registry.MustRegister(newCacheCollector(c)) }

// cacheCollector tells the counts of a cache. Hits and misses have the names that
// dashboards expect.
type cacheCollector struct {
	cache                                           *cache.Cache
	hits, misses, joins, stale, invalidations       *prometheus.Desc
	evictions, dropped, items, bytes, max           *prometheus.Desc
	breakerOpen, breakerOpened, failures, listening *prometheus.Desc
}

func newCacheCollector(c *cache.Cache) *cacheCollector {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("cache_"+name, help, labels, nil)
	}
	return &cacheCollector{
		cache:         c,
		hits:          desc("hits_total", "Values found in a tier of the cache.", "namespace", "tier"),
		misses:        desc("misses_total", "Values not found in a tier of the cache.", "namespace", "tier"),
		joins:         desc("joins_total", "Callers who waited for a load that another had begun.", "namespace"),
		stale:         desc("stale_total", "Old values returned, as the new one was being made or could not be had.", "namespace"),
		invalidations: desc("invalidations_total", "Keys forgotten: sent by this process, or received from others.", "namespace", "direction"),
		evictions:     desc("evictions_total", "Values that left the memory of this process to make room, or because their time was over."),
		dropped:       desc("dropped_total", "Values that were not taken into the memory of this process."),
		items:         desc("items", "Values in the memory of this process."),
		bytes:         desc("bytes", "Memory that they take."),
		max:           desc("max_bytes", "Memory that they may take."),
		breakerOpen:   desc("breaker_open", "1 while the shared cache is left alone because it failed."),
		breakerOpened: desc("breaker_opened_total", "How often it was left alone."),
		failures:      desc("shared_failures_total", "Calls of the shared cache that failed."),
		listening:     desc("listening", "1 while other processes are heard."),
	}
}

// Describe implements prometheus.Collector.
func (cc *cacheCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		cc.hits, cc.misses, cc.joins, cc.stale, cc.invalidations, cc.evictions, cc.dropped, cc.items, cc.bytes, cc.max,
		cc.breakerOpen, cc.breakerOpened, cc.failures, cc.listening,
	} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (cc *cacheCollector) Collect(ch chan<- prometheus.Metric) {
	count := func(d *prometheus.Desc, n uint64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(n), labels...)
	}
	gauge := func(d *prometheus.Desc, n int64) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(n))
	}
	for _, s := range cc.cache.Stats() {
		if s.Local {
			count(cc.hits, s.LocalHits, s.Namespace, "local")
			count(cc.misses, s.LocalMisses, s.Namespace, "local")
		}
		if s.Shared {
			count(cc.hits, s.SharedHits, s.Namespace, "shared")
			count(cc.misses, s.SharedMisses, s.Namespace, "shared")
		}
		count(cc.joins, s.Joins, s.Namespace)
		count(cc.stale, s.Stale, s.Namespace)
		if s.Forgets {
			count(cc.invalidations, s.ForgetsSent, s.Namespace, "sent")
			count(cc.invalidations, s.ForgetsReceived, s.Namespace, "received")
		}
	}
	if u, ok := cc.cache.Usage(); ok {
		count(cc.evictions, u.Evicted)
		count(cc.dropped, u.Dropped)
		gauge(cc.items, u.Items)
		gauge(cc.bytes, u.Bytes)
		gauge(cc.max, u.Max)
	}
	if s := cc.cache.Shared(); s.Used {
		gauge(cc.breakerOpen, gaugeOf(s.Open))
		count(cc.breakerOpened, s.Opened)
		count(cc.failures, s.Failures)
		gauge(cc.listening, gaugeOf(s.Listening))
	}
}

func gaugeOf(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// Metrics returns what Prometheus reads, for somebody's own http.Server.
func (s *Server) Metrics() http.Handler {
	return promhttp.HandlerFor(s.metrics.registry, promhttp.HandlerOpts{})
}

// serveMetrics serves /metrics on Config.MetricsAddr until ctx ends.
func (s *Server) serveMetrics(ctx context.Context, ln net.Listener) {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", s.Metrics())
	handleProfiles(mux)
	srv := &http.Server{Handler: mux, ReadHeaderTimeout: readHeaderTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeaderBytes}
	stop := context.AfterFunc(ctx, func() { srv.Close() })
	defer stop()
	s.log.Info("Serving metrics", "url", "http://"+ln.Addr().String()+"/metrics")
	if err := srv.Serve(ln); err != nil && !errors.Is(err, http.ErrServerClosed) {
		s.log.Error("Stopped serving metrics", "err", err)
	}
}

func (s *Server) listenMetrics(ctx context.Context) (net.Listener, error) {
	if s.config.MetricsAddr == "" {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "tcp", s.config.MetricsAddr)
	if err != nil {
		return nil, fmt.Errorf("METRICS_ADDR %s: %w", s.config.MetricsAddr, err)
	}
	return ln, nil
}
