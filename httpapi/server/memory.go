package server

import (
	"context"
	"log/slog"
	"math"
	"runtime/debug"
	runtimemetrics "runtime/metrics"
	"sync/atomic"
	"time"
)

// memory tells when the memory that the process may use is nearly used up.
type memory struct{ nearlyFull atomic.Bool }

const (
	// full is the part of the limit from which on work is refused. Above it the
	// collector would run all the time, and the system may kill the process.
	full = 0.95
	// lookAtMemory is the time between two looks.
	lookAtMemory = 100 * time.Millisecond
)

// watch looks at memory until ctx ends. Without a limit (GOMEMLIMIT, which the
// program sets where a container has one) there is nothing to look at.
func (m *memory) watch(ctx context.Context, log *slog.Logger) {
	limit := debug.SetMemoryLimit(-1) // asks
	if limit == math.MaxInt64 {
		return
	}
	tick := time.NewTicker(lookAtMemory)
	defer tick.Stop()
	use := newUse()
	var said time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			n := use.bytes()
			is := float64(n) > full*float64(limit)
			if was := m.nearlyFull.Swap(is); is && !was && time.Since(said) > time.Minute {
				said = time.Now()
				log.Warn("Memory is nearly used up: what is not in the cache is refused; give more, or set CACHE_LOCAL_MAX_BYTES lower", "component", "limits", "used", n, "limit", limit)
			}
		}
	}
}

// use reads how much memory there would be in use after a collection.
type use []runtimemetrics.Sample

func newUse() use {
	return use{
		{Name: "/gc/heap/live:bytes"},
		{Name: "/memory/classes/heap/stacks:bytes"},
		{Name: "/memory/classes/metadata/mspan/inuse:bytes"},
		{Name: "/memory/classes/metadata/other:bytes"},
		{Name: "/memory/classes/os-stacks:bytes"},
		{Name: "/memory/classes/other:bytes"},
	}
}

func (u use) bytes() (n uint64) {
	runtimemetrics.Read(u)
	for _, s := range u {
		if s.Value.Kind() == runtimemetrics.KindUint64 {
			n += s.Value.Uint64()
		}
	}
	return n
}
