// Package watch tells that files may have changed.
//
// A [Watcher] says only "look again"; it never says what happened. The one who
// is told compares what is there now with what was seen before. That makes the
// promise simple to keep, and lets several imperfect sources be combined into
// one good one:
//
//   - [Poll] looks at named files every few seconds. It works on every file
//     system, network shares and bind mounts included.
//   - fswatch, a package below this one, is told by the operating system within
//     milliseconds, but hears nothing of changes made by other machines.
//   - [Join] runs several watchers as one.
//   - [Settler] waits until a burst of changes is over before it passes it on,
//     and calls its consumer serially, however long the consumer takes.
//
// The usual arrangement for a Calibre library is
//
//	db := "/books/metadata.db"
//	files := []string{db, db + "-journal", db + "-wal"}
//	w := watch.NewSettler(watch.Join(
//		watch.NewPoll(files, watch.PollOptions{}),
//		fswatch.New(files, fswatch.Options{}),
//	), watch.SettleOptions{})
//	err := w.Watch(ctx, refresh) // blocks until ctx ends
//
// # What a watcher promises
//
// Every change made after Watch was called is followed by a call of notify
// that begins after the change. How much later is the watcher's own delay: one
// poll interval, some milliseconds, the settle time.
//
// To keep that promise from its first moment, a watcher calls notify once when
// it begins to watch: what changed while it was getting ready has not been
// seen. For the same reason it calls notify whenever it may have lost track. A
// consumer that looks at each call, the first included, always arrives at the
// final state.
//
// Calls are merged: a hundred changes may lead to one call. Calls without a
// change are allowed (a change seen by two sources is often passed on twice),
// so looking must be cheap when there is nothing new. Size and modification
// time do not decide that; for an SQLite file in rollback mode the change
// counter in its header does.
//
// # Files are not opened
//
// POSIX locks belong to a process and a file: to close any descriptor of an
// SQLite database drops the locks that SQLite holds on it elsewhere in the
// process. Watchers here therefore look at names, sizes and times only. (The
// documentation of fswatch names the systems where the operating system forces
// an exception.)
//
// A new kind of watcher is proved with the suite in package watchtest.
package watch

import "context"

// Watcher tells that something may have changed. The package documentation
// says what it promises.
type Watcher interface {
	// Watch calls notify once when it begins to watch and then after every
	// change, until ctx ends.
	//
	// Calls of notify are never concurrent, and none is made after Watch has
	// returned. A notify that takes long delays the next call; nothing is
	// lost by it.
	//
	// Watch blocks, and returns when ctx ends with ctx.Err(), having stopped
	// all that it started. Any other error means that this watcher cannot do
	// its work and will not be able to by trying again; what can heal (a
	// folder that is missing, a limit that is reached) is tried again inside.
	//
	// Watch may be called again after it has returned.
	Watch(ctx context.Context, notify func()) error
}
