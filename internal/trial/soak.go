package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/pressmark/pressmark/catalog/calibre/calibretest"
)

const (
	// editsPerSecond is how often Calibre changes something.
	editsPerSecond = 3
	// soakThink is how much longer readers think than under load.
	soakThink = 6
	// follow is how long the servers have to see the last change.
	follow = time.Minute
	// spare are goroutines and descriptors that come and go.
	spare = 5
)

// editing is Calibre with the library open, and what it does to it. It leaves the
// first books alone: their files are elsewhere under names that a new title would
// change, and readers are in them.
type editing struct {
	calibre *calibretest.Driver
	rng     *rand.Rand
	ids     []int // that may be changed
	edits   map[string]int
	slowest time.Duration // of an edit, in which Calibre may have had to wait
}

func startEditing(l *library) (*editing, error) {
	d, err := calibretest.StartDriver(l.dir)
	if err != nil {
		return nil, err
	}
	e := &editing{calibre: d, rng: rand.New(rand.NewPCG(seed, 9)), edits: map[string]int{}}
	for _, b := range l.books[readBooks(l.books):] {
		e.ids = append(e.ids, int(b.id))
	}
	if err := d.Eval(nil, "from calibre.ebooks.metadata.book.base import Metadata"); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return e, nil
}

// edit changes one thing.
func (e *editing) edit() error {
	at := e.rng.IntN(len(e.ids))
	id, text := e.ids[at], fmt.Sprintf("Soaked %d", e.rng.Uint32())
	began := time.Now()
	var err error
	var kind string
	switch n := e.rng.IntN(100); {
	case n < 20:
		kind = "title"
		err = e.calibre.Eval(nil, "db.set_field('title', {args[0]: args[1]})", id, text)
	case n < 40:
		kind = "tags"
		err = e.calibre.Eval(nil, "db.set_field('tags', {args[0]: tuple(args[1])})", id, []string{text, fmt.Sprint("Wet ", e.rng.IntN(20))})
	case n < 55:
		kind = "authors"
		err = e.calibre.Eval(nil, "db.set_field('authors', {args[0]: (args[1],)})", id, fmt.Sprintf("Writer %d", e.rng.IntN(500)))
	case n < 65:
		kind = "series"
		err = e.calibre.Eval(nil, "db.set_field('series', {args[0]: args[1]}); db.set_field('series_index', {args[0]: args[2]})", id, fmt.Sprint("Sponges ", e.rng.IntN(50)), float64(1+e.rng.IntN(40))/2)
	case n < 75:
		kind = "comments and rating"
		err = e.calibre.Eval(nil, "db.set_field('comments', {args[0]: args[1]}); db.set_field('rating', {args[0]: args[2]})", id, "<p>"+text+"</p>", e.rng.IntN(6)*2)
	case n < 80:
		kind = "an author's name"
		err = e.calibre.Eval(nil, "a = db.get_item_id('authors', args[0])\nif a is not None: db.rename_items('authors', {a: args[1]})", fmt.Sprintf("Writer %d", e.rng.IntN(500)), fmt.Sprintf("Writer %d", e.rng.IntN(500)))
	case n < 90:
		kind = "a new book"
		var added int
		err = e.calibre.Eval(&added, "db.create_book_entry(Metadata(args[0], [args[1]]))", text, fmt.Sprintf("Writer %d", e.rng.IntN(500)))
		e.ids = append(e.ids, added)
	case n < 99:
		kind = "a book deleted"
		err = e.calibre.Eval(nil, "db.remove_books((args[0],), permanent=True)", id)
		e.ids[at] = e.ids[len(e.ids)-1]
		e.ids = e.ids[:len(e.ids)-1]
	default:
		kind = "50 books at once"
		var many []int
		for range 50 {
			many = append(many, e.ids[e.rng.IntN(len(e.ids))])
		}
		err = e.calibre.Eval(nil, "db.set_field('publisher', {i: args[1] for i in args[0]})", many, text)
	}
	e.edits[kind]++
	e.slowest = max(e.slowest, time.Since(began))
	if err != nil {
		return fmt.Errorf("%s of book %d: %w", kind, id, err)
	}
	return nil
}

