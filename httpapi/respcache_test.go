package httpapi

import (
	"context"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

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

func (c *respCache) size() (entries int, bytes, counted int64) {
	for i := range c.shards {
		s := &c.shards[i]
		entries += len(s.entries)
		bytes += s.bytes
		for k, e := range s.entries {
			counted += k.cost(e)
		}
	}
	return entries, bytes, counted
}

func TestRespCache(t *testing.T) {
	r := &revised{}
	lib := &library{Library: Library{Catalog: r}}
	key := func(i int) respKey { return respKey{"/api/books", "limit=" + strconv.Itoa(i), "", identity} }
	entry := func(size int) *respEntry {
		rev, _ := r.Revision(t.Context())
		return &respEntry{lib: lib, revision: rev, body: make([]byte, size)}
	}

	const limit = 1 << 20
	c := newRespCache(limit)
	for i := range 10_000 {
		c.put(key(i), entry(i%3000))
	}
	n, bytes, counted := c.size()
	if bytes != counted || bytes > limit || bytes < limit/2 {
		t.Errorf("%d entries of %d bytes, %d counted, limit %d", n, counted, bytes, limit)
	}

	// What is used stays longer than what is not.
	c = newRespCache(limit)
	c.put(key(0), entry(1000))
	lost := 0
	for i := 1; i < 5000; i++ {
		if c.get(t.Context(), key(0)) == nil {
			lost++
			c.put(key(0), entry(1000))
		}
		c.put(key(i), entry(1000))
	}
	if lost > 50 {
		t.Errorf("an entry that is always in use was lost %d times", lost)
	}

	// Another encoding and another path are other answers.
	if c.get(t.Context(), respKey{"/api/books", "limit=0", "", gzipped}) != nil || c.get(t.Context(), respKey{"/api/tags", "limit=0", "", identity}) != nil {
		t.Error("an answer is found under another key")
	}

	// A new revision ends all; the first entry of it makes room.
	c = newRespCache(limit)
	for i := range 100 {
		c.put(key(i), entry(100))
	}
	r.set("new")
	for i := range 100 {
		if c.get(t.Context(), key(i)) != nil {
			t.Fatal("an answer of an old revision")
		}
	}
	if n, bytes, _ := c.size(); n != 0 || bytes != 0 {
		t.Errorf("%d old entries of %d bytes were found and kept", n, bytes)
	}
	r.set("old")
	for i := range 200 {
		c.put(key(i), entry(100))
	}
	r.set("newer")
	for i := 200; i < 400; i++ {
		c.put(key(i), entry(100))
	}
	if n, _, _ := c.size(); n != 200 {
		t.Errorf("%d entries after a swap, want those of the new revision", n)
	}

	// One answer may not take all.
	c.put(key(1000), entry(limit/2))
	if c.get(t.Context(), key(1000)) != nil {
		t.Error("an answer larger than its share is kept")
	}
}

// TestRespCacheWants checks that an answer is kept the second time.
func TestRespCacheWants(t *testing.T) {
	c := newRespCache(0)
	k := respKey{"/api/books", "limit=3", "", identity}
	if c.wants(k) || !c.wants(k) || !c.wants(k) {
		t.Error("not kept from the second time on")
	}
	if c.wants(respKey{"/api/books", "limit=3", "", gzipped}) {
		t.Error("another encoding counts as the same request")
	}
	if newRespCache(-1).wants(k) {
		t.Error("a cache that is off wants something")
	}
}

// TestRespCacheRace lets requests and swaps meet; the race detector looks.
func TestRespCacheRace(t *testing.T) {
	r := &revised{}
	lib := &library{Library: Library{Catalog: r}}
	c := newRespCache(1 << 16)
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for i := range 2000 {
				k := respKey{"/api/books", strconv.Itoa(i % 200), "", identity}
				if e := c.get(context.Background(), k); e == nil && c.wants(k) {
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
	if _, bytes, counted := c.size(); bytes != counted || bytes > 1<<16 {
		t.Errorf("%d bytes, %d counted", bytes, counted)
	}
}

// TestRespCacheUntil checks that an answer about "yesterday" ends with the day.
func TestRespCacheUntil(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lib := &library{Library: Library{Catalog: &revised{}}}
		c := newRespCache(0)
		k := respKey{"/api/books", "q=date:yesterday", "", identity}
		c.put(k, &respEntry{lib: lib, until: time.Now().Add(time.Hour)})
		time.Sleep(time.Hour - 1) // of the bubble's clock
		if c.get(t.Context(), k) == nil {
			t.Error("ended before its time")
		}
		time.Sleep(time.Nanosecond)
		if c.get(t.Context(), k) != nil {
			t.Error("yesterday's answer is given today")
		}
		if n, _, _ := c.size(); n != 0 {
			t.Error("it is kept")
		}
	})
}
