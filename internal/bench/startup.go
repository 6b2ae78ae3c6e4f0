package main

import (
	"context"
	"os"
	"path/filepath"
	"time"

	"github.com/pressmark/pressmark/catalog/calibre"
	"github.com/pressmark/pressmark/httpapi"
	"github.com/pressmark/pressmark/internal/rig"
)

// startup is what starting a server on a library showed.
type startup struct {
	ready      time.Duration // from the start of the process, median
	cpu        time.Duration // processor time until then, median
	prepared   time.Duration // what text search took to be prepared after that, median
	rest, peak int64         // RssAnon in bytes, the most of all starts
}

// large is the number of books from which an experiment is made once only.
const large = 500_000

// startups starts servers and watches them until they are at rest.
func (l *lab) startups(ctx context.Context, books int) (*startup, error) {
	return once(l.starts, books, func() (*startup, error) {
		lib, err := l.library(ctx, books)
		if err != nil {
			return nil, err
		}
		l.rest()
		runs := 3
		if books >= large {
			runs = 1
		}
		s := &startup{}
		var ready, cpu, prepared []time.Duration
		for range runs {
			l.say("starting on %d books", books)
			if err := l.startup(ctx, lib, s, &ready, &cpu, &prepared); err != nil {
				return nil, err
			}
		}
		s.ready, s.cpu, s.prepared = rig.Median(ready), rig.Median(cpu), rig.Median(prepared)
		return s, nil
	})
}

func (l *lab) startup(ctx context.Context, lib *library, s *startup, ready, cpu, prepared *[]time.Duration) error {
	srv, err := l.serve(lib.dir)
	if err != nil {
		return err
	}
	defer srv.stop()
	watch := rig.WatchPeak(srv.PID())
	took, err := srv.Ready(ctx, "/api/health/ready", readyWait)
	if err != nil {
		watch.Stop()
		return err
	}
	*ready = append(*ready, took)
	used, err := rig.CPUTime(srv.PID())
	if err != nil {
		watch.Stop()
		return err
	}
	*cpu = append(*cpu, used)
	if took, err = srv.Prepared(ctx, readyWait); err != nil {
		watch.Stop()
		return err
	}
	*prepared = append(*prepared, took)
	rest, err := settled(ctx, srv.PID())
	s.peak = max(s.peak, watch.Stop())
	s.rest = max(s.rest, rest)
	return err
}

// settled waits until the memory of a process has not moved by more than one
// part in a hundred for five seconds, at most half a minute, and returns it.
func settled(ctx context.Context, pid int) (int64, error) {
	mark, err := rig.RSSAnon(pid)
	since := time.Now()
	for begin := since; err == nil && time.Since(since) < 5*time.Second && time.Since(begin) < 30*time.Second; {
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-time.After(250 * time.Millisecond):
		}
		var now int64
		if now, err = rig.RSSAnon(pid); now > mark+mark/100 || now < mark-mark/100 {
			mark, since = now, time.Now()
		}
	}
	if err != nil {
		return 0, err
	}
	return rig.RSSAnon(pid)
}

// inProcess is what catalog/calibre needs without a server around it.
type inProcess struct {
	load, refresh time.Duration // medians
}

// calibreAlone loads and refreshes a library in this process.
func (l *lab) calibreAlone(ctx context.Context, books int) (*inProcess, error) {
	return once(l.inside, books, func() (*inProcess, error) {
		lib, err := l.library(ctx, books)
		if err != nil {
			return nil, err
		}
		l.rest()
		l.say("loading and refreshing %d books in process", books)
		dir, err := l.copyDatabase(lib)
		if err != nil {
			return nil, err
		}
		defer os.RemoveAll(dir)
		began := time.Now()
		c, err := calibre.Open(calibre.Options{Root: dir, Dir: filepath.Join(l.dir, "copies"), Encode: httpapi.BookEncoder("main", "")})
		if err != nil {
			return nil, err
		}
		defer c.Close()
		if err := c.Load(ctx); err != nil {
			return nil, err
		}
		in := &inProcess{load: time.Since(began)}
		e, err := newEditor(dir, lib.ids)
		if err != nil {
			return nil, err
		}
		defer e.close()
		var took []time.Duration
		for range 5 {
			if _, err := e.edit(ctx); err != nil {
				return nil, err
			}
			began := time.Now()
			if err := c.Refresh(ctx); err != nil {
				return nil, err
			}
			took = append(took, time.Since(began))
		}
		in.refresh = rig.Median(took)
		return in, nil
	})
}
