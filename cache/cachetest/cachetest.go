// Package cachetest holds tiers of a cache to what package cache promises, each
// by itself and with others:
//
//	func TestMine(t *testing.T) {
//		cachetest.Run(t, func(t *testing.T) func() cachetest.Tiers {
//			server := start(t)
//			return func() cachetest.Tiers {
//				s := mine.New(server.Address)
//				return cachetest.Tiers{Local: memcache.NewLocal(memcache.Options{}), Shared: s, Bus: s}
//			}
//		})
//	}
package cachetest

import (
	"context"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/pressmark/pressmark/cache"
)

// Tiers are what one process has; any may be nil.
type Tiers struct {
	Local  cache.Local
	Shared cache.Shared
	Bus    cache.Bus
}

// Open returns what makes tiers of as many processes as a test has. Those of one
// call of Open share a store; those of two do not.
type Open func(t *testing.T) func() Tiers

// Run tests the tiers by themselves and together.
func Run(t *testing.T, open Open) {
	has := open(t)()
	if has.Local != nil {
		t.Run("Local", func(t *testing.T) { testLocal(t, open) })
	}
	if has.Shared != nil {
		t.Run("Shared", func(t *testing.T) { testShared(t, open) })
	}
	if has.Bus != nil {
		t.Run("Bus", func(t *testing.T) { testBus(t, open) })
	}
	t.Run("Loads", func(t *testing.T) { testLoads(t, open) })
	t.Run("Kept", func(t *testing.T) { testKept(t, open, has) })
	t.Run("Forgotten", func(t *testing.T) { testForgotten(t, open, has) })
	t.Run("Sick", func(t *testing.T) { testSick(t, open, has) })
	t.Run("Unheard", func(t *testing.T) { testUnheard(t, open, has) })
}

// soon is how long a test waits for what has to happen.
const soon = 20 * time.Second

// eventually fails the test if is does not become true.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(soon); !is(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("it did not happen in %v that %s", soon, what)
		}
	}
}

// process is a cache as one process has it, that runs until the test ends. It
// listens, if it has a bus.
func process(t *testing.T, tiers Tiers, change ...func(*cache.Options)) *cache.Cache {
	t.Helper()
	o := cache.Options{
		Local: tiers.Local, Shared: tiers.Shared, Bus: tiers.Bus, SharedTimeout: 2 * time.Second,
		Logger: slog.New(slog.DiscardHandler),
	}
	for _, f := range change {
		f(&o)
	}
	return cache.New(o)
}

// run runs a cache whose namespaces have been made.
func run(t *testing.T, c *cache.Cache, tiers Tiers) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		select {
		case <-done:
		case <-time.After(soon):
			t.Error("Run goes on after its context has ended")
		}
	})
	if tiers.Bus != nil {
		eventually(t, "the cache listens", func() bool { return c.Shared().Listening })
	}
	eventually(t, "the shared tier is used", func() bool {
		return !slices.ContainsFunc(c.Stats(), func(s cache.Stats) bool { return s.Void })
	})
}

// namespace makes a namespace.
func namespace[V any](t *testing.T, c *cache.Cache, o cache.NamespaceOptions[V]) *cache.Namespace[V] {
	t.Helper()
	if o.Name == "" {
		o.Name = "test"
	}
	if o.TTL == 0 {
		o.TTL = time.Hour
	}
	n, err := cache.NewNamespace(c, o)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// one is a running process with one namespace.
func one[V any](t *testing.T, tiers Tiers, o cache.NamespaceOptions[V]) (*cache.Cache, *cache.Namespace[V]) {
	t.Helper()
	c := process(t, tiers)
	n := namespace(t, c, o)
	run(t, c, tiers)
	return c, n
}

func get[V any](t *testing.T, n *cache.Namespace[V], key string, load func(context.Context) (V, error)) V {
	t.Helper()
	v, err := n.Get(context.Background(), key, load)
	if err != nil {
		t.Fatalf("Get(%q): %v", key, err)
	}
	return v
}

// stored waits until a value, and not only the mark of a load, is in the shared
// store, where it comes after Get has returned.
func stored(t *testing.T, s cache.Shared, key string) (value []byte) {
	t.Helper()
	eventually(t, key+" is in the store", func() bool {
		got, err := s.Get(context.Background(), key)
		if err != nil {
			t.Fatal(err)
		}
		value = got[0]
		return len(value) > 20
	})
	return value
}

// plain is a codec of bytes.
type plain struct{}

func (plain) Encode(v []byte) ([]byte, error) { return v, nil }

func (plain) Decode(data []byte) ([]byte, error) { return data, nil }

// is is a load that returns v.
func is[V any](v V) func(context.Context) (V, error) {
	return func(context.Context) (V, error) { return v, nil }
}
