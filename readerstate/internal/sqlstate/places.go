package sqlstate

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/pressmark/pressmark/migrations/sqldb"
	rs "github.com/pressmark/pressmark/readerstate"
)

const (
	positionColumns = `family, locator_type, locator, progression, device, device_id, at, received_at`
	placeColumns    = `book, ` + positionColumns + `, since_at, version`
	pastColumns     = `book, ` + positionColumns + `, n, fate`
)

func positionFields(p *rs.Position, received *time.Time) []any {
	return []any{&p.Family, &p.Type, &p.Locator, &p.Progression, &p.Device, &p.DeviceID, sqldb.At(&p.At), sqldb.At(received)}
}

func (s *Store) positionValues(p rs.Position, received time.Time) []any {
	return []any{p.Family, p.Type, p.Locator, p.Progression, p.Device, p.DeviceID, s.db.OptionalTime(p.At), s.db.Time(received)}
}

// places reads what a query returns of placeColumns, by book.
func (s *Store) places(ctx context.Context, q sqldb.Querier, query string, args ...any) (map[rs.Book][]rs.Place, error) {
	rows, err := q.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	return scanPlaces(rows)
}

func scanPlaces(rows sqldb.Rows) (map[rs.Book][]rs.Place, error) {
	found := map[rs.Book][]rs.Place{}
	for rows.Next() {
		var p rs.Place
		var book rs.Book
		if err := rows.Scan(append(append([]any{&book}, positionFields(&p.Position, &p.Received)...), sqldb.At(&p.Since), &p.Version)...); err != nil {
			return nil, err
		}
		found[book] = append(found[book], p)
	}
	return found, rows.Err()
}

// history reads what a query returns of pastColumns, by book.
func (s *Store) history(ctx context.Context, q sqldb.Querier, query string, args ...any) (map[rs.Book][]rs.Past, error) {
	rows, err := q.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	found := map[rs.Book][]rs.Past{}
	for rows.Next() {
		var p rs.Past
		var book rs.Book
		if err := rows.Scan(append(append([]any{&book}, positionFields(&p.Position, &p.Received)...), &p.N, &p.Fate)...); err != nil {
			return nil, err
		}
		found[book] = append(found[book], p)
	}
	return found, rows.Err()
}

// place asks for the place of a family in a book, zero if there is none.
func (s *Store) place(into *rs.Place, user rs.UserID, book rs.Book, family string) question {
	return question{
		read: func(rows sqldb.Rows) error {
			found, err := scanPlaces(rows)
			if *into = (rs.Place{}); len(found[book]) > 0 {
				*into = found[book][0]
			}
			return err
		},
		query: `SELECT ` + placeColumns + ` FROM places WHERE user_id = $1 AND book = $2 AND family = $3`,
		args:  []any{user, book, family},
	}
}

