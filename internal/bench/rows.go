package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// row is a row of the table and how its figure is found.
type row struct {
	id, work string
	books    int
	budget   budget
	run      func(ctx context.Context) (outcome, error)
}

// outcome is what a row found.
type outcome struct {
	value       float64
	unit        unit // of value, where there is no budget
	ours, other *speed
	note        string
	absent      string // why there is no figure
}

// rows are the rows of the table in its order: first what requests cost, then
// what a library costs.
func (l *lab) rows() []row {
	n := l.primary()
	return slices.Concat(l.requestRows(n), l.searchRows(n), l.stateRows(n), l.cacheRows(n), l.driveRows(n), l.libraryRows())
}

func (l *lab) requestRows(n int) []row {
	versus := func(make func(context.Context, *process, *library) (traffic, error)) func(context.Context) (outcome, error) {
		return func(ctx context.Context) (outcome, error) {
			srv, lib, err := l.server(ctx, n)
			if err != nil {
				return outcome{}, err
			}
			t, err := make(ctx, srv, lib)
			if err != nil {
				return outcome{}, err
			}
			return l.versusBare(ctx, srv, t)
		}
	}
	return []row{
		{"page-cached", "page of 50 books, cached", n, atLeast(0.85), versus(cachedPage)},
		{"page-jwt", "the same with a JWT and its user", n, atLeast(0.80), versus(knownPage)},
		{"page-jwt-open", "the same against the page without a JWT", n, atLeast(0.94), func(ctx context.Context) (outcome, error) { return l.knownAgainstOpen(ctx, n) }},
		{"one-core", "page of 50 books, cached, one core for the server", n, budget{true, 5000, perSecond}, func(ctx context.Context) (outcome, error) { return l.oneCore(ctx, n) }},
		{"logins", "p95 of the page while 50 a second log in ÷ before", n, budget{false, 2, ratio}, func(ctx context.Context) (outcome, error) { return l.readsDuringLogins(ctx, n) }},
		{"login-timing", "login refused: longest ÷ shortest median by reason", n, budget{false, 1.05, ratio}, func(ctx context.Context) (outcome, error) { return l.loginTiming(ctx, n) }},
		{"not-modified", "conditional request answered 304", n, atLeast(1.2), versus(notModified)},
		{"not-modified-bare", "the same against a bare handler's 304", n, budget{}, versus(bareNotModified)},
		{"page-new", "page of 50 never asked before", n, atLeast(0.5), versus(l.newPages)},
		{"book-new", "one book, never asked before", n, atLeast(0.6), versus(newBook)},
		{"book-again", "one book, asked again", n, atLeast(0.6), versus(bookAgain)},
		{"terms-new", "page of terms with counts, never asked before", n, atLeast(0.6), versus(newTerms)},
		{"terms-again", "page of terms with counts, asked again", n, atLeast(0.6), versus(termsAgain)},
		{"facets", "page of a selection with its facets, never asked before", n, timeBudget(budgets[n].facets), func(ctx context.Context) (outcome, error) { return l.facets(ctx, n) }},
		{"download", "local download of 5 MB", n, atLeast(0.9), func(ctx context.Context) (outcome, error) { return l.download(ctx, n) }},
		{"slow-clients", "memory for 500 slow downloads", n, budget{false, 64 << 20, bytesIn}, l.slow(n, inFolder)},
		{"slow-clients-s3", "the same, of a book in S3 that is passed on", n, budget{false, 64 << 20, bytesIn}, l.slow(n, inBucket)},
		{"slow-clients-drive", "the same, of a book in Google Drive", n, budget{false, 64 << 20, bytesIn}, l.slow(n, l.inDrive)},
		{"thumbnail", "cover thumbnail, made before", n, atLeast(0.7), versus(thumbnail)},
	}
}

const firstPage = "/api/books?limit=50"

func cachedPage(context.Context, *process, *library) (traffic, error) {
	r := get(nil, firstPage)
	return traffic{want: 200, prepare: [][]byte{r}, sources: same(r)}, nil
}

