// Package memstore keeps objects in memory. It is a complete
// [storage.Store] and [storage.Writer], for tests, examples and small sets of
// files that a program makes itself; what it holds ends with the process.
//
// A Put replaces an object in one step, and readers that are open keep the
// bytes that they opened. Tags are digests of the content: equal content has
// an equal tag, in every store and every process.
package memstore

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"io/fs"
	"iter"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pressmark/pressmark/storage"
)

// Options configures a [Store]. The zero value works.
type Options struct {
	// Now is the clock for Info.ModTime. nil means [time.Now].
	Now func() time.Time
}

// Store holds objects in memory. Make one with [New].
type Store struct {
	now     func() time.Time
	mu      sync.RWMutex
	objects map[string]object
}

// object is never changed, only replaced.
type object struct {
	content []byte
	info    storage.Info
}

var (
	_ storage.Store  = (*Store)(nil)
	_ storage.Writer = (*Store)(nil)
)

// New returns an empty store.
func New(o Options) *Store {
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Store{now: o.Now, objects: make(map[string]object)}
}

// Stat implements [storage.Store].
func (s *Store) Stat(ctx context.Context, key string) (storage.Info, error) {
	o, err := s.object(ctx, "stat", key)
	return o.info, err
}

// Open implements [storage.Store].
func (s *Store) Open(ctx context.Context, key string, r storage.Range) (io.ReadCloser, storage.Info, error) {
	o, err := s.object(ctx, "open", key)
	if err != nil {
		return nil, storage.Info{}, err
	}
	start, n, err := r.Resolve(o.info.Size)
	if err != nil {
		return nil, storage.Info{}, fail("open", key, err)
	}
	body := io.NopCloser(bytes.NewReader(o.content[start:]))
	return storage.NewReader(ctx, key, body, n), o.info, nil
}

func (s *Store) object(ctx context.Context, op, key string) (object, error) {
	if err := check(ctx, op, key); err != nil {
		return object{}, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	o, ok := s.objects[key]
	if !ok {
		return object{}, fail(op, key, fs.ErrNotExist)
	}
	return o, nil
}

// List implements [storage.Store]. It shows the objects as they were when the
// loop began.
func (s *Store) List(ctx context.Context, prefix string) iter.Seq2[storage.Info, error] {
	return func(yield func(storage.Info, error) bool) {
		if err := storage.CheckPrefix(prefix); err != nil {
			yield(storage.Info{}, err)
			return
		}
		for _, info := range s.infos(prefix) {
			if err := ctx.Err(); err != nil {
				yield(storage.Info{}, fail("list", prefix, err))
				return
			}
			if !yield(info, nil) {
				return
			}
		}
		if err := ctx.Err(); err != nil {
			yield(storage.Info{}, fail("list", prefix, err))
		}
	}
}

func (s *Store) infos(prefix string) []storage.Info {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var found []storage.Info
	for key, o := range s.objects {
		if strings.HasPrefix(key, prefix) {
			found = append(found, o.info)
		}
	}
	slices.SortFunc(found, func(a, b storage.Info) int { return strings.Compare(a.Key, b.Key) })
	return found
}

// Put implements [storage.Writer]. The options are ignored.
func (s *Store) Put(ctx context.Context, key string, body io.Reader, _ storage.PutOptions) (storage.Info, error) {
	if err := check(ctx, "put", key); err != nil {
		return storage.Info{}, err
	}
	content, err := io.ReadAll(reader{ctx, body})
	if err != nil {
		return storage.Info{}, fail("put", key, err)
	}
	sum := sha256.Sum256(content)
	info := storage.Info{
		Key:     key,
		Size:    int64(len(content)),
		ModTime: s.now().Round(0), // without the monotonic clock, so that Infos compare with ==
		Tag:     hex.EncodeToString(sum[:16]),
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.objects[key] = object{content, info}
	return info, nil
}

// reader ends with its context.
type reader struct {
	ctx  context.Context
	body io.Reader
}

func (r reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.body.Read(p)
}

// Delete implements [storage.Writer].
func (s *Store) Delete(ctx context.Context, key string) error {
	if err := check(ctx, "delete", key); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.objects, key)
	return nil
}

func check(ctx context.Context, op, key string) error {
	if err := storage.CheckKey(op, key); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return fail(op, key, err)
	}
	return nil
}

func fail(op, key string, err error) error {
	return &fs.PathError{Op: op, Path: key, Err: err}
}
