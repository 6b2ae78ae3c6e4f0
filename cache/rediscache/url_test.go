package rediscache_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pressmark/pressmark/cache/rediscache"
)

func TestParseURL(t *testing.T) {
	for text, want := range map[string][]string{
		"redis://redis":                                {"redis:6379"},
		"redis://:secret@10.0.0.1:6380/3":              {"10.0.0.1:6380"},
		"rediss://user:p%40ss@redis.example:6379":      {"redis.example:6379"},
		"redis://[::1]:6379/0?pool_size=5":             {"[::1]:6379"},
		"redis://a:7000,b:7001,[::1]:7002":             {"a:7000", "b:7001", "[::1]:7002"},
		"redis://user:a,b@a:7000,b:7001":               {"a:7000", "b:7001"},
		"redis://a:7000?cluster=true":                  {"a:7000"},
		"redis://a:26379,b:26379/1?master_name=main":   {"a:26379", "b:26379"},
		"redis://a:6379?read_timeout=200ms&protocol=2": {"a:6379"},
		"unix:///run/redis.sock?db=2":                  {"/run/redis.sock"},
	} {
		o, err := rediscache.ParseURL(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if !slices.Equal(o.Addrs, want) {
			t.Errorf("%s: %q", text, o.Addrs)
		}
		timeout := 50 * time.Millisecond
		if strings.Contains(text, "200ms") {
			timeout = 200 * time.Millisecond
		}
		if o.ReadTimeout != timeout || o.WriteTimeout != timeout || o.MaxRetries != -1 || !o.ContextTimeoutEnabled {
			t.Errorf("%s: times %v, %v, %d retries", text, o.ReadTimeout, o.WriteTimeout, o.MaxRetries)
		}
		if (o.TLSConfig != nil) != strings.HasPrefix(text, "rediss:") {
			t.Errorf("%s: TLS: %v", text, o.TLSConfig != nil)
		}
		if o.IsClusterMode != strings.Contains(text, "cluster=true") || (o.MasterName != "") != strings.Contains(text, "master_name") {
			t.Errorf("%s: cluster %v, master %q", text, o.IsClusterMode, o.MasterName)
		}
		if strings.HasPrefix(text, "unix:") && (o.Dialer == nil || o.DB != 2) {
			t.Errorf("%s: dialer %v, database %d", text, o.Dialer != nil, o.DB)
		}
	}
	for _, text := range []string{
		"", "redis", "localhost:6379", "http://a:6379", "redis://a:6379/x", "redis://a:7000,b", "redis://a:7000,b:7001/3",
		"redis://a:6379?cluster=maybe", "redis://a:7000/3?cluster=true", "redis://a:6379?read_timeout=0", "redis://a:6379?pool_size=-4", "redis://a:6379?min_idle_conns=-1", "redis://a:6379?read_timeout=-1", "redis://a:6379?dial_timeout=-1", "redis://a:6379?unheard=of", "redis://:sec%ret@a:6379",
	} {
		o, err := rediscache.ParseURL(text)
		if err == nil {
			t.Errorf("%s is %+v", text, o)
		} else if strings.Contains(err.Error(), "ret@") {
			t.Errorf("%s: the error shows the password: %v", text, err)
		}
	}
}
