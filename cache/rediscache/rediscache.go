// Package rediscache shares a cache between processes by Redis, or
// what speaks its protocol: one server, a Cluster, or one behind Sentinels.
//
//	o, err := rediscache.ParseURL("rediss://:password@redis.example:6379/0")
//	client := redis.NewUniversalClient(o)
//	shared := rediscache.New(client, rediscache.Options{})
//	c := cache.New(cache.Options{Local: local, Shared: shared, Bus: shared})
//
// Each key is one Redis string. Reads must go to the server that is written to:
// a replica that lags behind would bring back what was forgotten. The user needs
// the commands GET, SET, DEL, EVAL, EVALSHA, PUBLISH, SUBSCRIBE and PING, on the
// keys and the channels that begin with the prefix.
package rediscache

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/klauspost/compress/s2"
	"github.com/redis/go-redis/v9"

	"github.com/pressmark/pressmark/cache"
)

// Options are the settings of a [Store].
type Options struct {
	// Prefix is what all keys and the channel begin with, so that several programs
	// can share a server. In a Cluster it must not have braces, or all keys are on
	// one node. Empty is none.
	Prefix string
	// CompressFrom is from how many bytes on values are compressed (S2). 0 means
	// 4 KiB; negative never.
	CompressFrom int
}

// Store is a shared store and a bus. Safe for concurrent use. It starts nothing
// and has nothing to close; the client is the caller's.
type Store struct {
	client redis.UniversalClient
	o      Options
}

var (
	_ cache.Shared = (*Store)(nil)
	_ cache.Bus    = (*Store)(nil)
)

// New returns the store that client reaches.
func New(client redis.UniversalClient, o Options) *Store {
	if o.CompressFrom == 0 {
		o.CompressFrom = 4 << 10
	}
	return &Store{client, o}
}

// Values begin with a byte that says how the rest is to be read.
const (
	plain1 = 1 // as it is
	s2of1  = 2 // a block of S2
)

// maxValue bounds what a compressed value may say that it is.
const maxValue = 64 << 20

func (s *Store) pack(value []byte) []byte {
	if s.o.CompressFrom >= 0 && len(value) >= s.o.CompressFrom {
		packed := make([]byte, 1+s2.MaxEncodedLen(len(value)))
		packed[0] = s2of1
		if n := len(s2.Encode(packed[1:], value)); n < len(value)-len(value)/16 {
			return packed[:1+n]
		}
	}
	return append([]byte{plain1}, value...)
}

// unpack returns a value, which is empty if it cannot be read. Nothing that the
// cache keeps is.
func unpack(packed []byte) []byte {
	if len(packed) == 0 {
		return []byte{}
	}
	switch packed[0] {
	case plain1:
		return packed[1:]
	case s2of1:
		if n, err := s2.DecodedLen(packed[1:]); err != nil || n > maxValue {
			return []byte{}
		}
		if value, err := s2.Decode(nil, packed[1:]); err == nil {
			return value
		}
	}
	return []byte{}
}

func (s *Store) fail(op, key string, err error) error {
	return fmt.Errorf("redis: %s %s: %w", op, key, err)
}

// Get returns what is kept under each key. A value that cannot be read, because
// another program or version has left it there, is empty.
func (s *Store) Get(ctx context.Context, keys ...string) ([][]byte, error) {
	if len(keys) == 0 {
		return nil, nil
	}
	kept := make([][]byte, len(keys))
	if len(keys) == 1 {
		err := value(s.client.Get(ctx, s.o.Prefix+keys[0]), &kept[0])
		if err != nil {
			return nil, s.fail("get", keys[0], err)
		}
		return kept, nil
	}
	got := make([]*redis.StringCmd, len(keys))
	// Not MGET, as in a Cluster the keys may be on several nodes.
	_, err := s.client.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, k := range keys {
			got[i] = p.Get(ctx, s.o.Prefix+k)
		}
		return nil
	})
	if err != nil && !answered(err) {
		return nil, s.fail("get", keys[0], err)
	}
	for i, cmd := range got {
		if err := value(cmd, &kept[i]); err != nil {
			return nil, s.fail("get", keys[i], err)
		}
		if cmd.Err() != nil {
			err = nil // it is this command's
		}
	}
	if err != nil { // the connection was refused, which go-redis tells no command
		return nil, s.fail("get", keys[0], err)
	}
	return kept, nil
}

// value takes the answer to a GET.
func value(cmd *redis.StringCmd, kept *[]byte) error {
	packed, err := cmd.Bytes()
	switch {
	case errors.Is(err, redis.Nil):
		return nil
	case err != nil && redis.HasErrorPrefix(err, "WRONGTYPE"): // somebody else's list
		*kept = []byte{}
		return nil
	case err != nil:
		return err
	}
	*kept = unpack(packed)
	return nil
}

// answered tells whether an error of a pipeline is one of Redis's answers, which
// the commands have themselves.
func answered(err error) bool {
	var answer redis.Error
	return errors.Is(err, redis.Nil) || errors.As(err, &answer)
}

// Set keeps value under key.
func (s *Store) Set(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	if err := s.client.Set(ctx, s.o.Prefix+key, s.pack(value), ttl).Err(); err != nil {
		return s.fail("set", key, err)
	}
	return nil
}

// Add keeps value under key unless something is there.
func (s *Store) Add(ctx context.Context, key string, v []byte, ttl time.Duration) (kept []byte, err error) {
	var now *redis.StringCmd
	_, err = s.client.Pipelined(ctx, func(p redis.Pipeliner) error {
		p.SetNX(ctx, s.o.Prefix+key, s.pack(v), ttl)
		now = p.Get(ctx, s.o.Prefix+key)
		return nil
	})
	if err != nil && !errors.Is(err, redis.Nil) && !redis.HasErrorPrefix(err, "WRONGTYPE") {
		return nil, s.fail("add", key, err)
	}
	if err := value(now, &kept); err != nil {
		return nil, s.fail("add", key, err)
	}
	return kept, nil
}

var replace = redis.NewScript(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
	return 0
end
if ARGV[3] == '0' then
	redis.call('SET', KEYS[1], ARGV[2])
else
	redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
end
return 1`)

// Replace keeps value under key if old is there.
func (s *Store) Replace(ctx context.Context, key string, old, value []byte, ttl time.Duration) (bool, error) {
	if ttl > 0 {
		ttl = max(ttl, time.Millisecond)
	}
	done, err := replace.Run(ctx, s.client, []string{s.o.Prefix + key}, s.pack(old), s.pack(value), ttl.Milliseconds()).Int()
	if err != nil {
		return false, s.fail("replace", key, err)
	}
	return done == 1, nil
}

// Delete drops what is kept under keys.
func (s *Store) Delete(ctx context.Context, keys ...string) error {
	if len(keys) == 0 {
		return nil
	}
	_, err := s.client.Pipelined(ctx, func(p redis.Pipeliner) error {
		for _, k := range keys {
			p.Del(ctx, s.o.Prefix+k)
		}
		return nil
	})
	if err != nil {
		return s.fail("delete", keys[0], err)
	}
	return nil
}
