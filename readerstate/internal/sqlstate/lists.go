package sqlstate

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/pressmark/pressmark/migrations/sqldb"
	rs "github.com/pressmark/pressmark/readerstate"
)

const listColumns = `id, user_id, name, description, public, books, created_at, changed_at, version`

// lists reads what a query returns of listColumns.
func (s *Store) lists(ctx context.Context, q sqldb.Querier, query string, args ...any) ([]rs.List, error) {
	rows, err := q.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	list := []rs.List{}
	for rows.Next() {
		var l rs.List
		if err := rows.Scan(&l.ID, &l.Owner, &l.Name, &l.Description, &l.Public, &l.Books, sqldb.At(&l.Created), sqldb.At(&l.Changed), &l.Version); err != nil {
			return nil, err
		}
		list = append(list, l)
	}
	return list, rows.Err()
}

func oneList(list []rs.List, err error) (rs.List, error) {
	if err == nil && len(list) == 0 {
		err = rs.ErrNotFound
	}
	if err != nil {
		return rs.List{}, err
	}
	return list[0], nil
}

// CreateList adds a list.
func (s *Store) CreateList(ctx context.Context, user rs.UserID, l rs.List) (_ rs.List, created bool, err error) {
	if err := l.Check(); err != nil {
		return rs.List{}, false, err
	}
	l.Owner, l.Books, l.Version = user, 0, 1
	err = s.write(ctx, "create list", user, rs.Write{}, func(tx *sqldb.Tx, now time.Time, _ bool) error {
		l.Created, l.Changed = now, now
		var count, last int64
		if err := s.db.In(tx).Row(ctx, []any{&count, &last}, `SELECT coalesce(sum(CASE WHEN deleted THEN 0 ELSE 1 END), 0), coalesce(max(n), 0) FROM lists WHERE user_id = $1`, user); err != nil {
			return err
		}
		n, err := s.db.Exec(ctx, tx, `INSERT INTO lists (`+listColumns+`, n) VALUES ($1, $2, $3, $4, $5, 0, $6, $7, 1, $8) ON CONFLICT (id) DO NOTHING`,
			l.ID, user, l.Name, l.Description, l.Public, s.db.Time(now), s.db.Time(now), last+1)
		if err != nil {
			return err
		}
		if n == 0 {
			l, err = oneList(s.lists(ctx, s.db.In(tx), `SELECT `+listColumns+` FROM lists WHERE id = $1 AND user_id = $2 AND NOT deleted`, l.ID, user))
			if errors.Is(err, rs.ErrNotFound) {
				err = rs.ErrTaken
			}
			return cmp.Or(err, errNothing)
		}
		created = true
		return rs.CheckLists(int(count))
	})
	if err != nil {
		return rs.List{}, false, err
	}
	return l, created, nil
}

// List returns a list.
func (s *Store) List(ctx context.Context, user rs.UserID, id string) (rs.List, error) {
	if !sqldb.Storable(id) {
		return rs.List{}, s.wrap("list", rs.ErrNotFound)
	}
	l, err := oneList(s.lists(ctx, s.db.Reader(), `SELECT `+listColumns+` FROM lists WHERE id = $1 AND NOT deleted AND (public OR user_id = $2)`, id, user))
	return l, s.wrap("list", err)
}

// ListsOf returns a user's lists.
func (s *Store) ListsOf(ctx context.Context, user rs.UserID) ([]rs.List, error) {
	list, err := s.lists(ctx, s.db.Reader(), `SELECT `+listColumns+` FROM lists WHERE user_id = $1 AND NOT deleted ORDER BY n, id`, user)
	return list, s.wrap("lists", err)
}

// PublicLists returns the public lists of all.
func (s *Store) PublicLists(ctx context.Context, after string, limit int) ([]rs.List, error) {
	list, err := s.lists(ctx, s.db.Reader(), `SELECT `+listColumns+` FROM lists WHERE public AND id > $1 ORDER BY id LIMIT $2`, after, min(max(limit, 1), rs.MaxBooks))
	return list, s.wrap("public lists", err)
}

