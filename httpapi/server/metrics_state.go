package server

import (
	"database/sql"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/pressmark/pressmark/httpapi"
)

// stateCollector tells how a server is at the moment that somebody asks.
type stateCollector struct {
	server *Server
	checks []httpapi.Check

	requests, streams, downloads *prometheus.Desc
	age, books, info, problem    *prometheus.Desc
	degraded                     *prometheus.Desc
	used, idle, most             *prometheus.Desc
	waits, waited                *prometheus.Desc
}

func newStateCollector(s *Server, checks []httpapi.Check) *stateCollector {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(name, help, labels, nil)
	}
	return &stateCollector{
		server: s, checks: checks,
		requests:  desc("requests_in_flight", "Requests that are being answered, streams and downloads included."),
		streams:   desc("event_streams", "Event streams that are open."),
		downloads: desc("downloads_active", "Books that are being sent."),
		age:       desc("catalog_age_seconds", "Time since the catalog was last seen to be the library's.", "library"),
		books:     desc("catalog_books", "Books in the catalog.", "library"),
		info:      desc("catalog_info", "1 for the library's id and the revision of its catalog.", "library", "uuid", "revision"),
		problem:   desc("catalog_problem", "1 while the catalog may be out of date.", "library"),
		degraded:  desc("component_degraded", "1 while a part that is in use does not work as it should, as /api/health has it.", "component"),
		used:      desc("database_connections_used", "Connections to the database that are in use.", "pool"),
		idle:      desc("database_connections_idle", "Connections to the database that wait for use.", "pool"),
		most:      desc("database_connections_max", "Connections to the database that there may be.", "pool"),
		waits:     desc("database_waits_total", "Times that a connection had to be waited for.", "pool"),
		waited:    desc("database_wait_seconds_total", "Time that connections were waited for.", "pool"),
	}
}

// Describe implements prometheus.Collector.
func (sc *stateCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		sc.requests, sc.streams, sc.downloads, sc.age, sc.books, sc.info, sc.problem, sc.degraded,
		sc.used, sc.idle, sc.most, sc.waits, sc.waited,
	} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (sc *stateCollector) Collect(ch chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	count := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, v, labels...)
	}
	now := sc.server.api.Activity()
	gauge(sc.requests, float64(now.Requests))
	gauge(sc.streams, float64(now.EventStreams))
	gauge(sc.downloads, float64(now.Downloads))
	for i, lib := range sc.server.libraries {
		name, s := sc.server.config.Libraries[i].Name, lib.Status()
		gauge(sc.problem, float64(gaugeOf(s.Problem != nil)), name)
		if s.Loaded.IsZero() {
			continue
		}
		gauge(sc.age, max(0, time.Since(s.Loaded).Seconds()), name)
		gauge(sc.books, float64(s.Books), name)
		gauge(sc.info, 1, name, s.Revision.Library, s.Revision.Digest)
	}
	for _, c := range sc.checks {
		if r := c.Run(); r.Status != "off" {
			gauge(sc.degraded, float64(gaugeOf(r.Status != "ok")), c.Name)
		}
	}
	for _, p := range sc.server.state.pools() {
		gauge(sc.used, float64(p.used), p.name)
		gauge(sc.idle, float64(p.idle), p.name)
		gauge(sc.most, float64(p.most), p.name)
		count(sc.waits, float64(p.waits), p.name)
		count(sc.waited, p.waited.Seconds(), p.name)
	}
}

// poolStats are the figures of a pool of connections to the database.
type poolStats struct {
	name             string
	used, idle, most int
	waits            int64
	waited           time.Duration
}

func pgxStats(pool *pgxpool.Pool) poolStats {
	s := pool.Stat()
	return poolStats{"postgres", int(s.AcquiredConns()), int(s.IdleConns()), int(s.MaxConns()), s.EmptyAcquireCount(), s.EmptyAcquireWaitTime()}
}

func sqlStats(name string, db *sql.DB) poolStats {
	s := db.Stats()
	return poolStats{name, s.InUse, s.Idle, s.MaxOpenConnections, s.WaitCount, s.WaitDuration}
}
