// Package fswatch watches files with the help of the operating system (inotify
// on Linux), through fsnotify. Changes are reported within milliseconds, but
// only those made by this machine: on network shares, and on some bind mounts
// of containers, nothing is heard. So it is joined with a poll:
//
//	w := watch.Join(
//		watch.NewPoll(files, watch.PollOptions{}),
//		fswatch.New(files, fswatch.Options{}),
//	)
//
// It is the directory that is watched, not the file: a file that is replaced by
// a rename, deleted or not there yet would otherwise be lost. Other files in the
// directory are ignored. Reading a file is not reported; every write, change of
// times or mode, creation, deletion and rename is.
//
// # Failures
//
// Where the directory cannot be watched (it is missing, the system's limit is
// reached, the system has no such service), Watch goes on trying with back-off
// and is silent meanwhile: the poll carries on. It calls notify when the
// directory is lost and when it is watched again. When events come faster than
// the system can queue them, that is a call too. A directory that was moved
// away, unmounted or hidden by a mount is noticed at the latest after
// [Options].Recheck.
//
// The errors of Linux need translation: "no space left on device" says that
// fs.inotify.max_user_watches is reached, "too many open files" the same of
// fs.inotify.max_user_instances. One instance and one watch are used for each
// directory.
//
// # BSD and macOS
//
// The kqueue of these systems knows only open files, so fsnotify opens every
// file of the directory there, and closes one when it is deleted and all when
// Watch ends or loses the directory. That drops the POSIX locks which the same
// process holds on that file; a program that relies on them should only poll.
// On Linux and Windows no file is opened.
package fswatch

import (
	"context"
	"log/slog"
	"path/filepath"
	"slices"
	"time"

	"github.com/pressmark/pressmark/watch"
)

// Options adjusts a [Watcher]. The zero value works.
type Options struct {
	// Recheck is how often to make sure that the directory is still the one
	// at its path, and the longest wait between two attempts to watch it.
	// 0 or less means 5 s.
	Recheck time.Duration

	// Logger gets one warning when a directory cannot be watched and one line
	// when it can be again. nil discards them.
	Logger *slog.Logger
}

// Watcher watches files through the directories that hold them.
type Watcher struct{ all watch.Watcher }

var _ watch.Watcher = (*Watcher)(nil)

// New returns a watcher of the named files. Neither the files nor their
// directories need exist. Names are compared without regard to case, because
// some file systems do so. A file that is a symbolic link is watched where the
// link is; name its target, too, to hear of changes there.
func New(files []string, o Options) *Watcher {
	if o.Recheck <= 0 {
		o.Recheck = 5 * time.Second
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	var dirs []*directory
	for _, file := range files {
		path, name := filepath.Dir(file), filepath.Base(file)
		i := slices.IndexFunc(dirs, func(d *directory) bool { return d.path == path })
		if i < 0 {
			i = len(dirs)
			dirs = append(dirs, &directory{path: path, recheck: o.Recheck, log: o.Logger})
		}
		dirs[i].names = append(dirs[i].names, name)
	}
	all := make([]watch.Watcher, len(dirs))
	for i, d := range dirs {
		all[i] = d
	}
	return &Watcher{all: watch.Join(all...)}
}

// Watch implements [watch.Watcher]. It returns only when ctx ends. At its
// beginning it calls notify once for each directory.
func (w *Watcher) Watch(ctx context.Context, notify func()) error {
	return w.all.Watch(ctx, notify)
}
