// Package calibre reads a Calibre library: it copies metadata.db, builds an
// index of it in memory, and keeps that current while Calibre changes the
// library. It never writes in the library's folder, and never holds Calibre's
// lock for longer than a copy takes.
//
//	lib, err := calibre.Open(calibre.Options{Root: "/books", Watcher: watcher})
//	if err != nil {
//		return err
//	}
//	defer lib.Close()
//	if err := lib.Load(ctx); err != nil { // or let Run load it
//		return err
//	}
//	go lib.Run(ctx)
//	page, err := lib.Books(ctx, catalog.Query{Limit: 20})
//
// A [Library] is a catalog.Reader, and has the roles catalog.Live, Appender,
// Searcher (in Calibre's search language) and Browser. Its methods answer from the index that is current when they are called, without
// I/O and without waiting. Whoever makes several calls that belong together
// makes them on catalog.Snapshot(lib).
//
// # How a change arrives
//
// [Library.Run] waits for its Watcher, looks whether the database's files are
// different from those that were read last, copies them, compares the copy with
// what the index was made of, loads the books that differ, and swaps in the
// next index. Books whose contents stay the same, although Calibre touched them,
// are not reported as changed, and if nothing is different the index and its
// revision stay.
//
// Calibre does not mark all that it changes, so that a comparison could miss
// something, above all what other programs write. When a library has been
// refreshed by comparison, Run therefore loads it whole once every
// CheckInterval. If that shows a difference, it is swapped in and logged as
// refresh_missed.
//
// # What is read
//
// All that catalog.Book names, of schema versions 20 to 27 (Calibre 2 to 9).
// Tables and columns are looked up before they are read: what a version does
// not have is empty, and a version that is newer is read with a warning. Custom
// columns of type composite are listed, but Calibre computes their values when
// it shows them, and they are not in the database. Annotations, reading
// positions and the settings of plugins are not read.
//
// Values that Calibre would not have written (text where a number belongs, a
// date that is none, a link that leads nowhere) count as missing and are
// counted in a warning; they do no harm to other books or other values.
// [Library.Preference] gives access to the few preferences that a search
// depends on.
//
// # When something is wrong
//
// While the database cannot be read, the last good index goes on serving,
// [Library.Status] says why and since when, and Run tries again, after half a
// second at first and every 30 s in the end, or every 5 s where a writer holds
// it locked. Before the first load has succeeded every answer is
// catalog.ErrUnavailable.
//
// Errors of Load, Refresh and Status.Problem can be told apart by errors.Is:
// fs.ErrNotExist and fs.ErrPermission about the files, [ErrLocked] while a
// writer holds the database, [ErrDamaged], [ErrNotCalibre], and
// [ErrOtherLibrary].
package calibre

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/maphash"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pressmark/pressmark/catalog"
	"github.com/pressmark/pressmark/catalog/calibre/internal/snapshot"
	"github.com/pressmark/pressmark/catalog/index"
	"github.com/pressmark/pressmark/catalog/search"
	"github.com/pressmark/pressmark/watch"
)

var (
	// ErrNotCalibre reports a database that Calibre did not make: of another
	// application, or without a table or column that every library has.
	ErrNotCalibre = errors.New("not a Calibre library")

	// ErrOtherLibrary is a Status.Problem: the database is another library's
	// (table library_id) than at first. It is served, but what was set up for
	// the first one, such as restrictions of users, may not suit it.
	ErrOtherLibrary = errors.New("another library has taken the place of the first")

	// ErrLocked reports that a writer kept the database locked. It passes.
	ErrLocked = snapshot.ErrLocked

	// ErrDamaged reports a database that is not sound.
	ErrDamaged = snapshot.ErrDamaged
)

