package httpapi

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/pressmark/pressmark/catalog"
	"github.com/pressmark/pressmark/httpapi/covers"
	"github.com/pressmark/pressmark/storage"
)

// coverQuery is what a request for a cover asks for.
type coverQuery struct {
	size        covers.Size // "" is the original
	placeholder bool
	version     string // v, as cover URLs have it
}

func parseCoverQuery(params []param) (q coverQuery, err error) {
	for _, p := range params {
		switch p.name {
		case "size":
			q.size = covers.Size(p.value)
			if _, _, ok := q.size.Box(); ok {
				break
			}
			if q.size = ""; p.value != "full" {
				return q, invalid("query.size", p.value, "must be thumb, small, medium or full, not")
			}
		case "placeholder":
			q.placeholder = p.value == "true"
			if !q.placeholder && p.value != "false" {
				return q, invalid("query.placeholder", p.value, "must be true or false, not")
			}
		case "v":
			q.version = p.value
		default:
			return q, unknown(p)
		}
	}
	return q, nil
}

// cover sends a book's cover: the original, or a thumbnail, or what stands for
// a cover where there is none.
func (f *files) cover(w http.ResponseWriter, r *http.Request) error {
	i, _ := identityOf(r.Context())
	k := cacheKey(r, i.View, identity)
	keep := keepable(r) && len(k) <= maxKeyed && plain(r)
	if keep {
		if c := f.ready.get(r.Context(), k); c != nil && f.sendReady(w, r, c) {
			return nil
		}
	}
	v, own, err := f.view(r)
	if err != nil {
		return err
	}
	id, err := parseID("path.id", r.PathValue("id"))
	if err != nil {
		return err
	}
	q, err := parseCoverQuery(own)
	if err != nil {
		return err
	}
	at, err := f.placeOf(r.Context(), v, id, q)
	if err != nil {
		return err
	}
	if at != nil && f.redirects(r, f.addressOf(r.Context(), at)) {
		c := newReadyCover(v, nil, "", time.Time{}, at.versioned)
		c.at = at
		if keep {
			f.ready.kept.Put(k, c)
		}
		f.sendReady(w, r, c)
		return nil
	}
	var b catalog.Book
	if q.size == "" {
		b, err = f.original(w, r, v, id, q)
	} else {
		var c *readyCover
		c, b, err = f.thumbnail(r.Context(), v, id, q)
		if errors.Is(err, storage.ErrChanged) { // between the look at it and the reading
			c, b, err = f.thumbnail(r.Context(), v, id, q)
		}
		if err == nil {
			if keep && at == nil { // others may be sent to where it is
				f.ready.kept.Put(k, c)
			}
			return f.send(w, r, c)
		}
	}
	if q.placeholder && b.ID != 0 && noPicture(err) {
		return f.placeholder(w, r, v, &b, q)
	}
	switch {
	case errors.Is(err, covers.ErrNotImage):
		err = &statusError{status: http.StatusNotFound, detail: "The cover is not an image, or is damaged.", err: err}
	case errors.Is(err, covers.ErrTooLarge):
		err = &statusError{status: http.StatusNotFound, detail: "The cover is too large to be made smaller. The original can be had with size=full.", err: err}
	}
	return err
}

// noPicture says whether err means that the book has no cover that can be
// shown, and will have none until somebody changes it.
func noPicture(err error) bool {
	var s *statusError
	return errors.Is(err, covers.ErrNotImage) || errors.Is(err, covers.ErrTooLarge) ||
		errors.Is(err, errMissing) && errors.As(err, &s) && s.status == http.StatusNotFound
}

