package server

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/pressmark/pressmark/storage/diskcache"
)

// downloadsCollector tells the figures of the cache of downloads.
type downloadsCollector struct {
	cache *diskcache.Cache
	all   []downloadsFigure
}

type downloadsFigure struct {
	desc *prometheus.Desc
	kind prometheus.ValueType
	of   func(*diskcache.Stats) int64
}

func newDownloadsCollector(c *diskcache.Cache) *downloadsCollector {
	figure := func(kind prometheus.ValueType, name, help string, of func(*diskcache.Stats) int64) downloadsFigure {
		return downloadsFigure{prometheus.NewDesc("download_cache_"+name, help, nil, nil), kind, of}
	}
	const count, gauge = prometheus.CounterValue, prometheus.GaugeValue
	return &downloadsCollector{c, []downloadsFigure{
		figure(count, "hits_total", "Blocks of downloads that were on disk.", func(s *diskcache.Stats) int64 { return s.Hits }),
		figure(count, "misses_total", "Blocks of downloads that had to be waited for.", func(s *diskcache.Stats) int64 { return s.Misses }),
		figure(count, "fetches_total", "Downloads from where the files are, to be kept.", func(s *diskcache.Stats) int64 { return s.Fetches }),
		figure(count, "fetched_bytes_total", "Bytes that they brought.", func(s *diskcache.Stats) int64 { return s.BytesFetched }),
		figure(count, "evictions_total", "Blocks that were removed to make room.", func(s *diskcache.Stats) int64 { return s.Evictions }),
		figure(count, "discarded_total", "Files that were damaged, and removed.", func(s *diskcache.Stats) int64 { return s.Discarded }),
		figure(count, "bypassed_total", "Downloads that were passed on and not kept.", func(s *diskcache.Stats) int64 { return s.Bypassed }),
		figure(gauge, "blocks", "Blocks on disk.", func(s *diskcache.Stats) int64 { return s.Blocks }),
		figure(gauge, "bytes", "Disk space that they take.", func(s *diskcache.Stats) int64 { return s.Bytes }),
		figure(gauge, "degraded", "1 while nothing can be written.", func(s *diskcache.Stats) int64 { return gaugeOf(s.Degraded) }),
	}}
}

// Describe implements prometheus.Collector.
func (dc *downloadsCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, f := range dc.all {
		ch <- f.desc
	}
}

// Collect implements prometheus.Collector.
func (dc *downloadsCollector) Collect(ch chan<- prometheus.Metric) {
	s := dc.cache.Stats()
	for _, f := range dc.all {
		ch <- prometheus.MustNewConstMetric(f.desc, f.kind, float64(f.of(&s)))
	}
}
