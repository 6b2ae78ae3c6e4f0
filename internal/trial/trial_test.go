package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pressmark/pressmark/internal/rig"
)

func TestLedger(t *testing.T) {
	k := key{1, "book"}
	write := func(l *ledger, want int) {
		t.Helper()
		if v, ok := l.begin(k); !ok || v != want {
			t.Errorf("begin: version %d, %v; want %d", v, ok, want)
		}
	}
	for name, c := range map[string]struct {
		play   func(*ledger)
		stored place
		lost   bool
	}{
		"nothing":                     {func(l *ledger) { write(l, 0); l.refuse(k) }, place{}, false},
		"acknowledged":                {func(l *ledger) { write(l, 0); l.acknowledge(k, place{1, "a"}, "a") }, place{1, "a"}, false},
		"acknowledged and lost":       {func(l *ledger) { write(l, 0); l.acknowledge(k, place{1, "a"}, "a") }, place{}, true},
		"another than acknowledged":   {func(l *ledger) { write(l, 0); l.acknowledge(k, place{1, "a"}, "a") }, place{1, "b"}, true},
		"acknowledged another":        {func(l *ledger) { write(l, 0); l.acknowledge(k, place{1, "b"}, "a") }, place{1, "b"}, true},
		"acknowledged two versions":   {func(l *ledger) { write(l, 0); l.acknowledge(k, place{2, "a"}, "a") }, place{2, "a"}, true},
		"no answer, not stored":       {func(l *ledger) { write(l, 0); l.lose(k, "a") }, place{}, false},
		"no answer, stored":           {func(l *ledger) { write(l, 0); l.lose(k, "a"); write(l, 0); l.lose(k, "b") }, place{1, "a"}, false},
		"no answer, stored twice":     {func(l *ledger) { write(l, 0); l.lose(k, "a"); write(l, 0); l.lose(k, "b") }, place{2, "b"}, true},
		"refused, and yet stored":     {func(l *ledger) { write(l, 0); l.refuse(k) }, place{1, "a"}, true},
		"conflict with an earlier":    {func(l *ledger) { write(l, 0); l.lose(k, "a"); write(l, 0); l.conflict(k, place{1, "a"}, "b") }, place{1, "a"}, false},
		"conflict with itself":        {func(l *ledger) { write(l, 0); l.conflict(k, place{1, "a"}, "a"); write(l, 1); l.refuse(k) }, place{1, "a"}, false},
		"conflict with what nobody …": {func(l *ledger) { write(l, 0); l.conflict(k, place{1, "x"}, "a") }, place{1, "x"}, true},
		"an old one comes too late": {func(l *ledger) {
			write(l, 0)
			l.lose(k, "a")
			write(l, 0)
			l.acknowledge(k, place{1, "b"}, "b")
		}, place{2, "a"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLedger()
			c.play(l)
			l.check(k, c.stored)
			if _, _, breaches := l.sum(); len(breaches) > 0 != c.lost {
				t.Errorf("breaches %q; lost: %v", breaches, c.lost)
			}
		})
	}
	l := newLedger()
	write(l, 0)
	if _, ok := l.begin(k); ok {
		t.Error("two writes of one book at a time")
	}
	l.acknowledge(k, place{1, "a"}, "a")
	write(l, 1)
	l.lose(k, "b")
	if acked, unknown, _ := l.sum(); acked != 1 || unknown != 1 || !slices.Equal(l.of(1), []string{"book"}) || l.of(2) != nil {
		t.Errorf("%d acknowledged, %d unknown, %v", acked, unknown, l.of(1))
	}
}

func readingsOf(values ...float64) []reading {
	var all []reading
	begin := time.Now()
	for i, v := range values {
		all = append(all, reading{at: begin.Add(time.Duration(i) * time.Second), memory: v, goroutines: v})
	}
	return all
}

