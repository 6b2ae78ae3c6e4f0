package server

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"

	"github.com/pressmark/pressmark/catalog/calibre"
	"github.com/pressmark/pressmark/catalog/index"
	"github.com/pressmark/pressmark/httpapi"
	"github.com/pressmark/pressmark/storage"
	"github.com/pressmark/pressmark/storage/localstore"
	"github.com/pressmark/pressmark/watch"
	"github.com/pressmark/pressmark/watch/fswatch"
)

// check tells a user who named the wrong folder so, before anything else goes
// wrong with it.
func (l Library) check(dataDir string) error {
	info, err := os.Stat(l.Path)
	if err != nil {
		return fmt.Errorf("library %q: the folder of a Calibre library was expected at %s: %w%s", l.Name, l.Path, err, cure(err))
	}
	if !info.IsDir() {
		return fmt.Errorf("library %q: %s is not a folder; name the folder that holds metadata.db", l.Name, l.Path)
	}
	if _, err := os.Stat(l.database()); err != nil {
		return fmt.Errorf("library %q: Calibre's database was expected at %s: %w%s", l.Name, l.database(), err, cure(err))
	}
	if inside(dataDir, l.Path) {
		return insideLibrary(dataDir, l.Name)
	}
	return nil
}

// cure says what to do about a library that may not be read, and nothing about
// other errors.
func cure(err error) string {
	if !errors.Is(err, fs.ErrPermission) || os.Getuid() < 0 { // -1: Windows
		return ""
	}
	return fmt.Sprintf(". The server runs as user %d, group %d: let these read the library, or run it as the library's owner (in Docker: --user, PRESSMARK_USER of docker-compose.yml)", os.Getuid(), os.Getgid())
}

func (l Library) database() string {
	if l.Database != "" {
		return l.Database
	}
	return filepath.Join(l.Path, "metadata.db")
}

// inside reports whether dir, which need not exist, is root or below it.
func inside(dir, root string) bool {
	rootInfo, err := os.Stat(root)
	if err != nil {
		return false
	}
	dir, err = filepath.Abs(dir)
	for err == nil {
		// The first part that exists may be a link to anywhere.
		if real, linkErr := filepath.EvalSymlinks(dir); linkErr == nil {
			dir = real
		}
		if info, statErr := os.Stat(dir); statErr == nil && os.SameFile(info, rootInfo) {
			return true
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			break
		}
		dir = parent
	}
	return false
}

// openCatalog opens the catalog of l without loading it.
func (c Config) openCatalog(l Library, prefix string, sets index.Sets) (*calibre.Library, error) {
	o := calibre.Options{
		Root:     l.Path,
		Database: l.Database,
		Name:     l.Name,
		Dir:      c.snapshots(),
		Encode:   httpapi.BookEncoder(l.Name, prefix),
		Sets:     sets,
		Observe:  c.instruments.look(l.Name),
		Location: c.TimeZone,
		Logger:   c.Logger,
		// A load leaves much garbage behind; without this the process would
		// keep the memory of its peak.
		AfterLoad: debug.FreeOSMemory,
	}
	if !c.NoWatch {
		o.Watcher = c.watcher(watched(o.Files()))
	}
	lib, err := calibre.Open(o)
	if err != nil {
		return nil, fmt.Errorf("library %q: %w", l.Name, err)
	}
	return lib, nil
}

// watched adds to files what they are links to.
func watched(files []string) []string {
	all := files
	if target, err := filepath.EvalSymlinks(files[0]); err == nil && target != files[0] {
		all = append(all, calibre.Options{Database: target}.Files()...)
	}
	return all
}

func (c Config) watcher(files []string) watch.Watcher {
	// Each source settles by itself: the poll sees late what fsnotify saw at
	// once, and must not make it wait anew.
	settle := func(w watch.Watcher) watch.Watcher {
		return watch.NewSettler(w, watch.SettleOptions{Quiet: c.WatchSettle, MaxDelay: c.WatchMaxDelay})
	}
	sources := []watch.Watcher{settle(watch.NewPoll(files, watch.PollOptions{Interval: c.WatchPoll}))}
	// Elsewhere fsnotify opens and closes the files, and with that drops the
	// locks that a copy of the database depends on.
	if runtime.GOOS == "linux" || runtime.GOOS == "windows" {
		sources = append(sources, settle(fswatch.New(files, fswatch.Options{Logger: c.Logger})))
	}
	return watch.Join(sources...)
}

// files returns the store of l's books, which does not have the database: to
// open and close it would drop the locks that SQLite holds on it.
func (l Library) files() storage.Store {
	hidden := databaseFiles("metadata.db")
	if rel, err := filepath.Rel(l.Path, l.database()); err == nil && filepath.IsLocal(rel) {
		hidden = append(hidden, databaseFiles(filepath.ToSlash(rel))...)
	}
	return localstore.New(l.Path, localstore.Options{Hidden: hidden})
}

func databaseFiles(db string) []string {
	return []string{db, db + "-journal", db + "-wal", db + "-shm"}
}

// hopeless reports that a library will not be loaded by waiting.
func hopeless(err error) bool {
	return errors.Is(err, calibre.ErrNotCalibre) || errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission)
}

// snapshots is the folder of private copies of databases.
func (c *Config) snapshots() string { return filepath.Join(c.DataDir, "snapshots") }
