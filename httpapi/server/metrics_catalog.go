package server

import (
	"context"
	"errors"
	"io/fs"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pressmark/pressmark/catalog/calibre"
)

// catalogMetrics are what looks at the libraries' databases add to.
type catalogMetrics struct {
	took, held, waited *prometheus.HistogramVec
	failures, missed   *prometheus.CounterVec
}

func newCatalogMetrics() *catalogMetrics {
	histogram := func(name, help string, labels ...string) *prometheus.HistogramVec {
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: name, Help: help, Buckets: []float64{.001, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60},
		}, labels)
	}
	return &catalogMetrics{
		took:   histogram("catalog_refresh_duration_seconds", "Time to look at a library's database: full loads, partial ones by comparison, and looks that found it unchanged.", "library", "kind"),
		held:   histogram("catalog_lock_held_seconds", "Time that Calibre was kept from writing, per look that held its lock.", "library"),
		waited: histogram("catalog_lock_wait_seconds", "Time that Calibre kept us from reading, per look that had to wait.", "library"),
		failures: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "catalog_refresh_failures_total", Help: "Looks that failed, after which the last good catalog goes on serving.",
		}, []string{"library", "cause"}),
		missed: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "catalog_refresh_missed_total", Help: "Full loads that found changes which comparisons had missed.",
		}, []string{"library"}),
	}
}

// look returns what is told of the looks at a library.
func (m *catalogMetrics) look(library string) func(calibre.Look) {
	missed := m.missed.WithLabelValues(library) // 0 from the start
	return func(l calibre.Look) {
		if l.LockHeld > 0 {
			m.held.WithLabelValues(library).Observe(l.LockHeld.Seconds())
		}
		if l.LockWaited > 0 {
			m.waited.WithLabelValues(library).Observe(l.LockWaited.Seconds())
		}
		if l.Err != nil {
			m.failures.WithLabelValues(library, causeOf(l.Err)).Inc()
			return
		}
		m.took.WithLabelValues(library, string(l.Kind)).Observe(l.Took.Seconds())
		if l.Missed {
			missed.Inc()
		}
	}
}

// causeOf is why a library could not be read, in few words.
func causeOf(err error) string {
	for _, c := range []struct {
		is   error
		name string
	}{
		{calibre.ErrLocked, "locked"},
		{calibre.ErrNotCalibre, "not_calibre"},
		{calibre.ErrDamaged, "damaged"},
		{fs.ErrNotExist, "missing"},
		{fs.ErrPermission, "permission"},
		{context.DeadlineExceeded, "timeout"},
	} {
		if errors.Is(err, c.is) {
			return c.name
		}
	}
	return "other"
}

func (m *catalogMetrics) all() []prometheus.Collector {
	return []prometheus.Collector{m.took, m.held, m.waited, m.failures, m.missed}
}

// Describe implements prometheus.Collector.
func (m *catalogMetrics) Describe(ch chan<- *prometheus.Desc) {
	for _, c := range m.all() {
		c.Describe(ch)
	}
}

// Collect implements prometheus.Collector.
func (m *catalogMetrics) Collect(ch chan<- prometheus.Metric) {
	for _, c := range m.all() {
		c.Collect(ch)
	}
}
