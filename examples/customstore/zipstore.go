package main

import (
	"archive/zip"
	"context"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"slices"
	"strings"

	"github.com/pressmark/pressmark/storage"
)

// ZipStore shows the files in a zip archive as a storage.Store.
type ZipStore struct {
	files []*zip.File // in the order of their names, which are the keys
}

var _ storage.Store = (*ZipStore)(nil)

// NewZipStore returns the store of what is in archive. Entries whose name is
// not a key are left out (so are folders), and of several with one name the
// last counts.
func NewZipStore(archive *zip.Reader) *ZipStore {
	byName := make(map[string]*zip.File)
	for _, f := range archive.File {
		if storage.CheckKey("list", f.Name) == nil {
			byName[f.Name] = f
		}
	}
	s := &ZipStore{}
	for _, f := range byName {
		s.files = append(s.files, f)
	}
	slices.SortFunc(s.files, func(a, b *zip.File) int { return strings.Compare(a.Name, b.Name) })
	return s
}

// from returns the position of the first file whose name is not before name.
func (s *ZipStore) from(name string) int {
	i, _ := slices.BinarySearchFunc(s.files, name, func(f *zip.File, name string) int { return strings.Compare(f.Name, name) })
	return i
}

func (s *ZipStore) find(ctx context.Context, op, key string) (*zip.File, error) {
	if err := storage.CheckKey(op, key); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, &fs.PathError{Op: op, Path: key, Err: err}
	}
	if i := s.from(key); i < len(s.files) && s.files[i].Name == key {
		return s.files[i], nil
	}
	return nil, &fs.PathError{Op: op, Path: key, Err: fs.ErrNotExist}
}

// describe makes the Tag of the checksum that the archive keeps.
func describe(f *zip.File) storage.Info {
	return storage.Info{
		Key:     f.Name,
		Size:    int64(f.UncompressedSize64),
		ModTime: f.Modified,
		Tag:     fmt.Sprintf("%x-%08x", f.UncompressedSize64, f.CRC32),
	}
}

// Stat implements storage.Store.
func (s *ZipStore) Stat(ctx context.Context, key string) (storage.Info, error) {
	f, err := s.find(ctx, "stat", key)
	if err != nil {
		return storage.Info{}, err
	}
	return describe(f), nil
}

// Open implements storage.Store. A compressed file is read up to the beginning
// of the range, as there is no way to start in the middle.
func (s *ZipStore) Open(ctx context.Context, key string, r storage.Range) (io.ReadCloser, storage.Info, error) {
	f, err := s.find(ctx, "open", key)
	if err != nil {
		return nil, storage.Info{}, err
	}
	info := describe(f)
	start, n, err := r.Resolve(info.Size)
	if err != nil {
		return nil, storage.Info{}, &fs.PathError{Op: "open", Path: key, Err: err}
	}
	content, err := f.Open()
	if err != nil {
		return nil, storage.Info{}, &fs.PathError{Op: "open", Path: key, Err: err}
	}
	// The skipped bytes are read under ctx, too.
	if _, err := io.Copy(io.Discard, storage.NewReader(ctx, key, content, start)); err != nil {
		content.Close()
		return nil, storage.Info{}, err
	}
	return storage.NewReader(ctx, key, content, n), info, nil
}

// List implements storage.Store.
func (s *ZipStore) List(ctx context.Context, prefix string) iter.Seq2[storage.Info, error] {
	return func(yield func(storage.Info, error) bool) {
		err := storage.CheckPrefix(prefix)
		for _, f := range s.files[s.from(prefix):] {
			if err != nil || ctx.Err() != nil || !strings.HasPrefix(f.Name, prefix) {
				break
			}
			if !yield(describe(f), nil) {
				return
			}
		}
		if err == nil && ctx.Err() != nil {
			err = &fs.PathError{Op: "list", Path: prefix, Err: ctx.Err()}
		}
		if err != nil {
			yield(storage.Info{}, err)
		}
	}
}
