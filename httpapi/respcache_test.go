package httpapi

import (
	"bytes"
	"context"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pressmark/pressmark/cache"
	"github.com/pressmark/pressmark/cache/memcache"
	"github.com/pressmark/pressmark/catalog"
)

// revised is a reader of which only the revision is asked for.
type revised struct {
	catalog.Reader
	mu  sync.Mutex
	rev catalog.Revision
}

func (r *revised) Revision(context.Context) (catalog.Revision, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.rev, nil
}

func (r *revised) set(digest string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.rev.Digest = digest
}

// newAnswers makes a cache of answers in memory.
func newAnswers(tb testing.TB, tiers cache.Options) *respCache {
	tb.Helper()
	tiers.Logger = slog.New(slog.DiscardHandler)
	c, err := newRespCache(cache.New(tiers), &Options{CacheTTL: time.Hour, RequestTimeout: time.Minute})
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

func TestRespCache(t *testing.T) {
	r := &revised{}
	lib := &library{Library: Library{Catalog: r}}
	key := func(i int) string { return respKey("/api/books", "limit="+strconv.Itoa(i), "", identity) }
	entry := func(size int) *respEntry {
		rev, _ := r.Revision(t.Context())
		return &respEntry{lib: lib, revision: rev, body: make([]byte, size)}
	}
	const limit = 8 << 20
	local := memcache.NewLocal(memcache.Options{MaxBytes: limit})
	c := newAnswers(t, cache.Options{Local: local})
	for i := range 10_000 {
		c.put(key(i), entry(i%3000))
	}
	if u := local.Usage(); u.Bytes > limit || u.Bytes < limit/2 || u.Items*1500 > limit {
		t.Errorf("%+v", u)
	}

	// An answer larger than its share is not kept.
	c.put(key(1), entry(maxReady+1))
	if c.get(t.Context(), key(1)) != nil {
		t.Error("an answer larger than its share is kept")
	}

	long := respKey("/api/books", strings.Repeat("x", maxKeyed), "", identity)
	if c.put(long, entry(1)); c.get(t.Context(), long) != nil {
		t.Error("the answer to a very long request is kept")
	}

	// A new revision ends all.
	for i := range 100 {
		c.put(key(i), entry(100))
	}
	r.set("new")
	for i := range 100 {
		if c.get(t.Context(), key(i)) != nil {
			t.Fatal("an answer of an old revision")
		}
	}
	c.put(key(1), entry(7))
	if e := c.get(t.Context(), key(1)); e == nil || len(e.body) != 7 {
		t.Errorf("the answer of the new revision: %v", e)
	}
}

// TestRespKey: what differs in one part has another key, wherever it ends.
func TestRespKey(t *testing.T) {
	seen := map[string]bool{}
	n := 0
	for _, path := range []string{"/api/books", "/api/books\x00limit=5", "/api/books?limit=5", "/api/tags"} {
		for _, query := range []string{"", "limit=5", "limit=5?"} {
			for _, sees := range []string{"", "abc"} {
				for _, enc := range []encoding{identity, gzipped} {
					seen[respKey(path, query, sees, enc)] = true
					n++
				}
			}
		}
	}
	if len(seen) != n {
		t.Errorf("%d keys for %d requests", len(seen), n)
	}
}

// TestPageCodec: what is shared is read as it was, and nothing else is.
func TestPageCodec(t *testing.T) {
	var codec pageCodec
	for _, p := range []page{{[]byte("body"), false}, {[]byte{}, true}, {make([]byte, 1<<20), true}} {
		data, err := codec.Encode(p)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := codec.Decode(data); err != nil || !bytes.Equal(got.body, p.body) || got.gzipped != p.gzipped {
			t.Errorf("%d bytes are read as %d, %v", len(p.body), len(got.body), err)
		}
	}
	for _, data := range []string{"", "\x02body", "{}"} {
		if p, err := codec.Decode([]byte(data)); err == nil {
			t.Errorf("%q is read as %+v", data, p)
		}
	}
}

// TestRespCacheRace lets requests and swaps meet; the race detector looks.
func TestRespCacheRace(t *testing.T) {
	r := &revised{}
	lib := &library{Library: Library{Catalog: r}}
	c := newAnswers(t, cache.Options{Local: memcache.NewLocal(memcache.Options{MaxBytes: 1 << 16})})
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for i := range 2000 {
				k := respKey("/api/books", strconv.Itoa(i%200), "", identity)
				if e := c.get(context.Background(), k); e == nil {
					rev, _ := r.Revision(context.Background())
					c.put(k, &respEntry{lib: lib, revision: rev, body: make([]byte, 300)})
				}
				if g == 0 && i%100 == 0 {
					r.set(strconv.Itoa(i))
				}
			}
		})
	}
	wg.Wait()
}

// TestRespCacheUntil checks that an answer about "yesterday" ends with the day.
func TestRespCacheUntil(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lib := &library{Library: Library{Catalog: &revised{}}}
		c := newAnswers(t, cache.Options{Local: memcache.NewLocal(memcache.Options{})})
		k := respKey("/api/books", "q=date:yesterday", "", identity)
		c.put(k, &respEntry{lib: lib, until: time.Now().Add(time.Minute)})
		time.Sleep(time.Minute - 1) // of the bubble's clock
		if c.get(t.Context(), k) == nil {
			t.Error("ended before its time")
		}
		time.Sleep(time.Nanosecond)
		if c.get(t.Context(), k) != nil {
			t.Error("yesterday's answer is given today")
		}
	})
}

// TestPageOfAnother: a page that somebody has put under the key of another one, or
// that was damaged, is made anew.
func TestPageOfAnother(t *testing.T) {
	shared := memcache.NewShared(nil)
	c, err := newRespCache(cache.New(cache.Options{Shared: shared}), &Options{CacheTTL: time.Hour, RequestTimeout: time.Minute, SealKey: []byte("key")})
	if err != nil {
		t.Fatal(err)
	}
	made := func(body string) string {
		t.Helper()
		p, err := c.pages.Get(t.Context(), body, func(context.Context) (page, error) { return page{body: []byte(body)}, nil })
		if err != nil {
			t.Fatal(err)
		}
		return string(p.body)
	}
	stored := func(key string) []byte {
		t.Helper()
		for end := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
			kept, err := shared.Get(t.Context(), "page:"+key)
			if err != nil || time.Now().After(end) {
				t.Fatalf("%q is not stored: %v", key, err)
			}
			if len(kept[0]) > 0 {
				return kept[0]
			}
		}
	}
	made("all that there is")
	made("what bob may see")
	all := stored("all that there is")
	stored("what bob may see")
	flipped := bytes.Clone(all)
	flipped[len(flipped)-20] ^= 1
	for name, kept := range map[string][]byte{"of another": all, "cut": all[:len(all)-3], "flipped": flipped} {
		for _, key := range []string{"all that there is", "what bob may see"} {
			if name == "of another" && key == "all that there is" {
				continue
			}
			if err := shared.Set(t.Context(), "page:"+key, kept, time.Hour); err != nil {
				t.Fatal(err)
			}
			if got := made(key); got != key {
				t.Errorf("%s: %q is %q", name, key, got)
			}
		}
	}
}
