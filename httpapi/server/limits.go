package server

import (
	"context"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pressmark/pressmark/cache/rediscache"
	"github.com/pressmark/pressmark/httpapi"
	"github.com/pressmark/pressmark/httpapi/admission"
	"github.com/pressmark/pressmark/httpapi/conns"
	"github.com/pressmark/pressmark/httpapi/ratelimit"
)

// limits are what bounds clients of a server.
type limits struct {
	users, networks *ratelimit.Limiter
	work            *admission.Queue
	memory          memory
	shared          ratelimit.Shared // nil: none
	key             []byte           // names in shared do not tell addresses without it
	listener        atomic.Pointer[conns.Listener]
}

func (s *Server) openLimits() (o httpapi.LimitOptions, err error) {
	l := &s.limits
	if r := s.config.RateLimitUser; r.PerSecond > 0 {
		l.users = ratelimit.New(ratelimit.Options{Rate: r})
	}
	if r := s.config.RateLimitNetwork; r.PerSecond > 0 {
		l.networks = ratelimit.New(ratelimit.Options{Rate: r})
	}
	if s.caches.redis != nil {
		l.shared = rediscache.New(s.caches.redis, rediscache.Options{Prefix: s.config.RedisPrefix})
		key, err := s.config.secret()
		if err != nil {
			return o, err
		}
		if l.key, err = hkdf.Key(sha256.New, key, nil, "pressmark rate limits", sha256.Size); err != nil {
			return o, fmt.Errorf("derive a key: %w", err)
		}
	}
	l.work = admission.New(admission.Options{})
	return httpapi.LimitOptions{
		Users: l.users, Networks: l.networks, MaxDownloads: s.config.MaxDownloads, Work: l.work, Pressed: l.memory.nearlyFull.Load,
	}, nil
}

// run exchanges counts with other replicas and looks at memory, until ctx ends.
func (l *limits) run(ctx context.Context, log *slog.Logger) {
	var wg sync.WaitGroup
	if l.shared != nil {
		for kind, limiter := range map[string]*ratelimit.Limiter{"user": l.users, "network": l.networks} {
			wg.Go(func() {
				limiter.Share(ctx, ratelimit.ShareOptions{Store: l.shared, Name: func(k ratelimit.Key) string { return l.name(kind, k) }})
			})
		}
	}
	wg.Go(func() { l.memory.watch(ctx, log) })
	wg.Wait()
}

// name is the key of a user or network in Redis. Addresses are personal data, and
// so few that a hash without a secret would tell them.
func (l *limits) name(kind string, k ratelimit.Key) string {
	mac := hmac.New(sha256.New, l.key)
	mac.Write(binary.BigEndian.AppendUint64([]byte(kind), uint64(k)))
	return "rate:" + base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:16])
}

// bound bounds the connections of ln.
func (s *Server) bound(ln net.Listener) net.Listener {
	most := s.config.MaxConnections
	bounded := conns.Listen(ln, conns.Options{
		Max: most, MaxPerNetwork: max(8, most/4),
		Exempt: func(addr netip.Addr) bool {
			for _, p := range s.config.TrustedProxies {
				if p.Contains(addr) {
					return true
				}
			}
			return most < 0 || addr.IsLoopback()
		},
	})
	s.limits.listener.Store(bounded)
	return bounded
}

// streamLimits are those of HTTP/2, which browsers speak over TLS. A client that
// begins streams and takes them back is held by net/http itself.
func streamLimits() *http.HTTP2Config {
	return &http.HTTP2Config{MaxConcurrentStreams: 100, SendPingTimeout: time.Minute, PingTimeout: 15 * time.Second, WriteByteTimeout: time.Minute}
}
