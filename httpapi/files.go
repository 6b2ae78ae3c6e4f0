package httpapi

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"strings"

	"github.com/pressmark/pressmark/catalog"
	"github.com/pressmark/pressmark/httpapi/covers"
	"github.com/pressmark/pressmark/storage"
)

// FileOptions are the settings of covers and downloads.
type FileOptions struct {
	// Covers makes and keeps thumbnails and placeholders. nil keeps them in
	// Options.Cache.
	Covers *covers.Cache
	// Redirect says who is sent to stores that can sign addresses.
	Redirect Redirect
	// Restricted says whether any user may not see all books. nil says so if there
	// are users.
	Restricted func(context.Context) (bool, error)
}

// files answers requests for the files of books.
type files struct {
	api     *API
	covers  *covers.Cache
	finders map[*library]*finder
	ready   readyCovers
	remote  *remote
}

// registerFiles adds the operations of covers and downloads with a.handle.
func (a *API) registerFiles() error {
	f := &files{api: a, covers: a.opts.Files.Covers, finders: map[*library]*finder{}}
	var err error
	if f.covers == nil {
		if f.covers, err = covers.New(covers.Options{Logger: a.log, Cache: a.opts.Cache}); err != nil {
			return err
		}
	}
	if f.ready, err = newReadyCovers(a.opts.Cache); err != nil {
		return err
	}
	if f.remote, err = newRemote(a.opts.Cache, a.opts.SealKey); err != nil {
		return err
	}
	for _, lib := range a.libs {
		f.finders[lib] = &finder{api: a, lib: lib}
	}
	a.handle(a.downloadOperation(), streaming|fetched, f.download)
	a.handle(a.coverOperation(), streaming|fetched, f.cover) // the work on a picture has its own limit
	a.registerTickets(f)
	return nil
}

// download sends one of a book's files.
func (f *files) download(w http.ResponseWriter, r *http.Request) error {
	v, own, err := f.view(r)
	if err != nil {
		return err
	}
	if len(own) > 0 {
		return unknown(own[0])
	}
	id, err := parseID("path.id", r.PathValue("id"))
	if err != nil {
		return err
	}
	return f.sendBook(w, r, v, id, wanted(strings.ToUpper(r.PathValue("format"))), f.api.cacheControl(r, v.name != ""))
}

// sendBook sends a file of a book as an attachment, or sends the client where it
// is.
func (f *files) sendBook(w http.ResponseWriter, r *http.Request, v *view, id catalog.BookID, want wanted, cacheControl []string) error {
	if err := f.api.pressed(); err != nil {
		return err
	}
	by := f.api.ownerOf(r)
	if err := f.api.limits.downloads.enter(by); err != nil {
		return err
	}
	defer f.api.limits.downloads.leave(by)
	store := v.lib.Placement.book(want)
	var elsewhere error // why the file is not taken from there
	if store != nil {
		sent, err := f.sendFrom(w, r, v, store, id, want, cacheControl)
		if sent {
			return err
		}
		elsewhere = err
	}
	file, info, b, err := f.open(r.Context(), v, v.lib.Files, id, want)
	if store != nil && errors.Is(err, errMissing) {
		if !errors.Is(elsewhere, errNoObject) {
			return elsewhere
		}
		file, info, b, err = f.open(r.Context(), v, store, id, want) // perhaps under the name that it had before
	}
	if err != nil {
		return err
	}
	return f.attach(w, r, file, info, &b, want, cacheControl)
}

// attach sends an open file, and closes it.
func (f *files) attach(w http.ResponseWriter, r *http.Request, file io.ReadSeekCloser, info storage.Info, b *catalog.Book, want wanted, cacheControl []string) error {
	defer file.Close()
	f.api.observer.downloads.Add(1)
	defer f.api.observer.downloads.Add(-1)
	h := w.Header()
	h["Content-Type"] = []string{MediaType(string(want))}
	h["Content-Disposition"] = []string{contentDisposition(b, "."+strings.ToLower(string(want)))}
	h["Content-Security-Policy"] = sandbox
	h["Cache-Control"] = cacheControl
	err := f.api.serveFile(w, r, file, info)
	if errors.Is(err, fs.ErrPermission) {
		f.api.log.Warn("Store does not give a file away; it is taken for missing", "component", "files", "key", info.Key, "err", err)
		return &statusError{status: http.StatusNotFound, detail: "The file cannot be read.", err: err}
	}
	return err
}

// sendFrom is sendBook from a store beside the library's folder. sent is false if
// it does not have the file under the key of the catalog, or cannot be asked.
func (f *files) sendFrom(w http.ResponseWriter, r *http.Request, v *view, store storage.Store, id catalog.BookID, want wanted, cacheControl []string) (sent bool, err error) {
	ctx := r.Context()
	b, err := v.reader.Book(ctx, id)
	if err != nil {
		return true, bookError(id, err)
	}
	key, err := want.key(&b)
	if err != nil {
		return true, err
	}
	info, err := f.remoteFile(ctx, store, v.lib, &b, want, key)
	if err != nil {
		return ctx.Err() != nil, err
	}
	if inm := r.Header["If-None-Match"]; inm == nil || !matches(inm, `"`+info.Tag+`"`, false) {
		o := storage.SignOptions{
			Lifetime: signedFor, ContentType: MediaType(string(want)),
			ContentDisposition: contentDisposition(&b, "."+strings.ToLower(string(want))),
		}
		if to, err := sign(ctx, store, info, o); err == nil && f.redirects(r, to.URL) {
			f.redirect(w, to.URL, 0, to.Expires)
			return true, nil
		}
	}
	if info, err = f.remoteNow(ctx, store, v.lib, want, key); err != nil {
		return ctx.Err() != nil, err
	}
	return true, f.attach(w, r, storage.NewReadSeeker(ctx, store, info), info, &b, want, cacheControl)
}

// sandbox keeps what a book contains from doing anything, should a browser
// show it.
var sandbox = []string{"default-src 'none'; sandbox; frame-ancestors 'none'"}

// view reads the query of r: the library and its view, and the parameters beside
// them.
func (f *files) view(r *http.Request) (*view, []param, error) {
	params, err := parseParams(make([]param, 0, 4), r.URL.RawQuery)
	if err != nil {
		return nil, nil, err
	}
	return f.api.look(r.Context(), params)
}

// open opens a file of a book in a store that is laid out as the library's folder
// is.
func (f *files) open(ctx context.Context, v *view, store storage.Store, id catalog.BookID, want wanted) (file io.ReadSeekCloser, info storage.Info, b catalog.Book, err error) {
	b, err = f.finders[v.lib].find(ctx, v, store, id, want, func(key string) (err error) {
		file, info, err = storage.OpenSeeker(ctx, store, key)
		return err
	})
	return file, info, b, err
}
