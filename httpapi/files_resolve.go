package httpapi

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/pressmark/pressmark/catalog"
	"github.com/pressmark/pressmark/storage"
)

// errMissing is in the errors that say that a book has no such file.
var errMissing = errors.New("file missing")

// wanted is a file of a book: a format in upper case, or its cover.
type wanted string

const cover wanted = ""

// stored returns the file's folder and name as the catalog has them.
func (want wanted) stored(b *catalog.Book) (folder, name string, err error) {
	if want == cover {
		if b.Cover == "" {
			return "", "", &statusError{status: http.StatusNotFound, detail: "The book has no cover.", err: errMissing}
		}
		return b.Path, path.Base(b.Cover), nil
	}
	for i := range b.Formats {
		if strings.EqualFold(b.Formats[i].Name, string(want)) {
			return b.Path, b.Formats[i].File, nil
		}
	}
	return "", "", notFound("path.format", string(want), "the book has no format")
}

// key returns the key that the catalog has for the file.
func (want wanted) key(b *catalog.Book) (string, error) {
	folder, name, err := want.stored(b)
	if err != nil {
		return "", err
	}
	key := folder + "/" + name
	if !safeKey(key) {
		return "", &statusError{status: http.StatusNotFound, detail: "The catalog names a file outside of the library.", err: errMissing}
	}
	return key, nil
}

// accepts says whether a file of this name can stand for the stored one.
// Formats are found by extension alone, as Calibre does (db/backend.py,
// format_abspath); a cover has always the same name.
func (want wanted) accepts(name string) bool {
	if want == cover {
		return name == "cover.jpg"
	}
	ext := path.Ext(name)
	return len(ext) > 1 && strings.EqualFold(ext[1:], string(want))
}

// finder finds the files of a library's books, also while Calibre moves them.
type finder struct {
	api *API
	lib *library

	mu       sync.Mutex
	lastLook time.Time // when a missing file last made the catalog look for changes
	strays   strays
}

const (
	// recently is how long after a change a missing file is taken for part
	// of another one that the catalog has not seen.
	recently = 15 * time.Second
	// lookGap is how often a missing file makes the catalog look for changes
	// when it knows of none.
	lookGap = time.Second
	// lookTime is how long a request waits for that.
	lookTime = time.Second
	// mostSiblings bounds the objects of an author that are gone through.
	mostSiblings = 5000
)

// find calls try with the keys under which the file of the book may be in a store
// that is laid out as the library's folder is, until one call returns nil or an error other than that there is no such object. It
// returns the book as the catalog has it then. A book that v hides is one that
// is not there: nothing is looked for.
//
//  1. the key that the catalog has;
//  2. another file of that format in the book's folder;
//  3. the same in the author's folder, where a folder ends in the book's id:
//     Calibre has changed the title;
//  4. all of these for the book as it is after the catalog has looked for
//     changes;
//  5. a folder anywhere in the library that ends in the book's id.
func (f *finder) find(ctx context.Context, v *view, files storage.Store, id catalog.BookID, want wanted, try func(key string) error) (catalog.Book, error) {
	b, err := f.attempt(ctx, v.reader, files, id, want, try)
	if !errors.Is(err, errMissing) || b.Cover == "" && want == cover {
		return b, err
	}
	looked, sure := f.look(ctx)
	if looked {
		now, err := f.api.view(ctx, f.lib, v.name)
		if err != nil {
			return b, err
		}
		again, err := f.attempt(ctx, now.reader, files, id, want, try)
		if !errors.Is(err, errMissing) {
			return again, err
		}
		b = again
	}
	if want != cover { // covers are asked for by the page; a stale has_cover must not cost a walk
		if folder := f.strays.folder(ctx, files, catalog.Snapshot(f.lib.Catalog), id); folder != "" {
			if err := f.inFolders(ctx, files, folder+"/", &b, want, try); !errors.Is(err, fs.ErrNotExist) {
				return b, err
			}
		}
	}
	if !sure {
		return b, unavailable("The library is changing, and the file was not where it should be. Try again.", 2, err)
	}
	return b, err
}

