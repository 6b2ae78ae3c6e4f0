package server

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pressmark/pressmark/auth"
	"github.com/pressmark/pressmark/cache/rediscache/redistest"
	"github.com/pressmark/pressmark/catalog/calibre/calibretest"
)

// pair are two servers that share a database and a Redis.
type pair struct {
	t       *testing.T
	servers [2]*Server
	urls    [2]string
	bob     string // his access token
}

func newPair(t *testing.T, redisURL string) *pair {
	t.Helper()
	c := Config{
		Libraries: []Library{{Path: calibretest.Sample(t)}}, DataDir: t.TempDir(), ListenAddr: "127.0.0.1:0",
		Argon2Memory: 8 << 20, Argon2Time: 1, Logger: slog.New(slog.DiscardHandler), RedisURL: redisURL,
		SecretKey: "0123456789abcdefghijklmnopqrstuvwxyzABCD",
	}
	p := &pair{t: t}
	for i := range p.servers {
		p.servers[i], p.urls[i] = servingAt(t, c)
	}
	for i, name := range []string{"ada", "bob"} {
		u := auth.User{Email: name + "@example.com", Username: name, Role: auth.Admin}
		if i == 1 {
			u.Role = auth.Reader
		}
		if _, err := p.servers[0].logins.Create(t.Context(), 0, u, "correct horse", auth.Client{}); err != nil {
			t.Fatal(err)
		}
	}
	p.bob = p.login("bob")
	within(t, "both hear each other", func() bool {
		return p.servers[0].caches.Shared().Listening && p.servers[1].caches.Shared().Listening
	})
	return p
}

func (p *pair) login(name string) string {
	p.t.Helper()
	_, text := status(p.t, "POST", p.urls[0]+"/api/auth/login", fmt.Sprintf(`{"username": %q, "password": "correct horse"}`, name))
	var g struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.Unmarshal([]byte(text), &g); err != nil || g.AccessToken == "" {
		p.t.Fatalf("%s, %v", text, err)
	}
	return g.AccessToken
}

// in tells whether a server lets bob in; anything but 200 and 401 fails.
func (p *pair) in(server int) bool {
	p.t.Helper()
	code, text := status(p.t, "GET", p.urls[server]+"/api/books?limit=1", "", "Authorization", "Bearer "+p.bob)
	if code != http.StatusOK && code != http.StatusUnauthorized {
		p.t.Fatalf("%d %s", code, text)
	}
	return code == http.StatusOK
}

// disable disables bob, or enables him again, at the first server.
func (p *pair) disable(disabled bool) {
	p.t.Helper()
	ada := p.login("ada")
	if code, text := status(p.t, "PATCH", p.urls[0]+"/api/admin/users/2", fmt.Sprintf(`{"disabled": %v}`, disabled), "Authorization", "Bearer "+ada); code != http.StatusOK {
		p.t.Fatalf("%d %s", code, text)
	}
	if p.in(0) == disabled {
		p.t.Errorf("where it was done, disabled: %v", !disabled)
	}
}

// TestRedisFlushed: whatever is taken out of Redis, and whenever, nobody who was
// disabled is let in.
func TestRedisFlushed(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t)
	p := newPair(t, redis.URL)
	client := redis.Client(t)
	for i := range 10 {
		if !p.in(0) || !p.in(1) {
			t.Fatal("bob is not in")
		}
		p.disable(true)
		took := within(t, "disabled on the other", func() bool { return !p.in(1) })
		t.Logf("disabled on the other after %v", took)
		for _, command := range [][]any{{"DEL", "user:2"}, {"DEL", "gen:user"}, {"FLUSHDB"}} {
			if err := client.Do(t.Context(), command...).Err(); err != nil {
				t.Fatal(err)
			}
			if p.in(0) || p.in(1) {
				t.Fatalf("round %d: %v lets bob in", i, command)
			}
		}
		p.disable(false)
		within(t, "enabled on the other", func() bool { return p.in(1) })
	}
}

