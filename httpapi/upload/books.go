package upload

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pressmark/pressmark/catalog"
	"github.com/pressmark/pressmark/httpapi"
	"github.com/pressmark/pressmark/storage"
)

// Books sends the books of a library under the keys that they have in its folder.
// It sends those of which the store has another size, or an older time: where the
// clocks of this machine and the store differ, a book that was changed less than
// that before it was sent is sent again.
func Books(ctx context.Context, o Options) (Count, error) {
	r, err := begin(ctx, o)
	if err != nil {
		return Count{}, err
	}
	w := wantedBooks{keys: map[string]bool{}}
	err = r.books(ctx, func(ctx context.Context, b *catalog.Book) (c Count, err error) {
		for i := range b.Formats {
			f := &b.Formats[i]
			w.add(f.Key)
			if len(r.Formats) > 0 && !slices.Contains(r.Formats, strings.ToUpper(f.Name)) {
				continue
			}
			if bad := r.book(ctx, &c, f); bad != nil {
				err = bad
			}
		}
		return c, err
	})
	if err != nil {
		return r.count, err
	}
	var gone []string
	for _, key := range r.stale(w.stale) {
		// The folder has more than books: covers, notes, what Calibre has forgotten.
		switch _, err := r.From.Stat(ctx, key); {
		case errors.Is(err, fs.ErrNotExist):
			gone = append(gone, key)
		case err != nil:
			return r.count, fmt.Errorf("upload: look for what is stale: %w", err)
		}
	}
	return r.finish(ctx, gone)
}

// book sends one file of a book.
func (r *run) book(ctx context.Context, c *Count, f *catalog.Format) error {
	info, err := r.From.Stat(ctx, f.Key)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, fs.ErrInvalid):
		c.Missing++
		return nil
	case err != nil:
		return err
	}
	if at, ok := r.there[f.Key]; ok && at.Size == info.Size && !at.ModTime.Before(info.ModTime.Truncate(time.Second)) {
		c.Same++
		return nil
	}
	return r.put(ctx, c, info.Size, func() error {
		in, _, err := r.From.Open(ctx, f.Key, storage.Range{})
		if err != nil {
			return err
		}
		defer in.Close()
		_, err = r.to.Put(ctx, f.Key, in, storage.PutOptions{ContentType: httpapi.MediaType(f.Name)})
		return err
	})
}

// wantedBooks are the keys of the books that the library has.
type wantedBooks struct {
	mu   sync.Mutex
	keys map[string]bool
}

func (w *wantedBooks) add(key string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.keys[key] = true
}

// bookObject matches the keys of files in the folder of a book, "Author/Title
// (17)/file". Other libraries have theirs below a folder of their own.
var bookObject = regexp.MustCompile(`^[^/]+/[^/]* \([1-9][0-9]*\)/[^/]+$`)

func (w *wantedBooks) stale(key string) bool { return bookObject.MatchString(key) && !w.keys[key] }
