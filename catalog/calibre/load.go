package calibre

import (
	"context"
	"errors"
	"hash/maphash"

	"github.com/pressmark/pressmark/catalog"
	"github.com/pressmark/pressmark/catalog/index"
)

// batchSize is the number of books that are handed from the goroutine that
// reads them to the one that takes them in.
const batchSize = 128

// pragmas are added to the name of a copy. Reading through a memory map saves
// a third of the time, and the copy cannot shrink under it. Functions that a
// forged schema names are not called.
const pragmas = "&_pragma=mmap_size(0x7fff0000)&_pragma=trusted_schema(0)"

// loader reads private copies.
type loader struct {
	seed  maphash.Seed
	index index.Options
}

// copied is a private copy: a file that nobody writes.
type copied struct {
	dsn  string
	size int64 // bytes
}

// load reads a whole copy.
func (l *loader) load(ctx context.Context, c copied) (*index.Index, *state, warnings, error) {
	var (
		warn warnings
		st   *state
		b    *index.Builder
	)
	err := withSource(ctx, c.dsn+pragmas, c.size, func(s *source) error {
		r, err := l.open(ctx, s, &warn)
		if err != nil {
			return err
		}
		st = r.state
		b, err = index.NewBuilder(index.Meta{Library: r.sc.library, Fields: r.sc.fields(st.hierarchies), Extra: st.extra}, l.index)
		if err != nil {
			return err
		}
		if err := r.open(ctx, s, nil); err != nil {
			return errors.Join(err, r.finish())
		}
		return r.each(ctx, b.Add)
	})
	if err != nil {
		return nil, nil, warn, err
	}
	ix, err := b.Build(ctx)
	return ix, st, warn, err
}

// open reads all that does not belong to single books.
func (l *loader) open(ctx context.Context, s *source, warn *warnings) (*reader, error) {
	sc, err := readSchema(ctx, s, l.seed, warn)
	if err != nil {
		return nil, err
	}
	st := &state{schema: sc.digest, library: sc.library}
	if st.extra, err = sc.readPreferences(ctx, s, warn); err != nil {
		return nil, err
	}
	st.hierarchies = hierarchies(st.extra)
	return &reader{sc: sc, tables: sc.valueTables(), state: st, seed: l.seed, warn: warn}, nil
}

// each calls add with every book, in the order of their ids. The book is read
// over when add returns. Reading goes on while add works.
func (r *reader) each(ctx context.Context, add func(*catalog.Book) error) error {
	ctx, cancel := context.WithCancel(ctx)
	full, free := make(chan []catalog.Book), make(chan []catalog.Book, 3)
	for range cap(free) {
		free <- make([]catalog.Book, batchSize)
	}
	go func() {
		defer close(full)
		for {
			batch, n := <-free, 0
			for n < batchSize && r.next(&batch[n]) {
				n++
			}
			select {
			case full <- batch[:n]:
			case <-ctx.Done():
				return
			}
			if n < batchSize {
				return
			}
		}
	}()
	var err error
	for batch := range full {
		for i := range batch {
			if err == nil {
				err = add(&batch[i])
			}
		}
		if err != nil {
			cancel()
		}
		free <- batch[:batchSize]
	}
	stopped := ctx.Err()
	cancel()
	if e := r.finish(); err == nil {
		err = errors.Join(e, stopped)
	}
	return err
}
