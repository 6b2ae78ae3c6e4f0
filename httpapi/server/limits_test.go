package server

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/pressmark/pressmark/cache/rediscache"
	"github.com/pressmark/pressmark/cache/rediscache/redistest"
	"github.com/pressmark/pressmark/catalog/calibre/calibretest"
	"github.com/pressmark/pressmark/httpapi/ratelimit"
)

// offered sends requests of a user to limiters in turn, about a thousand a second
// for some time, and returns how many are allowed, and the longest that one took.
func offered(d time.Duration, all []*ratelimit.Limiter) (n int, longest time.Duration) {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	began := time.Now()
	sent := 0
	for now := range tick.C {
		if now.Sub(began) > d {
			return n, longest
		}
		for ; sent < int(now.Sub(began)/time.Millisecond); sent++ {
			before := time.Now()
			if _, ok := all[sent%len(all)].Allow(7); ok {
				n++
			}
			longest = max(longest, time.Since(before))
		}
	}
	return n, longest
}

// TestSharedLimit: two replicas with one Redis let a user have what one would,
// and ask Redis for it in the background only: frozen, it costs nothing but that.
func TestSharedLimit(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t)
	client := redis.Client(t)
	l := limits{key: []byte("secret")}
	var all []*ratelimit.Limiter
	for range 2 {
		limiter := ratelimit.New(ratelimit.Options{Rate: ratelimit.Rate{PerSecond: 100, Burst: 100}})
		all = append(all, limiter)
		go limiter.Share(t.Context(), ratelimit.ShareOptions{
			Store: rediscache.New(client, rediscache.Options{Prefix: "p:"}),
			Name:  func(k ratelimit.Key) string { return l.name("user", k) },
		})
	}
	const seconds = 4
	n, _ := offered(seconds*time.Second, all)
	if want := 100 + 100*seconds; n < want*3/4 || n > want*5/4 {
		t.Errorf("%d in %d s, want %d ± 25 %%", n, seconds, want)
	}
	t.Logf("%d of %d", n, 100+100*seconds)
	keys, err := client.Keys(t.Context(), "*").Result()
	if err != nil || len(keys) != 1 || !strings.HasPrefix(keys[0], "p:rate:") {
		t.Errorf("%v, %v", keys, err)
	}
	redis.Freeze(t)
	defer redis.Thaw(t)
	alone, longest := offered(seconds*time.Second, all)
	if alone < 150*seconds {
		t.Errorf("%d in %d s by themselves, want about %d", alone, seconds, 200*seconds)
	}
	if longest > time.Second { // the client's time-out is 5 s
		t.Errorf("a request waited %v while Redis is frozen", longest)
	}
	t.Logf("frozen: %d, the longest %v", alone, longest)
}

// TestNames: what lies in Redis tells no address without the key, and differs by
// kind.
func TestNames(t *testing.T) {
	a, b := limits{key: []byte("a")}, limits{key: []byte("b")}
	if a.name("user", 1) == a.name("network", 1) || a.name("user", 1) == a.name("user", 2) || a.name("user", 1) == b.name("user", 1) {
		t.Error("names are not as they should be")
	}
}

func boundServer(t *testing.T, change func(*Config)) (*Server, string) {
	t.Helper()
	c := Config{
		Libraries: []Library{{Path: calibretest.Sample(t)}}, DataDir: t.TempDir(), ListenAddr: "127.0.0.1:0",
		PublicRead: true, Logger: slog.New(slog.DiscardHandler),
	}
	change(&c)
	return servingAt(t, c)
}

