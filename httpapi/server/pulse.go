package server

import (
	"context"
	"sync"
	"time"

	"github.com/pressmark/pressmark/httpapi"
)

// The time between two looks at a database in a file, and how long one may take.
// Those of PostgreSQL are guardEvery and guardWait.
const (
	pulseEvery = 5 * time.Second
	pulseTime  = 2 * time.Second
)

// pulse is whether the database answers. The zero value is one that did when the
// server was opened.
type pulse struct {
	mu    sync.Mutex
	down  bool
	since time.Time
}

// watch looks at the database until ctx ends.
func (p *pulse) watch(ctx context.Context, s *State) {
	tick := time.NewTicker(s.pingEvery)
	defer tick.Stop()
	for {
		err := s.ping(ctx)
		if ctx.Err() != nil {
			return
		}
		p.note(err != nil, time.Now())
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (p *pulse) note(down bool, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.since.IsZero() || p.down != down {
		p.down, p.since = down, now
	}
}

// result is what health says. The error itself may hold addresses.
func (p *pulse) result() httpapi.CheckResult {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.down {
		return httpapi.CheckResult{Status: "degraded", Since: p.since, Detail: "the database does not answer: users who were seen lately can read, nobody can log in"}
	}
	return httpapi.CheckResult{Status: "ok", Since: p.since}
}
