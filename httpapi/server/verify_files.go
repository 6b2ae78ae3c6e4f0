package server

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"io/fs"
	"strconv"

	"github.com/pressmark/pressmark/catalog"
	"github.com/pressmark/pressmark/httpapi"
	"github.com/pressmark/pressmark/httpapi/covers"
	"github.com/pressmark/pressmark/storage"
)

// placeFolder is the library's folder, as a Difference names it.
const placeFolder = "folder"

// fileCheck compares files with their records.
type fileCheck struct {
	folder    storage.Store
	placement httpapi.Placement
	config    *Config
	contents  bool
	// folderOnly leaves out what is elsewhere: of the folder only what must be there
	// is looked for.
	folderOnly bool
	*tally
}

// book checks the files of a book where they should be, and where they may be,
// too. The error is that of a place that does not answer, or of ctx.
func (f *fileCheck) book(ctx context.Context, b *catalog.Book) error {
	for _, format := range b.Formats {
		place, store := f.place(format.Name)
		if place == placeFolder || !f.folderOnly {
			if err := f.file(ctx, b, place, store, format.Key, format.Size, true); err != nil {
				return err
			}
		}
		if place != placeFolder {
			if err := f.file(ctx, b, placeFolder, f.folder, format.Key, format.Size, false); err != nil {
				return err
			}
		}
	}
	if b.Cover == "" {
		return nil
	}
	inS3 := f.placement.Covers != nil || f.folderOnly && f.config.S3.Covers
	if inS3 && !f.folderOnly {
		if err := f.cover(ctx, b, placeS3, f.placement.Covers, covers.ObjectKey(int64(b.ID), "", ""), true); err != nil {
			return err
		}
	}
	// Where books are elsewhere, so are covers, unless they are in S3.
	place, store := f.place("")
	if place == placeS3 || f.folderOnly {
		inS3 = inS3 || place != placeFolder
		place, store = placeFolder, f.folder
	}
	return f.cover(ctx, b, place, store, b.Cover, !inS3)
}

// place is where a format is.
func (f *fileCheck) place(format string) (string, storage.Store) {
	place, named := f.config.BooksStore[format]
	store := f.placement.Books[format]
	if !named {
		store, place = f.placement.Books[""], f.config.BooksStore[""]
	}
	if f.folderOnly && place != "" && place != placeLocal {
		return place, nil
	}
	if store == nil {
		return placeFolder, f.folder
	}
	return place, store
}

// file compares a file with the size of its record. One that is not needed may
// be missing.
func (f *fileCheck) file(ctx context.Context, b *catalog.Book, place string, store storage.Store, key string, size int64, needed bool) error {
	info, err := store.Stat(ctx, key)
	if err != nil {
		return f.failed(ctx, b, place, key, err, needed)
	}
	f.Files++
	found := info.Size
	if place == placeFolder && !f.contents { // to be there is not to be readable
		if err := readable(ctx, store, key); err != nil {
			return f.failed(ctx, b, place, key, err, true)
		}
	}
	if f.contents {
		if found, err = read(ctx, store, key, io.Discard); err != nil {
			return f.failed(ctx, b, place, key, err, true)
		}
	}
	f.Bytes += found
	if found != size {
		f.differ(Difference{Kind: KindFile, Place: place, Book: b.ID, What: key, Calibre: bytesText(size), Found: bytesText(found)})
	}
	return nil
}

func bytesText(n int64) string { return strconv.FormatInt(n, 10) + " bytes" }

// mostCover is the largest cover that is decoded, in bytes, and headCover is as
// much of one as tells its size in pixels.
const (
	mostCover = 64 << 20
	headCover = 256 << 10
)

// cover looks whether a cover is an image.
func (f *fileCheck) cover(ctx context.Context, b *catalog.Book, place string, store storage.Store, key string, needed bool) error {
	info, err := store.Stat(ctx, key)
	if err != nil {
		return f.failed(ctx, b, place, key, err, needed)
	}
	f.Files++
	f.Bytes += info.Size
	if place != placeFolder && !f.contents {
		return nil // each would be a request more
	}
	bad := func(format string, args ...any) {
		f.differ(Difference{Kind: KindFile, Place: place, Book: b.ID, What: key, Calibre: wantCover, Found: fmt.Sprintf(format, args...)})
	}
	if info.Size > mostCover {
		bad("a file of %d bytes", info.Size)
		return nil
	}
	var content bytes.Buffer
	to := io.Writer(&content)
	if !f.contents {
		to = &limited{&content, headCover}
	}
	if _, err := read(ctx, store, key, to); err != nil && !errors.Is(err, errEnough) {
		return f.failed(ctx, b, place, key, err, true)
	}
	config, _, err := image.DecodeConfig(bytes.NewReader(content.Bytes()))
	if err == nil && f.contents && config.Width*config.Height <= mostPixels {
		_, _, err = image.Decode(&content)
	}
	if err != nil {
		bad("%d bytes that are no whole image: %v", info.Size, err)
	}
	return nil
}

// mostPixels is the largest image that is decoded whole.
const mostPixels = 50_000_000

// failed notes that a file could not be had. The error is one that says nothing
// about the file.
func (f *fileCheck) failed(ctx context.Context, b *catalog.Book, place, key string, err error, needed bool) error {
	var found string
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, fs.ErrNotExist):
		if !needed {
			return nil
		}
		found = foundNothing
	case errors.Is(err, fs.ErrPermission):
		found = foundDenied
	case errors.Is(err, fs.ErrInvalid):
		found = foundNoKey
	case errors.Is(err, storage.ErrUnavailable):
		return fmt.Errorf("%s: %w", place, err)
	default:
		found = err.Error()
	}
	want := "a file"
	if key == b.Cover || place == placeS3 && key == covers.ObjectKey(int64(b.ID), "", "") {
		want = wantCover
	}
	f.differ(Difference{Kind: KindFile, Place: place, Book: b.ID, What: key, Calibre: want, Found: found})
	return nil
}

// What is said of files.
const (
	wantCover    = "a cover"
	foundNothing = "not there"
	foundDenied  = "may not be read"
	foundNoKey   = "not a path below the library"
)

// readable opens a file and reads nothing.
func readable(ctx context.Context, store storage.Store, key string) error {
	rc, _, err := store.Open(ctx, key, storage.Range{})
	if err != nil {
		return err
	}
	return rc.Close()
}

// read copies an object to w and returns how long it is.
func read(ctx context.Context, store storage.Store, key string, w io.Writer) (int64, error) {
	rc, _, err := store.Open(ctx, key, storage.Range{})
	if err != nil {
		return 0, err
	}
	defer rc.Close()
	return io.Copy(w, rc)
}

// errEnough ends a copy.
var errEnough = errors.New("enough was read")

// limited takes the first bytes that are written, and refuses what follows.
type limited struct {
	w    io.Writer
	left int
}

func (l *limited) Write(p []byte) (int, error) {
	n, err := l.w.Write(p[:min(len(p), l.left)])
	l.left -= n
	if err == nil && l.left == 0 {
		err = errEnough
	}
	return n, err
}
