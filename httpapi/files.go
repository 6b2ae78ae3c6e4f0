package httpapi

import (
	"context"
	"io"
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
}

// files answers requests for the files of books.
type files struct {
	api     *API
	covers  *covers.Cache
	finders map[*library]*finder
	ready   readyCovers
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

// sendBook sends a file of a book as an attachment.
func (f *files) sendBook(w http.ResponseWriter, r *http.Request, v *view, id catalog.BookID, want wanted, cacheControl []string) error {
	file, info, b, err := f.open(r.Context(), v, id, want)
	if err != nil {
		return err
	}
	defer file.Close()
	h := w.Header()
	h["Content-Type"] = []string{mediaType(string(want))}
	h["Content-Disposition"] = []string{contentDisposition(&b, "."+strings.ToLower(string(want)))}
	h["Content-Security-Policy"] = sandbox
	h["Cache-Control"] = cacheControl
	return f.api.serveFile(w, r, file, info)
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

// open opens a file of a book.
func (f *files) open(ctx context.Context, v *view, id catalog.BookID, want wanted) (file io.ReadSeekCloser, info storage.Info, b catalog.Book, err error) {
	b, err = f.finders[v.lib].find(ctx, v, id, want, func(key string) (err error) {
		file, info, err = storage.OpenSeeker(ctx, v.lib.Files, key)
		return err
	})
	return file, info, b, err
}