// changeList runs f with a list of the user, which nobody else changes until the
// transaction ends, and writes what it leaves.
func (s *Store) changeList(ctx context.Context, op string, user rs.UserID, id string, w rs.Write, f func(tx *sqldb.Tx, l *rs.List, now time.Time) error) (l rs.List, err error) {
	if !sqldb.Storable(id) {
		return rs.List{}, s.wrap(op, rs.ErrNotFound)
	}
	err = s.write(ctx, op, user, w, func(tx *sqldb.Tx, now time.Time, repeated bool) error {
		var err error
		l, err = oneList(s.lists(ctx, s.db.In(tx), `UPDATE lists SET version = version WHERE id = $1 AND user_id = $2 AND NOT deleted RETURNING `+listColumns, id, user))
		if err != nil {
			return err
		}
		if repeated {
			return errNothing
		}
		next := l
		if err := f(tx, &next, now); err != nil {
			return err
		}
		if next == l {
			return errNothing
		}
		l = next
		_, err = s.db.Exec(ctx, tx, `UPDATE lists SET name = $1, description = $2, public = $3, books = $4, changed_at = $5, version = $6 WHERE id = $7`,
			l.Name, l.Description, l.Public, l.Books, s.db.Time(l.Changed), l.Version, l.ID)
		return err
	})
	if err != nil {
		return rs.List{}, err
	}
	return l, nil
}

// ChangeList changes a list.
func (s *Store) ChangeList(ctx context.Context, user rs.UserID, id string, c rs.ListChange, w rs.Write) (rs.List, error) {
	return s.changeList(ctx, "change list", user, id, w, func(_ *sqldb.Tx, l *rs.List, now time.Time) (err error) {
		*l, err = l.Set(c, w, now)
		return err
	})
}

// DeleteList removes a list. Its id stays, so that nobody makes it anew.
func (s *Store) DeleteList(ctx context.Context, user rs.UserID, id string, w rs.Write) error {
	_, err := s.changeList(ctx, "delete list", user, id, w, func(tx *sqldb.Tx, l *rs.List, now time.Time) (err error) {
		if *l, err = l.Touch(w, now); err != nil {
			return err
		}
		if _, err := s.db.Exec(ctx, tx, `DELETE FROM list_books WHERE list_id = $1`, id); err != nil {
			return err
		}
		l.Name, l.Description, l.Public, l.Books = "", "", false, 0
		_, err = s.db.Exec(ctx, tx, `UPDATE lists SET deleted = $1 WHERE id = $2`, true, id)
		return err
	})
	return err
}

// BooksIn returns the books of a list.
func (s *Store) BooksIn(ctx context.Context, user rs.UserID, id string, after rs.Book, limit int) ([]rs.ListBook, error) {
	if _, err := s.List(ctx, user, id); err != nil {
		return nil, err
	}
	books, err := s.booksIn(ctx, id, after, limit)
	return books, s.wrap("books in list", err)
}

func (s *Store) booksIn(ctx context.Context, id string, after rs.Book, limit int) ([]rs.ListBook, error) {
	var behind sql.NullInt64
	if after != "" {
		err := s.db.Reader().Row(ctx, []any{&behind}, `SELECT place FROM list_books WHERE list_id = $1 AND book = $2`, id, after)
		if isNone(err) {
			err = fmt.Errorf("book %s: %w", after, rs.ErrNotFound)
		}
		if err != nil {
			return nil, err
		}
	}
	query, args := `SELECT book, added_at FROM list_books WHERE list_id = $1 ORDER BY place, book LIMIT $2`, []any{id, min(max(limit, 1), rs.MaxBooks)}
	if behind.Valid {
		query, args = `SELECT book, added_at FROM list_books WHERE list_id = $1 AND place > $2 ORDER BY place, book LIMIT $3`, []any{id, behind.Int64, args[1]}
	}
	rows, err := s.db.Reader().Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	books := []rs.ListBook{}
	for rows.Next() {
		var b rs.ListBook
		if err := rows.Scan(&b.Book, sqldb.At(&b.Added)); err != nil {
			return nil, err
		}
		books = append(books, b)
	}
	return books, rows.Err()
}

// gap is the distance between the places of books, which leaves room for others.
const gap = 1 << 20