// notModified compares with a handler that cannot answer 304 and writes the
// page again: what an entity tag is there to save.
func notModified(ctx context.Context, srv *process, lib *library) (traffic, error) {
	t, err := bareNotModified(ctx, srv, lib)
	if err != nil {
		return traffic{}, err
	}
	page, err := cachedPage(ctx, srv, lib)
	t.against = &page
	return t, err
}

func bareNotModified(_ context.Context, srv *process, _ *library) (traffic, error) {
	c, err := dial(srv.Addr)
	if err != nil {
		return traffic{}, err
	}
	defer c.close()
	r := get(nil, firstPage)
	a, err := c.do(r)
	if err != nil {
		return traffic{}, err
	}
	tag := headerOf(a.head, "ETag")
	if tag == "" {
		return traffic{}, fmt.Errorf("GET %s: the answer has no ETag", firstPage)
	}
	return traffic{want: 304, prepare: [][]byte{r}, sources: same(get(nil, firstPage, "If-None-Match: "+tag))}, nil
}

func (l *lab) newPages(ctx context.Context, srv *process, lib *library) (traffic, error) {
	v := l.words[lib.books]
	if v == nil {
		var err error
		if v, err = readVocabulary(ctx, srv); err != nil {
			return traffic{}, err
		}
		l.words[lib.books] = v
	}
	return traffic{want: 200, sources: v.pageSources}, nil
}

func newBook(_ context.Context, _ *process, lib *library) (traffic, error) {
	return traffic{want: 200, sources: bookSources(lib.ids)}, nil
}

// fewRequests is how many requests are asked again and again where one would
// be too few to be like real use.
const fewRequests = 200

func bookAgain(_ context.Context, _ *process, lib *library) (traffic, error) {
	var list [][]byte
	for i := range min(fewRequests, len(lib.ids)) {
		list = append(list, get(nil, fmt.Sprintf("/api/books/%d", lib.ids[i*len(lib.ids)/fewRequests])))
	}
	return traffic{want: 200, prepare: list, sources: again(list)}, nil
}

func newTerms(context.Context, *process, *library) (traffic, error) {
	return traffic{want: 200, sources: termSources}, nil
}

func termsAgain(context.Context, *process, *library) (traffic, error) {
	var list [][]byte
	for _, field := range []string{"authors", "tags", "series", "publishers", "languages"} {
		for _, order := range []string{"name", "-name", "count", "-count"} {
			list = append(list, get(nil, "/api/"+field+"?sort="+order))
		}
	}
	return traffic{want: 200, prepare: list, sources: again(list)}, nil
}

func thumbnail(_ context.Context, _ *process, lib *library) (traffic, error) {
	if len(lib.covers) == 0 {
		return traffic{}, errors.New("no book has a cover")
	}
	var list [][]byte
	for _, id := range lib.covers {
		list = append(list, get(nil, fmt.Sprintf("/api/files/cover/%d?size=thumb", id)))
	}
	return traffic{want: 200, prepare: list, sources: again(list)}, nil
}

// sizeBudget is what a library of some size may cost.
type sizeBudget struct {
	ready, visible, lock time.Duration
	search, slowest      time.Duration // expressions: p95, and every one
	facets               time.Duration
	rest                 float64 // bytes
}

// budgets are those of the sizes that the design names.
var budgets = map[int]sizeBudget{
	10_000: {ready: 500 * time.Millisecond, rest: 80 << 20},
	100_000: {
		ready: 3 * time.Second, visible: 300 * time.Millisecond, lock: 100 * time.Millisecond,
		search: 20 * time.Millisecond, slowest: 150 * time.Millisecond, facets: 5 * time.Millisecond, rest: 250 << 20,
	},
	1_000_000: {
		ready: 30 * time.Second, visible: 2 * time.Second, lock: time.Second,
		slowest: 1500 * time.Millisecond, rest: 2 << 30,
	},
}

