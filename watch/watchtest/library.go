package watchtest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The names that SQLite gives to a database and to what lies beside it.
const (
	database = "metadata.db"
	journal  = "metadata.db-journal"
	wal      = "metadata.db-wal"
)

// library is a directory with the files of a database. Its methods fail the
// test when the file system does.
type library struct {
	t   *testing.T
	dir string
}

// old is the modification time of what is there before the watcher begins: far
// enough away that no coarse clock gives it to a later change.
var old = time.Date(2024, 1, 2, 3, 4, 5, 0, time.UTC)

func newLibrary(t *testing.T) *library {
	l := &library{t: t, dir: filepath.Join(t.TempDir(), "library")}
	l.must(os.Mkdir(l.dir, 0o755))
	l.write(database, "content")
	l.touch(database, old)
	return l
}

func (l *library) must(err error) {
	l.t.Helper()
	if err != nil {
		l.t.Fatal(err)
	}
}

func (l *library) path(name string) string { return filepath.Join(l.dir, name) }

func (l *library) files() []string {
	return []string{l.path(database), l.path(journal), l.path(wal)}
}

// look describes the state that a consumer can see. It may be called from other
// goroutines.
func (l *library) look() string {
	var b strings.Builder
	for _, file := range l.files() {
		content, err := os.ReadFile(file)
		if err != nil {
			fmt.Fprintf(&b, "[%s: none]", filepath.Base(file))
			continue
		}
		modified := "gone"
		if info, err := os.Stat(file); err == nil {
			modified = info.ModTime().UTC().Format(time.RFC3339Nano)
		}
		fmt.Fprintf(&b, "[%s: %q %s]", filepath.Base(file), content, modified)
	}
	return b.String()
}

func (l *library) write(name, content string) {
	l.t.Helper()
	l.must(os.WriteFile(l.path(name), []byte(content), 0o644))
}

// open writes through a descriptor, with neither truncation nor creation.
func (l *library) open(flag int, content string) {
	l.t.Helper()
	f, err := os.OpenFile(l.path(database), os.O_WRONLY|flag, 0)
	l.must(err)
	_, err = f.WriteString(content)
	l.must(err)
	l.must(f.Close())
}

func (l *library) append(content string) { l.t.Helper(); l.open(os.O_APPEND, content) }
func (l *library) journal()              { l.t.Helper(); l.write(journal, "journal") }
func (l *library) remove(name string)    { l.t.Helper(); l.must(os.Remove(l.path(name))) }
func (l *library) removeAll()            { l.t.Helper(); l.must(os.RemoveAll(l.dir)) }
func (l *library) create()               { l.t.Helper(); l.must(os.MkdirAll(l.dir, 0o755)); l.write(database, "new") }

func (l *library) touch(name string, when time.Time) {
	l.t.Helper()
	l.must(os.Chtimes(l.path(name), when, when))
}

// replace puts another file in the place of the database, with times as given.
func (l *library) replace(content string, when time.Time) {
	l.t.Helper()
	l.write("restored.tmp", content)
	l.touch("restored.tmp", when)
	l.must(os.Rename(l.path("restored.tmp"), l.path(database)))
}
