package memstate

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/pressmark/pressmark/readerstate"
)

// SetFavorite makes a book a favorite, or no favorite.
func (s *Store) SetFavorite(ctx context.Context, user readerstate.UserID, name readerstate.Book, on bool, w readerstate.Write) (f readerstate.Favorite, err error) {
	err = s.change(ctx, user, name, w, func(b *book, now time.Time, repeated bool) error {
		return set(&b.Favorite, &f, repeated, func() (readerstate.Favorite, error) { return b.Favorite.Set(on, w, now) })
	})
	return orZero(f, err)
}

// SetStatus sets the status of a book.
func (s *Store) SetStatus(ctx context.Context, user readerstate.UserID, name readerstate.Book, c readerstate.ReadingChange, w readerstate.Write) (r readerstate.Reading, err error) {
	err = s.change(ctx, user, name, w, func(b *book, now time.Time, repeated bool) error {
		return set(&b.Reading, &r, repeated, func() (readerstate.Reading, error) { return b.Reading.Set(c, w, now) })
	})
	return orZero(r, err)
}

// SetRating sets the rating of a book.
func (s *Store) SetRating(ctx context.Context, user readerstate.UserID, name readerstate.Book, stars float64, w readerstate.Write) (r readerstate.Rating, err error) {
	err = s.change(ctx, user, name, w, func(b *book, now time.Time, repeated bool) error {
		return set(&b.Rating, &r, repeated, func() (readerstate.Rating, error) { return b.Rating.Set(stars, w, now) })
	})
	return orZero(r, err)
}

// set changes a record, and tells what it is then.
func set[T comparable](record, then *T, repeated bool, change func() (T, error)) error {
	*then = *record
	if repeated {
		return errNothing
	}
	next, err := change()
	if err != nil {
		return err
	}
	if next == *record {
		return errNothing
	}
	*record, *then = next, next
	return nil
}

func orZero[T any](v T, err error) (T, error) {
	if err != nil {
		var zero T
		return zero, err
	}
	return v, nil
}

// MarksOf returns the marks of some books.
func (s *Store) MarksOf(ctx context.Context, user readerstate.UserID, books []readerstate.Book) ([]readerstate.Mark, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.reader(user)
	marks := []readerstate.Mark{}
	for _, name := range books[:min(len(books), readerstate.MaxBooks)] {
		m := readerstate.Mark{Book: name, Reading: readerstate.Reading{Status: readerstate.Unread}}
		if b := r.books[name]; b != nil {
			m = b.whole().Mark
		}
		marks = append(marks, m)
	}
	return marks, nil
}

// Favorites returns a user's favorites.
func (s *Store) Favorites(ctx context.Context, user readerstate.UserID, after readerstate.Cursor, limit int) ([]readerstate.Mark, error) {
	return s.page(ctx, user, after, limit, func(b *book) (time.Time, bool) { return b.Favorite.Since, b.Favorite.On })
}

// Recent returns the books whose place was told.
func (s *Store) Recent(ctx context.Context, user readerstate.UserID, status readerstate.Status, after readerstate.Cursor, limit int) ([]readerstate.Mark, error) {
	return s.page(ctx, user, after, limit, func(b *book) (time.Time, bool) {
		return b.Read, !b.Read.IsZero() && (status == "" || b.Reading.Status == status)
	})
}

func (s *Store) page(ctx context.Context, user readerstate.UserID, after readerstate.Cursor, limit int, wanted func(*book) (time.Time, bool)) ([]readerstate.Mark, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	type timed struct {
		at time.Time
		b  *book
	}
	var found []timed
	for name, b := range s.reader(user).books {
		at, ok := wanted(b)
		if ok && (after.Time.IsZero() || at.Before(after.Time) || at.Equal(after.Time) && name > after.Book) {
			found = append(found, timed{at, b})
		}
	}
	slices.SortFunc(found, func(x, y timed) int { return cmp.Or(y.at.Compare(x.at), cmp.Compare(x.b.Book, y.b.Book)) })
	marks := []readerstate.Mark{}
	for _, f := range found[:min(len(found), max(limit, 1), readerstate.MaxBooks)] {
		marks = append(marks, f.b.whole().Mark)
	}
	return marks, nil
}

// place returns where the place of a family is, behind all if there is none.
func (b *book) place(family string) (int, readerstate.Place) {
	i := slices.IndexFunc(b.Places, func(p readerstate.Place) bool { return p.Family >= family })
	if i < 0 {
		i = len(b.Places)
	}
	if i < len(b.Places) && b.Places[i].Family == family {
		return i, b.Places[i]
	}
	return i, readerstate.Place{}
}

