// Package upload fills the stores that a library has beside its folder
// ([httpapi.Placement]) with the library's covers and books.
//
// Only what differs is sent, several books at a time, so a run that was broken off
// goes on where it was, and another run sends nothing. Nothing is deleted unless
// that is asked for.
package upload

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"maps"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/pressmark/pressmark/catalog"
	"github.com/pressmark/pressmark/httpapi/covers"
	"github.com/pressmark/pressmark/storage"
)

// Options say what is sent, and where. Catalog, From and To have to be given.
type Options struct {
	// Catalog is the library, and Library its name.
	Catalog catalog.Reader
	Library string
	// From is its folder, To the store: a [storage.Writer]. They must hold still
	// while a run goes on, but for what the run does.
	From, To storage.Store
	// Parallel is how many books are worked on at a time. 0 means 16.
	Parallel int
	// DryRun counts what would be done and changes nothing.
	DryRun bool
	// DeleteStale deletes what has a key as an earlier run would have sent it and the
	// library does not have any more, if everything else has succeeded.
	DeleteStale bool
	// Sizes are those in which covers are sent, beside their own. Thumbnails makes
	// them.
	Sizes      []covers.Size
	Thumbnails *covers.Cache
	// Formats are the formats of books that are sent, in upper case. Empty is all.
	Formats []string
	// Progress is called after each book, by one goroutine at a time. nil is none.
	Progress func(Count)
	// Logger is told of each book that fails. nil is slog.Default.
	Logger *slog.Logger
}

// Count is what a run has done so far, or would have, if it is a dry one.
type Count struct {
	// Books is how many there are, Done with how many of them it is done.
	Books, Done int
	// Sent and Bytes are the objects that were sent, Same those that were there.
	Sent, Same int
	Bytes      int64
	// Missing are covers and formats that the catalog has and the folder has not,
	// and Unfit what is no image.
	Missing, Unfit int
	// Failed are books of which something could not be sent.
	Failed int
	// Stale are objects that the library does not have any more, and Deleted how
	// many of them were deleted.
	Stale, Deleted int
}

// ErrIncomplete says that something could not be sent. What it was is in the log.
var ErrIncomplete = errors.New("not everything was sent")

// mostFailures is how many books may fail one after the other before it is taken
// for a fault of the store.
const mostFailures = 20

// run is one run.
type run struct {
	Options
	to    storage.Writer
	there map[string]storage.Info // what the store has

	mu     sync.Mutex
	count  Count
	inARow int // failures
}

func begin(ctx context.Context, o Options) (*run, error) {
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.Parallel <= 0 {
		o.Parallel = 16
	}
	if o.Progress == nil {
		o.Progress = func(Count) {}
	}
	w, ok := storage.As[storage.Writer](o.To)
	if !ok {
		return nil, fmt.Errorf("upload: %w: the store cannot be written", errors.ErrUnsupported)
	}
	r := &run{Options: o, to: w, there: map[string]storage.Info{}}
	for info, err := range o.To.List(ctx, "") {
		if err != nil {
			return nil, fmt.Errorf("upload: look at what is there: %w", err)
		}
		r.there[info.Key] = info
	}
	return r, nil
}

// all goes through the books of the catalog.
func (r *run) all(ctx context.Context) iter.Seq2[*catalog.Book, error] {
	return func(yield func(*catalog.Book, error) bool) {
		const limit = catalog.MaxLimit
		q := catalog.Query{Limit: limit}
		for {
			page, err := r.Catalog.Books(ctx, q)
			if err != nil {
				yield(nil, err)
				return
			}
			r.mu.Lock()
			r.count.Books = page.Total
			r.mu.Unlock()
			for i := range page.Items {
				if !yield(&page.Items[i], nil) {
					return
				}
			}
			if page.Next == "" {
				return
			}
			q.After = page.Next
		}
	}
}

// books calls one for each book, several at a time. What it returns is counted.
func (r *run) books(ctx context.Context, one func(context.Context, *catalog.Book) (Count, error)) error {
	g, working := errgroup.WithContext(ctx)
	g.SetLimit(r.Parallel)
	for b, err := range r.all(working) {
		if err != nil {
			return fmt.Errorf("upload: %w", errors.Join(g.Wait(), err))
		}
		if working.Err() != nil {
			break
		}
		g.Go(func() error {
			c, err := one(working, b)
			return r.note(working, b, c, err)
		})
	}
	if err := g.Wait(); err != nil {
		return fmt.Errorf("upload: %w", err)
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("upload: %w", context.Cause(ctx))
	}
	return nil
}

// note counts what was done for a book.
func (r *run) note(ctx context.Context, b *catalog.Book, c Count, err error) error {
	if ctx.Err() != nil && err != nil {
		return ctx.Err()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.count.Done++
	r.count.Sent += c.Sent
	r.count.Same += c.Same
	r.count.Bytes += c.Bytes
	r.count.Missing += c.Missing
	r.count.Unfit += c.Unfit
	r.inARow++
	if err != nil {
		r.count.Failed++
		r.Logger.Error("Book could not be sent", "id", b.ID, "title", b.Title, "err", err)
	} else {
		r.inARow = 0
	}
	r.Progress(r.count)
	if r.inARow >= mostFailures {
		return fmt.Errorf("%d books have failed one after the other, the last: %w", r.inARow, err)
	}
	return nil
}

// put sends an object, unless the run is a dry one.
func (r *run) put(ctx context.Context, c *Count, size int64, put func() error) error {
	if !r.DryRun {
		if err := put(); err != nil {
			return err
		}
	}
	c.Sent++
	c.Bytes += size
	return ctx.Err()
}

// finish deletes what is stale, if that is wanted, and says how it went.
func (r *run) finish(ctx context.Context, stale []string) (Count, error) {
	slices.Sort(stale)
	r.count.Stale = len(stale)
	if r.count.Failed > 0 {
		return r.count, fmt.Errorf("upload: %w: %d books have failed", ErrIncomplete, r.count.Failed)
	}
	if !r.DeleteStale || r.DryRun {
		return r.count, nil
	}
	if r.count.Books == 0 && len(stale) > 0 {
		return r.count, errors.New("upload: the library is empty: nothing is deleted")
	}
	var mu sync.Mutex
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(r.Parallel)
	for _, key := range stale {
		g.Go(func() error {
			if err := r.to.Delete(ctx, key); err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			r.count.Deleted++
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return r.count, fmt.Errorf("upload: %w", err)
	}
	return r.count, nil
}

// stale returns the keys of what is there that are ours and not wanted.
func (r *run) stale(stale func(key string) bool) []string {
	var keys []string
	for key := range maps.Keys(r.there) {
		if stale(key) {
			keys = append(keys, key)
		}
	}
	return keys
}
