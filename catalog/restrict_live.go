package catalog

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
)

// restrictedLive is a restricted reader of a library that changes.
type restrictedLive struct {
	restricted
	live Live
}

var _ Live = (*restrictedLive)(nil)

// Snapshot implements Live.
func (l *restrictedLive) Snapshot() Reader { return l.snapshot() }

func (l *restrictedLive) snapshot() *restricted {
	return &restricted{r: l.live.Snapshot(), language: l.language, e: l.e, once: new(atomic.Pointer[view])}
}

// Status implements Live. Revision and Books are those that can be seen, the
// rest is as for the whole library.
func (l *restrictedLive) Status() Status {
	s := l.live.Status()
	s.Revision, s.Books = Revision{}, 0
	// What cannot be had stays zero, as before the first load.
	ctx, now := context.Background(), l.snapshot()
	if page, err := now.Books(ctx, Query{Limit: 1}); err == nil {
		s.Books = page.Total
	}
	if rev, err := now.Revision(ctx); err == nil {
		s.Revision = rev
	}
	return s
}

// Refresh implements Live.
func (l *restrictedLive) Refresh(ctx context.Context) error { return l.live.Refresh(ctx) }

// Subscribe implements Live. A book that comes into view is Added, one that
// leaves it Removed. A change that shows nothing is received, too, with empty
// lists: the revision is another. Where the restriction itself means something
// else, More is set; that a day has ended is seen with the next change.
func (l *restrictedLive) Subscribe(ctx context.Context) <-chan Change {
	in, out := l.live.Subscribe(ctx), make(chan Change)
	// Looked at after subscribing: what happens between is in the contents
	// that the subscriber will see first.
	seen := l.sight(ctx)
	go func() {
		defer close(out)
		var next *Change // not received yet
		for {
			var ready chan<- Change
			var c Change
			if next != nil {
				ready, c = out, *next
			}
			select {
			case <-ctx.Done():
				return
			case ready <- c:
				next = nil
			case c, ok := <-in:
				if !ok {
					return
				}
				now := l.sight(ctx)
				if next == nil {
					c = now.since(ctx, seen, c)
				} else { // the receiver has fallen behind
					c = Change{More: true}
				}
				c.Revision = now.revision
				seen, next = now, &c
			}
		}
	}()
	return out
}

// sight is what a subscriber can see at one time.
type sight struct {
	r        *restricted // does not change
	base     Revision    // of the contents
	revision Revision    // of what can be seen of them
	meaning  string      // Key of the restriction, empty where it does not evaluate
	err      error
}

func (l *restrictedLive) sight(ctx context.Context) *sight {
	s := &sight{r: l.snapshot()}
	var w view
	if w, s.err = s.r.now(ctx); s.err != nil {
		return s
	}
	if s.base, s.err = w.r.Revision(ctx); s.err != nil {
		return s
	}
	if s.revision, s.err = w.revision(ctx); s.err != nil {
		return s
	}
	var bad error
	if bad, s.err = w.check(ctx); bad == nil {
		s.meaning = Key(w.where)
	}
	return s
}

// maxWatched is of how many books of one change it is looked at whether they
// can be seen. A longer list says no more to anybody than More.
const maxWatched = 4 * MaxLimit

// since returns a change as somebody sees it who saw what was before.
func (s *sight) since(ctx context.Context, before *sight, c Change) Change {
	more := Change{More: true}
	if s.err != nil || len(c.Added)+len(c.Changed)+len(c.Removed) > maxWatched {
		return more
	}
	is, err := s.visible(ctx, slices.Concat(c.Added, c.Changed))
	if err != nil {
		return more
	}
	was, err := before.visible(ctx, slices.Concat(c.Changed, c.Removed))
	if err != nil {
		return more
	}
	// Contents other than those that the change made may have lost or won
	// books that no list will name.
	out := Change{More: c.More || s.meaning != before.meaning || s.base != c.Revision}
	for _, id := range c.Added {
		if is[id] {
			out.Added = append(out.Added, id)
		}
	}
	for _, id := range c.Changed {
		switch {
		case is[id] && was[id]:
			out.Changed = append(out.Changed, id)
		case is[id]:
			out.Added = append(out.Added, id)
		case was[id]:
			out.Removed = append(out.Removed, id)
		}
	}
	for _, id := range c.Removed {
		if was[id] {
			out.Removed = append(out.Removed, id)
		}
	}
	slices.Sort(out.Added)
	slices.Sort(out.Removed)
	return out
}

// visible returns which of the books can be seen.
func (s *sight) visible(ctx context.Context, ids []BookID) (map[BookID]bool, error) {
	seen := map[BookID]bool{}
	if errors.Is(s.err, ErrUnavailable) {
		return seen, nil // nothing is loaded yet
	}
	for part := range slices.Chunk(ids, MaxLimit) {
		page, err := s.r.Books(ctx, Query{Where: IDs(part), Limit: MaxLimit})
		if err != nil {
			return nil, err
		}
		for i := range page.Items {
			seen[page.Items[i].ID] = true
		}
	}
	return seen, nil
}
