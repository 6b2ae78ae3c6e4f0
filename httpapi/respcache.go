package httpapi

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/pressmark/pressmark/cache"
	"github.com/pressmark/pressmark/catalog"
)

// respEntry is an answer ready to be sent: bytes, and header values in the
// form that http.Header wants, shared by all requests.
type respEntry struct {
	route       string // that the request took
	body        []byte
	etag        []string // nil for none
	length      []string
	contentType []string
	encoding    []string // nil for identity
	lib         *library
	revision    catalog.Revision // of the whole library
	until       time.Time        // when the answer becomes another; zero is never
	partial     bool             // made through a view
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

// respOverhead is about what an entry takes beside its body and key.
const respOverhead = 512

// What is kept at most, in bytes: the words of a request, and the body of its
// answer.
const (
	maxKeyed = 2048
	maxReady = 4 << 20
)

// page is the body of an answer as it is sent.
type page struct {
	body    []byte
	gzipped bool
}

// respCache keeps answers of catalogue operations, twice.
//
// Ready are answers by the words of the request, in this process, for which
// nothing has to be parsed. One answers only as long as its library's revision is
// the one it was made from and dates such as "yesterday" mean what they meant, so
// nothing is ever invalidated.
//
// Pages are bodies by their entity tag, which the revision is part of, shared by
// all replicas. In this process their making is merged.
type respCache struct {
	ready *cache.Namespace[*respEntry]
	pages *cache.Namespace[page]
}

// newRespCache makes the cache of answers in c.
func newRespCache(c *cache.Cache, o *Options) (*respCache, error) {
	rc := &respCache{}
	var errs [2]error
	rc.ready, errs[0] = cache.NewNamespace(c, cache.NamespaceOptions[*respEntry]{
		Name: "ready", TTL: o.CacheTTL, Unchanging: true, LocalOnly: true,
		Cost: func(e *respEntry) int64 { return int64(respOverhead + cap(e.body)) },
	})
	rc.pages, errs[1] = cache.NewNamespace(c, cache.NamespaceOptions[page]{
		Name: "page", TTL: o.CacheTTL, Unchanging: true, SharedOnly: true, Codec: pageCodec{}, Shape: "kind, body", Seal: o.SealKey,
		LoadTimeout: o.RequestTimeout, Inline: true,
	})
	return rc, errors.Join(errs[:]...)
}

// respKey returns what an answer depends on, in the words of the client: nothing
// has been parsed yet. sees is auth.Identity.View, which has no spaces. net/http
// refuses queries with control characters, but a path may have had them escaped.
func respKey(path, query, sees string, enc encoding) string {
	var b strings.Builder
	b.Grow(len(path) + len(query) + len(sees) + 3)
	b.WriteByte('0' + byte(enc))
	b.WriteString(sees)
	b.WriteByte(' ')
	b.WriteString(query)
	b.WriteByte(0)
	b.WriteString(path)
	return b.String()
}

// get returns the answer to a request if there is one that is still right.
func (c *respCache) get(ctx context.Context, key string) *respEntry {
	e, _ := c.ready.PeekIf(key, func(e *respEntry) bool { return e.current(ctx) })
	return e
}

// put keeps e as the answer to a request. The body must not change any more.
func (c *respCache) put(key string, e *respEntry) {
	if len(key) <= maxKeyed && len(e.body) <= maxReady {
		c.ready.Put(key, e)
	}
}

// pageCodec has pages begin with a byte that says whether they are compressed.
type pageCodec struct{}

var errPage = errors.New("not a page")

func (pageCodec) Encode(p page) ([]byte, error) {
	kind := byte(identity)
	if p.gzipped {
		kind = byte(gzipped)
	}
	return append([]byte{kind}, p.body...), nil
}

func (pageCodec) Decode(data []byte) (page, error) {
	if len(data) == 0 || data[0] > byte(gzipped) {
		return page{}, errPage
	}
	return page{data[1:], data[0] == byte(gzipped)}, nil
}

// write sends the answer, or 304 if the client has it, and returns the status and
// the number of bytes of the body.
func (e *respEntry) write(w http.ResponseWriter, r *http.Request, cacheControl []string) (status, n int) {
	h := w.Header()
	h["Etag"] = e.etag
	h["Cache-Control"] = cacheControl
	if inm := r.Header["If-None-Match"]; inm != nil && e.etag != nil && matches(inm, e.etag[0], true) {
		w.WriteHeader(http.StatusNotModified)
		return http.StatusNotModified, 0
	}
	h["Content-Type"] = e.contentType
	h["Content-Length"] = e.length
	if e.encoding != nil {
		h["Content-Encoding"] = e.encoding
	}
	if r.Method != http.MethodHead {
		n, _ = w.Write(e.body) // a client that went away is not our fault
	}
	return http.StatusOK, n
}
