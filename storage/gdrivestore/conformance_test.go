package gdrivestore_test

import (
	"log/slog"
	"testing"

	"github.com/pressmark/pressmark/cache"
	"github.com/pressmark/pressmark/cache/memcache"
	"github.com/pressmark/pressmark/storage"
	"github.com/pressmark/pressmark/storage/gdrivestore"
	"github.com/pressmark/pressmark/storage/gdrivestore/drivetest"
	"github.com/pressmark/pressmark/storage/storagetest"
)

// cached returns a cache with a tier of its own, and with a shared one.
func cached(shared *memcache.Shared) *cache.Cache {
	o := cache.Options{Local: memcache.NewLocal(memcache.Options{}), Logger: slog.New(slog.DiscardHandler)}
	if shared != nil {
		o.Shared, o.Bus = shared, shared
	}
	return cache.New(o)
}

// open returns a store of a Drive. Requests are not limited.
func open(t testing.TB, d *drivetest.Drive, o gdrivestore.Options) *gdrivestore.Store {
	t.Helper()
	service, err := d.Service(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if o.RequestsPer100s == 0 {
		o.RequestsPer100s = 1e9
	}
	s, err := gdrivestore.New(service, d.Root(), o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func fill(d *drivetest.Drive, objects map[string][]byte) {
	for key, content := range objects {
		d.Put(key, content)
	}
}

func TestStore(t *testing.T) {
	for name, o := range map[string]struct {
		drive drivetest.Options
		cache func() *cache.Cache
	}{
		"Cached":      {drivetest.Options{}, func() *cache.Cache { return cached(nil) }},
		"NotCached":   {drivetest.Options{}, func() *cache.Cache { return nil }},
		"SharedDrive": {drivetest.Options{SharedDrive: true, MaxPage: 7}, func() *cache.Cache { return cached(memcache.NewShared(nil)) }},
	} {
		t.Run(name, func(t *testing.T) {
			storagetest.Run(t, func(t testing.TB, objects map[string][]byte) storage.Store {
				d := drivetest.New(o.drive)
				fill(d, objects)
				return open(t, d, gdrivestore.Options{Cache: o.cache()})
			}, storagetest.Quirks{})
		})
	}
}
