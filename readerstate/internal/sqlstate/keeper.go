package sqlstate

import (
	"context"
	"time"

	"github.com/pressmark/pressmark/migrations/sqldb"
	rs "github.com/pressmark/pressmark/readerstate"
)

// Everything returns all that is kept of a user's books.
func (s *Store) Everything(ctx context.Context, user rs.UserID, after rs.Book, limit int) ([]rs.Everything, error) {
	list, err := s.everything(ctx, s.db.Reader(), user, `book > $2 ORDER BY book LIMIT $3`, after, min(max(limit, 1), rs.MaxBooks))
	if err != nil {
		return nil, s.wrap("everything", err)
	}
	all := make([]rs.Everything, len(list))
	for i, e := range list {
		all[i] = e.Everything
	}
	return all, nil
}

// whole is all that is kept of one book, with what only the tables have.
type whole struct {
	rs.Everything
	row row
}

func (s *Store) everything(ctx context.Context, q sqldb.Querier, user rs.UserID, which string, args ...any) ([]whole, error) {
	rows, err := s.rows(ctx, q, `SELECT `+markColumns+` FROM marks WHERE user_id = $1 AND `+which, append([]any{user}, args...)...)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	first, last := rows[0].Book, rows[len(rows)-1].Book
	places, err := s.places(ctx, q, `SELECT `+placeColumns+` FROM places WHERE user_id = $1 AND book BETWEEN $2 AND $3 ORDER BY book, family`, user, first, last)
	if err != nil {
		return nil, err
	}
	history, err := s.history(ctx, q, `SELECT `+pastColumns+` FROM positions WHERE user_id = $1 AND book BETWEEN $2 AND $3 ORDER BY book, n DESC`, user, first, last)
	if err != nil {
		return nil, err
	}
	list := make([]whole, len(rows))
	for i, r := range rows {
		list[i] = whole{rs.Everything{Mark: r.Mark, Places: append([]rs.Place{}, places[r.Book]...), History: append([]rs.Past{}, history[r.Book]...)}, r}
		list[i].Place = rs.Newest(list[i].Places)
	}
	return list, nil
}

// Erase removes all that is kept for a user.
func (s *Store) Erase(ctx context.Context, user rs.UserID) error {
	return s.write(ctx, "erase", user, rs.Write{}, func(tx *sqldb.Tx, _ time.Time, _ bool) error {
		for _, table := range []string{"marks", "places", "positions", "lists", "preferences", "state_writes"} {
			if _, err := s.db.Exec(ctx, tx, `DELETE FROM `+table+` WHERE user_id = $1`, user); err != nil {
				return err
			}
		}
		return nil
	})
}

// ExpireWrites forgets names of changes.
func (s *Store) ExpireWrites(ctx context.Context, before time.Time) error {
	return s.wrap("expire writes", s.db.Transact(ctx, func(tx *sqldb.Tx) error {
		_, err := s.db.Exec(ctx, tx, `DELETE FROM state_writes WHERE at < $1`, s.db.Time(before))
		return err
	}))
}

// Rekey gives what is kept of one book to another.
func (s *Store) Rekey(ctx context.Context, from, to rs.Book) (users int, err error) {
	for _, b := range []rs.Book{from, to} {
		if _, err := rs.ParseBook(string(b)); err != nil {
			return 0, err
		}
	}
	if from == to {
		return 0, nil
	}
	err = s.wrap("rekey", s.db.Transact(ctx, func(tx *sqldb.Tx) error {
		touched := map[rs.UserID]bool{}
		marked, err := s.users(ctx, tx, `SELECT user_id FROM marks WHERE book = $1`, from)
		if err != nil {
			return err
		}
		for _, user := range marked {
			if err := s.rekeyMark(ctx, tx, user, from, to); err != nil {
				return err
			}
			touched[user] = true
		}
		listed, err := s.rekeyLists(ctx, tx, from, to)
		for _, user := range listed {
			touched[user] = true
		}
		users = len(touched)
		return err
	}))
	if err != nil {
		return 0, err
	}
	return users, nil
}

func (s *Store) users(ctx context.Context, tx *sqldb.Tx, query string, args ...any) ([]rs.UserID, error) {
	rows, err := s.db.In(tx).Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []rs.UserID
	for rows.Next() {
		var id rs.UserID
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		list = append(list, id)
	}
	return list, rows.Err()
}

// rekeyMark makes what a user has of two books one.
func (s *Store) rekeyMark(ctx context.Context, tx *sqldb.Tx, user rs.UserID, from, to rs.Book) error {
	var both [2]whole
	marks := []*change{{user: user, book: min(from, to)}, {user: user, book: max(from, to)}}
	if err := s.lock(ctx, tx, marks); err != nil {
		return err
	}
	for i, b := range []rs.Book{to, from} {
		list, err := s.everything(ctx, s.db.In(tx), user, `book = $2`, b)
		if err != nil {
			return err
		}
		both[i] = list[0]
	}
	m := both[0].Merge(both[1].Everything)
	for _, table := range []string{"marks", "places", "positions"} {
		if _, err := s.db.Exec(ctx, tx, `DELETE FROM `+table+` WHERE user_id = $1 AND book IN ($2, $3)`, user, from, to); err != nil {
			return err
		}
	}
	n := int64(len(m.History))
	_, err := s.db.Exec(ctx, tx, `INSERT INTO marks (user_id, `+markColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)`,
		user, to, m.Favorite.On, s.db.OptionalTime(m.Favorite.Since), m.Favorite.Version,
		m.Reading.Status, s.db.OptionalTime(m.Reading.Started), s.db.OptionalTime(m.Reading.Finished), s.db.OptionalTime(m.Reading.Changed), m.Reading.Version,
		int64(m.Rating.Stars*2), s.db.OptionalTime(m.Rating.Changed), m.Rating.Version, s.db.OptionalTime(m.Read), n, max(both[0].row.forgotten, both[1].row.forgotten))
	if err != nil {
		return err
	}
	for _, p := range m.Places {
		if err := s.setPlace(ctx, tx, user, to, p, false); err != nil {
			return err
		}
	}
	for _, p := range m.History {
		if err := s.addPast(ctx, tx, user, to, p); err != nil {
			return err
		}
	}
	return nil
}

// rekeyLists gives a book's place in lists to another, and returns their owners.
func (s *Store) rekeyLists(ctx context.Context, tx *sqldb.Tx, from, to rs.Book) ([]rs.UserID, error) {
	now := rs.Stamp(s.now())
	lists, err := s.lists(ctx, s.db.In(tx), `UPDATE lists SET version = version + 1, changed_at = $1
		WHERE id IN (SELECT list_id FROM list_books WHERE book = $2) RETURNING `+listColumns, s.db.Time(now), from)
	if err != nil {
		return nil, err
	}
	var owners []rs.UserID
	for _, l := range lists {
		owners = append(owners, l.Owner)
		_, there, err := s.placeIn(ctx, tx, l.ID, to)
		if err != nil {
			return nil, err
		}
		if !there {
			if _, err := s.db.Exec(ctx, tx, `UPDATE list_books SET book = $1 WHERE list_id = $2 AND book = $3`, to, l.ID, from); err != nil {
				return nil, err
			}
			continue
		}
		if _, err := s.db.Exec(ctx, tx, `DELETE FROM list_books WHERE list_id = $1 AND book = $2`, l.ID, from); err != nil {
			return nil, err
		}
		if _, err := s.db.Exec(ctx, tx, `UPDATE lists SET books = books - 1 WHERE id = $1`, l.ID); err != nil {
			return nil, err
		}
	}
	return owners, nil
}
