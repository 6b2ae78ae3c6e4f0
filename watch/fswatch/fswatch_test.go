package fswatch_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/pressmark/pressmark/watch"
	"github.com/pressmark/pressmark/watch/fswatch"
	"github.com/pressmark/pressmark/watch/watchtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var quick = fswatch.Options{Recheck: 10 * time.Millisecond}

// Without rechecks, so that events alone must do.
func TestWatcher(t *testing.T) {
	watchtest.Run(t, func(files []string) watch.Watcher {
		return fswatch.New(files, fswatch.Options{Recheck: time.Hour})
	}, watchtest.Quirks{})
}

func TestJoinedWithPoll(t *testing.T) {
	watchtest.Run(t, func(files []string) watch.Watcher {
		return watch.Join(
			watch.NewPoll(files, watch.PollOptions{Interval: 5 * time.Millisecond, Granularity: -1}),
			fswatch.New(files, quick),
		)
	}, watchtest.Quirks{Starts: 2})
}

func TestSettled(t *testing.T) {
	watchtest.Run(t, func(files []string) watch.Watcher {
		return watch.NewSettler(fswatch.New(files, quick), watch.SettleOptions{Quiet: 5 * time.Millisecond})
	}, watchtest.Quirks{})
}

// calls starts a watcher and returns a channel with a token for each call.
func calls(t *testing.T, files []string, o fswatch.Options) <-chan struct{} {
	ctx, cancel := context.WithCancel(context.Background())
	c, ended := make(chan struct{}, 10_000), make(chan struct{})
	go func() {
		defer close(ended)
		_ = fswatch.New(files, o).Watch(ctx, func() { c <- struct{}{} })
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
	})
	return c
}

func next(t *testing.T, c <-chan struct{}) {
	t.Helper()
	select {
	case <-c:
	case <-time.After(20 * time.Second):
		t.Fatal("no call of notify")
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// What others do in the directory, and that the file is read, is not reported:
// our own copying of metadata.db must not lead to another.
func TestOnlyChangesOfTheNamedFiles(t *testing.T) {
	dir := t.TempDir()
	db := filepath.Join(dir, "metadata.db")
	must(t, os.WriteFile(db, []byte("content"), 0o644))
	c := calls(t, []string{db}, fswatch.Options{})
	next(t, c)
	for i := range 100 {
		must(t, os.Mkdir(filepath.Join(dir, fmt.Sprint("Author ", i)), 0o755))
		must(t, os.WriteFile(filepath.Join(dir, "metadata_db_prefs_backup.json"), []byte("{}"), 0o644))
		f, err := os.Open(db)
		must(t, err)
		_, err = f.Read(make([]byte, 7))
		must(t, err)
		must(t, f.Close())
	}
	must(t, os.Chtimes(db, time.Now(), time.Now())) // events come in order: this is the last
	next(t, c)
	if n := len(c); n != 0 {
		t.Errorf("%d more calls than changes", n)
	}
}

// What happens above the directory gives no event in it: only the recheck sees
// that another directory is in its place.
func TestParentExchanged(t *testing.T) {
	root := t.TempDir()
	link := filepath.Join(root, "current")
	point := func(to string) {
		must(t, os.MkdirAll(filepath.Join(root, to, "library"), 0o755))
		must(t, os.Symlink(to, link+".new"))
		must(t, os.Rename(link+".new", link))
	}
	point("monday")
	db := filepath.Join(link, "library", "metadata.db")
	c := calls(t, []string{db}, quick)
	next(t, c)
	point("tuesday")
	next(t, c) // watched again
	must(t, os.WriteFile(db, nil, 0o644))
	next(t, c)
}

func TestFilesInTwoDirectories(t *testing.T) {
	one, two := filepath.Join(t.TempDir(), "metadata.db"), filepath.Join(t.TempDir(), "metadata.db")
	c := calls(t, []string{one, two}, fswatch.Options{})
	next(t, c)
	next(t, c)
	for _, file := range []string{one, two} {
		must(t, os.WriteFile(file, nil, 0o644))
		next(t, c)
	}
}

// More events than the kernel's queue holds, while the consumer is held up, end
// in a call all the same, though the event of the file itself was dropped.
func TestOverflow(t *testing.T) {
	limit, err := os.ReadFile("/proc/sys/fs/inotify/max_queued_events")
	if err != nil {
		t.Skip("the limit of the queue is not known here:", err)
	}
	var queue int
	if _, err := fmt.Sscan(string(limit), &queue); err != nil || queue > 100_000 {
		t.Skipf("the queue is too long to fill: %s", limit)
	}
	dir := t.TempDir()
	db := filepath.Join(dir, "metadata.db")
	must(t, os.WriteFile(db, nil, 0o644))

	ctx, cancel := context.WithCancel(context.Background())
	release, held, after, ended := make(chan struct{}), make(chan struct{}), make(chan struct{}, 10_000), make(chan struct{})
	n := 0
	go func() {
		defer close(ended)
		_ = fswatch.New([]string{db}, fswatch.Options{Recheck: time.Hour}).Watch(ctx, func() {
			if n++; n == 1 {
				close(held)
				<-release
				return
			}
			after <- struct{}{}
		})
	}()
	defer func() { cancel(); <-ended }()
	<-held
	// fsnotify itself reads up to 4096 events ahead. Two files in turn, because
	// the kernel merges equal events.
	a, b := filepath.Join(dir, "a"), filepath.Join(dir, "b")
	must(t, os.WriteFile(a, nil, 0o644))
	must(t, os.WriteFile(b, nil, 0o644))
	for range (queue + 5000) / 2 {
		must(t, os.Chtimes(a, time.Time{}, time.Now()))
		must(t, os.Chtimes(b, time.Time{}, time.Now()))
	}
	must(t, os.Chtimes(db, time.Now(), time.Now()))
	close(release)
	next(t, after)
}

// One warning for all attempts of an hour, one line when it works again.
func TestLog(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "library")
	synctest.Test(t, func(t *testing.T) {
		var buf bytes.Buffer
		ctx, cancel := context.WithCancel(t.Context())
		var calls atomic.Int32
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			w := fswatch.New([]string{filepath.Join(dir, "metadata.db")}, fswatch.Options{
				Logger: slog.New(slog.NewTextHandler(&buf, nil)),
			})
			_ = w.Watch(ctx, func() {
				if calls.Add(1) == 2 {
					cancel()
				}
			})
		}()
		time.Sleep(time.Hour)
		if n := calls.Load(); n != 1 {
			t.Errorf("%d calls while the directory is missing, want 1", n)
		}
		must(t, os.Mkdir(dir, 0o755))
		back := time.Now()
		<-ended
		if d := time.Since(back); d > 5*time.Second {
			t.Errorf("watched again after %v, want 5s at most", d)
		}
		out := buf.String()
		if strings.Count(out, "level=WARN") != 1 || strings.Count(out, "level=INFO") != 1 || !strings.Contains(out, "dir="+dir) {
			t.Errorf("log:\n%s", out)
		}
	})
}
