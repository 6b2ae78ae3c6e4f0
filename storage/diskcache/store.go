package diskcache

import (
	"context"
	"io"
	"io/fs"
	"iter"

	"github.com/pressmark/pressmark/storage"
)

// Store is a source with a cache in front. Make one with [Cache.Store]. Its
// methods may be called by several goroutines at once.
type Store struct {
	cache  *Cache
	source storage.Store
	name   string
}

var _ storage.Store = (*Store)(nil)

// Unwrap returns the source, whose capabilities are the store's (see
// [storage.As]). Writes need not be seen here: new content has another tag.
func (s *Store) Unwrap() storage.Store { return s.source }

// Stat asks the source.
func (s *Store) Stat(ctx context.Context, key string) (storage.Info, error) {
	return s.source.Stat(ctx, key)
}

// List asks the source.
func (s *Store) List(ctx context.Context, prefix string) iter.Seq2[storage.Info, error] {
	return s.source.List(ctx, prefix)
}

// Open reads the version that the source's Stat names, from disk as far as it is
// there. If the source's Open then turns out to have another version, that one is
// read, unless it changes once more: then, and if the object changes after Open
// has returned, the error is [storage.ErrChanged].
func (s *Store) Open(ctx context.Context, key string, r storage.Range) (io.ReadCloser, storage.Info, error) {
	const op = "open"
	if err := storage.CheckKey(op, key); err != nil {
		return nil, storage.Info{}, err
	}
	info, err := s.source.Stat(ctx, key)
	if err != nil {
		return nil, storage.Info{}, err
	}
	for again := true; ; again = false {
		start, n, err := r.Resolve(info.Size)
		if err != nil {
			return nil, storage.Info{}, &fs.PathError{Op: op, Path: key, Err: err}
		}
		o := &object{
			source: s.source, name: s.name, key: key, tag: info.Tag, size: info.Size, blockSize: s.cache.blockSize,
		}
		if !s.cache.fits(o) {
			return s.bypass(ctx, key, r)
		}
		rd := newReader(ctx, s.cache, o, start, start+n)
		other, err := rd.begin()
		if err == nil {
			return rd, info, nil
		}
		rd.Close()
		switch {
		case err == errBypass:
			return s.bypass(ctx, key, r)
		case other.Tag != "" && again:
			info = other
			continue
		}
		return nil, storage.Info{}, err
	}
}

// bypass reads from the source.
func (s *Store) bypass(ctx context.Context, key string, r storage.Range) (io.ReadCloser, storage.Info, error) {
	s.cache.bypassed.Add(1)
	return s.source.Open(ctx, key, r)
}

// fits reports whether an object is kept: one that takes more than half of the
// cache would push out all others, and its own beginning next.
func (c *Cache) fits(o *object) bool {
	return o.headerSize() <= maxHeader && o.size <= c.index.max && o.costs(0, o.blocks(o.size)) <= c.index.max/2
}
