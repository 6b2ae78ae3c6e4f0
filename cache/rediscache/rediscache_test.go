package rediscache_test

import (
	"os"
	"testing"

	"github.com/pressmark/pressmark/cache/cachetest"
	"github.com/pressmark/pressmark/cache/memcache"
	"github.com/pressmark/pressmark/cache/rediscache"
	"github.com/pressmark/pressmark/cache/rediscache/redistest"
	"github.com/pressmark/pressmark/cache/ristrettocache"
)

func TestMain(m *testing.M) { os.Exit(redistest.Main{M: m}.Run()) }

// open has each process use a client of its own.
func open(t *testing.T) func() *rediscache.Store {
	t.Helper()
	address, prefix := redistest.Open(t)
	return func() *rediscache.Store {
		return rediscache.New(redistest.Client(t, address), rediscache.Options{Prefix: prefix})
	}
}

func TestTiers(t *testing.T) {
	t.Run("Shared", func(t *testing.T) {
		cachetest.Run(t, func(t *testing.T) func() cachetest.Tiers {
			store := open(t)
			return func() cachetest.Tiers {
				s := store()
				return cachetest.Tiers{Shared: s, Bus: s}
			}
		})
	})
	t.Run("Memory", func(t *testing.T) {
		cachetest.Run(t, func(t *testing.T) func() cachetest.Tiers {
			store := open(t)
			return func() cachetest.Tiers {
				s := store()
				return cachetest.Tiers{Local: memcache.NewLocal(memcache.Options{}), Shared: s, Bus: s}
			}
		})
	})
	t.Run("Ristretto", func(t *testing.T) {
		cachetest.Run(t, func(t *testing.T) func() cachetest.Tiers {
			store := open(t)
			return func() cachetest.Tiers {
				local, err := ristrettocache.New(ristrettocache.Options{MaxBytes: 16 << 20})
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(local.Close)
				s := store()
				return cachetest.Tiers{Local: local, Shared: s, Bus: s}
			}
		})
	})
}

func TestCluster(t *testing.T) {
	server := redistest.StartCluster(t)
	cachetest.Run(t, func(t *testing.T) func() cachetest.Tiers {
		prefix := t.Name() + ":"
		return func() cachetest.Tiers {
			s := rediscache.New(server.Client(t), rediscache.Options{Prefix: prefix})
			return cachetest.Tiers{Local: memcache.NewLocal(memcache.Options{}), Shared: s, Bus: s}
		}
	})
}
