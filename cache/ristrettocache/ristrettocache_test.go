package ristrettocache_test

import (
	"testing"

	"github.com/pressmark/pressmark/cache/cachetest"
	"github.com/pressmark/pressmark/cache/memcache"
	"github.com/pressmark/pressmark/cache/ristrettocache"
)

func open(t *testing.T) *ristrettocache.Local {
	t.Helper()
	l, err := ristrettocache.New(ristrettocache.Options{MaxBytes: 16 << 20})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	return l
}

func TestTiers(t *testing.T) {
	t.Run("Local", func(t *testing.T) {
		cachetest.Run(t, func(t *testing.T) func() cachetest.Tiers {
			return func() cachetest.Tiers { return cachetest.Tiers{Local: open(t)} }
		})
	})
	t.Run("Both", func(t *testing.T) {
		cachetest.Run(t, func(t *testing.T) func() cachetest.Tiers {
			s := memcache.NewShared(nil)
			return func() cachetest.Tiers { return cachetest.Tiers{Local: open(t), Shared: s, Bus: s} }
		})
	})
}
