package memcache_test

import (
	"testing"

	"github.com/pressmark/pressmark/cache/cachetest"
	"github.com/pressmark/pressmark/cache/memcache"
)

func TestTiers(t *testing.T) {
	modes := map[string]func() cachetest.Tiers{
		"None":  func() cachetest.Tiers { return cachetest.Tiers{} },
		"Local": func() cachetest.Tiers { return cachetest.Tiers{Local: memcache.NewLocal(memcache.Options{})} },
	}
	for name, tiers := range modes {
		t.Run(name, func(t *testing.T) {
			cachetest.Run(t, func(*testing.T) func() cachetest.Tiers { return tiers })
		})
	}
	t.Run("Shared", func(t *testing.T) {
		cachetest.Run(t, func(*testing.T) func() cachetest.Tiers {
			s := memcache.NewShared(nil)
			return func() cachetest.Tiers { return cachetest.Tiers{Shared: s, Bus: s} }
		})
	})
	t.Run("Both", func(t *testing.T) {
		cachetest.Run(t, func(*testing.T) func() cachetest.Tiers {
			s := memcache.NewShared(nil)
			return func() cachetest.Tiers {
				return cachetest.Tiers{Local: memcache.NewLocal(memcache.Options{}), Shared: s, Bus: s}
			}
		})
	})
}