// PutBook puts a book into a list, or moves it there.
func (s *Store) PutBook(ctx context.Context, user rs.UserID, id string, b rs.Book, at rs.Spot, w rs.Write) (rs.List, error) {
	if _, err := rs.ParseBook(string(b)); err != nil {
		return rs.List{}, err
	}
	return s.changeList(ctx, "put book", user, id, w, func(tx *sqldb.Tx, l *rs.List, now time.Time) error {
		next, err := l.Touch(w, now)
		if err != nil {
			return err
		}
		was, there, err := s.placeIn(ctx, tx, id, b)
		if err != nil {
			return err
		}
		if !there {
			if err := l.CheckRoom(); err != nil {
				return err
			}
			next.Books++
		}
		place, err := s.spot(ctx, tx, id, b, at, was, there)
		if err != nil || there && place == was {
			return err
		}
		*l = next
		if there {
			_, err = s.db.Exec(ctx, tx, `UPDATE list_books SET place = $1 WHERE list_id = $2 AND book = $3`, place, id, b)
		} else {
			_, err = s.db.Exec(ctx, tx, `INSERT INTO list_books (list_id, book, place, added_at) VALUES ($1, $2, $3, $4)`, id, b, place, s.db.Time(now))
		}
		return err
	})
}

// placeIn returns the place of a book in a list.
func (s *Store) placeIn(ctx context.Context, tx *sqldb.Tx, id string, b rs.Book) (place int64, there bool, err error) {
	err = s.db.In(tx).Row(ctx, []any{&place}, `SELECT place FROM list_books WHERE list_id = $1 AND book = $2`, id, b)
	if isNone(err) {
		return 0, false, nil
	}
	return place, err == nil, err
}

// spot returns the place of a spot, which is that of the book if it is there.
func (s *Store) spot(ctx context.Context, tx *sqldb.Tx, id string, b rs.Book, at rs.Spot, was int64, there bool) (int64, error) {
	if at.Before == b || there && at == (rs.Spot{}) {
		if !there {
			return 0, fmt.Errorf("book %s: %w", at.Before, rs.ErrNotFound)
		}
		return was, nil
	}
	if at.Before == "" {
		var last sql.NullInt64
		if err := s.db.In(tx).Row(ctx, []any{&last}, `SELECT max(place) FROM list_books WHERE list_id = $1`, id); err != nil {
			return 0, err
		}
		if there && last.Int64 == was {
			return was, nil
		}
		return last.Int64 + gap, nil
	}
	for range 2 {
		behind, ok, err := s.placeIn(ctx, tx, id, at.Before)
		if err == nil && !ok {
			err = fmt.Errorf("book %s: %w", at.Before, rs.ErrNotFound)
		}
		if err != nil {
			return 0, err
		}
		var before sql.NullInt64
		if err := s.db.In(tx).Row(ctx, []any{&before}, `SELECT max(place) FROM list_books WHERE list_id = $1 AND place < $2`, id, behind); err != nil {
			return 0, err
		}
		switch {
		case there && before.Valid && before.Int64 == was:
			return was, nil
		case !before.Valid:
			return behind - gap, nil
		case behind-before.Int64 > 1:
			return before.Int64 + (behind-before.Int64)/2, nil
		}
		if err := s.spread(ctx, tx, id); err != nil {
			return 0, err
		}
	}
	return 0, fmt.Errorf("there is no room before book %s", at.Before)
}

// spread makes room between the books of a list.
func (s *Store) spread(ctx context.Context, tx *sqldb.Tx, id string) error {
	rows, err := s.db.In(tx).Query(ctx, `SELECT book FROM list_books WHERE list_id = $1 ORDER BY place, book`, id)
	if err != nil {
		return err
	}
	defer rows.Close()
	var books []rs.Book
	for rows.Next() {
		var b rs.Book
		if err := rows.Scan(&b); err != nil {
			return err
		}
		books = append(books, b)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for i, b := range books {
		if _, err := s.db.Exec(ctx, tx, `UPDATE list_books SET place = $1 WHERE list_id = $2 AND book = $3`, int64(i)*gap, id, b); err != nil {
			return err
		}
	}
	return nil
}

// RemoveBook takes a book out of a list.
func (s *Store) RemoveBook(ctx context.Context, user rs.UserID, id string, b rs.Book, w rs.Write) (rs.List, error) {
	if _, err := rs.ParseBook(string(b)); err != nil {
		return rs.List{}, err
	}
	return s.changeList(ctx, "remove book", user, id, w, func(tx *sqldb.Tx, l *rs.List, now time.Time) error {
		next, err := l.Touch(w, now)
		if err != nil {
			return err
		}
		n, err := s.db.Exec(ctx, tx, `DELETE FROM list_books WHERE list_id = $1 AND book = $2`, id, b)
		if err != nil || n == 0 {
			return err
		}
		next.Books--
		*l = next
		return nil
	})
}
