package localstore_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pressmark/pressmark/storage"
	"github.com/pressmark/pressmark/storage/localstore"
)

// answers asks for key in every way and fails the test unless each error is
// want.
func answers(t *testing.T, s *localstore.Store, key string, want error) {
	t.Helper()
	_, statErr := s.Stat(t.Context(), key)
	rc, _, openErr := s.Open(t.Context(), key, storage.Range{})
	if openErr == nil {
		rc.Close()
	}
	f, _, fileErr := s.OpenFile(t.Context(), key)
	if fileErr == nil {
		f.Close()
	}
	for _, err := range []error{statErr, openErr, fileErr} {
		if !errors.Is(err, want) || err != nil && !strings.Contains(err.Error(), key) {
			t.Errorf("%q: %v, want %v", key, err, want)
		}
	}
}

func list(t *testing.T, s storage.Store, prefix string) []string {
	t.Helper()
	var keys []string
	for info, err := range s.List(t.Context(), prefix) {
		if err != nil {
			t.Errorf("List(%q): %v", prefix, err)
			break
		}
		keys = append(keys, info.Key)
	}
	return keys
}

func symlink(t *testing.T, target, dir, key string) {
	t.Helper()
	if err := os.Symlink(target, filepath.Join(dir, filepath.FromSlash(key))); err != nil {
		t.Skipf("no symbolic links here: %v", err)
	}
}

func TestLinks(t *testing.T) {
	outside := folder(t, map[string][]byte{"secret.txt": []byte("secret")})
	dir := folder(t, map[string][]byte{"author/book/file.txt": []byte("x"), "top.txt": []byte("y")})
	up, err := filepath.Rel(filepath.Join(dir, "author"), outside)
	if err != nil {
		t.Fatal(err)
	}
	symlink(t, filepath.Join(outside, "secret.txt"), dir, "absolute.txt")
	symlink(t, filepath.Join(up, "secret.txt"), dir, "author/relative.txt")
	symlink(t, up, dir, "author/outdir")
	symlink(t, filepath.Join(dir, "top.txt"), dir, "absolute-inside.txt")
	symlink(t, "../top.txt", dir, "author/inside.txt")
	symlink(t, "author/book", dir, "shortcut")
	symlink(t, "..", dir, "author/circle")
	symlink(t, "nowhere", dir, "dangling")
	symlink(t, "loop", dir, "loop")
	s := localstore.New(dir, localstore.Options{})

	for _, key := range []string{"absolute.txt", "author/relative.txt", "author/outdir/secret.txt", "author/outdir", "absolute-inside.txt"} {
		answers(t, s, key, fs.ErrPermission)
		if _, err := s.Stat(t.Context(), key); !strings.Contains(err.Error(), "leads out of the folder") {
			t.Errorf("the error does not say why: %v", err)
		}
	}
	for _, key := range []string{"dangling", "loop", "loop/x", "shortcut", "author/circle"} {
		answers(t, s, key, fs.ErrNotExist)
	}
	for _, key := range []string{"author/inside.txt", "shortcut/file.txt", "author/circle/top.txt"} {
		answers(t, s, key, nil)
	}
	for prefix, want := range map[string][]string{
		"":          {"author/book/file.txt", "author/inside.txt", "top.txt"},
		"shortcut/": {"shortcut/file.txt"},
	} {
		if got := list(t, s, prefix); !slices.Equal(got, want) {
			t.Errorf("List(%q) = %q, want %q", prefix, got, want)
		}
	}
	for info, err := range s.List(t.Context(), "author/outdir/") {
		if !errors.Is(err, fs.ErrPermission) {
			t.Errorf("List of a folder outside: %+v, %v", info, err)
		}
	}
}

func TestHidden(t *testing.T) {
	dir := folder(t, map[string][]byte{
		"metadata.db": []byte("SQLite format 3"), "metadata.db-wal": []byte("wal"), "metadata.opf": []byte("x"),
		"a/metadata.db": []byte("another library's"),
	})
	if err := os.Link(filepath.Join(dir, "metadata.db"), filepath.Join(dir, "a", "hard.epub")); err != nil {
		t.Skipf("no hard links here: %v", err)
	}
	symlink(t, "../metadata.db", dir, "a/soft.epub")
	s := localstore.New(dir, calibre)
	for _, key := range []string{"metadata.db", "metadata.db-wal", "metadata.db-shm", "a/hard.epub", "a/soft.epub", "metadata.db/x"} {
		answers(t, s, key, fs.ErrNotExist)
	}
	answers(t, s, "a/metadata.db", nil)
	if got, want := list(t, s, ""), []string{"a/metadata.db", "metadata.opf"}; !slices.Equal(got, want) {
		t.Errorf("List = %q, want %q", got, want)
	}
	if got := list(t, s, "metadata.db/"); got != nil {
		t.Errorf("List of a hidden file as a folder = %q", got)
	}

	w := localstore.NewWritable(dir, calibre)
	for _, key := range []string{"metadata.db", "metadata.db-shm", "a/hard.epub", "a/soft.epub", "a/.pressmark-put-x"} {
		if _, err := w.Put(t.Context(), key, strings.NewReader("x"), storage.PutOptions{}); !errors.Is(err, fs.ErrPermission) {
			t.Errorf("Put(%q): %v", key, err)
		}
		if err := w.Delete(t.Context(), key); err != nil {
			t.Errorf("Delete(%q): %v", key, err)
		}
	}
	if got, err := os.ReadFile(filepath.Join(dir, "metadata.db")); string(got) != "SQLite format 3" {
		t.Errorf("metadata.db is now %q, %v", got, err)
	}
}

