package main

import (
	"context"
	"fmt"
	"time"
)

// searches is what asking for all expressions showed.
type searches struct {
	// first is asked of servers that were just started, again afterwards, and
	// alone of another such server, over one connection.
	first, again, alone lap
	servers             int
	prepared            time.Duration // how long the first server prepared itself
}

// laterRounds is how often a server is asked for all expressions again.
const laterRounds = 3

// searched asks servers of their own for all expressions.
func (l *lab) searched(ctx context.Context, books int) (*searches, error) {
	return once(l.searches, books, func() (*searches, error) {
		s := &searches{servers: 3}
		if books >= large {
			s.servers = 1
		}
		list := expressions()
		for range s.servers {
			err := l.withServer(ctx, books, func(srv *process, prepared time.Duration) error {
				s.prepared = max(s.prepared, prepared)
				for round := range 1 + laterRounds {
					got, err := roundOf(ctx, srv, l.opts.conns, asks(list, round))
					if err != nil {
						return err
					}
					if round == 0 {
						s.first = s.first.and(got)
					} else {
						s.again = s.again.and(got)
					}
				}
				return nil
			})
			if err != nil {
				return nil, err
			}
		}
		return s, l.withServer(ctx, books, func(srv *process, _ time.Duration) (err error) {
			s.alone, err = roundOf(ctx, srv, 1, asks(list, 0))
			return err
		})
	})
}

// withServer starts a server that nothing was asked before, for as long as use
// takes, and tells use how long it prepared itself.
func (l *lab) withServer(ctx context.Context, books int, use func(*process, time.Duration) error) error {
	lib, err := l.library(ctx, books)
	if err != nil {
		return err
	}
	l.rest()
	l.say("asking a new server of %d books", books)
	srv, err := l.serve(lib.dir)
	if err != nil {
		return err
	}
	defer srv.stop()
	if _, err := srv.Ready(ctx, "/api/health/ready", readyWait); err != nil {
		return err
	}
	prepared, err := srv.Prepared(ctx, readyWait)
	if err != nil {
		return err
	}
	return use(srv, prepared)
}

// searchRows are the rows about searching.
func (l *lab) searchRows(n int) []row {
	of := func(show func(*searches) outcome) func(context.Context) (outcome, error) {
		return func(ctx context.Context) (outcome, error) {
			s, err := l.searched(ctx, n)
			if err != nil {
				return outcome{}, err
			}
			return show(s), nil
		}
	}
	timed := func(took time.Duration, lap lap, note string) outcome {
		return outcome{value: took.Seconds(), unit: seconds, ours: lap.speed(), note: note}
	}
	b := budgets[n]
	work := fmt.Sprintf("%d search expressions, never asked before", len(expressions()))
	return []row{
		{"search", work + ": p95", n, timeBudget(b.search), of(func(s *searches) outcome {
			return timed(s.first.quantile(0.95), s.first, fmt.Sprintf(
				"%v; asked once of each of %d new servers, after the preparation of text search, which took %s",
				s.first, s.servers, format(s.prepared.Seconds(), seconds)))
		})},
		{"search-slowest", work + ": the slowest", n, timeBudget(b.slowest), of(func(s *searches) outcome {
			return timed(s.first.quantile(1), s.first, "the slowest were"+s.first.slowest(10))
		})},
		{"search-alone", work + ", one connection: the slowest", n, timeBudget(b.slowest), of(func(s *searches) outcome {
			return timed(s.alone.quantile(1), s.alone, fmt.Sprintf("%v; the slowest were%s", s.alone, s.alone.slowest(10)))
		})},
		{"search-again", "the same with other sorts, limits, facets, views: p95", n, timeBudget(b.search), of(func(s *searches) outcome {
			return timed(s.again.quantile(0.95), s.again, fmt.Sprintf("%v; the slowest were%s", s.again, s.again.slowest(5)))
		})},
	}
}