// run edits for a while, at its pace.
func (e *editing) run(ctx context.Context, d time.Duration) error {
	tick := time.NewTicker(time.Second / editsPerSecond)
	defer tick.Stop()
	for end := time.Now().Add(d); time.Now().Before(end); {
		if err := e.edit(); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
	return nil
}

// trySoak has Calibre edit the library under a light load.
func trySoak(ctx context.Context, o options, log io.Writer) (_ *report, err error) {
	if _, err := exec.LookPath("calibre-debug"); err != nil {
		return nil, err
	}
	rep := newReport(o, "Soak", "what", "goal", "measured", "")
	s, err := openSite(ctx, o, log)
	defer func() { err = errors.Join(err, s.close()) }()
	if err != nil {
		return nil, err
	}
	e, err := startEditing(s.library)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, e.calibre.Close()) }()
	w := &watcher{}
	watching, stop := context.WithCancel(ctx)
	defer stop()
	go w.run(watching, s)

	warm := startLoad(ctx, s, o.think)
	waited := errors.Join(e.run(ctx, warmUp))
	warm.halt()
	if waited != nil {
		return nil, waited
	}
	rest, err := s.atRest(ctx)
	if err != nil {
		return nil, err
	}
	s.say("soaking for %v", o.duration)
	l := startLoad(ctx, s, o.think*soakThink)
	l.book = warm.book
	from := time.Now()
	before := s.counters(ctx)
	edited := e.run(ctx, o.duration)
	after := s.counters(ctx)
	l.halt()
	if edited != nil {
		return nil, edited
	}
	to := time.Now()
	for _, r := range s.replicas {
		ok, text := steadiness(r.name, w.of(r.name, from))
		rep.goal("memory and goroutines of "+r.name, "flat", text, ok, true)
	}
	end, err := s.atRest(ctx)
	if err != nil {
		return nil, err
	}
	for i, r := range s.replicas {
		was, is := rest[i], end[i]
		rep.goal("at rest, "+r.name, "no goroutine and no file more than before", fmt.Sprintf("goroutines %.0f, then %.0f; files %.0f, then %.0f",
			was.goroutines, is.goroutines, was.files, is.files), is.goroutines <= was.goroutines+spare && is.files <= was.files+spare, true)
	}
	s.say("comparing the catalogs")
	for _, r := range s.replicas {
		text, ok, err := e.compare(ctx, s, r)
		if err != nil {
			text, ok = err.Error(), false
		}
		rep.goal("catalog of "+r.name, "equal to Calibre's", text, ok, true)
	}
	events := l.tally.between(from, to)
	failed := failures(events)
	rep.goal("requests that failed", "none", fmt.Sprintf("%s of %d", listed(failed), len(events)), len(failed) == 0, true)
	rep.row("client-side, downloads left out", "", quantilesOf(timesOf(events, func(e event) bool { return !e.class.download() })).String(), "")
	checked, err := l.audit(ctx)
	if err != nil {
		return rep, err
	}
	l.ledgerRow(rep, checked)
	rep.note("edits: %s; the slowest took %s", listed(e.edits), short(e.slowest))
	rep.note("answers found in a cache: %.1f %%", 100*hitRate(before, after))
	return rep, nil
}

// atRest lets go of all connections and reads the replicas when nothing moves any
// more.
func (s *site) atRest(ctx context.Context) ([]reading, error) {
	for _, r := range s.users {
		r.client.CloseIdleConnections()
	}
	s.root.client.CloseIdleConnections()
	// Those that nginx keeps to the replicas go with it.
	s.nginx.Stop()
	if err := pause(ctx, follow/4); err != nil {
		return nil, err
	}
	var all []reading
	for _, r := range s.replicas {
		got, err := r.read(ctx)
		if err != nil {
			return nil, err
		}
		all = append(all, got)
	}
	p, err := startNginx(ctx, filepath.Join(s.dir, "nginx"), s.nginx.Addr, s.replicas)
	if err == nil {
		s.nginx = p
	}
	return all, err
}
