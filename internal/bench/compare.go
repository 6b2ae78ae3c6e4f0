package main

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"time"

	"github.com/pressmark/pressmark/internal/rig"
)

// minSlices is the least number of slices that one side of a comparison gets.
const minSlices = 5

// sliceLength is how long a slice lasts when there is time for more of them.
const sliceLength = 500 * time.Millisecond

// side is one of two servers that are asked in turn.
type side struct {
	load *load
	pid  int
}

func (s side) slice(ctx context.Context, d time.Duration) (sample, error) {
	before, err := rig.CPUTime(s.pid)
	if err != nil {
		return sample{}, err
	}
	got, err := s.load.run(ctx, d)
	if err != nil {
		return sample{}, err
	}
	after, err := rig.CPUTime(s.pid)
	return sample{slice: got, cpu: after - before}, err
}

// inTurn asks a and b one after the other, again and again, each for the given
// time in all.
func inTurn(ctx context.Context, a, b side, each time.Duration) (as, bs []sample, err error) {
	n := max(minSlices, int(each/sliceLength))
	for range n {
		for _, s := range [...]struct {
			side
			to *[]sample
		}{{a, &as}, {b, &bs}} {
			got, err := s.slice(ctx, each/time.Duration(n))
			if err != nil {
				return nil, nil, err
			}
			*s.to = append(*s.to, got)
		}
	}
	return as, bs, nil
}

// traffic is the requests of a row.
type traffic struct {
	want int // the status of the answers
	// prepare is asked, three times each, before anything is measured.
	prepare [][]byte
	// sources makes the requests of so many connections. Different seeds make
	// different requests where requests must not repeat.
	sources func(seed uint64, conns int) []source
	// against is what the bare handler is asked and answers; nil is the same.
	against *traffic
}

// versusBare measures our server against a bare handler that writes the same.
func (l *lab) versusBare(ctx context.Context, srv *process, t traffic) (outcome, error) {
	return l.versusBareOn(ctx, srv, t, func(int) error { return nil })
}

// versusBareOn is versusBare with a place for the bare handler's process.
func (l *lab) versusBareOn(ctx context.Context, srv *process, t traffic, place func(pid int) error) (outcome, error) {
	if err := prepare(srv.Addr, t); err != nil {
		return outcome{}, err
	}
	ours, err := newLoad(srv.Addr, t.want, t.sources(1, l.opts.conns))
	if err != nil {
		return outcome{}, err
	}
	defer ours.close()
	warm, err := ours.run(ctx, l.opts.duration/10)
	if err != nil {
		return outcome{}, err
	}
	mean := float64(warm.bytes) / float64(max(warm.requests, 1))
	if t.against != nil {
		t = *t.against
	}
	stored, size, err := typical(srv.Addr, t, mean)
	if err != nil {
		return outcome{}, err
	}
	bare, err := l.startBare(ctx, stored)
	if err != nil {
		return outcome{}, err
	}
	defer bare.stop()
	if err := place(bare.PID()); err != nil {
		return outcome{}, err
	}
	others, err := newLoad(bare.Addr, t.want, t.sources(2, l.opts.conns))
	if err != nil {
		return outcome{}, err
	}
	defer others.close()
	if _, err := others.run(ctx, l.opts.duration/10); err != nil {
		return outcome{}, err
	}
	a, b, err := inTurn(ctx, side{ours, srv.PID()}, side{others, bare.PID()}, l.opts.duration)
	if err != nil {
		return outcome{}, err
	}
	us, it := sumUp(a), sumUp(b)
	o := outcome{value: medianRatio(b, a, sample.cpuPerRequest), unit: ratio, ours: &us, other: &it}
	switch {
	case warm.bytes == 0 && size > 0:
		o.note = fmt.Sprintf("the bare handler writes the page of %.1f KB that the answer saves", float64(size)/1000)
	case size > 0:
		o.note = fmt.Sprintf("bodies of %.1f KB", mean/1000)
		if math.Abs(mean-float64(size)) > 1 {
			o.note += fmt.Sprintf(" at the mean; the bare handler always writes one of %.1f KB", float64(size)/1000)
		}
	}
	return o, nil
}

// prepare asks what has to be known before.
func prepare(addr string, t traffic) error {
	if len(t.prepare) == 0 {
		return nil
	}
	c, err := dial(addr)
	if err != nil {
		return err
	}
	defer c.close()
	for range 3 {
		for _, r := range t.prepare {
			a, err := c.do(r)
			if err == nil && a.status != 200 {
				err = fmt.Errorf("answered %d: %.300s", a.status, a.body)
			}
			if err != nil {
				return fmt.Errorf("%s: %w", requestLine(r), err)
			}
		}
	}
	return nil
}

// typical returns the whole answer, among a hundred, whose body is nearest to
// the mean size.
func typical(addr string, t traffic, mean float64) (stored []byte, size int64, err error) {
	c, err := dial(addr)
	if err != nil {
		return nil, 0, err
	}
	defer c.close()
	s := t.sources(3, 1)[0]
	best := math.Inf(1)
	var request []byte
	var before answer
	for range 100 {
		request = s.next(request[:0], before)
		a, err := c.do(request)
		if err == nil && a.status != t.want {
			err = fmt.Errorf("answered %d, expected %d: %.300s", a.status, t.want, a.body)
		}
		if err != nil {
			return nil, 0, fmt.Errorf("%s: %w", requestLine(request), err)
		}
		if d := math.Abs(float64(a.size) - mean); d < best || stored == nil {
			best, size = d, a.size
			stored = append(bytes.Clone(a.head), a.body...)
		}
		before = a
	}
	return stored, size, nil
}

// startBare starts the bare handler in a process of its own.
func (l *lab) startBare(ctx context.Context, stored []byte) (*process, error) {
	file := filepath.Join(l.dir, "answer")
	if err := os.WriteFile(file, stored, 0o600); err != nil {
		return nil, err
	}
	addr, err := rig.FreeAddr()
	if err != nil {
		return nil, err
	}
	p, err := start(addr, nil, l.self, bareName, addr, file)
	if err != nil {
		return nil, err
	}
	if err := p.Listening(ctx); err != nil {
		p.stop()
		return nil, err
	}
	return p, nil
}