// TestRedisOutage: while Redis is gone or frozen everything works, and who is
// disabled meanwhile is disabled soon, and stays it.
func TestRedisOutage(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]struct {
		begin, end func(*redistest.Server, testing.TB)
	}{
		"stopped": {(*redistest.Server).Stop, (*redistest.Server).Restart},
		"frozen":  {(*redistest.Server).Freeze, (*redistest.Server).Thaw},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			redis := redistest.Start(t)
			p := newPair(t, redis.URL)
			if !p.in(0) || !p.in(1) {
				t.Fatal("bob is not in")
			}
			end := p.load()
			fault.begin(redis, t)
			p.disable(true)
			within(t, "disabled on the other", func() bool { return !p.in(1) }) // in less than 10 s
			fault.end(redis, t)
			for i := range p.servers {
				// Nobody waits for that, and a machine that has much to do takes its time.
				for began := time.Now(); !p.usesRedis(i); time.Sleep(5 * time.Millisecond) {
					if time.Since(began) > time.Minute {
						t.Fatal("Redis is not used again")
					}
				}
				for range 20 {
					if p.in(i) {
						t.Fatal("bob is in again after the outage")
					}
				}
			}
			end()
		})
	}
}

// usesRedis tells whether a server uses Redis, and says so.
func (p *pair) usesRedis(i int) bool {
	_, text := status(p.t, "GET", p.urls[i]+"/api/health", "")
	s := p.servers[i].caches.Shared()
	return !s.Open && s.Listening && strings.Contains(text, `"name":"redis","status":"ok"`)
}

// load asks both servers for pages all the time, as ada, and returns what ends
// that. Any answer but 200 fails.
func (p *pair) load() (end func()) {
	p.t.Helper()
	ada := p.login("ada")
	var stop atomic.Bool
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for n := 0; !stop.Load(); n++ {
				code, text := status(p.t, "GET", fmt.Sprintf("%s/api/books?limit=%d", p.urls[i%2], n%40+1), "", "Authorization", "Bearer "+ada)
				if code != http.StatusOK {
					p.t.Errorf("%d %s", code, text)
					return
				}
				time.Sleep(time.Millisecond)
			}
		})
	}
	return func() {
		stop.Store(true)
		wg.Wait()
	}
}

// TestRedisShared: what one server has made the other does not make again, and
// one with another key reads nothing of it.
func TestRedisShared(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t)
	p := newPair(t, redis.URL)
	asked := func(server int, namespace string) (hits uint64) {
		for _, s := range p.servers[server].caches.Stats() {
			if s.Namespace == namespace {
				return s.SharedHits
			}
		}
		return 0
	}
	for range 3 {
		p.in(0)
	}
	within(t, "the page is in Redis", func() bool {
		n, err := redis.Client(t).Exists(t.Context(), "user:2").Result()
		return err == nil && n == 1
	})
	within(t, "the other server finds the page", func() bool { return p.in(1) && asked(1, "page") > 0 })
	within(t, "the other server finds the account", func() bool {
		p.servers[1].caches.local.Delete("user", "2")
		return p.in(1) && asked(1, "user") > 0
	})
	w := httptest.NewRecorder()
	p.servers[0].Metrics().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	for _, line := range []string{
		`cache_hits_total{namespace="page",tier="shared"} `, `cache_misses_total{namespace="user",tier="local"} `,
		`cache_invalidations_total{direction="received",namespace="user"} `, `cache_load_duration_seconds_count{namespace="page",result="ok"} `,
		`cache_joins_total{namespace="page"} `,
		"cache_bytes ", "cache_max_bytes ", "cache_evictions_total ", "cache_breaker_open 0", "cache_listening 1", "go_goroutines ",
	} {
		if !strings.Contains(w.Body.String(), "\n"+line) {
			t.Errorf("Prometheus is not told %q:\n%s", line, w.Body)
		}
	}
}

// TestMetricsAddr: metrics are served on their own address, and there alone.
func TestMetricsAddr(t *testing.T) {
	c := sampleConfig(t)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c.MetricsAddr = ln.Addr().String()
	ln.Close()
	_, url := servingAt(t, c)
	within(t, "metrics are served", func() bool {
		res, err := http.Get("http://" + c.MetricsAddr + "/metrics")
		if err != nil {
			return false
		}
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		return err == nil && res.StatusCode == http.StatusOK && strings.Contains(string(text), "cache_hits_total")
	})
	if code, _ := status(t, "GET", url+"/metrics", ""); code != http.StatusNotFound {
		t.Errorf("the API answers %d", code)
	}
}
