package calibre

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pressmark/pressmark/catalog"
	"github.com/pressmark/pressmark/catalog/calibre/calibretest"
)

// told is a Watcher that says what the test tells it to say.
type told chan struct{}

func (w told) Watch(ctx context.Context, notify func()) error {
	notify()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case _, ok := <-w:
			if !ok {
				return errors.New("no more")
			}
			notify()
		}
	}
}

// record is a log that can be read while it is written.
type record struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (r *record) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.buf.Write(p)
}

// take returns what was logged since it was called last.
func (r *record) take() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	defer r.buf.Reset()
	return r.buf.String()
}

func (r *record) logger() *slog.Logger { return slog.New(slog.NewTextHandler(r, nil)) }

func TestLoadErrors(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		o    Options
		want []string
	}{
		{"no folder", Options{Root: filepath.Join(file+"s", "books")}, []string{file + "s", "expected the folder"}},
		{"no database", Options{Root: t.TempDir()}, []string{"metadata.db", "expected Calibre's database"}},
		{"no database elsewhere", Options{Root: t.TempDir(), Database: file + ".db"}, []string{file + ".db", "expected Calibre's database"}},
	} {
		l := openLibrary(t, c.o)
		err := l.Load(t.Context())
		if !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		for _, want := range c.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v does not say %q", c.name, err, want)
			}
		}
		if s := l.Status(); s.Problem == nil || s.Since.IsZero() || !s.Loaded.IsZero() {
			t.Errorf("%s: status %+v", c.name, s)
		}
	}
	if err := openLibrary(t, Options{Root: file}).Load(t.Context()); err == nil || !strings.Contains(err.Error(), "expected a folder, found a file") {
		t.Errorf("a file as folder: %v", err)
	}
	if _, err := Open(Options{}); err == nil {
		t.Error("no folder given: no error")
	}
}

func TestBeforeLoad(t *testing.T) {
	l, _ := openSample(t, Options{})
	ctx := t.Context()
	_, err1 := l.Books(ctx, catalog.Query{})
	_, err2 := l.Terms(ctx, catalog.FieldTags, catalog.TermQuery{})
	_, err3 := l.Fields(ctx)
	_, err4 := l.Revision(ctx)
	_, _, err5 := l.AppendBooks(ctx, nil, catalog.Query{})
	_, err6 := l.Snapshot().Book(ctx, 1)
	for i, err := range []error{err1, err2, err3, err4, err5, err6} {
		if !errors.Is(err, catalog.ErrUnavailable) {
			t.Errorf("%d: %v, want ErrUnavailable", i+1, err)
		}
	}
	if l.Preference("virtual_libraries") != nil {
		t.Error("a preference before anything was loaded")
	}
}

func TestPreference(t *testing.T) {
	l := loadSample(t, `INSERT INTO preferences (key, val) VALUES ('namespaced:plugin:key', '"secret"')`)
	if got := string(l.Preference("saved_searches")); got != `{"Holloway":"author:\"=Maren Holloway\"","Recent":"pubdate:\u003e2010"}` {
		t.Errorf("saved searches %s", got)
	}
	if got := l.Preference("namespaced:plugin:key"); got != nil {
		t.Errorf("a plugin's setting: %s", got)
	}
}

// TestTouched shows that a file that only looks changed changes nothing.
func TestTouched(t *testing.T) {
	var log record
	l, path := openSample(t, Options{Logger: log.logger()})
	if err := l.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	if s := log.take(); !strings.Contains(s, "Calibre library loaded") || strings.Count(s, "\n") != 1 {
		t.Errorf("log: %s", s)
	}
	before, changes := l.Snapshot(), l.Subscribe(t.Context())
	now := time.Now().Add(time.Hour)
	if err := os.Chtimes(path, now, now); err != nil {
		t.Fatal(err)
	}
	if err := l.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	if l.Snapshot() != before {
		t.Error("another index")
	}
	if s := log.take(); s != "" {
		t.Errorf("log: %s", s)
	}
	select {
	case c := <-changes:
		t.Errorf("change %+v", c)
	default:
	}
}

