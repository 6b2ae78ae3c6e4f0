package memcache

import (
	"bytes"
	"context"
	"sync"
	"time"

	"github.com/pressmark/pressmark/cache"
)

// Shared is a shared store and a bus in the memory of one process, for programs
// and tests that have several caches in it. It keeps everything until it ends.
type Shared struct {
	now func() time.Time

	mu          sync.Mutex
	values      map[string]stored
	subscribers map[*subscriber]bool
}

var (
	_ cache.Shared = (*Shared)(nil)
	_ cache.Bus    = (*Shared)(nil)
)

type stored struct {
	value   []byte
	expires time.Time // zero: for good
}

// NewShared returns an empty one. now is its clock; nil is time.Now.
func NewShared(now func() time.Time) *Shared {
	if now == nil {
		now = time.Now
	}
	return &Shared{now: now, values: map[string]stored{}, subscribers: map[*subscriber]bool{}}
}

// Get returns what is kept under each key.
func (s *Shared) Get(ctx context.Context, keys ...string) ([][]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	kept := make([][]byte, len(keys))
	for i, k := range keys {
		kept[i] = s.get(k)
	}
	return kept, ctx.Err()
}

func (s *Shared) get(key string) []byte {
	v, ok := s.values[key]
	if !ok {
		return nil
	}
	if !v.expires.IsZero() && !s.now().Before(v.expires) {
		delete(s.values, key)
		return nil
	}
	return append([]byte{}, v.value...)
}

func (s *Shared) set(key string, value []byte, ttl time.Duration) {
	v := stored{value: bytes.Clone(value)}
	if ttl > 0 {
		v.expires = s.now().Add(ttl)
	}
	s.values[key] = v
}

// Set keeps value under key.
func (s *Shared) Set(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	s.set(key, value, ttl)
	return nil
}

// Add keeps value under key unless something is there.
func (s *Shared) Add(ctx context.Context, key string, value []byte, ttl time.Duration) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if s.get(key) == nil {
		s.set(key, value, ttl)
	}
	return s.get(key), nil
}

// Replace keeps value under key if old is there.
func (s *Shared) Replace(ctx context.Context, key string, old, value []byte, ttl time.Duration) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return false, err
	}
	if kept := s.get(key); kept == nil || !bytes.Equal(kept, old) {
		return false, nil
	}
	s.set(key, value, ttl)
	return true, nil
}

// Delete drops what is kept under keys.
func (s *Shared) Delete(ctx context.Context, keys ...string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	for _, k := range keys {
		delete(s.values, k)
	}
	return nil
}

// subscriber is a call of Subscribe. What is pending is guarded by the lock of
// Shared.
type subscriber struct {
	pending [][]byte
	more    chan struct{} // has room for one
}

// Publish sends a message to all who subscribe.
func (s *Shared) Publish(ctx context.Context, message []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	for sub := range s.subscribers {
		sub.pending = append(sub.pending, bytes.Clone(message))
		select {
		case sub.more <- struct{}{}:
		default:
		}
	}
	return nil
}

// Subscribe calls received with each message until ctx ends.
func (s *Shared) Subscribe(ctx context.Context, listening func(), received func([]byte)) error {
	sub := &subscriber{more: make(chan struct{}, 1)}
	s.mu.Lock()
	s.subscribers[sub] = true
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.subscribers, sub)
	}()
	listening()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-sub.more:
		}
		s.mu.Lock()
		messages := sub.pending
		sub.pending = nil
		s.mu.Unlock()
		for _, m := range messages {
			received(m)
		}
	}
}
