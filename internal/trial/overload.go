package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/pressmark/pressmark/catalog/calibre/calibretest"
	"github.com/pressmark/pressmark/internal/rig"
)

const (
	overloadBooks  = 100_000
	overloadFactor = 3
	overloadWait   = 10 * time.Second       // after which a client gives up
	overloadGoal   = 200 * time.Millisecond // p99 of what is admitted
	capacityConns  = 8
)

// tryOverload offers a server that has one processor three times what it can do:
// searches and lists that nobody has asked for before. What is ready is asked for
// beside it, and so is health.
func tryOverload(ctx context.Context, o options, log io.Writer) (_ *report, err error) {
	rep := newReport(o, "Overload", "what", "goal", "measured", "")
	s := &site{opts: o, log: log, program: o.server}
	if s.dir, err = os.MkdirTemp("", "pressmark-trial-*"); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(s.dir)) }()
	if s.program == "" {
		if s.program, err = rig.BuildServer(ctx, s.dir); err != nil {
			return nil, err
		}
	}
	dir := filepath.Join(s.dir, "library")
	s.say("generating a library of %d books", overloadBooks)
	if err := calibretest.Generate(ctx, filepath.Join(dir, "metadata.db"), calibretest.Spec{Books: overloadBooks, Seed: seed, Files: 3}); err != nil {
		return nil, err
	}
	p, err := s.startOverloaded(ctx, dir)
	if err != nil {
		return nil, err
	}
	defer p.Stop()

	c := newCrowd(p.Addr)
	rate := c.capacity(ctx, 5*time.Second)
	s.say("one processor answers %.0f a second; offering %.0f", rate, overloadFactor*rate)
	before, err := rig.RSSAnon(p.PID())
	if err != nil {
		return nil, err
	}
	peak := rig.WatchPeak(p.PID())
	got := c.offer(ctx, overloadFactor*rate, o.duration)
	most := peak.Stop()

	good, busy := got.took(http.StatusOK), got.took(http.StatusServiceUnavailable)
	rep.row("answered by one processor, nobody waiting", "", fmt.Sprintf("%.0f/s", rate), "")
	rep.row("offered, for "+o.duration.String(), "", fmt.Sprintf("%.0f/s", overloadFactor*rate), "")
	rep.row("answered", "", fmt.Sprintf("%.0f/s", float64(len(good))/o.duration.Seconds()), "")
	rep.goal("p50, p99 of answers", "p99 < "+overloadGoal.String(), short(rig.Quantile(good, .5))+", "+short(rig.Quantile(good, .99)), rig.Quantile(good, .99) < overloadGoal, o.strict)
	rep.row("p50, p99 of 503", "", fmt.Sprintf("%s, %s, of %d", short(rig.Quantile(busy, .5)), short(rig.Quantile(busy, .99)), len(busy)), "")
	rep.goal("neither answered nor 503", "none", fmt.Sprint(got.others(), " of ", len(got.all)), got.others() == 0, true)
	rep.goal("health and what is ready: failed, p99", "none", fmt.Sprint(got.beside.failed, ", ", short(rig.Quantile(got.beside.took, .99))), got.beside.failed == 0, true)
	rep.goal("memory: before, most", "+ 50 %", fmt.Sprintf("%d MB, %d MB", before>>20, most>>20), most < before*3/2, o.strict)
	rep.note("Latencies are counted from when a request was due. The server has GOMAXPROCS=1.")
	return rep, nil
}

func (s *site) startOverloaded(ctx context.Context, dir string) (*rig.Process, error) {
	addr, err := rig.FreeAddr()
	if err != nil {
		return nil, err
	}
	p, err := rig.Start(addr, []string{
		"CALIBRE_LIBRARY_PATH=" + dir, "LISTEN_ADDR=" + addr, "DATA_DIR=" + filepath.Join(s.dir, "data"), "PUBLIC_READ=true",
		"LOG_FORMAT=json", "GOMAXPROCS=1",
		"CACHE_LOCAL_MAX_BYTES=16MiB", // filled before memory is looked at
	}, s.program, "serve")
	if err != nil {
		return nil, err
	}
	if _, err = p.Ready(ctx, "/api/health/ready", time.Minute); err == nil {
		_, err = p.Prepared(ctx, time.Minute)
	}
	if err != nil {
		p.Stop()
	}
	return p, err
}