// TestUnchanged shows that files that look the same are not read again, unless
// they were so young that a change might not show.
func TestUnchanged(t *testing.T) {
	l, path := openSample(t, Options{})
	for _, c := range []struct {
		age  time.Duration
		want bool
	}{{0, false}, {time.Hour, true}} {
		l.last.settled = false
		if err := l.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		// The time of the inode's change cannot be set: age the stamp instead.
		s := l.last.stamp
		for _, f := range []*int64{&s.Main.Modified, &s.Main.Changed} {
			*f = time.Now().Add(-c.age).UnixNano()
		}
		l.last.settled = settled(s)
		if got := l.unchanged(); got != c.want {
			t.Errorf("%v old: unchanged is %v, want %v", c.age, got, c.want)
		}
	}
	if err := os.WriteFile(path+"-wal", []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if l.unchanged() {
		t.Error("a new -wal file was not noticed")
	}
}

func TestOtherLibrary(t *testing.T) {
	var log record
	l, path := openSample(t, Options{Logger: log.logger()})
	if err := l.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	first, changes := l.Status(), l.Subscribe(t.Context())
	for _, c := range []struct {
		id    string
		other bool
	}{{"other", true}, {first.Revision.Library, false}} {
		log.take()
		if err := calibretest.Alter(path, `UPDATE library_id SET uuid = '`+c.id+`'`, `DELETE FROM books WHERE id = 1`); err != nil {
			t.Fatal(err)
		}
		if err := l.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		s := l.Status()
		if s.Revision.Library != c.id || errors.Is(s.Problem, ErrOtherLibrary) != c.other || s.Since.IsZero() == c.other {
			t.Errorf("status %+v", s)
		}
		if got := strings.Contains(log.take(), "level=WARN"); got != c.other {
			t.Errorf("warned: %v", got)
		}
		if change := <-changes; !change.More || len(change.Removed) > 0 || change.Revision != s.Revision {
			t.Errorf("change %+v", change)
		}
	}
}

func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log record
		watcher := make(told)
		l, path := openSample(t, Options{Logger: log.logger(), Watcher: watcher, Name: "main", CheckInterval: -1})
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- l.Run(ctx) }()
		synctest.Wait()
		s := l.Status()
		if !s.Watching || s.Books != 24 || s.Problem != nil {
			t.Fatalf("status %+v", s)
		}
		if s := log.take(); !strings.Contains(s, `msg="Started watching Calibre database" library=main component=watcher`) {
			t.Errorf("log: %s", s)
		}

		good, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := calibretest.NotSQLite(path); err != nil {
			t.Fatal(err)
		}
		watcher <- struct{}{}
		synctest.Wait()
		failed := time.Now()
		time.Sleep(5 * time.Minute) // of the bubble: many attempts
		if s := l.Status(); !errors.Is(s.Problem, ErrDamaged) || s.Since.After(failed) || s.Books != 24 || !s.Loaded.Before(failed.Add(time.Second)) {
			t.Errorf("status %+v", s)
		}
		if got := strings.Count(log.take(), "level=WARN"); got != 1 {
			t.Errorf("%d warnings of one problem", got)
		}
		book(t, l, 1) // the last good catalog serves

		if err := os.WriteFile(path, good, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := calibretest.Alter(path, `DELETE FROM books WHERE id = 1`); err != nil {
			t.Fatal(err)
		}
		time.Sleep(lastPause * 6 / 5)
		synctest.Wait()
		if s := l.Status(); s.Problem != nil || !s.Since.IsZero() || s.Books != 23 {
			t.Errorf("status %+v", s)
		}
		if s := log.take(); !strings.Contains(s, "can be read again") || !strings.Contains(s, "removed=1") {
			t.Errorf("log: %s", s)
		}
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) || l.Status().Watching {
			t.Errorf("Run ended with %v, status %+v", err, l.Status())
		}
	})
}

// TestRunWaits shows that Run waits for a library that is not there yet, and
// ends when its watcher gives up.
func TestRunWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		watcher := make(told)
		l, path := openSample(t, Options{Watcher: watcher})
		if err := os.Rename(path, path+"~"); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error)
		go func() { ended <- l.Run(t.Context()) }()
		time.Sleep(time.Minute)
		if s := l.Status(); !errors.Is(s.Problem, fs.ErrNotExist) {
			t.Errorf("status %+v", s)
		}
		if err := os.Rename(path+"~", path); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if s := l.Status(); s.Books != 24 || s.Problem != nil {
			t.Errorf("status %+v", s)
		}
		close(watcher)
		if err := <-ended; err == nil || !strings.Contains(err.Error(), "no more") {
			t.Errorf("Run ended with %v", err)
		}
	})
}