func TestTrend(t *testing.T) {
	memory := func(r reading) float64 { return r.memory }
	// What grows in the first half alone has warmed up.
	if got := trendOf(readingsOf(0, 50, 100, 100, 100, 100, 100, 100), memory); got.rise != 0 || got.mean != 100 {
		t.Errorf("warm: %+v", got)
	}
	got := trendOf(readingsOf(0, 10, 20, 30, 40, 50, 60, 70), memory)
	if got.rise < 29.9 || got.rise > 30.1 || got.mean != 55 {
		t.Errorf("a leak: %+v", got)
	}
	if got.flat(0.1, 20) || !got.flat(0.1, 25) || !got.flat(0.6, 0) {
		t.Error("flat")
	}
	for _, few := range [][]reading{nil, readingsOf(1), readingsOf(1, 2)} {
		if got := trendOf(few, memory); got.rise != 0 {
			t.Errorf("of %d: %+v", len(few), got)
		}
	}
	const mib = 1 << 20
	if ok, text := steadiness("r", readingsOf(10*mib, 10*mib, 10*mib, 100*mib, 200*mib, 300*mib)); ok {
		t.Errorf("a leak is flat: %s", text)
	}
}

func TestKindOf(t *testing.T) {
	for want, err := range map[string]error{
		"":          nil,
		kindTimeout: fmt.Errorf("x: %w", context.DeadlineExceeded),
		kindRefused: &net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)},
		kindReset:   fmt.Errorf("x: %w", io.EOF),
		kindCut:     io.ErrUnexpectedEOF,
		kindOther:   errors.New("x"),
	} {
		if got := kindOf(err); got != want {
			t.Errorf("%v: %q, want %q", err, got, want)
		}
	}
}

func TestTally(t *testing.T) {
	ta, begin := &tally{}, time.Now()
	for i, kind := range []string{"", "503", "", "503", kindCut} {
		ta.add(event{class: lists, due: begin.Add(time.Duration(i) * time.Second), took: time.Duration(i+1) * time.Millisecond, kind: kind})
	}
	if got := listed(failures(ta.between(begin, begin.Add(time.Minute)))); got != "list: 503 ×2, list: cut ×1" {
		t.Error(got)
	}
	part := ta.between(begin.Add(time.Second), begin.Add(3*time.Second))
	if len(part) != 2 || listed(failures(part)) != "list: 503 ×1" {
		t.Errorf("%+v", part)
	}
	if q := quantilesOf(timesOf(ta.events, func(e event) bool { return e.kind == "" })); q.n != 2 || q.most != 3*time.Millisecond {
		t.Errorf("%+v", q)
	}
	ta.forget(begin.Add(4 * time.Second))
	if len(ta.events) != 1 || listed(nil) != "none" {
		t.Errorf("%+v", ta.events)
	}
}

func TestReadLog(t *testing.T) {
	lines, err := readLog(strings.NewReader(`{"path":"/api/books","method":"GET","status":200,"upstream":"0.002, 0.010","upstream_status":"502, 200","whole":0.012}
{"path":"/api/files/download/1/epub","method":"GET","status":429,"upstream":"","upstream_status":"","whole":0.000}
`))
	if err != nil || len(lines) != 2 {
		t.Fatal(lines, err)
	}
	if took, ok := lines[0].took(); !ok || took != 12*time.Millisecond || lines[0].tried() != 2 || lines[0].download() {
		t.Errorf("%v, %v, %d", took, ok, lines[0].tried())
	}
	if _, ok := lines[1].took(); ok || lines[1].tried() != 0 || !lines[1].download() {
		t.Error("a refused download was asked of a replica")
	}
	if _, err := readLog(strings.NewReader("x\n")); err == nil {
		t.Error("nonsense was read")
	}
}