// crowd asks one server.
type crowd struct {
	url    string
	client *http.Client
}

func newCrowd(addr string) *crowd {
	d := net.Dialer{Timeout: overloadWait}
	return &crowd{"http://" + addr, &http.Client{Timeout: overloadWait, Transport: &http.Transport{DialContext: d.DialContext, MaxIdleConnsPerHost: 10_000, DisableCompression: true}}}
}

// unheard is a search or a list that was not asked for before.
func unheard() string {
	letters := func() string {
		const vowels, others = "aeiou", "bcdfghlmnprstvw"
		return string([]byte{others[rand.IntN(len(others))], vowels[rand.IntN(len(vowels))], others[rand.IntN(len(others))]})
	}
	size := rand.Int64N(1 << 40)
	if rand.IntN(2) == 0 {
		return fmt.Sprintf("/api/books?limit=50&q=%s+or+comments:%s+or+size:%d", letters(), letters(), size)
	}
	return fmt.Sprintf("/api/books?limit=50&sort=-added,title&facets=tags&size=..%d", 1<<40+size)
}

// ask returns the status of an answer that came whole, 0 of one that did not.
func (c *crowd) ask(ctx context.Context, path string) int {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, c.url+path, nil)
	if err != nil {
		return 0
	}
	res, err := c.client.Do(r)
	if err != nil {
		return 0
	}
	defer res.Body.Close()
	if _, err := io.Copy(io.Discard, res.Body); err != nil {
		return 0
	}
	return res.StatusCode
}

// capacity is how many answers a second come to a few who ask again and again.
func (c *crowd) capacity(ctx context.Context, d time.Duration) float64 {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	var wg sync.WaitGroup
	counts := make([]int, capacityConns)
	for i := range counts {
		wg.Go(func() {
			for ctx.Err() == nil {
				if c.ask(ctx, unheard()) == http.StatusOK {
					counts[i]++
				}
			}
		})
	}
	wg.Wait()
	sum := 0
	for _, n := range counts {
		sum += n
	}
	return float64(sum) / d.Seconds()
}

// offered is what came of what was offered.
type offered struct {
	all    []outcome
	beside struct {
		failed int
		took   []time.Duration // sorted
	}
}

type outcome struct {
	status int
	took   time.Duration
}

// took returns how long answers of a status took, sorted.
func (o *offered) took(status int) (d []time.Duration) {
	for _, a := range o.all {
		if a.status == status {
			d = append(d, a.took)
		}
	}
	if slices.Sort(d); d == nil {
		d = []time.Duration{0}
	}
	return d
}

func (o *offered) others() (n int) {
	for _, a := range o.all {
		if a.status != http.StatusOK && a.status != http.StatusServiceUnavailable {
			n++
		}
	}
	return n
}

// offer sends requests at a rate, whatever becomes of those before.
func (c *crowd) offer(ctx context.Context, rate float64, d time.Duration) *offered {
	var o offered
	var mu sync.Mutex
	var wg sync.WaitGroup
	const ready = "/api/books?limit=50"
	c.ask(ctx, ready)
	stop, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	wg.Go(func() {
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for i := 0; ; i++ {
			select {
			case <-stop.Done():
				return
			case <-tick.C:
			}
			began := time.Now()
			status := c.ask(ctx, []string{ready, "/api/health/live"}[i%2])
			mu.Lock()
			if status != http.StatusOK {
				o.beside.failed++
			}
			o.beside.took = append(o.beside.took, time.Since(began))
			mu.Unlock()
		}
	})
	began := time.Now()
	for i := 0; stop.Err() == nil; i++ {
		due := began.Add(time.Duration(float64(i) / rate * float64(time.Second)))
		if wait := time.Until(due); wait > 0 {
			time.Sleep(wait)
		}
		wg.Go(func() {
			status := c.ask(ctx, unheard())
			a := outcome{status, time.Since(due)}
			mu.Lock()
			o.all = append(o.all, a)
			mu.Unlock()
		})
	}
	wg.Wait()
	slices.Sort(o.beside.took)
	if len(o.beside.took) == 0 {
		o.beside.took = []time.Duration{0}
	}
	return &o
}
