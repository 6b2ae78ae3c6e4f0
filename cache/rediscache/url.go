package rediscache

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// Timeout is how long one command may take unless the address says otherwise.
const Timeout = 50 * time.Millisecond

// dialTimeout bounds connecting, for which no command waits longer than its own
// time: TLS to another data centre takes several round trips.
const dialTimeout = time.Second

// ParseURL reads an address of Redis:
//
//	redis://user:password@host:6379/0      one server, database 0
//	rediss://…                             with TLS
//	unix:///run/redis.sock?db=0            on this machine
//	redis://host:7000,host:7001,host:7002  a Cluster
//	redis://host:7000?cluster=true         a Cluster that one node is known of
//	redis://host:26379,…?master_name=main  what these Sentinels say
//
// Its options are those of go-redis, such as read_timeout and pool_size. Commands
// are not tried again and take at most 50 ms, unless it says otherwise: a cache
// that makes its users wait is none.
func ParseURL(text string) (*redis.UniversalOptions, error) {
	first, more, err := hosts(text)
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(first)
	if err != nil {
		return nil, errExpected // the error repeats the password
	}
	q := u.Query()
	cluster, master := q.Get("cluster"), q.Get("master_name")
	if cluster != "" && cluster != "true" && cluster != "false" {
		return nil, fmt.Errorf("cluster=%s: true or false was expected", cluster)
	}
	q.Del("cluster")
	q.Del("master_name")
	u.RawQuery = q.Encode()
	o, err := redis.ParseURL(u.String())
	if err != nil {
		var bad *url.Error
		if errors.As(err, &bad) {
			return nil, errExpected
		}
		return nil, fmt.Errorf("%w: %w", errExpected, err)
	}
	if o.ReadTimeout < 0 || o.WriteTimeout < 0 || o.PoolTimeout < 0 || o.DialTimeout < 0 {
		return nil, errors.New("a time-out of 0 or less: there has to be one, or requests would wait for a Redis that does not answer")
	}
	for name, n := range map[string]int{"pool_size": o.PoolSize, "min_idle_conns": o.MinIdleConns, "max_idle_conns": o.MaxIdleConns, "max_active_conns": o.MaxActiveConns} {
		if n < 0 {
			return nil, fmt.Errorf("%s=%d: a number of connections was expected", name, n)
		}
	}
	if o.ReadTimeout == 0 {
		o.ReadTimeout = Timeout
	}
	if o.WriteTimeout == 0 {
		o.WriteTimeout = o.ReadTimeout
	}
	if o.PoolTimeout == 0 {
		o.PoolTimeout = o.ReadTimeout
	}
	if o.DialTimeout == 0 {
		o.DialTimeout = dialTimeout
	}
	if o.MaxRetries == 0 {
		o.MaxRetries = -1
	}
	if (len(more) > 0 || cluster == "true") && o.DB != 0 && master == "" {
		return nil, fmt.Errorf("database %d: a Cluster has database 0 only", o.DB)
	}
	return &redis.UniversalOptions{
		Addrs: append([]string{o.Addr}, more...), MasterName: master, IsClusterMode: cluster == "true",
		DB: o.DB, Username: o.Username, Password: o.Password, Protocol: o.Protocol, ClientName: o.ClientName,
		TLSConfig: o.TLSConfig, Dialer: dialer(o),
		DialTimeout: o.DialTimeout, ReadTimeout: o.ReadTimeout, WriteTimeout: o.WriteTimeout, PoolTimeout: o.PoolTimeout,
		MaxRetries: o.MaxRetries, MinRetryBackoff: o.MinRetryBackoff, MaxRetryBackoff: o.MaxRetryBackoff, DialerRetries: 1,
		ContextTimeoutEnabled: true,
		PoolFIFO:              o.PoolFIFO, PoolSize: o.PoolSize, MinIdleConns: o.MinIdleConns, MaxIdleConns: o.MaxIdleConns,
		MaxActiveConns: o.MaxActiveConns, ConnMaxIdleTime: o.ConnMaxIdleTime, ConnMaxLifetime: o.ConnMaxLifetime,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	}, nil
}

var errExpected = errors.New("an address such as redis://user:password@host:6379/0 was expected")

// hosts takes all hosts but the first out of an address.
func hosts(text string) (first string, more []string, err error) {
	scheme, rest, ok := strings.Cut(text, "://")
	if !ok || scheme != "redis" && scheme != "rediss" && scheme != "unix" {
		return "", nil, errExpected
	}
	if scheme == "unix" {
		return text, nil, nil
	}
	end := len(rest)
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		end = i
	}
	at := strings.LastIndexByte(rest[:end], '@') + 1
	all := strings.Split(rest[at:end], ",")
	for _, h := range all[1:] {
		if host, port, err := net.SplitHostPort(h); err != nil || host == "" || port == "" {
			return "", nil, fmt.Errorf("%q is not host:port", h)
		}
		more = append(more, h)
	}
	return scheme + "://" + rest[:at] + all[0] + rest[end:], more, nil
}

// dialer is nil for what the client does itself.
func dialer(o *redis.Options) func(context.Context, string, string) (net.Conn, error) {
	if o.Network != "unix" {
		return nil
	}
	return func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", o.Addr)
	}
}