// TestSlowLoris: a thousand clients that never end their header do not keep others
// out, and more connections than there may be wait, and are answered.
func TestSlowLoris(t *testing.T) {
	t.Parallel()
	_, url := boundServer(t, func(c *Config) { c.MaxConnections = 1100 })
	host := strings.TrimPrefix(url, "http://")
	var slow []net.Conn
	defer func() {
		for _, c := range slow {
			c.Close()
		}
	}()
	for range 1000 {
		c, err := net.Dial("tcp", host)
		if err != nil {
			t.Fatal(err)
		}
		slow = append(slow, c)
		if _, err := io.WriteString(c, "GET /api/books HTTP/1.1\r\nHost: x\r\nX-Slow: "); err != nil {
			t.Fatal(err)
		}
	}
	for range 20 {
		if code, text := status(t, "GET", url+"/api/books?limit=1", ""); code != http.StatusOK {
			t.Fatalf("%d %s", code, text)
		}
	}
}

// TestMaxConnections: a connection over the bound waits for another to end.
func TestMaxConnections(t *testing.T) {
	t.Parallel()
	s, url := boundServer(t, func(c *Config) { c.MaxConnections = 2 })
	host := strings.TrimPrefix(url, "http://")
	open := func() net.Conn {
		c, err := net.Dial("tcp", host)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		if _, err := io.WriteString(c, "GET /api/health/live HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		return c
	}
	answered := func(c net.Conn) error {
		res, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err == nil {
			res.Body.Close()
		}
		return err
	}
	first, second := open(), open()
	if err := errors.Join(answered(first), answered(second)); err != nil {
		t.Fatal(err)
	}
	third := open()
	within(t, "a connection waits", func() bool { return s.limits.listener.Load().Stats().Waits > 0 })
	if open := s.limits.listener.Load().Stats().Open; open != 2 {
		t.Errorf("%d are open", open)
	}
	first.Close()
	if err := answered(third); err != nil {
		t.Error(err)
	}
}

// TestLimitsAreComposed: settings reach the API, and what it refuses the metrics.
func TestLimitsAreComposed(t *testing.T) {
	t.Parallel()
	s, url := boundServer(t, func(c *Config) {
		c.RateLimitNetwork = ratelimit.Rate{PerSecond: 0.001, Burst: 3}
		c.TrustedProxies = append(c.TrustedProxies, netip.MustParsePrefix("127.0.0.0/8"))
	})
	for i := range 5 {
		code, text := status(t, "GET", fmt.Sprint(url, "/api/books?limit=", i+1), "", "X-Forwarded-For", "192.0.2.1")
		if want := map[bool]int{true: http.StatusOK, false: http.StatusTooManyRequests}[i < 3]; code != want {
			t.Errorf("request %d: %d %s", i, code, text)
		}
	}
	all, err := s.metrics.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var refused float64
	for _, f := range all {
		for _, m := range f.GetMetric() {
			if f.GetName() == "limit_refused_total" && m.GetLabel()[0].GetValue() == "network_rate" {
				refused = m.GetCounter().GetValue()
			}
		}
	}
	if refused != 2 {
		t.Errorf("metrics tell of %v, want 2", refused)
	}
}

// TestLimitSettings reads what users write.
func TestLimitSettings(t *testing.T) {
	for text, want := range map[string]ratelimit.Rate{
		"300": {PerSecond: 300, Burst: 3000}, "300:5": {PerSecond: 300, Burst: 5}, "0.5": {PerSecond: 0.5, Burst: 5}, "0": {PerSecond: -1},
	} {
		var c Config
		if err := setRate(func(c *Config) *ratelimit.Rate { return &c.RateLimitUser })(&c, text); err != nil || c.RateLimitUser != want {
			t.Errorf("%q: %+v, %v", text, c.RateLimitUser, err)
		}
	}
	for _, text := range []string{"", "x", "-1", "0:5", "1:0", "1:x", "NaN", "Inf", "1e9", "1:2:3"} {
		var c Config
		if err := setRate(func(c *Config) *ratelimit.Rate { return &c.RateLimitUser })(&c, text); err == nil {
			t.Errorf("%q is taken for %+v", text, c.RateLimitUser)
		}
	}
	if c := (Config{}).withLimitDefaults(); c.MaxConnections < 16 || c.MaxConnections > mostConnections || c.RateLimitUser.Burst != 3000 {
		t.Errorf("%+v", c)
	}
}
