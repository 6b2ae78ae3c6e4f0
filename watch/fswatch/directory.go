package fswatch

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"
)

// firstRetry is short because a directory that is replaced is away for moments
// only. It doubles up to the recheck interval.
const firstRetry = 50 * time.Millisecond

// errLost ends a session whose directory is no longer the one at its path.
var errLost = errors.New("directory is no longer there")

// directory watches the files of one directory.
type directory struct {
	path    string
	names   []string
	recheck time.Duration
	log     *slog.Logger
}

// Watch runs one session after the other until ctx ends. A session calls notify
// when it begins; one that cannot begin does so in its place if it is the first
// in a row, because what was watched before is gone.
func (d *directory) Watch(ctx context.Context, notify func()) error {
	retry, failing := firstRetry, false
	for ctx.Err() == nil {
		start := time.Now()
		began, err := d.session(ctx, func(begin bool) {
			if begin && failing {
				failing = false
				d.log.InfoContext(ctx, "watching directory again", "dir", d.path)
			}
			notify()
		})
		if ctx.Err() != nil {
			break
		}
		switch {
		case began:
			d.log.DebugContext(ctx, "watch of directory ended; beginning again", "dir", d.path, "err", err)
		case !failing:
			failing = true
			d.log.WarnContext(ctx, "cannot watch directory; changes are seen by polling only", "dir", d.path, "err", err)
			notify()
		}
		// A session that broke at once does not earn a quick retry: its calls
		// of notify would come without end.
		if began && time.Since(start) >= d.recheck {
			retry = firstRetry
		}
		select {
		case <-ctx.Done():
		case <-time.After(retry):
		}
		retry = min(2*retry, max(d.recheck, firstRetry))
	}
	return ctx.Err()
}

// session watches until the directory is lost, fsnotify fails or ctx ends, and
// reports whether it got as far as watching.
func (d *directory) session(ctx context.Context, notify func(begin bool)) (began bool, err error) {
	// Looked at before it is watched: if it is replaced in between, the next
	// recheck finds a difference.
	info, err := os.Stat(d.path)
	if err != nil {
		return false, err
	}
	if !info.IsDir() {
		return false, &fs.PathError{Op: "watch", Path: d.path, Err: errors.New("not a directory")}
	}
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return false, fmt.Errorf("fsnotify: %w", err)
	}
	defer w.Close()
	if err := w.Add(d.path); err != nil {
		return false, fmt.Errorf("fsnotify: watch %s: %w", d.path, err)
	}
	notify(true)

	recheck := time.NewTicker(d.recheck)
	defer recheck.Stop()
	for {
		select {
		case <-ctx.Done():
			return true, ctx.Err()
		case event, ok := <-w.Events:
			if !ok {
				return true, fsnotify.ErrClosed
			}
			self := event.Name == d.path
			if self || d.wants(event.Name) {
				notify(false)
			}
			if self && (event.Has(fsnotify.Remove) || event.Has(fsnotify.Rename)) {
				return true, errLost
			}
		case err, ok := <-w.Errors:
			if !ok {
				return true, fsnotify.ErrClosed
			}
			notify(false)
			if !errors.Is(err, fsnotify.ErrEventOverflow) {
				return true, fmt.Errorf("fsnotify: %w", err)
			}
		case <-recheck.C:
			// An unmount takes the watch away without an event; a new mount
			// of the same file system would look the same.
			now, err := os.Stat(d.path)
			if err != nil || !os.SameFile(info, now) || len(w.WatchList()) == 0 {
				return true, errLost
			}
		}
	}
}

func (d *directory) wants(path string) bool {
	name := filepath.Base(path)
	return slices.ContainsFunc(d.names, func(n string) bool { return strings.EqualFold(n, name) })
}
