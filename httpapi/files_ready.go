package httpapi

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/pressmark/pressmark/cache"
	"github.com/pressmark/pressmark/catalog"
)

// readyCovers keeps the answers to requests for thumbnails that came a moment
// ago. To find the book and to ask the store for the version of its cover costs
// several times what sending the picture does.
//
// An answer is only good as long as the library's contents are the ones it was
// made from, so a cover that Calibre changes is seen at once, and for a short
// time: what somebody does to the file behind Calibre's back is seen after it.
type readyCovers struct{ kept *cache.Namespace[*readyCover] }

func newReadyCovers(c *cache.Cache) (r readyCovers, err error) {
	r.kept, err = cache.NewNamespace(c, cache.NamespaceOptions[*readyCover]{
		Name: "cover", TTL: readyVersioned, Unchanging: true, LocalOnly: true,
		Cost: func(c *readyCover) int64 { return int64(respOverhead + len(c.jpeg)) },
	})
	return r, err
}

// How long an answer is good. Under the current version of a cover's URL
// clients keep the picture for a week without asking, and a minute adds
// nothing to that; else it is what a proxy may do.
const (
	readyVersioned = time.Minute
	readyUsual     = time.Second
)

type readyCover struct {
	at                     *coverPlace // where it is, instead of jpeg
	jpeg                   []byte
	changed                time.Time // when the cover was, if it is known
	etag, modified, length []string  // header values, shared by all requests
	versioned              bool      // asked for under the current version
	partial                bool      // asked for through a view
	lib                    *library
	revision               catalog.Revision
	until                  time.Time
}

func newReadyCover(v *view, jpeg []byte, tag string, modified time.Time, versioned bool) *readyCover {
	life := readyUsual
	if versioned {
		life = readyVersioned
	}
	c := &readyCover{
		jpeg: jpeg, changed: modified, etag: []string{tag}, length: []string{strconv.Itoa(len(jpeg))}, versioned: versioned,
		partial: v.name != "", lib: v.lib, revision: v.whole, until: time.Now().Add(life),
	}
	if !v.until.IsZero() && v.until.Before(c.until) {
		c.until = v.until // the view may hide the book then
	}
	if !modified.IsZero() {
		c.modified = []string{modified.UTC().Format(http.TimeFormat)}
	}
	return c
}

// get returns the answer to a request, nil if there is none that is still good.
func (r readyCovers) get(ctx context.Context, key string) *readyCover {
	c, _ := r.kept.PeekIf(key, func(c *readyCover) bool {
		if !time.Now().Before(c.until) {
			return false
		}
		rev, err := c.lib.Catalog.Revision(ctx)
		return err == nil && rev == c.revision
	})
	return c
}

// plain says whether r asks for the whole thing, at most on condition that the
// client does not have it: what a ready answer can tell.
func plain(r *http.Request) bool {
	for _, k := range [...]string{"Range", "If-Match", "If-Modified-Since", "If-Unmodified-Since"} {
		if r.Header[k] != nil {
			return false
		}
	}
	return true
}

// write sends the picture, or 304.
func (c *readyCover) write(w http.ResponseWriter, r *http.Request, cacheControl []string) {
	h := w.Header()
	h["Content-Security-Policy"] = sandbox
	h["Cache-Control"] = cacheControl
	h["Etag"] = c.etag
	if inm := r.Header["If-None-Match"]; inm != nil && matches(inm, c.etag[0], true) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h["Content-Type"] = jpegType
	h["Content-Length"] = c.length
	if c.modified != nil {
		h["Last-Modified"] = c.modified
	}
	if r.Method != http.MethodHead {
		w.Write(c.jpeg) // a client that went away is not our fault
	}
}

var jpegType = []string{"image/jpeg"}
