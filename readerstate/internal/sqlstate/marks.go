package sqlstate

import (
	"context"
	"time"

	"github.com/pressmark/pressmark/migrations/sqldb"
	rs "github.com/pressmark/pressmark/readerstate"
)

// row is a mark as it is kept.
type row struct {
	rs.Mark
	positions int64 // the number of the last position
	forgotten int64 // the highest version of a place that is gone
}

const markColumns = `book, favorite, favorite_at, favorite_version, status, started_at, finished_at, status_at, status_version,
	rating, rating_at, rating_version, read_at, positions, forgotten`

func (r *row) fields(halves *int64) []any {
	return []any{
		&r.Book, &r.Favorite.On, sqldb.At(&r.Favorite.Since), &r.Favorite.Version,
		&r.Reading.Status, sqldb.At(&r.Reading.Started), sqldb.At(&r.Reading.Finished), sqldb.At(&r.Reading.Changed), &r.Reading.Version,
		halves, sqldb.At(&r.Rating.Changed), &r.Rating.Version, sqldb.At(&r.Read), &r.positions, &r.forgotten,
	}
}

// rows reads what a query returns of markColumns.
func (s *Store) rows(ctx context.Context, q sqldb.Querier, query string, args ...any) ([]row, error) {
	found, err := q.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer found.Close()
	return scanRows(found)
}

func scanRows(found sqldb.Rows) (list []row, err error) {
	for found.Next() {
		var r row
		var halves int64
		if err := found.Scan(r.fields(&halves)...); err != nil {
			return nil, err
		}
		r.Rating.Stars = float64(halves) / 2
		list = append(list, r)
	}
	return list, found.Err()
}

// change makes a change of a user's mark of a book.
func (s *Store) change(ctx context.Context, op string, user rs.UserID, book rs.Book, how rs.Write, f changer, also ...question) error {
	if _, err := rs.ParseBook(string(book)); err != nil {
		return err
	}
	if err := how.Check(); err != nil {
		return err
	}
	return s.wrap(op, s.group.do(&change{ctx: ctx, user: user, book: book, how: how, f: f, also: also}))
}

// SetFavorite makes a book a favorite, or no favorite.
func (s *Store) SetFavorite(ctx context.Context, user rs.UserID, book rs.Book, on bool, w rs.Write) (rs.Favorite, error) {
	var f rs.Favorite // a change may go on when its caller has gone
	err := s.change(ctx, "set favorite", user, book, w, func(ctx context.Context, tx *sqldb.Tx, m *row, now time.Time, repeated bool) error {
		f = m.Favorite
		if repeated {
			return errNothing
		}
		next, err := f.Set(on, w, now)
		if err == nil && next == f {
			err = errNothing
		}
		if err != nil {
			return err
		}
		f = next
		return s.db.Later(ctx, tx, `UPDATE marks SET favorite = $1, favorite_at = $2, favorite_version = $3 WHERE user_id = $4 AND book = $5`,
			f.On, s.db.OptionalTime(f.Since), f.Version, user, book)
	})
	if err != nil {
		return rs.Favorite{}, err
	}
	return f, nil
}

// SetStatus sets the status of a book.
func (s *Store) SetStatus(ctx context.Context, user rs.UserID, book rs.Book, c rs.ReadingChange, w rs.Write) (rs.Reading, error) {
	var r rs.Reading // a change may go on when its caller has gone
	err := s.change(ctx, "set status", user, book, w, func(ctx context.Context, tx *sqldb.Tx, m *row, now time.Time, repeated bool) error {
		r = m.Reading
		if repeated {
			return errNothing
		}
		next, err := r.Set(c, w, now)
		if err == nil && next == r {
			err = errNothing
		}
		if err != nil {
			return err
		}
		r = next
		return s.setReading(ctx, tx, user, book, r)
	})
	if err != nil {
		return rs.Reading{}, err
	}
	return r, nil
}

func (s *Store) setReading(ctx context.Context, tx *sqldb.Tx, user rs.UserID, book rs.Book, r rs.Reading) error {
	return s.db.Later(ctx, tx, `UPDATE marks SET status = $1, started_at = $2, finished_at = $3, status_at = $4, status_version = $5 WHERE user_id = $6 AND book = $7`,
		r.Status, s.db.OptionalTime(r.Started), s.db.OptionalTime(r.Finished), s.db.OptionalTime(r.Changed), r.Version, user, book)
}

// SetRating sets the rating of a book.
func (s *Store) SetRating(ctx context.Context, user rs.UserID, book rs.Book, stars float64, w rs.Write) (rs.Rating, error) {
	var r rs.Rating // a change may go on when its caller has gone
	err := s.change(ctx, "set rating", user, book, w, func(ctx context.Context, tx *sqldb.Tx, m *row, now time.Time, repeated bool) error {
		r = m.Rating
		if repeated {
			return errNothing
		}
		next, err := r.Set(stars, w, now)
		if err == nil && next == r {
			err = errNothing
		}
		if err != nil {
			return err
		}
		r = next
		return s.db.Later(ctx, tx, `UPDATE marks SET rating = $1, rating_at = $2, rating_version = $3 WHERE user_id = $4 AND book = $5`,
			int64(r.Stars*2), s.db.OptionalTime(r.Changed), r.Version, user, book)
	})
	if err != nil {
		return rs.Rating{}, err
	}
	return r, nil
}

