package calibre

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync/atomic"
	"time"

	"github.com/pressmark/pressmark/catalog"
	"github.com/pressmark/pressmark/catalog/calibre/internal/snapshot"
	"github.com/pressmark/pressmark/catalog/index"
	"github.com/pressmark/pressmark/catalog/search"
)

// purpose says why somebody looks at the database.
type purpose int

const (
	firstLoad purpose = iota // nothing is to be done once something is loaded
	anyChange                // the files may have changed
	wholeLoad                // a comparison may have missed something
)

// looks numbers the looks at the database, so that those who wait for one can
// tell whether it began late enough for them.
type looks struct {
	begun atomic.Int64
	done  int64 // the last that came to an end; belongs to the holder of turn
	err   error // its result
}

// lastRead is what the contents were read from.
type lastRead struct {
	stamp   snapshot.Stamp
	counter uint32 // of changes, in the header
	settled bool   // a later change would have another stamp
}

// racy is the coarsest step of the clocks with which file systems stamp files.
// A change within the same step as the one before can leave the stamp as it is.
const racy = 2 * time.Second

// Load loads the library if it is not loaded yet. Its errors name the path and
// what was expected there.
func (l *Library) Load(ctx context.Context) error { return l.look(ctx, firstLoad) }

// Refresh implements catalog.Live. It loads the library if it is not loaded
// yet. A look that began before the call is not shared: it may have missed what
// the caller knows of.
func (l *Library) Refresh(ctx context.Context) error { return l.look(ctx, anyChange) }

func (l *Library) look(ctx context.Context, why purpose) error {
	asked := l.looks.begun.Load()
	select {
	case l.turn <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-l.turn }()
	if why == firstLoad && l.current.Load() != nil {
		return nil
	}
	if why != wholeLoad && l.looks.done > asked {
		return l.looks.err
	}
	n := l.looks.begun.Add(1)
	err := l.update(ctx, why)
	if err != nil && ctx.Err() != nil { // says nothing to those who still wait
		return err
	}
	l.looks.done, l.looks.err = n, err
	return err
}

// update brings the contents up to date. The caller holds turn.
func (l *Library) update(ctx context.Context, why purpose) error {
	began := l.now()
	old := l.current.Load()
	look := Look{Kind: Unchanged}
	if why == anyChange && old != nil && l.unchanged() {
		l.succeed(began, nil)
		l.tell(look, began)
		return nil
	}
	err := l.read(ctx, why, began, old, &look)
	if ctx.Err() == nil {
		look.Err = err
		l.tell(look, began)
	}
	if err == nil || ctx.Err() != nil {
		return err
	}
	err = l.explain(err)
	l.fail(err, why)
	return err
}

// unchanged reports whether the files are those that were read last.
func (l *Library) unchanged() bool {
	now, err := snapshot.Look(l.db)
	return err == nil && l.last.settled && now == l.last.stamp
}

// load reads a whole copy, and has it checked meanwhile: what is not sound is not
// served.
func (l *Library) load(ctx context.Context, c snapshot.Copy) (ix *index.Index, st *state, warn warnings, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	checked := make(chan error, 1)
	go func() {
		err := c.Check(ctx)
		if err != nil {
			cancel()
		}
		checked <- err
	}()
	ix, st, warn, err = l.loader.load(ctx, copied{c.DSN(), c.Size})
	if e := <-checked; e != nil { // it says more than what the load made of it
		err = fmt.Errorf("copy %s: %w", l.db, e)
	}
	return ix, st, warn, err
}

// read copies the database and makes the next contents of it.
func (l *Library) read(ctx context.Context, why purpose, began time.Time, old *contents, look *Look) error {
	var (
		next   = &contents{}
		change catalog.Change
		warn   warnings
	)
	whole := old == nil || why == wholeLoad
	look.kind(whole)
	c, err := l.dir.Take(ctx, l.db, snapshot.Options{})
	look.took(c)
	defer c.Remove()
	if err == nil && !whole {
		next.index, next.state, change, warn, err = l.loader.refresh(ctx, copied{c.DSN(), c.Size}, old.index, old.state)
		if whole = errors.Is(err, errReload); whole {
			err = nil
		}
	}
	if look.kind(whole); err == nil && whole {
		next.index, next.state, warn, err = l.load(ctx, c)
		if l.options.AfterLoad != nil {
			defer l.options.AfterLoad()
		}
	}
	if err != nil {
		return err
	}
	if err := json.Unmarshal(next.state.extra, &next.prefs); err != nil {
		return fmt.Errorf("preferences: %w", err)
	}
	again := c.Stamp == l.last.stamp && c.ChangeCounter == l.last.counter
	missed := why == wholeLoad && again
	l.last = lastRead{c.Stamp, c.ChangeCounter, settled(c.Stamp)}
	l.compared.Store(!whole && (!again || l.compared.Load()))
	same := false
	switch revision := next.revision(); {
	case old == nil:
		change = catalog.Change{Revision: revision, More: true}
	case revision == old.revision():
		// An index that was loaded whole takes the place of one that was
		// refreshed many times: it is free of what those left behind.
		if same = true; !whole {
			next.index = old.index
		}
	case whole:
		change = index.Diff(old.index, next.index)
		// Other fields are a change of every book that has them.
		change.More = change.More || !next.state.sameFields(old.state)
	}
	if old != nil && next.index == old.index {
		next.reader = old.reader
	} else {
		next.reader = search.NewReader(next.index, l.language(next))
	}
	l.current.Store(next)
	select {
	case l.swapped <- struct{}{}:
	default: // the last swap has not been seen yet
	}
	l.warn(warn)
	l.succeed(began, next)
	if same {
		return nil
	}
	look.Missed = missed
	l.logSwap(began, next, change, old == nil, missed)
	l.feed.publish(change)
	return nil
}

// language returns what expressions can name in the library.
func (l *Library) language(c *contents) *search.Language {
	fields, _ := c.index.Fields(context.Background()) // never fails
	return search.New(fields, c.prefs, search.Options{Location: l.options.Location, Now: l.now})
}

// settled reports whether a later change will show in the stamp.
func settled(s snapshot.Stamp) bool {
	limit := time.Now().Add(-racy).UnixNano()
	for _, f := range [...]snapshot.FileStamp{s.Main, s.WAL, s.Journal} {
		if f.Modified > limit || f.Changed > limit {
			return false
		}
	}
	return true
}

// explain makes an error say what was expected where.
func (l *Library) explain(err error) error {
	if l.options.Database == "" {
		switch info, statErr := os.Stat(l.options.Root); {
		case statErr != nil:
			return fmt.Errorf("Calibre library %s: expected the folder in which Calibre keeps its books: %w", l.options.Root, statErr)
		case !info.IsDir():
			return fmt.Errorf("Calibre library %s: expected a folder, found a file: %w", l.options.Root, err)
		}
	}
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("Calibre library %s: expected Calibre's database there: %w", l.db, err)
	}
	return fmt.Errorf("Calibre library %s: %w", l.db, err)
}
