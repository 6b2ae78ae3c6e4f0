package calibre

import (
	"context"
	"sync"

	"github.com/pressmark/pressmark/catalog"
)

// Subscribe implements catalog.Live.
func (l *Library) Subscribe(ctx context.Context) <-chan catalog.Change {
	return l.feed.subscribe(ctx)
}

// feed hands changes to subscribers. Its zero value has none.
type feed struct {
	mu   sync.Mutex
	subs map[*subscriber]struct{}
}

// subscriber is a receiver and what it has not received yet.
type subscriber struct {
	kick chan struct{} // capacity 1: there is something in next

	mu   sync.Mutex
	next *catalog.Change
}

func (f *feed) subscribe(ctx context.Context) <-chan catalog.Change {
	s := &subscriber{kick: make(chan struct{}, 1)}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.subs == nil {
		f.subs = map[*subscriber]struct{}{}
	}
	f.subs[s] = struct{}{}
	out := make(chan catalog.Change)
	go func() {
		defer close(out)
		s.serve(ctx, out)
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.subs, s)
	}()
	return out
}

// serve sends what arrives until ctx ends.
func (s *subscriber) serve(ctx context.Context, out chan<- catalog.Change) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.kick:
		}
		for c := s.take(); c != nil; {
			select {
			case <-ctx.Done():
				return
			case out <- *c:
				c = nil
			case <-s.kick: // while the receiver was busy
				c = merge(c, s.take())
			}
		}
	}
}

func (s *subscriber) take() *catalog.Change {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.next
	s.next = nil
	return c
}

func (f *feed) publish(c catalog.Change) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for s := range f.subs {
		s.mu.Lock()
		s.next = merge(s.next, &c)
		s.mu.Unlock()
		select {
		case s.kick <- struct{}{}:
		default:
		}
	}
}

// merge returns the change that stands for a and then b, either of which may
// be missing.
func merge(a, b *catalog.Change) *catalog.Change {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	}
	return &catalog.Change{Revision: b.Revision, More: true}
}