func (b *book) setPlace(i int, p readerstate.Place) {
	if i < len(b.Places) && b.Places[i].Family == p.Family {
		b.Places[i] = p
		return
	}
	b.Places = slices.Insert(b.Places, i, p)
}

// kept returns where in the history the positions of a family are that were its
// place, the newest first.
func (b *book) kept(family string) (at []int, past []readerstate.Past) {
	for i, p := range slices.Backward(b.History) {
		if p.Family == family && p.Fate == readerstate.Kept {
			at, past = append(at, i), append(past, p)
		}
	}
	return at, past
}

// SetPlace tells where a reader is.
func (s *Store) SetPlace(ctx context.Context, user readerstate.UserID, name readerstate.Book, p readerstate.Position, w readerstate.Write) (place readerstate.Place, won bool, err error) {
	if err := p.Check(); err != nil {
		return readerstate.Place{}, false, err
	}
	err = s.change(ctx, user, name, w, func(b *book, now time.Time, repeated bool) error {
		i, stored := b.place(p.Family)
		if place = stored; repeated {
			won = stored.Repeats(p)
			return errNothing
		}
		var err error
		if place, won, err = stored.Set(p, w, now); err != nil {
			return err
		}
		if stored.Version == 0 {
			place.Version += b.forgotten
		}
		p.At = readerstate.Stamp(p.At)
		at, _ := b.kept(p.Family)
		switch {
		case won && stored.Repeats(p):
			if len(at) > 0 {
				b.History[at[0]].At, b.History[at[0]].Received = p.At, now
			}
		case won:
			b.remember(readerstate.Past{Position: p, Received: now, Fate: readerstate.Kept})
		default:
			b.remember(readerstate.Past{Position: p, Received: now, Fate: readerstate.Late})
			return nil
		}
		b.setPlace(i, place)
		b.Reading = b.Reading.Follow(p.Progression, now)
		if place.Since.After(b.Read) {
			b.Read = place.Since
		}
		return nil
	})
	if err != nil {
		return readerstate.Place{}, false, err
	}
	return place, won, nil
}

// remember adds a position to the history.
func (b *book) remember(p readerstate.Past) {
	b.positions++
	p.N = b.positions
	b.History = append(b.History, p)
	b.History = b.History[max(0, len(b.History)-readerstate.MaxHistory):]
}

// PlacesIn returns the places in a book.
func (s *Store) PlacesIn(ctx context.Context, user readerstate.UserID, name readerstate.Book) ([]readerstate.Place, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	places := []readerstate.Place{}
	if b := s.reader(user).books[name]; b != nil {
		places = append(places, b.Places...)
	}
	slices.SortFunc(places, func(p, q readerstate.Place) int {
		if p.Newer(q) {
			return -1
		}
		return 1
	})
	return places, nil
}

// History returns the history of a book.
func (s *Store) History(ctx context.Context, user readerstate.UserID, name readerstate.Book) ([]readerstate.Past, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if b := s.reader(user).books[name]; b != nil {
		return b.whole().History, nil
	}
	return []readerstate.Past{}, nil
}

// Undo takes a place back to the one before it.
func (s *Store) Undo(ctx context.Context, user readerstate.UserID, name readerstate.Book, family string, w readerstate.Write) (place readerstate.Place, err error) {
	if err := readerstate.CheckFamily(family); err != nil {
		return readerstate.Place{}, err
	}
	err = s.change(ctx, user, name, w, func(b *book, now time.Time, repeated bool) error {
		i, stored := b.place(family)
		if place = stored; repeated {
			return errNothing
		}
		at, kept := b.kept(family)
		next, err := stored.Undo(kept, w, now)
		if err != nil {
			return err
		}
		place = next
		b.History[at[0]].Fate = readerstate.Undone
		b.setPlace(i, place)
		b.Read = now
		return nil
	})
	if err == nil && place.Version == 0 {
		err = fmt.Errorf("undo: %w", readerstate.ErrNotFound)
	}
	return orZero(place, err)
}

// ForgetPlaces removes all places in a book.
func (s *Store) ForgetPlaces(ctx context.Context, user readerstate.UserID, name readerstate.Book, w readerstate.Write) error {
	return s.change(ctx, user, name, w, func(b *book, _ time.Time, repeated bool) error {
		if repeated || b.Read.IsZero() {
			return errNothing
		}
		for _, p := range b.Places {
			b.forgotten = max(b.forgotten, p.Version)
		}
		b.Read, b.Places, b.History = time.Time{}, nil, nil
		return nil
	})
}
