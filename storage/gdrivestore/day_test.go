package gdrivestore_test

import (
	"bytes"
	"io"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/pressmark/pressmark/cache"
	"github.com/pressmark/pressmark/cache/memcache"
	"github.com/pressmark/pressmark/storage"
	"github.com/pressmark/pressmark/storage/diskcache"
	"github.com/pressmark/pressmark/storage/gdrivestore"
	"github.com/pressmark/pressmark/storage/gdrivestore/drivetest"
	"github.com/pressmark/pressmark/storage/storagetest"
)

// behind puts a cache on disk in front of a store.
func behind(t testing.TB, s storage.Store, dir string) (storage.Store, *diskcache.Cache) {
	t.Helper()
	c, err := diskcache.Open(dir, diskcache.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return c.Store(s, "drive"), c
}

func TestBehindDiskCache(t *testing.T) {
	storagetest.Run(t, func(t testing.TB, objects map[string][]byte) storage.Store {
		d := drivetest.New(drivetest.Options{})
		fill(d, objects)
		s, c := behind(t, open(t, d, gdrivestore.Options{Cache: cached(nil)}), t.TempDir())
		t.Cleanup(func() {
			if err := c.Close(); err != nil {
				t.Error(err)
			}
		})
		return s
	}, storagetest.Quirks{})
}

// download reads all of an object, and compares it.
func download(t *testing.T, s storage.Store, key string) {
	rc, _, err := s.Open(t.Context(), key, storage.Range{})
	if err != nil {
		t.Fatalf("%s: %v", key, err)
	}
	defer rc.Close()
	if content, err := io.ReadAll(rc); err != nil || string(content) != "content of "+key {
		t.Fatalf("%s: %d bytes, %v", key, len(content), err)
	}
}

// A day of downloads, ten times as many as there are books, each of any of these.
// The first day, when each book has to come once, takes a request for each, and some
// for folders and changes; the next one takes these only. That one request in five
// fails does not reach the reader. PRESSMARK_TEST_DRIVE_BOOKS is how many books there
// are: with 10,000, as "make day" has it, Drive's quota of 10,000 requests a day
// is not used up.
func TestDay(t *testing.T) {
	bubble(t, func(t *testing.T) {
		books := 500
		if text := os.Getenv("PRESSMARK_TEST_DRIVE_BOOKS"); text != "" {
			var err error
			if books, err = strconv.Atoi(text); err != nil {
				t.Fatal(err)
			}
		}
		downloads := 10 * books
		d, keys := lib(drivetest.Options{Latency: 150 * time.Millisecond, PerUser100s: 1000}, books/2)
		local := memcache.NewLocal(memcache.Options{MaxBytes: 64 << 20})
		drive := open(t, d, gdrivestore.Options{Cache: cache.New(cache.Options{Local: local}), RequestsPer100s: 1000})
		s, disk := behind(t, drive, t.TempDir())
		r := rand.New(rand.NewPCG(1, 2))
		day := func() drivetest.Counts {
			d.Reset()
			for range downloads {
				start := time.Now()
				download(t, s, keys[r.IntN(len(keys))])
				<-time.After(24*time.Hour/time.Duration(downloads) - time.Since(start))
			}
			return d.Calls()
		}
		first := day()
		t.Logf("the first day: %+v", first)
		polls := int(24 * time.Hour / (2 * time.Minute))
		if n := first.API(); n > books+books/10+polls || first.Limited > 0 {
			t.Errorf("%d requests for %d books on the first day: %+v", n, books, first)
		}
		d.Fail(func(r drivetest.Request) drivetest.Fault {
			if r.N%5 == 0 {
				return drivetest.Fault{Reason: "userRateLimitExceeded"}
			}
			return drivetest.Fault{}
		})
		next := day()
		t.Logf("the next one: %+v", next)
		if n := next.API(); n > 2*polls || next.Media > 0 { // of which a fifth are sent again
			t.Errorf("%d requests for %d books on the next day: %+v", n, books, next)
		}
		if err := disk.Close(); err != nil {
			t.Error(err)
		}
	})
}

// A new version in the middle of a download is never mixed with the old one, and
// comes with the next.
func TestReplacedBehindDiskCache(t *testing.T) {
	bubble(t, func(t *testing.T) {
		d := drivetest.New(drivetest.Options{BytesPerSecond: 1 << 20})
		older, newer := bytes.Repeat([]byte("old"), 1<<20), bytes.Repeat([]byte("new"), 1<<20)
		id := d.Put(tide, older)
		s, disk := behind(t, open(t, d, gdrivestore.Options{Cache: cached(nil)}), t.TempDir())
		rc, _, err := s.Open(t.Context(), tide, storage.Range{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(rc, make([]byte, 1000)); err != nil {
			t.Fatal(err)
		}
		d.Replace(id, newer)
		rest, err := io.ReadAll(rc)
		rc.Close()
		if err == nil && !bytes.Equal(rest, older[1000:]) {
			t.Errorf("%d bytes that are not those of the version that was opened", len(rest))
		}
		<-time.After(5 * time.Minute)
		for range 2 {
			want(t, s, tide, string(newer))
			<-time.After(time.Minute)
		}
		if err := disk.Close(); err != nil {
			t.Error(err)
		}
	})
}
