package main

import (
	"time"

	"github.com/pressmark/pressmark/internal/rig"
)

// speed sums up what one server did in all slices of a row: medians over them.
type speed struct {
	PerSecond  float64       `json:"requests_per_second"`
	Bytes      float64       `json:"bytes_per_second"`
	P50        time.Duration `json:"p50_ns"`
	P95        time.Duration `json:"p95_ns"`
	CPU        time.Duration `json:"cpu_per_request_ns"`
	CPUPerByte float64       `json:"cpu_ns_per_byte"`
}

// sample is a slice with the processor time that the server took for it.
type sample struct {
	slice
	cpu time.Duration
}

func (s sample) cpuPerRequest() float64 { return float64(s.cpu) / float64(max(s.requests, 1)) }

func (s sample) bytesPerSecond() float64 { return float64(s.bytes) / s.elapsed.Seconds() }

func sumUp(samples []sample) speed {
	var rate, bytes, cpu, perByte []float64
	var p50, p95 []time.Duration
	for _, s := range samples {
		seconds := s.elapsed.Seconds()
		rate = append(rate, float64(s.requests)/seconds)
		bytes = append(bytes, float64(s.bytes)/seconds)
		cpu = append(cpu, s.cpuPerRequest())
		perByte = append(perByte, float64(s.cpu)/float64(max(s.bytes, 1)))
		p50 = append(p50, rig.Quantile(s.took, 0.50))
		p95 = append(p95, rig.Quantile(s.took, 0.95))
	}
	return speed{
		PerSecond: rig.Median(rate), Bytes: rig.Median(bytes), CPU: time.Duration(rig.Median(cpu)),
		CPUPerByte: rig.Median(perByte), P50: rig.Median(p50), P95: rig.Median(p95),
	}
}

// medianRatio is the median of of(a)/of(b) over pairs of slices that were
// taken one after the other: what slows the machine down for a while slows
// both of a pair.
func medianRatio(a, b []sample, of func(sample) float64) float64 {
	var ratios []float64
	for i := range min(len(a), len(b)) {
		if d := of(b[i]); d > 0 {
			ratios = append(ratios, of(a[i])/d)
		}
	}
	return rig.Median(ratios)
}