// The folder may be unmounted and mounted again.
func TestFolderMissing(t *testing.T) {
	dir := folder(t, map[string][]byte{"k": []byte("x")})
	s := localstore.New(dir, calibre)
	answers(t, s, "k", nil)
	away := dir + ".away"
	if err := os.Rename(dir, away); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(away) })
	answers(t, s, "k", storage.ErrUnavailable)
	if _, err := s.Stat(t.Context(), "k"); errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), dir) {
		t.Errorf("a missing folder answers like a missing object, or is not named: %v", err)
	}
	for _, err := range s.List(t.Context(), "") {
		if !errors.Is(err, storage.ErrUnavailable) {
			t.Errorf("List: %v", err)
		}
	}
	if err := os.Rename(away, dir); err != nil {
		t.Fatal(err)
	}
	answers(t, s, "k", nil)
}

func TestReadOnly(t *testing.T) {
	dir := folder(t, map[string][]byte{"a/k": []byte("x")})
	s := localstore.New(dir, localstore.Options{})
	if _, ok := storage.As[storage.Writer](s); ok {
		t.Error("a Store can write")
	}
	for _, d := range []string{dir, filepath.Join(dir, "a")} {
		if err := os.Chmod(d, 0o555); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { os.Chmod(d, 0o755) })
	}
	answers(t, s, "a/k", nil)
	if got := list(t, s, ""); !slices.Equal(got, []string{"a/k"}) {
		t.Errorf("List = %q", got)
	}
	if f, err := os.Create(filepath.Join(dir, "probe")); err == nil {
		f.Close()
		os.Remove(f.Name())
		t.Skip("this user may write in folders that are read-only")
	}
	w := localstore.NewWritable(dir, localstore.Options{})
	for _, key := range []string{"a/k", "a/new", "b/new"} {
		if _, err := w.Put(t.Context(), key, strings.NewReader("y"), storage.PutOptions{}); !errors.Is(err, fs.ErrPermission) {
			t.Errorf("Put(%q): %v", key, err)
		}
	}
	if err := w.Delete(t.Context(), "a/k"); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("Delete: %v", err)
	}
	answers(t, s, "a/k", nil)

	// A folder that may not be read counts as empty, unless it is asked for.
	if err := os.Chmod(filepath.Join(dir, "a"), 0); err != nil {
		t.Fatal(err)
	}
	answers(t, s, "a/k", fs.ErrPermission)
	if got := list(t, s, ""); got != nil {
		t.Errorf("List = %q", got)
	}
	for _, err := range s.List(t.Context(), "a/") {
		if !errors.Is(err, fs.ErrPermission) {
			t.Errorf("List of an unreadable folder: %v", err)
		}
	}
}

// Temporary files of a killed process are not objects, and a Put cleans up
// after itself.
func TestPutLeftovers(t *testing.T) {
	dir := folder(t, map[string][]byte{"a/.pressmark-put-LEFT": []byte("half"), "file": []byte("x"), "folder/x": []byte("x")})
	w := localstore.NewWritable(dir, localstore.Options{})
	answers(t, w.Store, "a/.pressmark-put-LEFT", fs.ErrNotExist)
	if got := list(t, w, "a/"); got != nil {
		t.Errorf("List = %q", got)
	}
	for _, key := range []string{"file/below", "folder"} {
		if _, err := w.Put(t.Context(), key, bytes.NewReader(nil), storage.PutOptions{}); !errors.Is(err, fs.ErrExist) {
			t.Errorf("Put(%q), where a file or folder is in the way: %v", key, err)
		}
	}
	var names []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if !d.IsDir() {
			names = append(names, d.Name())
		}
		return err
	})
	if want := []string{".pressmark-put-LEFT", "file", "x"}; err != nil || !slices.Equal(names, want) {
		t.Errorf("the folder holds %q, %v; want %q", names, err, want)
	}
}

func TestOpenSeekerIsFile(t *testing.T) {
	s := localstore.New(folder(t, map[string][]byte{"a/k": []byte("x")}), calibre)
	for key, store := range map[string]storage.Store{"a/k": s, "k": storage.Prefixed(s, "a")} {
		f, _, err := storage.OpenSeeker(t.Context(), store, key)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if _, ok := f.(*os.File); !ok {
			t.Errorf("%q is a %T: sendfile needs an *os.File", key, f)
		}
	}
}