// original sends the file as it is, if it is an image.
func (f *files) original(w http.ResponseWriter, r *http.Request, v *view, id catalog.BookID, q coverQuery) (catalog.Book, error) {
	store, info, b, err := f.findCover(r.Context(), v, id)
	if err != nil {
		return b, err
	}
	file, info, err := storage.OpenSeeker(r.Context(), store, info.Key)
	if err != nil {
		return b, err
	}
	defer file.Close()
	head := make([]byte, covers.SniffLen)
	n, err := io.ReadFull(file, head)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return b, err
	}
	mediaType := covers.Sniff(head[:n])
	if mediaType == "" {
		return b, fmt.Errorf("cover %s: %w", info.Key, covers.ErrNotImage)
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return b, err
	}
	h := w.Header()
	h["Content-Type"] = []string{mediaType}
	h["Content-Security-Policy"] = sandbox // an image opened by itself is a document
	h["Cache-Control"] = f.coverCacheControl(r, q.current(&b), v.name != "")
	return b, f.api.serveFile(w, r, file, info)
}

// thumbnail returns the cover made smaller.
func (f *files) thumbnail(ctx context.Context, v *view, id catalog.BookID, q coverQuery) (*readyCover, catalog.Book, error) {
	store, info, b, err := f.findCover(ctx, v, id)
	if err != nil {
		return nil, b, err
	}
	jpeg, err := f.covers.Thumbnail(ctx, covers.Source{
		Name: v.lib.Name + "/" + strconv.FormatInt(int64(id), 10), Store: store, Info: info,
	}, q.size)
	if err != nil {
		return nil, b, err
	}
	tag := `"` + info.Tag + "-" + string(q.size) + covers.Generation + `"`
	return newReadyCover(v, jpeg, tag, info.ModTime, q.current(&b)), b, nil
}

// placeholder sends a picture in the place of a cover. It may not be kept
// without asking: the next moment the book can have a cover.
func (f *files) placeholder(w http.ResponseWriter, r *http.Request, v *view, b *catalog.Book, q coverQuery) error {
	if q.size == "" {
		q.size = covers.Medium
	}
	author := ""
	if len(b.Authors) > 0 {
		author = b.Authors[0].Name
	}
	jpeg, err := f.covers.Placeholder(r.Context(), b.Title, author, q.size)
	if err != nil {
		return err
	}
	sum := fnv.New64a()
	sum.Write(jpeg)
	tag := `"placeholder-` + strconv.FormatUint(sum.Sum64(), 36) + `"`
	return f.send(w, r, newReadyCover(v, jpeg, tag, time.Time{}, false))
}

// send sends c, or what else r asks of it.
func (f *files) send(w http.ResponseWriter, r *http.Request, c *readyCover) error {
	cacheControl := f.coverCacheControl(r, c.versioned, c.partial)
	if plain(r) {
		c.write(w, r, cacheControl)
		return nil
	}
	h := w.Header()
	h["Content-Type"] = jpegType
	h["Content-Security-Policy"] = sandbox
	h["Cache-Control"] = cacheControl
	return f.api.serveFile(w, r, bytes.NewReader(c.jpeg), storage.Info{Key: r.URL.Path, Tag: strings.Trim(c.etag[0], `"`), Size: int64(len(c.jpeg)), ModTime: c.changed})
}

// Cover URLs in cards carry a version that changes whenever Calibre touches
// the book, so what is found under the current one may be kept without asking.
// Not for ever: a file that was replaced by hand, behind Calibre's back, keeps
// its version. And only under the current version: what is found now under
// another one, or without, need not be right in a minute.
var (
	weekShared  = []string{"public, max-age=604800"}
	weekPrivate = []string{"private, max-age=604800"}
)

// current says whether the cover was asked for under the current version.
func (q coverQuery) current(b *catalog.Book) bool {
	return q.version != "" && q.version == coverVersion(b)
}

func (f *files) coverCacheControl(r *http.Request, versioned, partial bool) []string {
	usual := f.api.cacheControl(r, partial)
	switch {
	case !versioned:
		return usual
	case usual[0] == cacheShared:
		return weekShared
	}
	return weekPrivate
}

// coverVersion is the v of [appendCoverURL].
func coverVersion(b *catalog.Book) string { return strconv.FormatInt(b.Modified.UnixMicro(), 36) }
