package readerstate

import (
	"context"
	"time"
)

// Favorite is whether a reader likes to find a book quickly.
type Favorite struct {
	On bool
	// Since is when it became one, or ceased to be.
	Since   time.Time
	Version int64
}

// Status is how far a reader is with a book.
type Status string

// The statuses.
const (
	Unread   Status = "unread"
	InHand   Status = "reading"
	Finished Status = "finished"
)

// Reading is the status of a book, with its dates.
type Reading struct {
	Status Status
	// Started and Finished may be zero: not yet, or not known. An unread book has
	// neither, one in hand is not finished.
	Started, Finished time.Time
	Changed           time.Time
	Version           int64
}

// ReadingChange is a new status.
type ReadingChange struct {
	Status Status
	// Started and Finished are dates that the reader gives. Zero keeps the one
	// that is there, and else means now, as far as the status has it.
	Started, Finished time.Time
}

// Rating is how a reader likes a book.
type Rating struct {
	// Stars are 0.5 to 5 by halves; 0 is no rating.
	Stars   float64
	Changed time.Time
	Version int64
}

// Mark is what a reader has made of one book.
type Mark struct {
	Book     Book
	Favorite Favorite
	Reading  Reading
	Rating   Rating
	// Read is when the reader's place in the book was told last; zero is never.
	Read time.Time
	// Place is the newest of all device families, nil if there is none.
	Place *Place
}

// Cursor is where a list goes on: behind the book with that time. The zero value
// is its begin.
type Cursor struct {
	Time time.Time
	Book Book
}

// Marks keeps favorites, statuses and ratings. Implementations are safe for
// concurrent use, and what they acknowledge is kept.
type Marks interface {
	// SetFavorite makes a book a favorite, or no favorite.
	SetFavorite(ctx context.Context, user UserID, book Book, on bool, w Write) (Favorite, error)

	// SetStatus sets the status of a book by Reading.Set.
	SetStatus(ctx context.Context, user UserID, book Book, c ReadingChange, w Write) (Reading, error)

	// SetRating sets the rating of a book.
	SetRating(ctx context.Context, user UserID, book Book, stars float64, w Write) (Rating, error)

	// MarksOf returns the marks of these books, in this order, also of those that
	// the user has never touched; at most MaxBooks of them.
	MarksOf(ctx context.Context, user UserID, books []Book) ([]Mark, error)

	// Favorites returns the books that are favorites, the newest first, those of
	// one time by name; from behind after on, at most limit of them, 1 to MaxBooks.
	// The cursor of a book is Favorite.Since and its name.
	Favorites(ctx context.Context, user UserID, after Cursor, limit int) ([]Mark, error)

	// Recent returns the books whose place was told, as Favorites does, by
	// Mark.Read; only those of a status unless that is "".
	Recent(ctx context.Context, user UserID, status Status, after Cursor, limit int) ([]Mark, error)
}

// MaxBooks is how many books one call may ask for.
const MaxBooks = 500

// Set returns the favorite after a change. What is so already stays as it is.
func (f Favorite) Set(on bool, w Write, now time.Time) (Favorite, error) {
	if err := w.allows(f.Version, f); err != nil || f.On == on {
		return f, err
	}
	return Favorite{on, Stamp(now), f.Version + 1}, nil
}

// Set returns the status after a change. What is so already stays as it is.
func (r Reading) Set(c ReadingChange, w Write, now time.Time) (Reading, error) {
	if err := w.allows(r.Version, r); err != nil {
		return r, err
	}
	next := Reading{Status: c.Status, Changed: Stamp(now), Version: r.Version + 1}
	started := firstOf(c.Started, r.Started, now)
	switch c.Status {
	case Unread:
		if !c.Started.IsZero() || !c.Finished.IsZero() {
			return r, &InvalidError{"status", "a book that is unread has no dates"}
		}
	case InHand:
		if !c.Finished.IsZero() {
			return r, &InvalidError{"finished", "a book that is being read is not finished"}
		}
		next.Started = started
	case Finished:
		next.Finished = firstOf(c.Finished, r.Finished, now)
		if c.Started.IsZero() && r.Started.IsZero() || c.Started.IsZero() && started.After(next.Finished) {
			started = next.Finished
		}
		next.Started = started
		if next.Started.After(next.Finished) {
			return r, &InvalidError{"finished", "it lies before the book was started"}
		}
	default:
		return r, &InvalidError{"status", `"unread", "reading" or "finished" was expected`}
	}
	if next.Status == r.Status && next.Started.Equal(r.Started) && next.Finished.Equal(r.Finished) {
		return r, nil
	}
	return next, nil
}

// Follow returns the status of a book whose reader has come to a place in it: a
// book that nobody has begun is being read, at its end it is finished. One that
// was finished stays so.
func (r Reading) Follow(progression float64, now time.Time) Reading {
	c := ReadingChange{Status: InHand}
	switch {
	case r.Status == Finished:
		return r
	case progression >= 1:
		c.Status = Finished
	case r.Status == InHand:
		return r
	}
	next, err := r.Set(c, Write{}, now)
	if err != nil {
		return r // it has no dates that could be wrong
	}
	return next
}

func firstOf(times ...time.Time) time.Time {
	for _, t := range times {
		if !t.IsZero() {
			return Stamp(t)
		}
	}
	return time.Time{}
}

// Set returns the rating after a change. What is so already stays as it is.
func (r Rating) Set(stars float64, w Write, now time.Time) (Rating, error) {
	if err := w.allows(r.Version, r); err != nil {
		return r, err
	}
	if halves := stars * 2; halves != float64(int(halves)) || halves < 0 || halves > 10 {
		return r, &InvalidError{"rating", "0.5 to 5 stars by halves were expected, or none"}
	}
	if r.Stars == stars {
		return r, nil
	}
	return Rating{stars, Stamp(now), r.Version + 1}, nil
}
