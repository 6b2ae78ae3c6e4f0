package catalog

import (
	"context"
	"time"
)

// Live is the optional role of a reader whose contents change while it is in
// use. Find it with As.
type Live interface {
	// Snapshot returns a reader of the contents as they are now, which does
	// not change any more. Before the first load its methods return
	// ErrUnavailable.
	Snapshot() Reader

	// Status says how the contents came about and whether they can be kept
	// current. It does no I/O.
	Status() Status

	// Subscribe returns a channel of changes that is closed when ctx ends. A
	// receiver that falls behind does not hold the others up: what it missed
	// is merged into the next Change it receives, with More set.
	Subscribe(ctx context.Context) <-chan Change

	// Refresh looks for changes now and returns when they can be read, or
	// why they could not be had. Concurrent calls share one look.
	Refresh(ctx context.Context) error
}

// Status is the state of a Live reader.
type Status struct {
	Revision Revision
	Books    int
	// Loaded is when the contents were last found equal to the library's, or
	// made so. Zero before the first load.
	Loaded time.Time
	// Watching is true while changes are being looked for.
	Watching bool
	// Changed is when the contents last changed.
	Changed time.Time
	// Problem is why the contents may be out of date, nil if they are not;
	// Since is when it began.
	Problem error
	Since   time.Time
}

// Change says what a swap of contents changed. Ids are ascending.
type Change struct {
	Revision                Revision
	Added, Changed, Removed []BookID
	// More is true where the lists are not complete: too long, merged, or
	// unknown because the whole library was replaced by another.
	More bool
}

// Snapshot returns a reader of r's contents as they are now if r is Live, and
// r itself if it is not. A request that makes more than one call should make
// them on a snapshot.
func Snapshot(r Reader) Reader {
	if l, ok := r.(Live); ok {
		return l.Snapshot()
	}
	return r
}