func TestHitRate(t *testing.T) {
	const hits, misses, shared = `cache_hits_total{namespace="ready",tier="local"}`, `cache_misses_total{namespace="ready",tier="local"}`, `cache_hits_total{namespace="page",tier="shared"}`
	from := rig.Gauges{hits: 100, misses: 50, shared: 10}
	if got := hitRate(from, rig.Gauges{hits: 180, misses: 70, shared: 20}); got != 0.9 {
		t.Error(got)
	}
	if got := hitRate(from, from); got != 0 {
		t.Error(got)
	}
}

func TestDifferences(t *testing.T) {
	book := func(title string) known { return known{Title: title, Tags: []string{"b", "a"}}.plain() }
	calibre := map[string]known{"1": book("One"), "2": book("Two"), "3": book("Three")}
	if d := differences(calibre, map[string]known{"1": book("One"), "2": book("Two"), "3": book("Three")}); d != nil {
		t.Error(d)
	}
	if d := differences(calibre, map[string]known{"1": book("One"), "2": book("2"), "4": book("Four")}); len(d) != 3 {
		t.Errorf("%q", d)
	}
}

func TestAddresses(t *testing.T) {
	seen := map[string]bool{}
	for id := range 2000 {
		network := addressOf(id).Mask(net.CIDRMask(24, 32)).String()
		if seen[network] {
			t.Fatalf("user %d is in the network of another: %s", id, network)
		}
		seen[network] = true
	}
}

// TestFaults makes sure that no failure is allowed that DESIGN.md does not name.
func TestFaults(t *testing.T) {
	s := &site{dir: t.TempDir(), library: &library{}, postgres: &container{}, redis: &container{}, objects: &container{}, replicas: []*replica{{}, {}}}
	names := map[string]bool{}
	for _, f := range s.faults() {
		if names[f.name] || f.name == "" || f.absent == "" && f.begin == nil {
			t.Errorf("fault %q is there twice, or without a name or a beginning", f.name)
		}
		names[f.name] = true
		if f.may == nil {
			continue
		}
		for _, c := range []class{lists, searches, details, coverImages} {
			for _, kind := range []string{"500", "502", "503", "504", kindTimeout, kindRefused, kindReset, kindCut, kindWrong} {
				if f.may(event{class: c, kind: kind, later: true}) {
					t.Errorf("%s: the catalogue may fail: %s %s", f.name, c, kind)
				}
			}
		}
		if f.may(event{class: writes, kind: "503"}) || f.may(event{class: localDownloads, kind: kindWrong}) {
			t.Errorf("%s: a write may be refused without Retry-After, or a book be another", f.name)
		}
	}
	if len(names) != 21 {
		t.Errorf("%d faults", len(names))
	}
}

func TestFlags(t *testing.T) {
	for _, bad := range [][]string{nil, {"nothing"}, {"load", "x"}, {"load", "-books", "5"}, {"chaos", "-fault", "("}, {"soak", "-duration", "1ms"}, {"load", "-users", "0"}} {
		if code := run(t.Context(), bad, io.Discard, io.Discard); code != 2 {
			t.Errorf("%v: exit code %d", bad, code)
		}
	}
	for kind, want := range map[string]time.Duration{"load": 90 * time.Second, "chaos": 10 * time.Second, "soak": 5 * time.Minute} {
		if o, err := parseFlags([]string{kind}, io.Discard); err != nil || o.duration != want || o.users != 500 {
			t.Errorf("%s: %+v, %v", kind, o, err)
		}
	}
}

func TestReport(t *testing.T) {
	r := newReport(options{kind: "load"}, "Load", "what", "goal", "measured", "")
	r.goal("speed", "fast", "slow | slower", false, false)
	if r.failed {
		t.Error("what does not count has failed it")
	}
	r.goal("writes", "kept", "lost", false, true)
	r.note("a note")
	name := filepath.Join(t.TempDir(), "results.md")
	if err := r.save(name); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(name)
	if err != nil || !r.failed || !strings.Contains(string(text), `| speed | fast | slow \| slower | short |`) || !strings.Contains(string(text), "| **FAIL** |") {
		t.Errorf("%v\n%s", err, text)
	}
}
