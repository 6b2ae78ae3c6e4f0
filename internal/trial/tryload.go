package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/pressmark/pressmark/internal/rig"
)

// Goals of the load.
const (
	goalP95     = 20 * time.Millisecond
	goalHitRate = 0.95
	// warmUp is how long readers go on before anything is counted.
	warmUp = 20 * time.Second
)

// tryLoad is the load without faults.
func tryLoad(ctx context.Context, o options, log io.Writer) (_ *report, err error) {
	rep := newReport(o, "Load", "what", "goal", "measured", "")
	s, err := openSite(ctx, o, log)
	defer func() { err = errors.Join(err, s.close()) }()
	if err != nil {
		return nil, err
	}
	w := &watcher{}
	watching, stop := context.WithCancel(ctx)
	defer stop()
	go w.run(watching, s)
	l := startLoad(ctx, s, o.think)
	if err := pause(ctx, warmUp); err != nil {
		l.halt()
		return nil, err
	}
	s.say("load for %v", o.duration)
	from, mark := time.Now(), s.logSize()
	own, err := rig.CPUTime(os.Getpid())
	if err != nil {
		return nil, err
	}
	servers, before := s.processorTimes(), s.counters(ctx)
	waited := pause(ctx, o.duration/2)
	half := s.counters(ctx)
	waited = errors.Join(waited, pause(ctx, o.duration/2))
	to, after := time.Now(), s.counters(ctx)
	ownAfter, err := rig.CPUTime(os.Getpid())
	used := s.processorTimes()
	l.halt()
	if err = errors.Join(err, waited); err != nil {
		return nil, err
	}
	checked, err := l.audit(ctx)
	if err != nil {
		return nil, err
	}
	lines, err := s.logFrom(mark)
	if err != nil {
		return nil, err
	}
	l.speed(rep, from, to, lines, o.strict)
	hit, total := hitRate(before, after), hitRate(half, after)
	rep.goal("answers found in a cache", "> 95 %", fmt.Sprintf("%.2f %% (second half %.2f %%)", 100*hit, 100*total), total > goalHitRate, o.strict)
	rep.row("by what is kept, in the process", "", hitRates(before, after), "")
	for _, r := range s.replicas {
		ok, text := steadiness(r.name, w.of(r.name, from))
		rep.goal("memory and goroutines of "+r.name, "flat", text, ok, true)
	}
	l.ledgerRow(rep, checked)
	elapsed := to.Sub(from).Seconds()
	share := func(d time.Duration) float64 { return 100 * d.Seconds() / elapsed }
	rep.note("processor time, in hundredths of one processor: generator %.0f; %s", share(ownAfter-own), shares(servers, used, elapsed))
	return rep, nil
}

// speed adds the rows about requests.
func (l *load) speed(rep *report, from, to time.Time, lines []answered, strict bool) {
	events := l.tally.between(from, to)
	elapsed := to.Sub(from).Seconds()
	views := float64(len(l.site.users)) / l.think.Seconds()
	rep.row("page views a second", fmt.Sprintf("%.0f offered", views), fmt.Sprintf("%.1f, %d left out as 16 of the reader's were under way", float64(l.tally.offered-l.tally.skipped)/to.Sub(from.Add(-warmUp)).Seconds(), l.tally.skipped), "")
	var server, all []time.Duration
	bad := map[string]int{}
	again := 0
	for _, a := range lines {
		if t, ok := a.took(); ok {
			all = append(all, t)
			if !a.download() {
				server = append(server, t)
			}
		}
		if a.Status >= 500 {
			bad[fmt.Sprint(a.Status)]++
		}
		if a.tried() > 1 {
			again++
		}
	}
	rep.row("requests a second", "", fmt.Sprintf("%.0f (%d in %s; %d asked of both replicas)", float64(len(lines))/elapsed, len(lines), short(to.Sub(from)), again), "")
	q := quantilesOf(server)
	rep.goal("server-side, downloads left out", "p95 < 20 ms", q.String(), q.p95 < goalP95, strict)
	rep.row("server-side, all", "", quantilesOf(all).String(), "")
	for _, c := range []class{lists, searches, details, coverImages, states, writes, localDownloads, s3Downloads, driveDownloads, tokens} {
		times := timesOf(events, func(e event) bool { return e.class == c && e.kind == "" })
		if len(times) > 0 {
			q := quantilesOf(times)
			rep.row("client-side: "+string(c), "", fmt.Sprintf("%d, %s", q.n, q), "")
		}
	}
	rep.goal("answers of 5xx", "none", listed(bad), len(bad) == 0, true)
	failed := failures(events)
	rep.goal("requests that failed", "none", listed(failed)+example(events), len(failed) == 0, true)
}

