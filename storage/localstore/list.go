package localstore

import (
	"context"
	"errors"
	"io/fs"
	"iter"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pressmark/pressmark/storage"
)

// List implements [storage.Store]. It reads the folder that prefix names and
// those below it, one at a time, and opens no file.
//
// Symbolic links to files are listed if they stay inside. Links to folders are
// not followed, as they could lead in circles; only the folder that prefix
// itself names may be reached through one. A folder below it that this process
// may not read counts as empty (a disk's "lost+found" is not an error).
func (s *Store) List(ctx context.Context, prefix string) iter.Seq2[storage.Info, error] {
	return func(yield func(storage.Info, error) bool) {
		err := storage.CheckPrefix(prefix)
		if err == nil {
			err = s.list(ctx, prefix, func(i storage.Info) bool { return yield(i, nil) })
		}
		if err != nil {
			yield(storage.Info{}, err)
		}
	}
}

func (s *Store) list(ctx context.Context, prefix string, yield func(storage.Info) bool) error {
	if err := ctx.Err(); err != nil {
		return fail("list", prefix, err)
	}
	root, err := s.root("list", prefix)
	if err != nil {
		return err
	}
	defer root.Close()
	w := &walk{ctx: ctx, root: root, store: s, hidden: s.hiddenFiles(root), yield: yield}
	i := strings.LastIndexByte(prefix, '/') + 1
	err = w.folder(prefix[:i], prefix[i:])
	err = translate(err)
	if errors.Is(err, errStop) || errors.Is(err, fs.ErrNotExist) {
		return nil // the caller has enough, or there is no such folder
	}
	if err != nil {
		return &fs.PathError{Op: "list", Path: prefix, Err: err}
	}
	return nil
}

// errStop says that the caller has left its loop.
var errStop = errors.New("stop")

type walk struct {
	ctx    context.Context
	root   *os.Root
	store  *Store
	hidden []fs.FileInfo
	yield  func(storage.Info) bool
}

// entry is what a folder holds: an object, or a folder with a slash at the end
// of its key. Sorting by these keys makes the walk go in the order of the keys
// of all objects, where "a.txt" comes before "a/b".
type entry struct {
	key string
	fi  fs.FileInfo
}

// folder lists those objects in dir ("" or ending in a slash) whose names
// begin with leaf, and all below.
func (w *walk) folder(dir, leaf string) error {
	entries, err := w.read(dir, leaf)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := w.ctx.Err(); err != nil {
			return err
		}
		if !strings.HasSuffix(e.key, "/") {
			if !w.yield(info(e.key, e.fi)) {
				return errStop
			}
			continue
		}
		err := w.folder(e.key, "")
		if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrPermission) {
			return err
		}
	}
	return w.ctx.Err()
}

func (w *walk) read(dir, leaf string) ([]entry, error) {
	name := filepath.FromSlash(path.Clean(dir)) // "." for ""
	if fi, err := w.root.Stat(name); err != nil || !fi.IsDir() {
		return nil, err // a file is never opened here, also not to find out that it is one
	}
	f, err := w.root.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	found, err := f.ReadDir(-1)
	if err != nil {
		return nil, err
	}
	entries := make([]entry, 0, len(found))
	for _, d := range found {
		if e, ok := w.entry(dir+d.Name(), d); ok && strings.HasPrefix(d.Name(), leaf) {
			entries = append(entries, e)
		}
	}
	slices.SortFunc(entries, func(a, b entry) int { return strings.Compare(a.key, b.key) })
	return entries, nil
}

// entry describes d, whose key is key, if it is a folder or an object. What
// vanishes meanwhile is neither.
func (w *walk) entry(key string, d fs.DirEntry) (entry, bool) {
	if storage.CheckKey("list", key) != nil || isTemp(d.Name()) || slices.Contains(w.store.hidden, key) {
		return entry{}, false
	}
	if d.IsDir() {
		return entry{key + "/", nil}, true
	}
	var fi fs.FileInfo
	var err error
	if d.Type()&fs.ModeSymlink != 0 {
		fi, err = w.root.Stat(filepath.FromSlash(key))
	} else {
		fi, err = d.Info()
	}
	if err != nil || !fi.Mode().IsRegular() || sameAsAny(w.hidden, fi) {
		return entry{}, false
	}
	return entry{key, fi}, true
}