// Options say where a library is and how it is kept. Only Root is required.
type Options struct {
	// Root is the library's folder.
	Root string
	// Database is the path of metadata.db. Empty means metadata.db in Root.
	Database string
	// Name stands for the library in log lines. Empty means the last part of
	// Root.
	Name string
	// Dir is a folder for private copies of the database and for the bulk of
	// the index. It needs room for two copies, and several libraries may share
	// it. Empty means a folder of its own below os.TempDir.
	Dir string
	// Encode is the form in which AppendBooks hands out books. With nil
	// AppendBooks is errors.ErrUnsupported.
	Encode func(dst []byte, b *catalog.Book) []byte
	// Sets keeps what searches have selected. Several libraries may share it. nil
	// keeps nothing.
	Sets index.Sets
	// Watcher tells Run when to look for changes: a watch.Poll and, where it
	// can, an fswatch.Watcher of the Files, each in a watch.Settler of its own,
	// joined. nil means that nothing is watched: the library is loaded once.
	Watcher watch.Watcher
	// CheckInterval is the time between two loads of the whole library, made
	// only if it was refreshed by comparison in between. 0 means 10 min;
	// negative means never.
	CheckInterval time.Duration
	// AfterLoad is called after each load of the whole library, when much
	// memory has become free: a server can return it to the system there.
	AfterLoad func()
	// Location is the time zone in which searches compare dates. nil means
	// time.Local.
	Location *time.Location
	// Observe is told of each look at the database when it is over, before those
	// who wait for it go on. nil tells nobody.
	Observe func(Look)
	// Logger receives a few lines for operators. nil means none.
	Logger *slog.Logger
	// Now is the clock for Status and for dates such as "yesterday" in searches.
	// nil means time.Now.
	Now func() time.Time
}

// Files returns the paths of the files whose changes matter, for a watcher: of
// the database and of its journals.
func (o Options) Files() []string {
	db := o.database()
	return []string{db, db + "-journal", db + "-wal"}
}

func (o Options) database() string {
	if o.Database != "" {
		return o.Database
	}
	return filepath.Join(o.Root, "metadata.db")
}

// Library is a Calibre library that is kept in memory. All methods may be
// called concurrently.
type Library struct {
	options Options
	db      string
	dir     *snapshot.Dir
	loader  loader
	log     *slog.Logger
	now     func() time.Time

	current atomic.Pointer[contents]
	turn    chan struct{} // holds a token while somebody looks for changes
	swapped chan struct{} // holds a token after the contents were swapped
	looks   looks
	last    lastRead // belongs to the holder of turn

	// compared is set when a change was taken over by comparison, until the
	// library is loaded whole.
	compared atomic.Bool

	mu      sync.Mutex
	status  catalog.Status
	library string // the id of the library that was loaded first
	cause   string // of the problem that was logged last
	warned  string // the warnings that were logged last
	feed    feed
}

func (c *contents) revision() catalog.Revision {
	r, _ := c.index.Revision(context.Background()) // never fails
	return r
}

// contents is one generation of a library.
type contents struct {
	index  *index.Index
	reader *search.Reader // over the index
	state  *state
	prefs  map[string]json.RawMessage
}

var (
	_ catalog.Reader   = (*Library)(nil)
	_ catalog.Live     = (*Library)(nil)
	_ catalog.Appender = (*Library)(nil)
	_ catalog.Searcher = (*Library)(nil)
	_ catalog.Browser  = (*Library)(nil)
)

// Open returns a library that is not loaded yet: call Load, or Run. It makes
// its folder in Options.Dir and does not look at the library's own.
func Open(o Options) (*Library, error) {
	if o.Root == "" {
		return nil, errors.New("open Calibre library: no folder given")
	}
	if o.Name == "" {
		o.Name = filepath.Base(o.Root)
	}
	if o.Dir == "" {
		o.Dir = filepath.Join(os.TempDir(), fmt.Sprintf("pressmark-%d", os.Getuid()))
	}
	if o.CheckInterval == 0 {
		o.CheckInterval = 10 * time.Minute
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	dir, err := snapshot.OpenDir(o.Dir)
	if err != nil {
		return nil, fmt.Errorf("open Calibre library %s: %w", o.Root, err)
	}
	return &Library{
		options: o,
		db:      o.database(),
		dir:     dir,
		loader:  loader{seed: maphash.MakeSeed(), index: index.Options{Dir: dir.Path, Encode: o.Encode, Sets: o.Sets}},
		log:     o.Logger.With("library", o.Name),
		now:     o.Now,
		turn:    make(chan struct{}, 1),
		swapped: make(chan struct{}, 1),
	}, nil
}

// Close removes the library's private folder. End Run first. What was loaded
// can still be read.
func (l *Library) Close() error { return l.dir.Close() }
