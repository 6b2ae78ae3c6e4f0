package localstore

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/pressmark/pressmark/storage"
)

// WritableStore is a [Store] that also writes. Make one with [NewWritable].
type WritableStore struct {
	*Store
	placing sync.Mutex // from the look at the old version to its replacement
}

var (
	_ storage.Store      = (*WritableStore)(nil)
	_ storage.Writer     = (*WritableStore)(nil)
	_ storage.FileOpener = (*WritableStore)(nil)
)

// NewWritable returns the store of a folder that is ours to change. The folder
// must exist when it is used; what is below it is made as keys need it.
func NewWritable(dir string, o Options) *WritableStore {
	return &WritableStore{Store: New(dir, o)}
}

// Put implements [storage.Writer]. The body goes to a temporary file beside
// its place, which is synced to disk and renamed, so an object that was put is
// whole also after a crash. A killed process can leave such a temporary file
// (".pressmark-put-…"); it is never taken for an object and may be deleted.
// Where two versions would have size and modification time in common, the
// time is moved on, so that the Tag differs. The options are ignored.
func (s *WritableStore) Put(ctx context.Context, key string, body io.Reader, _ storage.PutOptions) (storage.Info, error) {
	root, err := s.open(ctx, "put", key)
	if err != nil {
		return storage.Info{}, err
	}
	defer root.Close()
	name, err := s.writable(root, key)
	if err != nil {
		return storage.Info{}, fail("put", key, err)
	}
	f, err := createTemp(root, filepath.Dir(name))
	if err != nil {
		return storage.Info{}, failPut(key, err)
	}
	temp := filepath.Join(filepath.Dir(name), filepath.Base(f.Name()))
	in := &source{ctx: ctx, r: body}
	var fi fs.FileInfo
	if err = fill(f, in); err == nil {
		fi, err = s.place(root, temp, name)
	}
	if err != nil {
		root.Remove(temp)
		if in.err != nil { // the caller's own, not ours to translate
			return storage.Info{}, &fs.PathError{Op: "put", Path: key, Err: in.err}
		}
		return storage.Info{}, failPut(key, err)
	}
	if err := syncDir(root, filepath.Dir(name)); err != nil {
		return storage.Info{}, fail("put", key, err)
	}
	return info(key, fi), nil
}

// Delete implements [storage.Writer]. Folders stay, also empty ones.
func (s *WritableStore) Delete(ctx context.Context, key string) error {
	root, err := s.open(ctx, "delete", key)
	if err != nil {
		return err
	}
	defer root.Close()
	_, err = s.stat(root, key)
	if err == nil {
		err = root.Remove(filepath.FromSlash(key))
	}
	if err == nil {
		err = syncDir(root, filepath.Dir(filepath.FromSlash(key)))
	}
	if err == nil || errors.Is(translate(err), fs.ErrNotExist) {
		return nil
	}
	return fail("delete", key, err)
}

// writable returns the name of the file at key if it may be written.
func (s *WritableStore) writable(root *os.Root, key string) (string, error) {
	name, err := filepath.Localize(key)
	if err != nil {
		return "", fs.ErrInvalid // not a file name on this system
	}
	fi, err := root.Stat(name)
	if isTemp(path.Base(key)) || slices.Contains(s.hidden, key) ||
		err == nil && sameAsAny(s.hiddenFiles(root), fi) {
		return "", fs.ErrPermission
	}
	return name, nil
}

// createTemp makes a new file in dir, and dir itself if need be.
func createTemp(root *os.Root, dir string) (*os.File, error) {
	name := filepath.Join(dir, tempPrefix+rand.Text())
	const flags = os.O_WRONLY | os.O_CREATE | os.O_EXCL
	f, err := root.OpenFile(name, flags, 0o666)
	if !errors.Is(err, fs.ErrNotExist) {
		return f, err
	}
	if err := makeDir(root, dir); err != nil {
		return nil, err
	}
	return root.OpenFile(name, flags, 0o666)
}

// makeDir is MkdirAll that survives a crash: every new entry is synced.
func makeDir(root *os.Root, dir string) error {
	err := root.Mkdir(dir, 0o777)
	if errors.Is(err, fs.ErrNotExist) && dir != "." { // "." is the folder itself, deleted meanwhile
		if err := makeDir(root, filepath.Dir(dir)); err != nil {
			return err
		}
		err = root.Mkdir(dir, 0o777)
	}
	if errors.Is(err, fs.ErrExist) {
		return nil // made by somebody else meanwhile
	}
	if err != nil {
		return err
	}
	return syncDir(root, filepath.Dir(dir))
}

// fill writes body to f, syncs and closes it.
func fill(f *os.File, body io.Reader) error {
	_, err := io.Copy(f, body)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// place renames temp to name, with a later modification time than what was
// there if the size is the same. Clocks of file systems tick in steps of up to
// two seconds.
func (s *WritableStore) place(root *os.Root, temp, name string) (fs.FileInfo, error) {
	s.placing.Lock()
	defer s.placing.Unlock()
	fi, err := root.Stat(temp)
	if err != nil {
		return nil, err
	}
	if old, err := root.Stat(name); err == nil && old.Size() == fi.Size() {
		for _, step := range []time.Duration{10 * time.Millisecond, 2 * time.Second} {
			if fi.ModTime().After(old.ModTime()) {
				break
			}
			t := old.ModTime().Add(step)
			if err := root.Chtimes(temp, t, t); err != nil {
				return nil, err
			}
			if fi, err = root.Stat(temp); err != nil {
				return nil, err
			}
		}
	}
	return fi, root.Rename(temp, name)
}

// failPut is fail for a file that stands where a folder has to be, or the
// other way round: nothing is missing then.
func failPut(key string, err error) error {
	if errors.Is(err, syscall.ENOTDIR) || errors.Is(err, syscall.EISDIR) {
		err = as{fs.ErrExist, cause(err)}
	}
	return fail("put", key, err)
}

// syncDir makes the entries of a folder survive a crash, where the system and
// the file system know how.
func syncDir(root *os.Root, dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	f, err := root.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	err = f.Sync()
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, errors.ErrUnsupported) {
		return nil
	}
	return err
}

// source is a body that ends with its context and remembers why it failed.
type source struct {
	ctx context.Context
	r   io.Reader
	err error
}

func (s *source) Read(p []byte) (int, error) {
	n, err := 0, s.ctx.Err()
	if err == nil {
		n, err = s.r.Read(p)
	}
	if err != nil && err != io.EOF {
		s.err = err
	}
	return n, err
}