// MarksOf returns the marks of some books.
func (s *Store) MarksOf(ctx context.Context, user rs.UserID, books []rs.Book) ([]rs.Mark, error) {
	marks, err := s.marksOf(ctx, user, books)
	return marks, s.wrap("marks", err)
}

func (s *Store) marksOf(ctx context.Context, user rs.UserID, books []rs.Book) ([]rs.Mark, error) {
	if len(books) == 0 {
		return []rs.Mark{}, nil
	}
	books = books[:min(len(books), rs.MaxBooks)]
	names := make([]string, len(books))
	for i, b := range books {
		names[i] = string(b)
	}
	list, err := s.db.Texts(names)
	if err != nil {
		return nil, err
	}
	known, err := s.withPlaces(ctx, `SELECT `+markAndPlace+` FROM marks m `+joinPlaces+` WHERE m.user_id = $1 AND `+s.db.OneOf("m.book", 2), user, list)
	if err != nil {
		return nil, err
	}
	found := make(map[rs.Book]int, len(known))
	for i, m := range known {
		if other, twice := found[m.Book]; twice && !m.Place.Newer(*known[other].Place) {
			continue
		}
		found[m.Book] = i
	}
	marks := make([]rs.Mark, len(books))
	for i, b := range books {
		if at, ok := found[b]; ok {
			marks[i] = known[at]
		} else {
			marks[i] = rs.Mark{Book: b, Reading: rs.Reading{Status: rs.Unread}}
		}
	}
	return marks, nil
}

// What a mark and each place in its book are read from together.
const (
	markAndPlace = `m.` + markColumns + `, coalesce(p.family, ''), coalesce(p.locator_type, ''), coalesce(p.locator, ''), coalesce(p.progression, 0),
		coalesce(p.device, ''), coalesce(p.device_id, ''), p.at, p.received_at, p.since_at, coalesce(p.version, 0)`
	joinPlaces = `LEFT JOIN places p ON p.user_id = m.user_id AND p.book = m.book`
)

// withPlaces reads what a query returns of markAndPlace: a mark as often as its
// book has places, and once if it has none.
func (s *Store) withPlaces(ctx context.Context, query string, args ...any) ([]rs.Mark, error) {
	rows, err := s.db.Reader().Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []rs.Mark
	var r row
	var p rs.Place
	var halves int64
	into := append(append(r.fields(&halves), positionFields(&p.Position, &p.Received)...), sqldb.At(&p.Since), &p.Version)
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		m := r.Mark
		m.Rating.Stars = float64(halves) / 2
		if p.Version > 0 {
			place := p
			m.Place = &place
		}
		list = append(list, m)
	}
	return list, rows.Err()
}

// far is later than any time that is kept.
var far = time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)

// Favorites returns a user's favorites.
func (s *Store) Favorites(ctx context.Context, user rs.UserID, after rs.Cursor, limit int) ([]rs.Mark, error) {
	marks, err := s.page(ctx, user, after, limit, `favorite`, `favorite_at`)
	return marks, s.wrap("favorites", err)
}

// Recent returns the books whose place was told.
func (s *Store) Recent(ctx context.Context, user rs.UserID, status rs.Status, after rs.Cursor, limit int) ([]rs.Mark, error) {
	which, args := `read_at IS NOT NULL`, []any(nil)
	if status != "" {
		which, args = which+` AND status = $6`, []any{status}
	}
	marks, err := s.page(ctx, user, after, limit, which, `read_at`, args...)
	return marks, s.wrap("recent books", err)
}

// page returns some marks of a user, by a time of theirs.
func (s *Store) page(ctx context.Context, user rs.UserID, after rs.Cursor, limit int, which, at string, args ...any) ([]rs.Mark, error) {
	if after.Time.IsZero() {
		after = rs.Cursor{Time: far}
	}
	behind := s.db.Time(after.Time)
	list, err := s.withPlaces(ctx, `SELECT `+markAndPlace+` FROM (SELECT * FROM marks WHERE user_id = $1 AND `+at+` <= $2 AND (`+at+` < $3 OR book > $4)
		AND `+which+` ORDER BY `+at+` DESC, book LIMIT $5) AS m `+joinPlaces+` ORDER BY m.`+at+` DESC, m.book`,
		append([]any{user, behind, behind, after.Book, min(max(limit, 1), rs.MaxBooks)}, args...)...)
	if err != nil {
		return nil, err
	}
	marks := []rs.Mark{}
	for _, m := range list {
		last := len(marks) - 1
		if last < 0 || marks[last].Book != m.Book {
			marks = append(marks, m)
		} else if m.Place.Newer(*marks[last].Place) {
			marks[last] = m
		}
	}
	return marks, nil
}