// SetPlace tells where a reader is.
func (s *Store) SetPlace(ctx context.Context, user rs.UserID, book rs.Book, p rs.Position, w rs.Write) (rs.Place, bool, error) {
	if err := p.Check(); err != nil {
		return rs.Place{}, false, err
	}
	var stored, place rs.Place // a change may go on when its caller has gone
	var won bool
	err := s.change(ctx, "set place", user, book, w, func(ctx context.Context, tx *sqldb.Tx, m *row, now time.Time, repeated bool) error {
		var err error
		if place = stored; repeated {
			won = stored.Repeats(p)
			return errNothing
		}
		if place, won, err = stored.Set(p, w, now); err != nil {
			return err
		}
		if stored.Version == 0 {
			place.Version += m.forgotten
		}
		p.At = rs.Stamp(p.At)
		switch {
		case won && stored.Repeats(p):
			err = s.db.Later(ctx, tx, `UPDATE positions SET at = $1, received_at = $2 WHERE user_id = $3 AND book = $4 AND n =
				(SELECT max(n) FROM positions WHERE user_id = $5 AND book = $6 AND family = $7 AND fate = 'kept')`,
				s.db.OptionalTime(p.At), s.db.Time(now), user, book, user, book, p.Family)
		case won:
			err = s.remember(ctx, tx, user, m, rs.Past{Position: p, Received: now, Fate: rs.Kept})
		default:
			err = s.remember(ctx, tx, user, m, rs.Past{Position: p, Received: now, Fate: rs.Late})
		}
		if err != nil {
			return err
		}
		if !won {
			return nil
		}
		if err := s.setPlace(ctx, tx, user, book, place, stored.Version > 0); err != nil {
			return err
		}
		if next := m.Reading.Follow(p.Progression, now); next != m.Reading {
			if err := s.setReading(ctx, tx, user, book, next); err != nil {
				return err
			}
		}
		return s.db.Later(ctx, tx, `UPDATE marks SET read_at = $1, positions = $2 WHERE user_id = $3 AND book = $4`, s.db.Time(later(m.Read, place.Since)), m.positions, user, book)
	}, s.place(&stored, user, book, p.Family))
	if err != nil {
		return rs.Place{}, false, err
	}
	return place, won, nil
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// setPlace writes a place, which is there already or not.
func (s *Store) setPlace(ctx context.Context, tx *sqldb.Tx, user rs.UserID, book rs.Book, p rs.Place, there bool) error {
	if there {
		args := append(s.positionValues(p.Position, p.Received)[1:], s.db.Time(p.Since), p.Version, user, book, p.Family)
		return s.db.Later(ctx, tx, `UPDATE places SET locator_type = $1, locator = $2, progression = $3, device = $4, device_id = $5, at = $6, received_at = $7,
			since_at = $8, version = $9 WHERE user_id = $10 AND book = $11 AND family = $12`, args...)
	}
	args := append([]any{user, book}, s.positionValues(p.Position, p.Received)...)
	return s.db.Later(ctx, tx, `INSERT INTO places (user_id, book, `+positionColumns+`, since_at, version) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
		append(args, s.db.Time(p.Since), p.Version)...)
}

// remember adds a position to the history, and lets go of one that is too old.
func (s *Store) remember(ctx context.Context, tx *sqldb.Tx, user rs.UserID, m *row, p rs.Past) error {
	m.positions++
	p.N = m.positions
	if err := s.addPast(ctx, tx, user, m.Book, p); err != nil {
		return err
	}
	if p.N > rs.MaxHistory {
		if err := s.db.Later(ctx, tx, `DELETE FROM positions WHERE user_id = $1 AND book = $2 AND n <= $3`, user, m.Book, p.N-rs.MaxHistory); err != nil {
			return err
		}
	}
	if p.Fate == rs.Kept {
		return nil // SetPlace writes the number
	}
	return s.db.Later(ctx, tx, `UPDATE marks SET positions = $1 WHERE user_id = $2 AND book = $3`, m.positions, user, m.Book)
}

func (s *Store) addPast(ctx context.Context, tx *sqldb.Tx, user rs.UserID, book rs.Book, p rs.Past) error {
	args := append([]any{user, book}, s.positionValues(p.Position, p.Received)...)
	return s.db.Later(ctx, tx, `INSERT INTO positions (user_id, book, `+positionColumns+`, n, fate) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
		append(args, p.N, p.Fate)...)
}

// PlacesIn returns the places in a book.
func (s *Store) PlacesIn(ctx context.Context, user rs.UserID, book rs.Book) ([]rs.Place, error) {
	found, err := s.places(ctx, s.db.Reader(), `SELECT `+placeColumns+` FROM places WHERE user_id = $1 AND book = $2`, user, book)
	if err != nil {
		return nil, s.wrap("places", err)
	}
	list := append([]rs.Place{}, found[book]...)
	slices.SortFunc(list, func(a, b rs.Place) int {
		if a.Newer(b) {
			return -1
		}
		return 1
	})
	return list, nil
}

// History returns the history of a book.
func (s *Store) History(ctx context.Context, user rs.UserID, book rs.Book) ([]rs.Past, error) {
	found, err := s.history(ctx, s.db.Reader(), `SELECT `+pastColumns+` FROM positions WHERE user_id = $1 AND book = $2 ORDER BY n DESC`, user, book)
	if err != nil {
		return nil, s.wrap("history", err)
	}
	return append([]rs.Past{}, found[book]...), nil
}

// Undo takes a place back to the one before it.
func (s *Store) Undo(ctx context.Context, user rs.UserID, book rs.Book, family string, w rs.Write) (rs.Place, error) {
	if err := rs.CheckFamily(family); err != nil {
		return rs.Place{}, err
	}
	var stored, place rs.Place // a change may go on when its caller has gone
	err := s.change(ctx, "undo", user, book, w, func(ctx context.Context, tx *sqldb.Tx, _ *row, now time.Time, repeated bool) error {
		if place = stored; repeated {
			return errNothing
		}
		found, err := s.history(ctx, s.db.In(tx), `SELECT `+pastColumns+` FROM positions WHERE user_id = $1 AND book = $2 AND family = $3 AND fate = 'kept'
			ORDER BY n DESC LIMIT 2`, user, book, family)
		if err != nil {
			return err
		}
		past := found[book]
		next, err := place.Undo(past, w, now)
		if err != nil {
			return err
		}
		place = next
		if err := s.db.Later(ctx, tx, `UPDATE positions SET fate = 'undone' WHERE user_id = $1 AND book = $2 AND n = $3`, user, book, past[0].N); err != nil {
			return err
		}
		if err := s.db.Later(ctx, tx, `UPDATE marks SET read_at = $1 WHERE user_id = $2 AND book = $3`, s.db.Time(now), user, book); err != nil {
			return err
		}
		return s.setPlace(ctx, tx, user, book, place, true)
	}, s.place(&stored, user, book, family))
	if err != nil {
		return rs.Place{}, err
	}
	if place.Version == 0 { // it was undone, and then forgotten
		return rs.Place{}, fmt.Errorf("undo: %w", rs.ErrNotFound)
	}
	return place, nil
}

// ForgetPlaces removes all places in a book.
func (s *Store) ForgetPlaces(ctx context.Context, user rs.UserID, book rs.Book, w rs.Write) error {
	return s.change(ctx, "forget places", user, book, w, func(ctx context.Context, tx *sqldb.Tx, m *row, _ time.Time, repeated bool) error {
		if repeated || m.Read.IsZero() {
			return errNothing
		}
		err := s.db.Later(ctx, tx, `UPDATE marks SET read_at = NULL, forgotten = coalesce((SELECT max(version) FROM places WHERE user_id = $1 AND book = $2), 0) WHERE user_id = $3 AND book = $4`, user, book, user, book)
		if err != nil {
			return err
		}
		for _, query := range []string{`DELETE FROM places WHERE user_id = $1 AND book = $2`, `DELETE FROM positions WHERE user_id = $1 AND book = $2`} {
			if err := s.db.Later(ctx, tx, query, user, book); err != nil {
				return err
			}
		}
		return nil
	})
}

// isNone tells that a query has found nothing.
func isNone(err error) bool { return errors.Is(err, sql.ErrNoRows) }
