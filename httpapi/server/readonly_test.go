package server

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pressmark/pressmark/catalog/calibre/calibretest"
)

// TestLibraryIsOnlyRead serves a library in all the states in which Calibre and
// others leave it, by a user who may write in it and by one who may not. Not a
// byte of it may change, and no file may appear, not even for a moment: a folder
// keeps the time at which one did.
func TestLibraryIsOnlyRead(t *testing.T) {
	states := map[string]func(db string) error{
		"rollback": func(string) error { return nil },
		"WAL":      func(db string) error { return calibretest.WAL(db) },
		"WAL with a log": func(db string) error {
			return calibretest.WAL(db, `UPDATE books SET title = 'Only in the log' WHERE id = 1`)
		},
		"hot journal": calibretest.HotJournal,
	}
	for name, prepare := range states {
		for _, writable := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, writable %v", name, writable), func(t *testing.T) {
				t.Parallel()
				root, data := calibretest.Sample(t), t.TempDir()
				if err := prepare(database(root)); err != nil {
					t.Fatal(err)
				}
				handOver(t, root, data, writable)
				before := fingerprint(t, root)
				visitor := start(t, roleVisit, ordinaryUser(t), root, data)
				if err := visitor.end(); err != nil {
					t.Error(err)
				}
				compareFingerprints(t, before, fingerprint(t, root))
			})
		}
	}
}

// visit is what the process does that serves the library of TestLibraryIsOnlyRead.
func visit(t *testing.T, c Config) {
	if os.Getuid() == 0 {
		t.Fatal("the superuser may write everywhere")
	}
	s := open(t, c)
	run(t, s)
	h := s.Handler()
	paths := []string{
		"/api/health/ready", "/api/books?limit=500&include=comments", "/api/authors", "/api/books/1",
		"/api/files/download/1/epub", "/api/files/download/15/cbz", "/api/files/download/24/epub", "/api/files/cover/24",
		"/api/files/cover/1", "/api/files/cover/1?size=thumb", "/api/files/cover/2?size=medium", "/api/files/download/1/mobi",
	}
	for range 3 {
		// Its time lies ahead (handOver), so that each look copies the database.
		if err := s.libraries[0].Refresh(t.Context()); err != nil {
			t.Errorf("refresh: %v", err)
		}
		for _, path := range paths {
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
			if w.Code >= 500 {
				t.Errorf("%s: %d %s", path, w.Code, w.Body)
			}
		}
	}
	if status := s.libraries[0].Status(); status.Books != 24 || status.Problem != nil {
		t.Errorf("status is %+v", status)
	}
	var book struct{ Tags []string }
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/api/books/1", nil))
	if err := json.Unmarshal(w.Body.Bytes(), &book); err != nil || len(book.Tags) == 0 || strings.Contains(book.Tags[0], "unfinished") {
		t.Errorf("%v: %s", err, w.Body)
	}
}

// handOver gives a library to the user as whom it is served, to write in it or
// to read it only, and the data folder to write in it.
func handOver(t *testing.T, root, data string, writable bool) {
	t.Helper()
	uid := os.Getuid()
	if uid == 0 {
		uid = nobody
		if err := os.Chown(data, uid, uid); err != nil {
			t.Fatal(err)
		}
		openWay(t, filepath.Dir(root))
		openWay(t, filepath.Dir(data))
	}
	ahead := time.Now().Add(time.Hour)
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		mode := fs.FileMode(0o444)
		if d.IsDir() {
			mode = 0o555
		} else if err := os.Chtimes(path, ahead, ahead); err != nil {
			return err
		}
		if writable {
			mode |= 0o200
			if os.Getuid() == 0 {
				if err := os.Chown(path, uid, uid); err != nil {
					return err
				}
			}
		} else if d.IsDir() {
			t.Cleanup(func() { os.Chmod(path, 0o755) }) // or it could not be removed
		}
		return os.Chmod(path, mode)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// openWay lets everybody pass to a temporary folder of the test.
func openWay(t *testing.T, dir string) {
	t.Helper()
	for temp := filepath.Clean(os.TempDir()); dir != temp && dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
}

// nobody is the user as whom a library is served where the tests are run by
// the superuser, who may write everywhere.
const nobody = 65534

// ordinaryUser lets a process run as nobody, if that is needed.
func ordinaryUser(t *testing.T) func(*exec.Cmd) {
	t.Helper()
	if os.Getuid() != 0 {
		return nil
	}
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	// The folder of the test binary is closed to others.
	dir := t.TempDir()
	openWay(t, dir)
	public := filepath.Join(dir, "server.test")
	if err := copyFile(public, binary); err != nil {
		t.Fatal(err)
	}
	return func(cmd *exec.Cmd) {
		cmd.Path, cmd.Dir = public, dir
		runAs(cmd, nobody)
	}
}

func copyFile(to, from string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	// A process that another test forks meanwhile would have the copy open for
	// writing for a moment, and a program that is open so cannot be run.
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE, 0o755)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		out.Close()
		return err
	}
	return out.Close()
}

// fingerprint describes every file and folder below root.
func fingerprint(t *testing.T, root string) map[string]string {
	t.Helper()
	m := map[string]string{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		m[path] = fmt.Sprint(info.Mode(), info.ModTime().UnixNano())
		if d.IsDir() {
			return nil
		}
		content, err := os.ReadFile(path)
		m[path] += fmt.Sprintf(" %d %x", len(content), sha256.Sum256(content))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func compareFingerprints(t *testing.T, before, after map[string]string) {
	t.Helper()
	if len(before) < 50 {
		t.Fatalf("only %d files and folders", len(before))
	}
	for _, path := range slices.Sorted(maps.Keys(after)) {
		if was, ok := before[path]; !ok {
			t.Errorf("%s has appeared", path)
		} else if was != after[path] {
			t.Errorf("%s was %s and is %s", path, was, after[path])
		}
	}
	for path := range before {
		if _, ok := after[path]; !ok {
			t.Errorf("%s is gone", path)
		}
	}
}
