// Package memstate keeps the state of readers in memory, for tests and for
// programs that have no other use for it than now.
package memstate

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/pressmark/pressmark/readerstate"
)

// Store is all roles of package readerstate. The zero value is empty and ready.
// Safe for concurrent use.
type Store struct {
	// Now is the clock. nil means time.Now. It must not be changed while the
	// store is used.
	Now func() time.Time

	mu      sync.Mutex
	readers map[readerstate.UserID]*reader
	lists   map[string]*list
}

// reader is all that is kept for a user but lists.
type reader struct {
	books       map[readerstate.Book]*book
	preferences readerstate.Preferences
	writes      map[string]time.Time
	made        int // how many lists were
}

// book is what a user has made of a book. Its History is the other way round.
type book struct {
	readerstate.Everything
	positions, forgotten int64
}

var (
	_ readerstate.Marks     = (*Store)(nil)
	_ readerstate.Places    = (*Store)(nil)
	_ readerstate.Lists     = (*Store)(nil)
	_ readerstate.ListBooks = (*Store)(nil)
	_ readerstate.Profiles  = (*Store)(nil)
	_ readerstate.Keeper    = (*Store)(nil)
)

func (s *Store) reader(user readerstate.UserID) *reader {
	r := s.readers[user]
	if r == nil {
		r = &reader{books: map[readerstate.Book]*book{}, writes: map[string]time.Time{}}
		if s.readers == nil {
			s.readers = map[readerstate.UserID]*reader{}
		}
		s.readers[user] = r
	}
	return r
}

// errNothing ends a change that has nothing to write.
var errNothing = errors.New("nothing to write")

// write runs f alone, with the time of the change. repeated tells it that a
// change of this name was made before. f must not have changed anything when it
// fails.
func (s *Store) write(ctx context.Context, user readerstate.UserID, w readerstate.Write, f func(r *reader, now time.Time, repeated bool) error) error {
	if err := w.Check(); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now
	if s.Now != nil {
		now = s.Now
	}
	at := readerstate.Stamp(now())
	r := s.reader(user)
	_, repeated := r.writes[w.ID]
	err := f(r, at, repeated)
	if err != nil && !errors.Is(err, errNothing) {
		return err
	}
	if w.ID != "" && !repeated {
		r.writes[w.ID] = at
	}
	return nil
}

// change is write for a book.
func (s *Store) change(ctx context.Context, user readerstate.UserID, name readerstate.Book, w readerstate.Write, f func(b *book, now time.Time, repeated bool) error) error {
	if _, err := readerstate.ParseBook(string(name)); err != nil {
		return err
	}
	return s.write(ctx, user, w, func(r *reader, now time.Time, repeated bool) error {
		b := r.books[name]
		if b == nil {
			b = &book{}
			b.Book, b.Reading.Status = name, readerstate.Unread
		}
		err := f(b, now, repeated)
		if err == nil {
			r.books[name] = b
		}
		return err
	})
}

// Preferences returns a user's preferences.
func (s *Store) Preferences(ctx context.Context, user readerstate.UserID) (readerstate.Preferences, error) {
	if err := ctx.Err(); err != nil {
		return readerstate.Preferences{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.reader(user).preferences
	p.JSON = slices.Clone(p.JSON)
	return p, nil
}

// SetPreferences replaces a user's preferences.
func (s *Store) SetPreferences(ctx context.Context, user readerstate.UserID, object json.RawMessage, w readerstate.Write) (p readerstate.Preferences, err error) {
	err = s.write(ctx, user, w, func(r *reader, now time.Time, repeated bool) error {
		if p = r.preferences; repeated {
			return nil
		}
		next, err := p.Set(slices.Clone(object), w, now)
		if err != nil {
			return err
		}
		p, r.preferences = next, next
		return nil
	})
	if err != nil {
		return readerstate.Preferences{}, err
	}
	p.JSON = slices.Clone(p.JSON)
	return p, nil
}

// Everything returns all that is kept of a user's books.
func (s *Store) Everything(ctx context.Context, user readerstate.UserID, after readerstate.Book, limit int) ([]readerstate.Everything, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	books := s.reader(user).books
	all := []readerstate.Everything{}
	for _, name := range slices.Sorted(maps.Keys(books)) {
		if name > after && len(all) < min(max(limit, 1), readerstate.MaxBooks) {
			all = append(all, books[name].whole())
		}
	}
	return all, nil
}

// whole returns all of a book, which shares nothing with it.
func (b *book) whole() readerstate.Everything {
	e := b.Everything
	e.Places = append([]readerstate.Place{}, b.Places...)
	e.Place = readerstate.Newest(e.Places)
	e.History = append([]readerstate.Past{}, b.History...)
	slices.Reverse(e.History)
	return e
}

// Erase removes all that is kept for a user.
func (s *Store) Erase(ctx context.Context, user readerstate.UserID) error {
	return s.write(ctx, user, readerstate.Write{}, func(*reader, time.Time, bool) error {
		delete(s.readers, user)
		maps.DeleteFunc(s.lists, func(_ string, l *list) bool { return l.Owner == user })
		return nil
	})
}

// ExpireWrites forgets names of changes.
func (s *Store) ExpireWrites(ctx context.Context, before time.Time) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.readers {
		maps.DeleteFunc(r.writes, func(_ string, at time.Time) bool { return at.Before(before) })
	}
	return nil
}

// Rekey gives what is kept of one book to another.
func (s *Store) Rekey(ctx context.Context, from, to readerstate.Book) (int, error) {
	for _, b := range []readerstate.Book{from, to} {
		if _, err := readerstate.ParseBook(string(b)); err != nil {
			return 0, err
		}
	}
	touched := map[readerstate.UserID]bool{}
	err := s.write(ctx, 0, readerstate.Write{}, func(_ *reader, now time.Time, _ bool) error {
		if from == to {
			return nil
		}
		for user, r := range s.readers {
			if old := r.books[from]; old != nil {
				touched[user] = true
				r.rekey(old, to)
			}
		}
		for _, l := range s.lists {
			if l.rekey(from, to, now) {
				touched[l.Owner] = true
			}
		}
		return nil
	})
	return len(touched), err
}

func (r *reader) rekey(old *book, to readerstate.Book) {
	b := r.books[to]
	if b == nil {
		b = &book{}
		b.Book, b.Reading.Status = to, readerstate.Unread
	}
	m := b.whole().Merge(old.whole())
	slices.Reverse(m.History)
	delete(r.books, old.Book)
	r.books[to] = &book{m, int64(len(m.History)), max(b.forgotten, old.forgotten)}
}
