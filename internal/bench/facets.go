package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/pressmark/pressmark/catalog"
	"github.com/pressmark/pressmark/internal/rig"
)

// selection is a way to select about the same share of a library again and
// again, and never the same books twice.
type selection struct {
	books int
	query func(i int) string
}

// selections are about a hundredth, a fifth and all of the books: those of a
// span of days that moves on, and those added since a day long ago.
func selections(ctx context.Context, srv *process, books int) ([]selection, error) {
	var all []selection
	for _, share := range []float64{0.01, 0.2} {
		s, err := spanOf(ctx, srv, int(share*float64(books)))
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	since := time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC)
	return append(all, selection{books, func(i int) string {
		return "added=" + since.AddDate(0, 0, i).Format(time.DateOnly) + ".."
	}}), nil
}

// spanOf finds out how many days have so many books published in them.
func spanOf(ctx context.Context, srv *process, want int) (selection, error) {
	first := time.Date(1960, 1, 1, 0, 0, 0, 0, time.UTC)
	span := func(i, days int) string {
		from := first.AddDate(0, 0, i)
		return "published=" + from.Format(time.DateOnly) + ".." + from.AddDate(0, 0, days).Format(time.DateOnly)
	}
	s, low, high := selection{}, 0, 60*365
	for low < high {
		days := (low + high) / 2
		var page struct{ Total int }
		if err := fetchJSON(ctx, srv, "/api/books?limit=1&"+span(0, days), &page); err != nil {
			return s, err
		}
		if s.books = page.Total; page.Total < want {
			low = days + 1
		} else {
			high = days
		}
	}
	s.query = func(i int) string { return span(i, high) }
	return s, nil
}

// facetRounds is how often facets of one selection are asked for, and as often
// the same without.
const facetRounds = 100

// facets asks for pages with and without facets in turn, over one connection.
func (l *lab) facets(ctx context.Context, books int) (outcome, error) {
	srv, _, err := l.server(ctx, books)
	if err != nil {
		return outcome{}, err
	}
	all, err := selections(ctx, srv, books)
	if err != nil {
		return outcome{}, err
	}
	c, err := dial(srv.Addr)
	if err != nil {
		return outcome{}, err
	}
	defer c.close()
	o := outcome{unit: seconds, note: fmt.Sprintf("pages of %d with facets of tags, authors and series, and without, over one connection:", catalog.DefaultLimit)}
	for _, s := range all {
		var took [2][]time.Duration
		for i := range 2 * facetRounds {
			target := "/api/books?" + s.query(i)
			if i%2 == 0 {
				target += "&facets=tags,authors,series"
			}
			began := time.Now()
			a, err := c.do(get(nil, target))
			if err == nil && a.status != http.StatusOK {
				err = fmt.Errorf("answered %d: %.300s", a.status, a.body)
			}
			if err != nil {
				return outcome{}, fmt.Errorf("GET %s: %w", target, err)
			}
			took[i%2] = append(took[i%2], time.Since(began))
		}
		with := rig.Median(took[0])
		o.value = max(o.value, with.Seconds())
		o.note += fmt.Sprintf("\nof %d books %s (p95 %s), without %s", s.books,
			format(with.Seconds(), seconds), format(p95(took[0]).Seconds(), seconds), format(rig.Median(took[1]).Seconds(), seconds))
	}
	return o, ctx.Err()
}

func p95(took []time.Duration) time.Duration {
	return rig.Quantile(slices.Sorted(slices.Values(took)), 0.95)
}
