package httpapi

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/pressmark/pressmark/catalog"
	"github.com/pressmark/pressmark/storage"
)

// coverPlace is where clients get a cover that is not in the library's folder.
type coverPlace struct {
	signed    signedURL
	open      string // its address for everybody, if it has one
	versioned bool
}

// How long clients keep in mind where a cover is: under the current version of its
// URL, and else. Both are shorter than what is signed is good for.
const (
	placeVersioned = 15 * time.Minute
	placeUsual     = time.Minute
)

// addressOf returns the address for a client.
func (f *files) addressOf(ctx context.Context, p *coverPlace) string {
	if p.open != "" && f.everybodySeesAll(ctx) {
		return p.open
	}
	return p.signed.URL
}

// placeOf returns where clients get the cover of a book that v shows: nil if the
// library's store of covers does not have it, or cannot be asked.
func (f *files) placeOf(ctx context.Context, v *view, id catalog.BookID, q coverQuery) (*coverPlace, error) {
	p := &v.lib.Placement
	if p.Covers == nil || f.api.opts.Files.Redirect == RedirectNever {
		return nil, nil
	}
	b, err := v.reader.Book(ctx, id)
	if err != nil {
		return nil, bookError(id, err)
	}
	if b.Cover == "" {
		return nil, nil
	}
	c, err := f.remoteCover(ctx, v.lib, &b, q.size)
	if err != nil {
		return nil, ctx.Err()
	}
	at := &coverPlace{versioned: q.current(&b)}
	if at.signed, err = f.coverAddress(ctx, v.lib, c); err != nil {
		return nil, ctx.Err()
	}
	if p.CDN != "" && c.Tagged {
		at.open = p.CDN + (&url.URL{Path: c.Info.Key}).EscapedPath()
	}
	return at, nil
}

// sendReady sends what is kept ready, if r is a request for it.
func (f *files) sendReady(w http.ResponseWriter, r *http.Request, c *readyCover) bool {
	if c.at == nil {
		c.write(w, r, f.coverCacheControl(r, c.versioned, c.partial))
		return true
	}
	to := f.addressOf(r.Context(), c.at)
	if !f.redirects(r, to) {
		return false
	}
	life := placeUsual
	if c.at.versioned {
		life = placeVersioned
	}
	f.redirect(w, to, life, c.at.signed.Expires)
	return true
}

// findCover returns the store that has the cover of a book, and what it says of
// it: the library's folder, or else its store of covers, or else that of books, which
// is laid out as the folder is.
func (f *files) findCover(ctx context.Context, v *view, id catalog.BookID) (storage.Store, storage.Info, catalog.Book, error) {
	var info storage.Info
	look := func(s storage.Store) (catalog.Book, error) {
		return f.finders[v.lib].find(ctx, v, s, id, cover, func(key string) (err error) {
			info, err = s.Stat(ctx, key)
			return err
		})
	}
	p := &v.lib.Placement
	b, err := look(v.lib.Files)
	if b.Cover == "" || !errors.Is(err, errMissing) && !errors.Is(err, storage.ErrUnavailable) {
		return v.lib.Files, info, b, err
	}
	if p.Covers != nil {
		c, bad := f.remoteCover(ctx, v.lib, &b, "")
		if bad == nil {
			return p.Covers, c.Info, b, nil
		}
		if !errors.Is(bad, errNoObject) {
			err = bad
		}
	}
	if books := p.Books[""]; books != nil {
		again, bad := look(books)
		if bad == nil {
			return books, info, again, nil
		}
		if !errors.Is(bad, errMissing) {
			err = bad
		}
	}
	return v.lib.Files, info, b, err
}