// TestCheck shows that what a comparison misses is found by the load of the
// whole library that follows.
func TestCheck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log record
		loads := 0
		watcher := make(told)
		l, path := openSample(t, Options{
			Logger: log.logger(), Watcher: watcher, CheckInterval: time.Hour, AfterLoad: func() { loads++ },
		})
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- l.Run(ctx) }()
		synctest.Wait()
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		if loads != 1 {
			t.Errorf("%d loads of a library that was not refreshed", loads)
		}
		if err := calibretest.Alter(path, `DELETE FROM books_tags_link WHERE book = 1`); err != nil {
			t.Fatal(err)
		}
		watcher <- struct{}{}
		synctest.Wait()
		if len(book(t, l, 1).Tags) == 0 {
			t.Error("the comparison saw it; find another edit for this test")
		}
		log.take()
		time.Sleep(time.Hour)
		synctest.Wait()
		if tags := book(t, l, 1).Tags; len(tags) != 0 || loads != 2 {
			t.Errorf("tags %v after %d loads", tags, loads)
		}
		if s := log.take(); !strings.Contains(s, "refresh_missed") || !strings.Contains(s, "changed=1") {
			t.Errorf("log: %s", s)
		}
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		if loads != 2 {
			t.Errorf("%d loads, want none while nothing changes", loads)
		}
		cancel()
		<-ended
	})
}

// TestSharedRefresh calls Refresh from many sides while the library changes:
// each caller must see what was committed before its call.
func TestSharedRefresh(t *testing.T) {
	l, path := openSample(t, Options{})
	if err := l.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for n := range 5 {
		if err := calibretest.Alter(path, `UPDATE data SET uncompressed_size = `+string(rune('1'+n))+` WHERE book = 2`); err != nil {
			t.Fatal(err)
		}
		for range 4 {
			wg.Go(func() {
				if err := l.Refresh(t.Context()); err != nil {
					t.Error(err)
				}
				b, err := l.Book(t.Context(), 2)
				if err != nil || b.Formats[0].Size <= int64(n) {
					t.Errorf("size %+v after edit %d, %v", b.Formats, n+1, err)
				}
			})
		}
	}
	wg.Wait()
	if n := l.looks.begun.Load(); n > 21 {
		t.Errorf("%d looks for 21 calls", n)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	l.turn <- struct{}{}
	if err := l.Refresh(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	<-l.turn
}

func TestSubscribe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f feed
		ctx, cancel := context.WithCancel(t.Context())
		quick, slow := f.subscribe(ctx), f.subscribe(ctx)
		for n, digest := range []string{"a", "b", "c"} {
			f.publish(catalog.Change{Revision: catalog.Revision{Digest: digest}, Added: []catalog.BookID{catalog.BookID(n)}})
			if c := <-quick; c.Revision.Digest != digest || len(c.Added) != 1 || c.More {
				t.Errorf("change %+v", c)
			}
			synctest.Wait()
		}
		if c := <-slow; c.Revision.Digest != "c" || !c.More || len(c.Added) != 0 {
			t.Errorf("merged change %+v", c)
		}
		f.publish(catalog.Change{Revision: catalog.Revision{Digest: "d"}})
		cancel()
		synctest.Wait()
		for range slow { // one change may have been on its way
		}
		if len(f.subs) != 0 {
			t.Errorf("%d subscribers are left", len(f.subs))
		}
	})
}

// TestUnsound: what SQLite's own check alone finds is not served, though all books
// could be read.
func TestUnsound(t *testing.T) {
	root := calibretest.Sample(t)
	path := filepath.Join(root, "metadata.db")
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	copy(content[36:], []byte{0, 0, 0, 9}) // free pages that there are not (file format, 1.3.5)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := Open(Options{Root: root})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := l.Refresh(t.Context()); !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "quick_check") || !strings.Contains(err.Error(), path) {
		t.Errorf("%v", err)
	}
	if s := l.Status(); s.Books != 0 || !s.Loaded.IsZero() {
		t.Errorf("it is served: %+v", s)
	}
}
