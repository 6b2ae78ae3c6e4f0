// Package localstore shows a folder of this machine as a [storage.Store]. It
// is how a Calibre library is read.
//
// # Confinement
//
// A key can never lead out of the folder: every access goes through [os.Root].
// Symbolic links are followed as long as they stay inside; one that leads out,
// or is absolute, answers an error that says so and is [fs.ErrPermission].
// Folders are not objects. Neither are pipes, sockets and devices: they are
// [fs.ErrNotExist] and are never opened.
//
// # Lifetime
//
// New does no I/O, and no descriptor is kept between calls: each operation
// opens the folder anew. So the folder can be unmounted, mounted again or
// replaced while the store lives, and there is nothing to close. While it is
// missing everything answers [storage.ErrUnavailable], which is not the same
// as a missing object. A relative folder is resolved at each operation.
//
// # Files that must not be opened
//
// POSIX locks belong to the process: when a process closes any descriptor of
// a file, it loses all its locks on that file. A program that reads a SQLite
// database must not let anything else in the process open and close it. Name
// such files in [Options.Hidden]; for a Calibre library they are
//
//	[]string{"metadata.db", "metadata.db-journal", "metadata.db-wal", "metadata.db-shm"}
//
// They are recognised under any name that leads to them, be it a symbolic
// link, a hard link, or another case on file systems that do not tell case
// apart. Stat and List never open an object at all.
//
// # Writing
//
// A [Store] cannot write: it has no method for it, so a library opened with
// [New] is safe from us. [NewWritable] makes a [WritableStore], for folders
// that are our own.
package localstore

import (
	"context"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pressmark/pressmark/storage"
)

// Options configures a store. The zero value works for any folder.
type Options struct {
	// Hidden names files, by key, that are treated as if they did not exist
	// and are never opened, under whatever name they are asked for.
	Hidden []string
}

// Store reads the files of a folder. Make one with [New].
type Store struct {
	dir    string
	hidden []string
}

var (
	_ storage.Store      = (*Store)(nil)
	_ storage.FileOpener = (*Store)(nil)
)

// New returns the store of the folder dir. The folder need not exist yet.
func New(dir string, o Options) *Store {
	return &Store{dir: dir, hidden: slices.Clone(o.Hidden)}
}

// Stat implements [storage.Store]. The Tag is made of size and modification
// time, not of the inode number: it stays the same on file systems that make
// inode numbers up, and is the same for every replica that has the same copy.
func (s *Store) Stat(ctx context.Context, key string) (storage.Info, error) {
	root, err := s.open(ctx, "stat", key)
	if err != nil {
		return storage.Info{}, err
	}
	defer root.Close()
	fi, err := s.stat(root, key)
	if err != nil {
		return storage.Info{}, fail("stat", key, err)
	}
	return info(key, fi), nil
}

// Open implements [storage.Store].
func (s *Store) Open(ctx context.Context, key string, r storage.Range) (io.ReadCloser, storage.Info, error) {
	f, info, err := s.OpenFile(ctx, key)
	if err != nil {
		return nil, storage.Info{}, err
	}
	start, n, err := r.Resolve(info.Size)
	if err == nil && start > 0 {
		_, err = f.Seek(start, io.SeekStart)
	}
	if err != nil {
		f.Close()
		return nil, storage.Info{}, fail("open", key, err)
	}
	return storage.NewReader(ctx, key, f, n), info, nil
}

// OpenFile implements [storage.FileOpener].
func (s *Store) OpenFile(ctx context.Context, key string) (*os.File, storage.Info, error) {
	root, err := s.open(ctx, "open", key)
	if err != nil {
		return nil, storage.Info{}, err
	}
	defer root.Close()
	// Look before opening: to open a hidden file is what must not happen, and
	// to open a pipe would wait for its writer.
	if _, err := s.stat(root, key); err != nil {
		return nil, storage.Info{}, fail("open", key, err)
	}
	f, err := root.Open(filepath.FromSlash(key))
	if err != nil {
		return nil, storage.Info{}, fail("open", key, err)
	}
	fi, err := f.Stat() // of the file that was opened, should it have been replaced
	if err == nil && !fi.Mode().IsRegular() {
		err = fs.ErrNotExist
	}
	if err != nil {
		f.Close()
		return nil, storage.Info{}, fail("open", key, err)
	}
	return f, info(key, fi), nil
}

// open begins an operation on key. The caller closes the root.
func (s *Store) open(ctx context.Context, op, key string) (*os.Root, error) {
	if err := storage.CheckKey(op, key); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, fail(op, key, err)
	}
	return s.root(op, key)
}

func (s *Store) root(op, key string) (*os.Root, error) {
	root, err := os.OpenRoot(s.dir)
	if err != nil {
		return nil, &fs.PathError{Op: op, Path: key, Err: unavailable{err}}
	}
	return root, nil
}

// stat describes the file at key, which must be an object.
func (s *Store) stat(root *os.Root, key string) (fs.FileInfo, error) {
	if _, err := filepath.Localize(key); err != nil || isTemp(path.Base(key)) {
		return nil, fs.ErrNotExist // no file can have this name here
	}
	if slices.Contains(s.hidden, key) {
		return nil, fs.ErrNotExist
	}
	fi, err := root.Stat(filepath.FromSlash(key))
	if err != nil {
		return nil, err
	}
	if !fi.Mode().IsRegular() || sameAsAny(s.hiddenFiles(root), fi) {
		return nil, fs.ErrNotExist
	}
	return fi, nil
}

// hiddenFiles describes those of the hidden files that exist.
func (s *Store) hiddenFiles(root *os.Root) []fs.FileInfo {
	var files []fs.FileInfo
	for _, key := range s.hidden {
		if fi, err := root.Stat(filepath.FromSlash(key)); err == nil {
			files = append(files, fi)
		}
	}
	return files
}

func sameAsAny(files []fs.FileInfo, fi fs.FileInfo) bool {
	return slices.ContainsFunc(files, func(h fs.FileInfo) bool { return os.SameFile(h, fi) })
}

// tempPrefix begins the names of files that Put has not finished. They are not
// objects, also when a killed process has left them behind.
const tempPrefix = ".pressmark-put-"

func isTemp(name string) bool { return strings.HasPrefix(name, tempPrefix) }

func info(key string, fi fs.FileInfo) storage.Info {
	return storage.Info{
		Key:     key,
		Size:    fi.Size(),
		ModTime: fi.ModTime(),
		Tag:     storage.ModTag(fi.Size(), fi.ModTime()),
	}
}
