package httpapi

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/pressmark/pressmark/catalog"
	"github.com/pressmark/pressmark/readerstate"
)

// errNoState is the answer of a server that keeps nothing for its users.
var errNoState = &statusError{status: http.StatusNotImplemented, detail: "This server keeps nothing for its users."}

// stateHandler answers a request about what is kept for its user.
type stateHandler func(w http.ResponseWriter, r *http.Request, user readerstate.UserID) error

// state makes a handler for what is kept for users.
func (a *API) state(h stateHandler) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		i, ok := identityOf(r.Context())
		if a.opts.State.Marks == nil || !ok {
			return errNoState
		}
		return h(w, r, readerstate.UserID(i.User.ID))
	}
}

// located is a book that a user may see, with the name under which state is kept.
type located struct {
	name readerstate.Book
	lib  *library
	id   catalog.BookID
}

// bookOf returns the book that the path names, as a book of the catalog
// (?library=) or as state does.
func (a *API) bookOf(r *http.Request) (located, error) {
	params, err := parseParams(nil, r.URL.RawQuery)
	if err != nil {
		return located{}, err
	}
	p, own, err := takePlace(params)
	switch {
	case err != nil:
		return located{}, err
	case len(own) > 0:
		return located{}, unknown(own[0])
	case p.view != "":
		return located{}, unknown(param{"view", p.view})
	}
	text := r.PathValue("book")
	found, err := a.locate(r.Context(), "path.book", []string{text}, p.library)
	if err != nil {
		return located{}, err
	}
	if found[0].lib == nil {
		return located{}, notFound("path.book", text, "there is no book")
	}
	return found[0], nil
}

// locate finds books that the user of a request may see: by id in a library, or
// by the names under which state is kept, in any library unless one is given.
// Those that are not there have no lib.
func (a *API) locate(ctx context.Context, location string, texts []string, name string) ([]located, error) {
	libs := a.libs
	if name != "" {
		lib, err := a.library(name)
		if err != nil {
			return nil, err
		}
		libs = []*library{lib}
	}
	found := make([]located, len(texts))
	names := make([]readerstate.Book, len(texts))
	var first *view // of the library that ids are of
	for i, text := range texts {
		if !strings.ContainsAny(text, "-:") {
			id, err := parseID(location, text)
			if err != nil {
				return nil, err
			}
			if first == nil {
				if first, err = a.view(ctx, libs[0], ""); err != nil {
					return nil, err
				}
			}
			if found[i], err = a.locateID(ctx, first, id); err != nil {
				return nil, err
			}
			continue
		}
		b, err := readerstate.ParseBook(text)
		if err != nil {
			return nil, invalid(location, text, "neither the id nor the UUID of a book:")
		}
		names[i] = b
	}
	return found, a.locateNames(ctx, libs, names, found)
}

// locateID finds a book by its id.
func (a *API) locateID(ctx context.Context, v *view, id catalog.BookID) (located, error) {
	b, err := v.reader.Book(ctx, id)
	if errors.Is(err, catalog.ErrNotFound) {
		return located{}, nil
	}
	if err != nil {
		return located{}, err
	}
	name, err := a.nameOf(ctx, v, &b)
	return located{name, v.lib, id}, err
}

// nameOf returns the name under which state of a book is kept. Who owns a UUID
// does not depend on who asks.
func (a *API) nameOf(ctx context.Context, v *view, b *catalog.Book) (readerstate.Book, error) {
	owned := false
	if b.UUID != "" {
		page, err := catalog.Snapshot(v.lib.Catalog).Books(ctx, catalog.Query{Where: catalog.UUIDs{b.UUID}, Limit: 1, Names: true})
		if err != nil {
			return "", err
		}
		owned = len(page.Items) == 1 && page.Items[0].ID == b.ID
	}
	return readerstate.BookOf(b.UUID, owned, v.libraryID(), int64(b.ID)), nil
}

// libraryID is how the library's books are named that have no UUID of their own.
func (v *view) libraryID() string {
	if v.whole.Library != "" {
		return v.whole.Library
	}
	return v.lib.Name
}

