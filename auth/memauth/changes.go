package memauth

import (
	"context"
	"fmt"

	"github.com/pressmark/pressmark/auth"
)

var _ auth.Changes = (*Store)(nil)

// maxPending is how many changes wait for a slow watcher before they become one
// for all accounts.
const maxPending = 1000

// watcher is a call of Watch. What is pending is guarded by the store's lock.
type watcher struct {
	pending []auth.UserID
	more    chan struct{} // has room for one
}

// tell tells the watchers of a change. The store is locked.
func (s *Store) tell(user auth.UserID) {
	for w := range s.watchers {
		if w.pending = append(w.pending, user); len(w.pending) > maxPending {
			w.pending = append(w.pending[:0], 0)
		}
		select {
		case w.more <- struct{}{}:
		default:
		}
	}
}

// Watch tells of accounts that were changed.
func (s *Store) Watch(ctx context.Context, listening func(), changed func(auth.UserID)) error {
	w := &watcher{more: make(chan struct{}, 1)}
	s.mu.Lock()
	if s.watchers == nil {
		s.watchers = map[*watcher]bool{}
	}
	s.watchers[w] = true
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.watchers, w)
	}()
	listening()
	for {
		select {
		case <-ctx.Done():
			return fmt.Errorf("watch accounts: %w", ctx.Err())
		case <-w.more:
		}
		s.mu.Lock()
		ids := w.pending
		w.pending = nil
		s.mu.Unlock()
		for _, id := range ids {
			changed(id)
		}
	}
}
