package watch

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"slices"
	"time"
)

// PollOptions adjusts a [Poll]. The zero value is right for a library on a
// disk or a share.
type PollOptions struct {
	// Interval is the time between two looks at the files. 0 or less means
	// 5 s.
	Interval time.Duration

	// Granularity is the coarsest step of the clock with which the file system
	// stamps its files. A change in the same step as a look can leave size and
	// time as they were, so Poll calls notify once more on the first look that
	// is at least this long after a difference. 0 means 2 s, the step of FAT;
	// negative says that no two changes ever get the same time, and leaves the
	// second call out.
	Granularity time.Duration
}

// Poll watches named files by looking at them at a fixed interval. It sees a
// file that appears, vanishes, is replaced by another (device and inode, also
// when size and time are equal), grows, shrinks, or has another modification
// time, in whichever direction. Folders above the files may come and go.
//
// Symbolic links are followed, so a link that is pointed at another file is
// seen as well.
//
// The files are looked at with os.Stat and never opened. A look that hangs, as
// on a network share whose server is gone, cannot be interrupted: Watch then
// returns when the operating system gives up.
type Poll struct {
	files []string
	opts  PollOptions
}

var _ Watcher = (*Poll)(nil)

// NewPoll returns a watcher of the named files, none of which need exist.
// Relative names are looked up in the folder that is current at each look.
func NewPoll(files []string, o PollOptions) *Poll {
	if o.Interval <= 0 {
		o.Interval = 5 * time.Second
	}
	if o.Granularity == 0 {
		o.Granularity = 2 * time.Second
	}
	return &Poll{files: slices.Clone(files), opts: o}
}

// Watch implements [Watcher]. Its delay is at most one interval.
func (p *Poll) Watch(ctx context.Context, notify func()) error {
	ticker := time.NewTicker(p.opts.Interval)
	defer ticker.Stop()

	seen := make([]sight, len(p.files))
	p.look(seen)
	differed, again := time.Now(), p.opts.Granularity > 0
	for call := true; ; {
		if err := ctx.Err(); err != nil {
			return err
		}
		if call {
			notify()
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
		now := time.Now()
		call = p.look(seen)
		switch {
		case call:
			differed, again = time.Now(), p.opts.Granularity > 0
		case again && now.Sub(differed) >= p.opts.Granularity:
			call, again = true, false
		}
	}
}

// look brings seen up to date and reports whether anything differed.
func (p *Poll) look(seen []sight) bool {
	differs := false
	for i, name := range p.files {
		now := see(name)
		differs = differs || !now.equal(seen[i])
		seen[i] = now
	}
	return differs
}

// sight is what one look shows of one file. info is nil for a file that is not
// there and for one that cannot be looked at; absent tells them apart.
type sight struct {
	info   fs.FileInfo
	absent bool
}

func see(name string) sight {
	info, err := os.Stat(name)
	if err != nil {
		return sight{absent: errors.Is(err, fs.ErrNotExist)}
	}
	// Windows fetches a file's identity by its name when it is first asked
	// for. Ask now, or a later comparison gets that of the file's successor.
	os.SameFile(info, info)
	return sight{info: info}
}

func (s sight) equal(t sight) bool {
	if s.info == nil || t.info == nil {
		return s == t
	}
	return s.info.Size() == t.info.Size() && s.info.ModTime().Equal(t.info.ModTime()) && os.SameFile(s.info, t.info)
}