// locateNames finds books by name; those that are empty stay as they are.
func (a *API) locateNames(ctx context.Context, libs []*library, names []readerstate.Book, found []located) error {
	first := make(map[readerstate.Book]int, len(names)) // where a name stands first
	var uuids []string
	for i, b := range names {
		if _, again := first[b]; b == "" || again {
			continue
		}
		first[b] = i
		if uuid, ok := b.UUID(); ok {
			uuids = append(uuids, uuid)
		}
	}
	if len(first) == 0 {
		return nil
	}
	put := func(b readerstate.Book, l located) {
		if i, asked := first[b]; asked && found[i].lib == nil {
			found[i] = l
		}
	}
	for _, lib := range libs {
		v, err := a.view(ctx, lib, "")
		if err != nil {
			if len(libs) > 1 && errors.Is(err, catalog.ErrUnavailable) {
				continue // the others are there
			}
			return err
		}
		if len(uuids) > 0 {
			page, err := v.reader.Books(ctx, catalog.Query{Where: catalog.UUIDs(uuids), Limit: len(uuids), Names: true})
			if err != nil {
				return err
			}
			for i := range page.Items {
				b := readerstate.Book(strings.ToLower(page.Items[i].UUID))
				put(b, located{b, lib, page.Items[i].ID})
			}
		}
		for b := range first {
			library, id, ok := b.Row()
			if !ok || !strings.EqualFold(library, v.libraryID()) {
				continue
			}
			l, err := a.locateID(ctx, v, catalog.BookID(id))
			if err != nil {
				return err
			}
			if l.lib != nil {
				put(b, l)
			}
		}
	}
	for i, b := range names {
		if b != "" {
			found[i] = found[first[b]]
		}
	}
	return nil
}

// writeOf reads how a change is asked for: Idempotency-Key, and the version that
// is expected as If-Match or as the member if_version of the body.
func writeOf(r *http.Request, ifVersion *int64) (w readerstate.Write, err error) {
	w.If = ifVersion
	if w.If != nil && *w.If < 0 {
		return w, invalid("body.if_version", "", "a version was expected")
	}
	if tag := r.Header.Get("If-Match"); tag != "" {
		version, err := strconv.ParseInt(strings.Trim(strings.TrimSpace(tag), `"`), 10, 64)
		switch {
		case err != nil || version < 0:
			return w, invalid("header.If-Match", tag, "the ETag of one answer was expected, not")
		case w.If != nil && *w.If != version:
			return w, invalid("header.If-Match", tag, "the body expects another version than")
		}
		w.If = &version
	}
	if none := r.Header.Get("If-None-Match"); none != "" {
		if none != "*" || w.If != nil {
			return w, invalid("header.If-None-Match", none, "only * was expected, and no other version, not")
		}
		w.If = new(int64)
	}
	w.ID = r.Header.Get("Idempotency-Key")
	if err := w.Check(); err != nil {
		return w, invalid("header.Idempotency-Key", w.ID, "at most 100 bytes of text were expected, not")
	}
	return w, nil
}

// changeOf reads what is asked of the book that the path names: members of the
// body, which read reads, unless there is none (nil), and how.
func (a *API) changeOf(w http.ResponseWriter, r *http.Request, read bodyReader, members map[string]any) (l located, how readerstate.Write, err error) {
	if l, err = a.bookOf(r); err != nil {
		return l, how, err
	}
	var ifVersion *int64
	if read != nil {
		members["if_version"] = &ifVersion
		if err := read(w, r, members); err != nil {
			return l, how, err
		}
	}
	how, err = writeOf(r, ifVersion)
	return l, how, err
}

// maxStateBody bounds the body of a request about a book.
const maxStateBody = 32 << 10

// bodyReader reads members of a body.
type bodyReader func(w http.ResponseWriter, r *http.Request, members map[string]any) error

// neededBody reads a body that has to be there.
func neededBody(w http.ResponseWriter, r *http.Request, members map[string]any) error {
	return readJSON(w, r, maxStateBody, members)
}

// optionalBody reads a body that may be missing.
func optionalBody(w http.ResponseWriter, r *http.Request, members map[string]any) error {
	if r.ContentLength == 0 {
		return nil
	}
	return readJSON(w, r, maxStateBody, members)
}

// sendVersion sends a record with its version as entity tag.
func (a *API) sendVersion(w http.ResponseWriter, r *http.Request, status int, version int64, v any) error {
	w.Header()["Etag"] = []string{`"` + strconv.FormatInt(version, 10) + `"`}
	return a.sendStatus(w, r, status, v)
}

// visible reads a list of what is kept until it has limit entries of books that
// the user of a request may see, and tells whether there are more.
func visible[T any](ctx context.Context, a *API, limit int, after T, fetch func(after T, n int) ([]T, error), name func(T) readerstate.Book) (items []T, at []located, more bool, err error) {
	for {
		n := min(max(limit+1-len(items), 100), readerstate.MaxBooks)
		if limit < 100 && len(items) == 0 {
			n = limit + 1 // most users see all that they have
		}
		batch, err := fetch(after, n)
		if err != nil {
			return nil, nil, false, err
		}
		names, found := make([]readerstate.Book, len(batch)), make([]located, len(batch))
		for i := range batch {
			names[i] = name(batch[i])
		}
		if err := a.locateNames(ctx, a.libs, names, found); err != nil {
			return nil, nil, false, err
		}
		for i := range batch {
			if found[i].lib == nil {
				continue
			}
			if len(items) == limit {
				return items, at, true, nil
			}
			items, at = append(items, batch[i]), append(at, found[i])
		}
		if len(batch) < n {
			return items, at, false, nil
		}
		after = batch[len(batch)-1]
	}
}
