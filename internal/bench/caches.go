package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"

	"github.com/pressmark/pressmark/internal/rig"
)

// A mix as a busy server sees it: so many different requests, and users, each
// asked for the less often the further down the list it is (Zipf).
const (
	mixQueries = 10_000
	mixUsers   = 500
	mixSkew    = 1.1
	// mixTime is how long it is asked for, as a multiple of -duration; what the
	// first half makes is there in the second.
	mixTime = 8
)

// mix makes requests like that.
type mix struct {
	queries []string
	tokens  []string
	query   *rand.Zipf
	user    *rand.Zipf
}

func (m *mix) next(dst []byte, _ answer) []byte {
	return get(dst, m.queries[m.query.Uint64()], "Accept-Encoding: gzip", "Authorization: Bearer "+m.tokens[m.user.Uint64()])
}

func mixSources(queries, tokens []string, conns int) []source {
	out := make([]source, conns)
	for i := range out {
		rng := rand.New(rand.NewPCG(seed, uint64(i)))
		out[i] = &mix{
			queries, tokens,
			rand.NewZipf(rng, mixSkew, 1, uint64(len(queries)-1)), rand.NewZipf(rng, mixSkew, 1, uint64(len(tokens)-1)),
		}
	}
	return out
}

// serveMix starts a server that tells its metrics, with users who have logged in.
func (l *lab) serveMix(ctx context.Context, books, users int, env ...string) (srv *process, metrics string, paths, tokens []string, err error) {
	lib, err := l.library(ctx, books)
	if err != nil {
		return nil, "", nil, nil, err
	}
	l.rest()
	if metrics, err = rig.FreeAddr(); err != nil {
		return nil, "", nil, nil, err
	}
	srv, err = l.serve(lib.dir, append([]string{"METRICS_ADDR=" + metrics, "ARGON2_MEMORY=8MiB", "ARGON2_TIME=1"}, env...)...)
	if err != nil {
		return nil, "", nil, nil, err
	}
	defer func() {
		if err != nil {
			srv.stop()
		}
	}()
	if _, err = srv.Ready(ctx, "/api/health/ready", readyWait); err != nil {
		return srv, "", nil, nil, err
	}
	if _, err = srv.Prepared(ctx, readyWait); err != nil {
		return srv, "", nil, nil, err
	}
	if tokens, err = srv.tokens(ctx, users); err != nil {
		return srv, "", nil, nil, err
	}
	v, err := readVocabulary(ctx, srv)
	if err != nil {
		return srv, "", nil, nil, err
	}
	p := pages{v: v, rng: rand.New(rand.NewPCG(seed, 6)), seen: &queries{seen: map[string]bool{}}}
	for len(paths) < mixQueries {
		if q := p.query(); p.seen.add(q) {
			paths = append(paths, q)
		}
	}
	return srv, metrics, paths, tokens, nil
}

// tokens creates users and logs them in.
func (p *process) tokens(ctx context.Context, users int) ([]string, error) {
	names, err := p.createUsers(ctx, "reader", users, false)
	if err != nil {
		return nil, err
	}
	tokens := make([]string, users)
	for i, name := range names {
		var g struct {
			AccessToken string `json:"access_token"`
		}
		if err := p.Send(ctx, http.MethodPost, "/api/auth/login", credentials{name, benchPassword}, http.StatusOK, &g); err != nil {
			return nil, err
		}
		tokens[i] = g.AccessToken
	}
	return tokens, nil
}

// readyHits are the hits and misses of answers ready to be sent.
func readyHits(g rig.Gauges) (hits, misses float64) {
	return g[`cache_hits_total{namespace="ready",tier="local"}`], g[`cache_misses_total{namespace="ready",tier="local"}`]
}

// userLoads is how often an account was asked for in the database.
func userLoads(g rig.Gauges) float64 {
	return g[`cache_load_duration_seconds_count{namespace="user",result="ok"}`]
}

// mixed is what the mix showed.
type mixed struct {
	requests    int
	hitRate     float64 // of the second half
	overall     float64
	userLoads   float64 // for all requests
	kept, limit float64 // bytes
	before, rss int64   // anonymous memory
}

