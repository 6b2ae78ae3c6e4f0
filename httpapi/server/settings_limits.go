package server

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/pressmark/pressmark/httpapi/ratelimit"
)

// defaultRate is what users and networks get. A page with 50 covers takes 51
// requests; a client that copies a catalogue takes what it can get.
const defaultRate = "300:3000"

// limitSettings are those of what clients may ask for.
func limitSettings() []setting {
	return []setting{
		{
			group: "Limits", name: "RATE_LIMIT_USER", value: "RATE", def: defaultRate,
			help: "Requests a second of one user, and after a colon how many at once after a pause (10 times as many without). 0: no limit. Replicas count together over REDIS_URL.",
			set:  setRate(func(c *Config) *ratelimit.Rate { return &c.RateLimitUser }),
		},
		{
			name: "RATE_LIMIT_NETWORK", value: "RATE", def: defaultRate,
			help: "The same for one IPv4 address, or /64 of IPv6, of who is not logged in. Behind a proxy it needs TRUSTED_PROXIES. Not for this machine.",
			set:  setRate(func(c *Config) *ratelimit.Rate { return &c.RateLimitNetwork }),
		},
		{
			name: "MAX_DOWNLOADS", value: "NUMBER", def: "1000",
			help: "Downloads of books that go on at a time; a tenth of them for one user. 0: no bound.",
			set: func(c *Config, v string) error {
				return setCount(&c.MaxDownloads, v)
			},
		},
		{
			name: "MAX_CONNECTIONS", value: "NUMBER",
			help: "Connections that are open at a time; new ones wait. 0: no bound. Without it two thirds of the files that the process may open, 20000 at most.",
			set: func(c *Config, v string) error {
				return setCount(&c.MaxConnections, v)
			},
		},
	}
}

// setCount reads a number, of which 0 means none and is -1 in a Config.
func setCount(to *int, v string) error {
	n, err := strconv.Atoi(v)
	if err != nil || n < 0 || n > 10_000_000 {
		return fmt.Errorf("%q: a number from 0 on was expected", v)
	}
	if *to = n; n == 0 {
		*to = -1
	}
	return nil
}

// setRate reads "300" and "300:3000".
func setRate(field func(*Config) *ratelimit.Rate) func(*Config, string) error {
	return func(c *Config, v string) error {
		perSecond, burst, given := strings.Cut(v, ":")
		r, err := strconv.ParseFloat(strings.TrimSpace(perSecond), 64)
		if err == nil && r == 0 && !given {
			*field(c) = ratelimit.Rate{PerSecond: -1}
			return nil
		}
		n := int(math.Ceil(10 * min(r, 1e8)))
		if err == nil && given {
			n, err = strconv.Atoi(strings.TrimSpace(burst))
		}
		if err != nil || !(r >= 0.01 && r <= 1e6) || n < 1 || n > 1e7 {
			return fmt.Errorf("%q is not a rate: 300 or 300:3000 were expected, 0.01 to 1000000 requests a second and at least 1 at once", v)
		}
		*field(c) = ratelimit.Rate{PerSecond: r, Burst: n}
		return nil
	}
}

// withLimitDefaults fills in what is left open.
func (c Config) withLimitDefaults() Config {
	for _, r := range []*ratelimit.Rate{&c.RateLimitUser, &c.RateLimitNetwork} {
		if r.PerSecond == 0 {
			*r = ratelimit.Rate{PerSecond: 300, Burst: 3000}
		}
	}
	if c.MaxDownloads == 0 {
		c.MaxDownloads = 1000
	}
	if c.MaxConnections == 0 {
		c.MaxConnections = defaultConnections()
	}
	return c
}

// mostConnections bounds the default: each takes about 20 KB.
const mostConnections = 20_000

// defaultConnections leaves a third of the files that may be open for books,
// databases and stores, where a bound on these is known.
func defaultConnections() int {
	files, ok := openFiles()
	if !ok {
		return mostConnections
	}
	return int(min(mostConnections, max(16, files*2/3)))
}
