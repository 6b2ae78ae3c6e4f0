package server

import (
	"context"
	"crypto/hkdf"
	"crypto/sha256"
	"fmt"
	"strings"
	"time"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/redis/go-redis/v9"

	"github.com/pressmark/pressmark/auth"
	"github.com/pressmark/pressmark/cache"
	"github.com/pressmark/pressmark/cache/rediscache"
	"github.com/pressmark/pressmark/cache/ristrettocache"
	"github.com/pressmark/pressmark/catalog/index"
	"github.com/pressmark/pressmark/httpapi"
)

// caches are the tiers of the server's cache, and what is kept in it that the API
// does not make itself.
type caches struct {
	*cache.Cache
	local    *ristrettocache.Local // nil: none
	redis    redis.UniversalClient // nil: none
	accounts *cache.Namespace[*auth.Account]
	lockouts *cache.Namespace[time.Time]
	sets     *cache.Namespace[*roaring.Bitmap] // what searches have selected
}

// Close ends the tiers.
func (c *caches) Close() error {
	if c.local != nil {
		c.local.Close()
	}
	if c.redis != nil {
		return c.redis.Close()
	}
	return nil
}

// askTime bounds asking the database for an account.
const askTime = 10 * time.Second

// redisPing is how long the start waits for Redis to say that it is there.
const redisPing = 2 * time.Second

// openCaches makes the cache. Redis is waited for a moment, to say whether it is
// there: everything works without it.
func (s *Server) openCaches(ctx context.Context) (err error) {
	c := &caches{}
	s.caches = c
	o := cache.Options{Logger: s.log, OnEvent: s.metrics.cacheEvent, Now: s.config.Now}
	if s.config.CacheLocalMaxBytes > 0 {
		if c.local, err = ristrettocache.New(ristrettocache.Options{MaxBytes: s.config.CacheLocalMaxBytes}); err != nil {
			return fmt.Errorf("open cache: %w", err)
		}
		o.Local = c.local
	}
	if s.config.RedisURL != "" {
		ro, err := rediscache.ParseURL(s.config.RedisURL)
		if err != nil {
			return &ConfigError{"REDIS_URL", err.Error()}
		}
		c.redis = redis.NewUniversalClient(ro)
		if err := s.instruments.redis(c.redis); err != nil {
			return err
		}
		store := rediscache.New(c.redis, rediscache.Options{Prefix: s.config.RedisPrefix})
		o.Shared, o.Bus, o.SharedTimeout = store, store, ro.ReadTimeout
		s.sayRedis(ctx, ro)
	}
	c.Cache = cache.New(o)
	s.metrics.register(c.Cache)
	key, err := s.config.secret()
	if err != nil {
		return err
	}
	if s.seal, err = sealKey(key); err != nil {
		return err
	}
	c.sets, err = cache.NewNamespace(c.Cache, cache.NamespaceOptions[*roaring.Bitmap]{
		Name: "set", TTL: s.config.CacheTTL, Unchanging: true, LocalOnly: true, Cost: index.SetBytes,
	})
	if err != nil {
		return err
	}
	c.lockouts, err = cache.NewNamespace(c.Cache, cache.NamespaceOptions[time.Time]{
		Name: "lockout", TTL: auth.LockoutTTL, Unchanging: true, LocalOnly: true,
	})
	if err != nil {
		return err
	}
	c.accounts, err = cache.NewNamespace(c.Cache, cache.NamespaceOptions[*auth.Account]{
		Name: "user", TTL: s.config.AuthCacheTTL, NotFound: auth.ErrNotFound, Feed: auth.Follow(s.state.Changes),
		Cost: accountBytes, LoadTimeout: askTime,
		// Who can write to Redis cannot make up an admin, and two servers with users
		// of their own may share one by mistake.
		Seal: s.seal,
	})
	return err
}

// sealKey returns a key for sealing that follows from the one for tokens, and from
// which that does not follow.
func sealKey(key []byte) ([]byte, error) {
	return hkdf.Key(sha256.New, key, nil, "pressmark cache", sha256.Size)
}

// accountBytes is about what an account takes in memory.
func accountBytes(a *auth.Account) int64 {
	n := 512 + len(a.User.Email) + len(a.User.Username) + len(a.User.FullName) + len(a.View) + 48*len(a.Sessions) + 256*len(a.AppPasswords)
	for name, r := range a.User.Access.Libraries {
		n += 128 + len(name) + len(r.Expression)
	}
	return int64(n)
}

// sayRedis says whether Redis answers.
func (s *Server) sayRedis(ctx context.Context, o *redis.UniversalOptions) {
	ctx, cancel := context.WithTimeout(ctx, redisPing)
	defer cancel()
	at := strings.Join(o.Addrs, ",")
	var err error
	for { // the first connection may take longer than a command may
		if err = s.caches.redis.Ping(ctx).Err(); err == nil {
			s.log.Info("Redis connected", "address", at)
			return
		}
		select {
		case <-ctx.Done():
			s.log.Warn("Redis does not answer; everything works without it", "address", at, "err", err)
			return
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// redisCheck is what health says of Redis.
func (c *caches) redisCheck() httpapi.CheckResult {
	st := c.Shared()
	switch {
	case !st.Used:
		return httpapi.CheckResult{Status: "off"}
	case st.Open:
		return httpapi.CheckResult{Status: "degraded", Since: st.Since, Detail: "Redis does not answer, or refuses: everything works without it, less fast"}
	case !st.Listening:
		return httpapi.CheckResult{Status: "degraded", Detail: "Redis does not tell what other servers change: accounts are asked for more often"}
	}
	return httpapi.CheckResult{Status: "ok"}
}

func checkRedis(url string) error {
	if url == "" {
		return nil
	}
	_, err := rediscache.ParseURL(url)
	return err
}