// askMix asks the mix.
func (l *lab) askMix(ctx context.Context, books int, env ...string) (*mixed, error) {
	srv, addr, queries, tokens, err := l.serveMix(ctx, books, mixUsers, env...)
	if err != nil {
		return nil, err
	}
	defer srv.stop()
	m := &mixed{}
	if m.before, err = rig.RSSAnon(srv.PID()); err != nil {
		return nil, err
	}
	load, err := newLoad(srv.Addr, http.StatusOK, mixSources(queries, tokens, l.opts.conns))
	if err != nil {
		return nil, err
	}
	defer load.close()
	var at [3]rig.Gauges
	if at[0], err = rig.ReadGauges(ctx, addr); err != nil {
		return nil, err
	}
	for half := range 2 {
		s, err := load.run(ctx, l.opts.duration*mixTime/2)
		if err != nil {
			return nil, err
		}
		m.requests += s.requests
		if at[half+1], err = rig.ReadGauges(ctx, addr); err != nil {
			return nil, err
		}
	}
	rate := func(from, to rig.Gauges) float64 {
		h0, m0 := readyHits(from)
		h1, m1 := readyHits(to)
		return (h1 - h0) / (h1 - h0 + m1 - m0)
	}
	m.hitRate, m.overall = rate(at[1], at[2]), rate(at[0], at[2])
	m.userLoads = userLoads(at[2]) - userLoads(at[0])
	m.kept, m.limit = at[2]["cache_bytes"], at[2]["cache_max_bytes"]
	m.rss, err = rig.RSSAnon(srv.PID())
	return m, err
}

func (l *lab) mix(ctx context.Context, books int, env ...string) (*mixed, error) {
	key := strings.Join(env, " ")
	if l.mixes[key] == nil {
		l.mixes[key] = map[int]memo[*mixed]{}
	}
	return once(l.mixes[key], books, func() (*mixed, error) { return l.askMix(ctx, books, env...) })
}

// The mix is also asked with little memory, where most has to go again.
const littleCache = "CACHE_LOCAL_MAX_BYTES=16MiB"

func (l *lab) cacheRows(n int) []row {
	hitRate := func(env ...string) func(context.Context) (outcome, error) {
		return func(ctx context.Context) (outcome, error) {
			m, err := l.mix(ctx, n, env...)
			if err != nil {
				return outcome{}, err
			}
			return outcome{value: m.hitRate, unit: ratio, note: fmt.Sprintf(
				"%d requests of %d users, %d different; %.4f with those of the first half, in which nothing is known", m.requests, mixUsers, mixQueries, m.overall)}, nil
		}
	}
	kept := func(env ...string) func(context.Context) (outcome, error) {
		return func(ctx context.Context) (outcome, error) {
			m, err := l.mix(ctx, n, env...)
			if err != nil {
				return outcome{}, err
			}
			return outcome{value: m.kept / m.limit, unit: ratio, note: fmt.Sprintf(
				"%s of %s; anonymous memory of the process %s before, %s after, garbage included",
				format(m.kept, bytesIn), format(m.limit, bytesIn), format(float64(m.before), bytesIn), format(float64(m.rss), bytesIn))}, nil
		}
	}
	return []row{
		{"cache-hits", "answers found in the cache, of a mix", n, atLeast(0.95), hitRate()},
		{"cache-memory", "memory of the cache ÷ its bound", n, budget{false, 1.0001, ratio}, kept()},
		{"cache-hits-little", "answers found in a cache of 16 MiB", n, budget{}, hitRate(littleCache)},
		{"cache-memory-little", "memory of that ÷ its bound", n, budget{false, 1.0001, ratio}, kept(littleCache)},
		{"user-queries", "queries of accounts saved by the cache", n, atLeast(0.99), func(ctx context.Context) (outcome, error) { return l.userQueries(ctx, n) }},
		{"redis-stopped", "p99 while Redis is gone, more than before", n, below(60 * time.Millisecond), l.outage(n, stopped)},
		{"redis-frozen", "p99 while Redis is frozen, more than before", n, below(60 * time.Millisecond), l.outage(n, frozen)},
		{"redis-dropped", "p99 while packets to Redis are dropped, more than before", n, below(60 * time.Millisecond), l.outage(n, dropped)},
	}
}

// userQueries compares how often accounts are asked for in the database with and
// without the cache.
func (l *lab) userQueries(ctx context.Context, books int) (outcome, error) {
	with, err := l.mix(ctx, books)
	if err != nil {
		return outcome{}, err
	}
	without, err := l.mix(ctx, books, "ENABLE_AUTH_CACHE=false")
	if err != nil {
		return outcome{}, err
	}
	perWith, perWithout := with.userLoads/float64(with.requests), without.userLoads/float64(without.requests)
	return outcome{value: 1 - perWith/perWithout, unit: ratio, note: fmt.Sprintf(
		"accounts asked for %.0f times for %d requests of %d users, and %.0f times for %d requests with ENABLE_AUTH_CACHE=false",
		with.userLoads, with.requests, mixUsers, without.userLoads, without.requests)}, nil
}
