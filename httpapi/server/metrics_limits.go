package server

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/pressmark/pressmark/httpapi/conns"
)

// limitsCollector tells what limits refuse, by reason, and how near they are.
type limitsCollector struct {
	server                                                          *Server
	refused, keys, exchanges, running, waiting, usual, open, stalls *prometheus.Desc
}

func newLimitsCollector(s *Server) *limitsCollector {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(name, help, labels, nil)
	}
	return &limitsCollector{
		server:    s,
		refused:   desc("limit_refused_total", "What was refused: requests, and connections of a network that had too many.", "reason"),
		keys:      desc("limit_keys", "Users and networks whose requests are counted.", "kind"),
		exchanges: desc("limit_exchanges_total", "Counts exchanged with other replicas: users and networks, and exchanges that failed.", "result"),
		running:   desc("limit_work_running", "Answers that are being made."),
		waiting:   desc("limit_work_waiting", "Answers that wait to be made."),
		usual:     desc("limit_work_usual_seconds", "How long making one has taken of late."),
		open:      desc("limit_open", "What is bounded in number and goes on.", "what"),
		stalls:    desc("limit_connections_total", "Connections that waited for a place, or whose client took nothing.", "event"),
	}
}

// Describe implements prometheus.Collector.
func (lc *limitsCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{lc.refused, lc.keys, lc.exchanges, lc.running, lc.waiting, lc.usual, lc.open, lc.stalls} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (lc *limitsCollector) Collect(ch chan<- prometheus.Metric) {
	count := func(d *prometheus.Desc, n uint64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(n), labels...)
	}
	gauge := func(d *prometheus.Desc, n float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, n, labels...)
	}
	s := lc.server.api.LimitStats()
	var c conns.Stats
	if l := lc.server.limits.listener.Load(); l != nil {
		c = l.Stats()
	}
	covers := lc.server.covers.Stats()
	for reason, n := range map[string]uint64{
		"user_rate": s.Users.Refused, "network_rate": s.Networks.Refused, "work": s.Work.Refused, "memory": s.Pressed,
		"downloads": s.Downloads.Full, "user_downloads": s.Downloads.PerUser,
		"streams": s.Streams.Full, "user_streams": s.Streams.PerUser, "thumbnails": covers.Refused,
		"network_connections": c.Refused,
	} {
		count(lc.refused, n, reason)
	}
	gauge(lc.keys, float64(s.Users.Keys), "user")
	gauge(lc.keys, float64(s.Networks.Keys), "network")
	count(lc.exchanges, s.Users.Exchanged+s.Networks.Exchanged, "ok")
	count(lc.exchanges, s.Users.Failed+s.Networks.Failed, "error")
	gauge(lc.running, float64(s.Work.Running))
	gauge(lc.waiting, float64(s.Work.Waiting))
	gauge(lc.usual, s.Work.Usual.Seconds())
	gauge(lc.open, float64(s.Downloads.Open), "downloads")
	gauge(lc.open, float64(s.Streams.Open), "streams")
	gauge(lc.open, float64(covers.Making), "thumbnails")
	gauge(lc.open, float64(c.Open), "connections")
	count(lc.stalls, c.Waits, "waited")
	count(lc.stalls, c.Stalled, "stalled")
}