// ledgerRow adds the verdict on writes.
func (l *load) ledgerRow(rep *report, checked int) {
	acked, unknown, breaches := l.book.sum()
	text := fmt.Sprintf("%d acknowledged, %d without an answer, %d books read back, %d lost", acked, unknown, checked, len(breaches))
	rep.goal("writes", "nothing lost", text, len(breaches) == 0 && checked > 0, true)
	for _, b := range breaches[:min(len(breaches), 10)] {
		rep.note("%s", b)
	}
}

// counters are the metrics of all replicas together.
func (s *site) counters(ctx context.Context) rig.Gauges {
	sum := rig.Gauges{}
	for _, r := range s.replicas {
		g, err := rig.ReadGauges(ctx, r.metrics)
		if err != nil {
			continue // it shows as a counter that goes back
		}
		for name, v := range g {
			sum[name] += v
		}
	}
	return sum
}

// hitRate is the share of catalogue answers that were found ready in the process,
// or in Redis.
func hitRate(from, to rig.Gauges) float64 {
	grown := func(name string) float64 { return to[name] - from[name] }
	local, missed := grown(`cache_hits_total{namespace="ready",tier="local"}`), grown(`cache_misses_total{namespace="ready",tier="local"}`)
	shared := grown(`cache_hits_total{namespace="page",tier="shared"}`)
	if local+missed <= 0 {
		return 0
	}
	return min(1, (local+shared)/(local+missed))
}

// hitRates are the shares of what was asked for that was found in the process, by
// namespace.
func hitRates(from, to rig.Gauges) string {
	const hits, misses, local = `cache_hits_total{namespace="`, `cache_misses_total{namespace="`, `",tier="local"}`
	var parts []string
	for name := range to {
		namespace, ok := strings.CutSuffix(strings.TrimPrefix(name, hits), local)
		if !ok || !strings.HasPrefix(name, hits) {
			continue
		}
		miss := misses + namespace + local
		hit, missed := to[name]-from[name], to[miss]-from[miss]
		if n := hit + missed; n > 0 {
			parts = append(parts, fmt.Sprintf("%s %.2f %% of %.0f", namespace, 100*hit/n, n))
		}
	}
	slices.Sort(parts)
	return strings.Join(parts, ", ")
}

// processorTimes are those of the processes of the site.
func (s *site) processorTimes() map[string]time.Duration {
	times := map[string]time.Duration{}
	for _, r := range s.replicas {
		if d, err := rig.CPUTime(r.process().PID()); err == nil {
			times[r.name] = d
		}
	}
	if d, err := rig.CPUTime(s.nginx.PID()); err == nil {
		times["nginx"] = d
	}
	return times
}

func shares(before, after map[string]time.Duration, elapsed float64) string {
	text := ""
	for _, name := range []string{"replica 1", "replica 2", "nginx"} {
		text += fmt.Sprintf("%s %.0f; ", name, 100*(after[name]-before[name]).Seconds()/elapsed)
	}
	return text[:len(text)-2]
}

func (s *site) logName() string { return filepath.Join(s.dir, "nginx", "access.log") }

// logSize is where nginx's log ends now.
func (s *site) logSize() int64 {
	info, err := os.Stat(s.logName())
	if err != nil {
		return 0
	}
	return info.Size()
}

// logFrom reads nginx's log from a place on.
func (s *site) logFrom(mark int64) ([]answered, error) {
	f, err := os.Open(s.logName())
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if _, err := f.Seek(mark, io.SeekStart); err != nil {
		return nil, err
	}
	return readLog(f)
}

// pause waits.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
