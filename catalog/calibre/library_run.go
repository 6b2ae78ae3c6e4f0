package calibre

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/pressmark/pressmark/catalog/index"
)

// Run keeps the library current until ctx ends, and then returns ctx.Err(). It
// loads the library first, if Load has not. While the library cannot be read it
// goes on trying. Any other error is the Watcher's, which has given up.
func (l *Library) Run(ctx context.Context) error {
	var wait backOff
	for {
		err := l.look(ctx, l.firstLook())
		if err == nil {
			break
		}
		if !wait.sleep(ctx, err) {
			return ctx.Err()
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	var preparing sync.WaitGroup
	preparing.Go(func() { l.prepareEach(ctx) })
	defer preparing.Wait()
	defer cancel()
	if l.options.Watcher == nil {
		<-ctx.Done()
		return ctx.Err()
	}
	changed, ended := make(chan struct{}, 1), make(chan error, 1)
	go func() {
		ended <- l.options.Watcher.Watch(ctx, func() {
			select {
			case changed <- struct{}{}:
			default: // the look that is due begins after this change
			}
		})
	}()
	l.setWatching(true)
	defer l.setWatching(false)
	l.log.Info("Started watching Calibre database", "component", "watcher", "path", l.db)
	err, watcherEnded := l.follow(ctx, changed, ended)
	cancel()
	if !watcherEnded {
		<-ended
	}
	return err
}

// prepareEach makes each generation of the index quick at finding text, until
// ctx ends. Readers do not wait for it.
func (l *Library) prepareEach(ctx context.Context) {
	var ready *index.Index // the last that was prepared
	for {
		c := l.current.Load()
		if ready == nil || !c.index.Adopt(ready) {
			if err := l.prepare(ctx, c); err != nil && ctx.Err() == nil {
				l.log.Warn("Searching text stays slow", "component", "search", "err", err)
			}
		}
		if ready = c.index; l.current.Load() != c {
			continue // another came meanwhile, and can take this one's work over
		}
		select {
		case <-ctx.Done():
			return
		case <-l.swapped:
		}
	}
}

// Prepare makes what answers from an index that finds text quickly, which takes
// seconds in a large library. Without it text is found by looking at all of it.
// Run does it by itself after each load; who only calls Load may call it. It
// returns at once if nothing is to be done.
func (l *Library) Prepare(ctx context.Context) error {
	c := l.current.Load()
	if c == nil {
		return nil
	}
	return l.prepare(ctx, c)
}

func (l *Library) prepare(ctx context.Context, c *contents) error {
	if c.index.Prepared() {
		return nil
	}
	began := l.now()
	if err := c.index.Prepare(ctx); err != nil {
		return fmt.Errorf("prepare to search library %s: %w", l.options.Name, err)
	}
	l.log.Info("Ready to search text", "component", "search", "books", c.index.Len(), "took", l.now().Sub(began).Round(time.Millisecond))
	return nil
}

// firstLook makes the problems of a first load that fails go to the log, where
// nobody else is told of them.
func (l *Library) firstLook() purpose {
	if l.current.Load() != nil {
		return firstLoad
	}
	return anyChange
}

// follow looks at the library when it may have changed, when a failed look is
// due again, and once in a while.
func (l *Library) follow(ctx context.Context, changed <-chan struct{}, ended <-chan error) (err error, watcherEnded bool) {
	var wait backOff
	retry := time.NewTimer(0)
	retry.Stop()
	defer retry.Stop()
	var check <-chan time.Time
	if l.options.CheckInterval > 0 {
		ticker := time.NewTicker(l.options.CheckInterval)
		defer ticker.Stop()
		check = ticker.C
	}
	for {
		var failed error
		select {
		case err := <-ended:
			if ctx.Err() != nil {
				return ctx.Err(), true
			}
			return fmt.Errorf("watch %s: %w", l.db, err), true
		case <-ctx.Done():
			return ctx.Err(), false
		case <-changed:
			failed = l.look(ctx, anyChange)
		case <-retry.C:
			failed = l.look(ctx, anyChange)
		case <-check:
			failed = l.check(ctx)
		}
		retry.Stop()
		if failed != nil {
			retry.Reset(wait.next(failed))
		} else {
			wait = backOff{}
		}
	}
}

// check loads the whole library if it was refreshed by comparison since it was
// last loaded whole.
func (l *Library) check(ctx context.Context) error {
	if !l.compared.Load() {
		return nil
	}
	return l.look(ctx, wholeLoad)
}

func (l *Library) setWatching(on bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.status.Watching = on
}

// The pauses between attempts to read a library that cannot be read.
const (
	firstPause  = 500 * time.Millisecond
	lockedPause = 5 * time.Second // the longest while a writer is at work: it ends without a sign
	lastPause   = 30 * time.Second
)

// backOff is a row of pauses, each twice as long as the one before.
type backOff struct{ pause time.Duration }

// next returns the next pause after an error, a fifth longer or shorter at
// random, so that several servers do not come at once.
func (b *backOff) next(err error) time.Duration {
	longest := lastPause
	if errors.Is(err, ErrLocked) {
		longest = lockedPause
	}
	b.pause = min(max(2*b.pause, firstPause), longest)
	return b.pause*4/5 + rand.N(b.pause*2/5)
}

// sleep pauses, and reports whether it came to the end of the pause.
func (b *backOff) sleep(ctx context.Context, err error) bool {
	t := time.NewTimer(b.next(err))
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
