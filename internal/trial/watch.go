package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/pressmark/pressmark/internal/rig"
)

// reading is what one replica was at one time.
type reading struct {
	at         time.Time
	memory     float64 // RssAnon in bytes
	goroutines float64
	files      float64 // open descriptors
}

// watcher reads all replicas again and again.
type watcher struct {
	mu       sync.Mutex
	readings map[string][]reading // by replica
}

// watchEvery is the time between two readings.
const watchEvery = time.Second

// run reads until ctx ends. A replica that does not answer is left out.
func (w *watcher) run(ctx context.Context, s *site) {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		for _, r := range s.replicas {
			if got, err := r.read(ctx); err == nil {
				w.mu.Lock()
				if w.readings == nil {
					w.readings = map[string][]reading{}
				}
				w.readings[r.name] = append(w.readings[r.name], got)
				w.mu.Unlock()
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// read looks at a replica once.
func (r *replica) read(ctx context.Context) (reading, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	p := r.process()
	memory, err := rig.RSSAnon(p.PID())
	if err != nil {
		return reading{}, err
	}
	g, err := rig.ReadGauges(ctx, r.metrics)
	if err != nil {
		return reading{}, err
	}
	return reading{at: time.Now(), memory: float64(memory), goroutines: g["go_goroutines"], files: g["process_open_fds"]}, nil
}

// of returns the readings of a replica from a time on.
func (w *watcher) of(name string, from time.Time) []reading {
	w.mu.Lock()
	defer w.mu.Unlock()
	var part []reading
	for _, r := range w.readings[name] {
		if !r.at.Before(from) {
			part = append(part, r)
		}
	}
	return part
}

// trend is how something moved in the second half of a time.
type trend struct {
	mean float64 // of the second half
	rise float64 // in the second half, by the line that fits it best
}

// trendOf fits a line (least squares) to the second half of readings.
func trendOf(readings []reading, of func(reading) float64) trend {
	half := readings[len(readings)/2:]
	n := float64(len(half))
	if n < 2 {
		return trend{}
	}
	var x, y, xx, xy float64
	begin := half[0].at
	for _, r := range half {
		t, v := r.at.Sub(begin).Seconds(), of(r)
		x, y, xx, xy = x+t, y+v, xx+t*t, xy+t*v
	}
	mean := y / n
	spread := n*xx - x*x
	if spread == 0 {
		return trend{mean: mean}
	}
	slope := (n*xy - x*y) / spread
	return trend{mean, slope * half[len(half)-1].at.Sub(begin).Seconds()}
}

// flat reports whether what moved did not rise by more than a share of its mean
// and an allowance for what is always on the move.
func (t trend) flat(share, allowance float64) bool { return t.rise <= share*t.mean+allowance }

// What is flat: a leak passes any bound if it is given time, noise does not.
const (
	flatShare      = 0.10
	flatMemory     = 16 << 20
	flatGoroutines = 40
)

// steadiness is the verdict on one replica.
func steadiness(name string, readings []reading) (ok bool, text string) {
	memory := trendOf(readings, func(r reading) float64 { return r.memory })
	goroutines := trendOf(readings, func(r reading) float64 { return r.goroutines })
	ok = memory.flat(flatShare, flatMemory) && goroutines.flat(flatShare, flatGoroutines)
	var most float64
	for _, r := range readings {
		most = max(most, r.memory)
	}
	return ok, fmt.Sprintf("%s: RssAnon %.0f MiB (%+.1f in the second half, most %.0f), goroutines %.0f (%+.0f)",
		name, memory.mean/(1<<20), memory.rise/(1<<20), most/(1<<20), goroutines.mean, goroutines.rise)
}