func (f *finder) attempt(ctx context.Context, books catalog.Reader, files storage.Store, id catalog.BookID, want wanted, try func(key string) error) (catalog.Book, error) {
	b, err := books.Book(ctx, id)
	if err != nil {
		return b, bookError(id, err)
	}
	key, err := want.key(&b)
	if err != nil {
		return b, err
	}
	err = f.tryKey(key, try)
	if errors.Is(err, fs.ErrNotExist) {
		err = f.inFolders(ctx, files, path.Dir(key)+"/", &b, want, try)
	}
	if author, _, ok := strings.Cut(path.Dir(key), "/"); ok && errors.Is(err, fs.ErrNotExist) {
		err = f.inFolders(ctx, files, author+"/", &b, want, try)
	}
	if errors.Is(err, fs.ErrNotExist) {
		err = &statusError{
			status: http.StatusNotFound, location: "path.id", value: strconv.FormatInt(int64(id), 10),
			message: "the file is not in the library",
			detail:  fmt.Sprintf("The file %q is not in the library.", key), err: errMissing,
		}
	}
	return b, err
}

// inFolders goes through what is below prefix and tries files in the book's
// folders: the stored one, and those that end in its id.
func (f *finder) inFolders(ctx context.Context, files storage.Store, prefix string, b *catalog.Book, want wanted, try func(key string) error) error {
	_, stored, err := want.stored(b)
	if err != nil {
		return err
	}
	var exact, other []string
	seen := 0
	for info, err := range files.List(ctx, prefix) {
		if err != nil {
			if f.missing(prefix, err) {
				break
			}
			return err
		}
		if seen++; seen > mostSiblings {
			break
		}
		folder, name := path.Split(info.Key)
		folder = strings.TrimSuffix(folder, "/")
		if folder != b.Path && idOf(folder) != b.ID || !safeKey(info.Key) {
			continue
		}
		switch {
		case name == stored:
			exact = append(exact, info.Key)
		case want.accepts(name):
			other = append(other, info.Key)
		}
	}
	for _, key := range append(exact, other...) {
		if err := f.tryKey(key, try); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return fs.ErrNotExist
}

// tryKey calls try; what counts as missing becomes fs.ErrNotExist.
func (f *finder) tryKey(key string, try func(key string) error) error {
	err := try(key)
	if err != nil && f.missing(key, err) {
		return fs.ErrNotExist
	}
	return err
}

// missing says whether err means that there is nothing to be served. A link
// that leads out of the library and a file that may not be read count as well,
// but somebody has to know of them.
func (f *finder) missing(key string, err error) bool {
	if errors.Is(err, fs.ErrPermission) {
		f.api.log.Warn("File of the library cannot be read", "component", "files", "library", f.lib.Name, "key", key, "err", err)
		return true
	}
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrInvalid)
}

// look makes the catalog look for changes. sure is false if it should have but
// has not finished, so that nothing can be said about what is missing.
func (f *finder) look(ctx context.Context) (looked, sure bool) {
	live := f.lib.live
	if live == nil {
		return false, true
	}
	now := time.Now()
	changed := now.Sub(live.Status().Changed) < recently
	f.mu.Lock()
	due := changed || now.Sub(f.lastLook) >= lookGap
	if due {
		f.lastLook = now
	}
	f.mu.Unlock()
	if !due {
		return false, true
	}
	limited, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	err := live.Refresh(limited)
	if err == nil {
		return true, true
	}
	// A catalog that cannot be read for longer than Calibre ever takes is a
	// fault, not a change, and health tells of it.
	st := live.Status()
	return true, !changed && st.Problem != nil && now.Sub(st.Since) >= recently
}

// safeKey says whether a key made from the database may be given to a store:
// a path into a folder of the library, in the form that Calibre writes.
func safeKey(key string) bool {
	return storage.CheckKey("open", key) == nil && strings.IndexByte(key, '\\') < 0 && strings.IndexByte(key, '/') > 0
}

// idOf returns the book id at the end of a folder's name, "The Tide Clerk
// (1)", or 0.
func idOf(folder string) catalog.BookID {
	rest, ok := strings.CutSuffix(folder, ")")
	if !ok {
		return 0
	}
	i := strings.LastIndex(rest, " (")
	if i < 0 {
		return 0
	}
	id, err := strconv.ParseInt(rest[i+2:], 10, 64)
	if err != nil || id < 1 {
		return 0
	}
	return catalog.BookID(id)
}
