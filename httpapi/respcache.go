package httpapi

import (
	"context"
	"hash/maphash"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pressmark/pressmark/catalog"
)

// respKey is the shape of a request as far as its answer depends on it, in
// the words of the client: nothing has been parsed yet.
type respKey struct {
	path, query string
	sees        string // auth.Identity.View
	enc         encoding
}

// respEntry is an answer ready to be sent: bytes, and header values in the
// form that http.Header wants, shared by all requests.
type respEntry struct {
	body         []byte
	etag         []string // nil for none
	length       []string
	contentType  []string
	encoding     []string // nil for identity
	lib          *library
	revision     catalog.Revision // of the whole library
	until        time.Time        // when the answer becomes another; zero is never
	partial      bool             // made through a view
	recentlyUsed atomic.Bool
}

// current says whether the library still has the contents that the answer was
// made from, and its day has not ended.
func (e *respEntry) current(ctx context.Context) bool {
	if !e.until.IsZero() && !time.Now().Before(e.until) {
		return false
	}
	rev, err := e.lib.Catalog.Revision(ctx)
	return err == nil && rev == e.revision
}

// Costs of an entry beside its body and key, and the largest share of the
// cache that one entry may take.
const (
	respOverhead = 512
	respShards   = 16
	respShare    = 4
)

// respCache keeps answers of catalogue operations, bounded in bytes. An entry
// answers only as long as its library's revision is the one it was made from
// and dates such as "yesterday" mean what they meant, so nothing is ever invalidated; entries of old revisions are dropped when a
// newer one is stored, and when they are found.
//
// A request is kept the second time it is seen: pages that are asked for once
// cost no memory and push nothing out.
type respCache struct {
	seed   maphash.Seed
	shards [respShards]respShard
	seen   [4096]atomic.Uint64 // hashes of requests that were seen lately
}

type respShard struct {
	mu      sync.RWMutex
	entries map[respKey]*respEntry
	bytes   int64
	limit   int64
	latest  map[*library]catalog.Revision // what entries were last stored for
}

// newRespCache makes a cache of at most maxBytes; 0 is 32 MiB, negative none.
func newRespCache(maxBytes int64) *respCache {
	if maxBytes < 0 {
		return nil
	}
	if maxBytes == 0 {
		maxBytes = 32 << 20
	}
	c := &respCache{seed: maphash.MakeSeed()}
	for i := range c.shards {
		c.shards[i] = respShard{
			entries: map[respKey]*respEntry{},
			latest:  map[*library]catalog.Revision{},
			limit:   maxBytes / respShards,
		}
	}
	return c
}

func (c *respCache) shard(k *respKey) (*respShard, uint64) {
	h := maphash.String(c.seed, k.query) ^ maphash.String(c.seed, k.path) + uint64(k.enc)
	if k.sees != "" {
		h ^= 3 * maphash.String(c.seed, k.sees)
	}
	return &c.shards[h%respShards], h
}

// get returns the answer to k if there is one that is still right.
func (c *respCache) get(ctx context.Context, k respKey) *respEntry {
	if c == nil {
		return nil
	}
	s, _ := c.shard(&k)
	s.mu.RLock()
	e := s.entries[k]
	s.mu.RUnlock()
	if e == nil {
		return nil
	}
	if !e.current(ctx) {
		s.mu.Lock()
		if s.entries[k] == e {
			s.drop(k, e)
		}
		s.mu.Unlock()
		return nil
	}
	if !e.recentlyUsed.Load() { // a store on every hit would make cores wait for each other
		e.recentlyUsed.Store(true)
	}
	return e
}

// wants says whether k was seen before, so that its answer is worth keeping,
// and notes that it was seen now.
func (c *respCache) wants(k respKey) bool {
	if c == nil || len(k.query) > 2048 {
		return false
	}
	_, h := c.shard(&k)
	return c.seen[(h>>8)%uint64(len(c.seen))].Swap(h) == h
}

// put keeps e as the answer to k. The body must not change any more.
func (c *respCache) put(k respKey, e *respEntry) {
	s, _ := c.shard(&k)
	cost := k.cost(e)
	if cost > s.limit/respShare {
		return
	}
	k.path, k.query, k.sees = strings.Clone(k.path), strings.Clone(k.query), strings.Clone(k.sees) // or the whole request line stays
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.latest[e.lib] != e.revision {
		s.latest[e.lib] = e.revision
		for k, old := range s.entries {
			if old.lib == e.lib {
				s.drop(k, old)
			}
		}
	}
	if old := s.entries[k]; old != nil {
		s.drop(k, old)
	}
	// Go's maps begin to iterate anywhere, so this is second chance over a
	// random order. Two rounds find something, as the first clears the marks.
	for round := 0; round < 2 && s.bytes+cost > s.limit; round++ {
		for k, old := range s.entries {
			if s.bytes+cost <= s.limit {
				break
			}
			if !old.recentlyUsed.Swap(false) {
				s.drop(k, old)
			}
		}
	}
	s.entries[k] = e
	s.bytes += cost
}

func (s *respShard) drop(k respKey, e *respEntry) {
	delete(s.entries, k)
	s.bytes -= k.cost(e)
}

func (k *respKey) cost(e *respEntry) int64 {
	return int64(respOverhead + len(k.path) + len(k.query) + len(k.sees) + cap(e.body))
}

// write sends the answer, or 304 if the client has it.
func (e *respEntry) write(w http.ResponseWriter, r *http.Request, cacheControl []string) {
	h := w.Header()
	h["Etag"] = e.etag
	h["Cache-Control"] = cacheControl
	if inm := r.Header["If-None-Match"]; inm != nil && e.etag != nil && matches(inm, e.etag[0], true) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h["Content-Type"] = e.contentType
	h["Content-Length"] = e.length
	if e.encoding != nil {
		h["Content-Encoding"] = e.encoding
	}
	if r.Method != http.MethodHead {
		w.Write(e.body) // a client that went away is not our fault
	}
}