func (l *lab) libraryRows() []row {
	var index, edits, memory []row
	for _, n := range l.opts.books {
		b := budgets[n]
		memoryOf := func(of func(*startup) int64) func(context.Context) (outcome, error) {
			return func(ctx context.Context) (outcome, error) {
				s, err := l.startups(ctx, n)
				if err != nil {
					return outcome{}, err
				}
				return outcome{value: float64(of(s)), unit: bytesIn}, nil
			}
		}
		alone := func(of func(*inProcess) time.Duration) func(context.Context) (outcome, error) {
			return func(ctx context.Context) (outcome, error) {
				in, err := l.calibreAlone(ctx, n)
				if err != nil {
					return outcome{}, err
				}
				return outcome{value: of(in).Seconds(), unit: seconds}, nil
			}
		}
		index = append(
			index,
			row{"first-index", "first index, from the start of the process", n, timeBudget(b.ready), func(ctx context.Context) (outcome, error) {
				s, err := l.startups(ctx, n)
				if err != nil {
					return outcome{}, err
				}
				return outcome{value: s.ready.Seconds(), unit: seconds, note: "processor time " + format(s.cpu.Seconds(), seconds)}, nil
			}},
			row{"text-ready", "text search prepared, after the first answer", n, budget{}, func(ctx context.Context) (outcome, error) {
				s, err := l.startups(ctx, n)
				if err != nil {
					return outcome{}, err
				}
				return outcome{value: s.prepared.Seconds(), unit: seconds}, nil
			}},
			row{"load", "catalog/calibre's load alone", n, budget{}, alone(func(in *inProcess) time.Duration { return in.load })},
		)
		edits = append(
			edits,
			row{"edit-visible", "1,000 books edited → visible, beyond the settle time", n, timeBudget(b.visible), func(ctx context.Context) (outcome, error) {
				r, err := l.refreshed(ctx, n)
				if err != nil {
					return outcome{}, err
				}
				return outcome{value: r.visible.Seconds(), unit: seconds}, nil
			}},
			row{"refresh", "catalog/calibre's refresh alone", n, budget{}, alone(func(in *inProcess) time.Duration { return in.refresh })},
			row{"lock", "Calibre's lock held, per refresh", n, timeBudget(b.lock), func(ctx context.Context) (outcome, error) {
				r, err := l.refreshed(ctx, n)
				if err == nil && r.lockErr != nil {
					return outcome{absent: "not known: " + r.lockErr.Error()}, nil
				}
				if err != nil {
					return outcome{}, err
				}
				return outcome{value: r.lock.Seconds(), unit: seconds}, nil
			}},
		)
		memory = append(
			memory,
			row{"memory-rest", "anonymous memory at rest", n, memoryBudget(b.rest), memoryOf(func(s *startup) int64 { return s.rest })},
			row{"memory-peak", "anonymous memory, peak while loading and preparing", n, memoryBudget(1.5 * b.rest), memoryOf(func(s *startup) int64 { return s.peak })},
		)
	}
	return slices.Concat(index, edits, memory)
}

// timeBudget and memoryBudget are budgets of libraries; a size that the design does not
// name has none.
func timeBudget(limit time.Duration) budget {
	if limit == 0 {
		return budget{}
	}
	return below(limit)
}

func memoryBudget(limit float64) budget {
	if limit == 0 {
		return budget{}
	}
	return belowBytes(limit)
}

// measure makes the figures of the rows whose name or work matches -only.
func (l *lab) measure(ctx context.Context, rep *report) (failures int) {
	for _, r := range l.rows() {
		if l.opts.only != nil && !l.opts.only.MatchString(r.id) && !l.opts.only.MatchString(r.work) {
			continue
		}
		l.say("%s, %d books", r.work, r.books)
		f := figure{ID: r.id, Work: r.work, Books: r.books, Budget: r.budget, Unit: r.budget.unit}
		o, err := r.run(ctx)
		f.Value, f.Ours, f.Other, f.Note = o.value, o.ours, o.other, o.note
		if f.Unit == "" {
			f.Unit = o.unit
		}
		switch {
		case err != nil:
			f.Verdict, f.Note = failed, err.Error()
			failures++
		case o.absent != "":
			f.Verdict, f.Note = absent, o.absent
		case r.budget.none():
			f.Verdict = shown
		case r.budget.met(o.value):
			f.Verdict = passed
		default:
			f.Verdict = missed
		}
		rep.Rows = append(rep.Rows, f)
		if ctx.Err() != nil {
			break
		}
	}
	return failures
}
