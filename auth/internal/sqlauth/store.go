// Package sqlauth is the roles of package auth in SQL, for the adapters: what
// differs between databases is in Dialect.
package sqlauth

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/pressmark/pressmark/auth"
)

// Dialect is a database, and how it differs from others.
type Dialect struct {
	// Read and Write may be the same.
	Read, Write *sql.DB
	// Query brings a query into the database's form; it has $1, $2, … for
	// arguments, each number once and in order.
	Query func(string) string
	// Time is how a time is stored.
	Time func(time.Time) any
	// Serialize is a statement that lets one transaction at a time go on, until
	// it ends; "" where transactions that write never overlap.
	Serialize string
	// Changed is a statement that tells other processes that account $1 was
	// changed, when the transaction ends.
	Changed string
	// Taken returns the column of a unique value that is there already, "" for
	// other errors.
	Taken func(error) string
}

// Store keeps accounts and what belongs to them.
type Store struct {
	d   Dialect
	now func() time.Time
}

var _ auth.Users = (*Store)(nil)

// New returns the accounts in a database. A now that is nil is the clock.
func New(d Dialect, now func() time.Time) *Store {
	if now == nil {
		now = time.Now
	}
	return &Store{d, now}
}

// stamp is a time as a database returns it.
type stamp struct{ t *time.Time }

// Scan takes a time, microseconds since 1970, or NULL for zero.
func (s stamp) Scan(src any) error {
	switch v := src.(type) {
	case int64:
		*s.t = time.UnixMicro(v).UTC()
	case time.Time:
		*s.t = v.UTC()
	case nil:
		*s.t = time.Time{}
	default:
		return fmt.Errorf("a time was expected, not %T", src)
	}
	return nil
}

// querier is a database or a transaction.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

const selectUsers = `SELECT u.id, u.email, u.username, u.full_name, u.role, u.disabled, u.restricted, u.generation,
	u.created_at, u.updated_at, u.password_hash, a.library, a.kind, a.expression FROM `

const withAccess = ` u LEFT JOIN user_access a ON a.user_id = u.id `

// account is a user with the hash of the password.
type account struct {
	auth.User
	hash string
}

// users reads accounts and their rules, which a query has in the order of their
// numbers.
func (s *Store) users(ctx context.Context, q querier, query string, args ...any) ([]account, error) {
	rows, err := q.QueryContext(ctx, s.d.Query(query), args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []account
	for rows.Next() {
		var u account
		var library, kind, expression sql.NullString
		err := rows.Scan(&u.ID, &u.Email, &u.Username, &u.FullName, &u.Role, &u.Disabled, &u.Access.Restricted, &u.Generation,
			stamp{&u.Created}, stamp{&u.Updated}, &u.hash, &library, &kind, &expression)
		if err != nil {
			return nil, err
		}
		if n := len(list); n == 0 || list[n-1].ID != u.ID {
			list = append(list, u)
		}
		if access := &list[len(list)-1].Access; library.Valid {
			if access.Libraries == nil {
				access.Libraries = map[string]auth.Rule{}
			}
			access.Libraries[library.String] = auth.Rule{Kind: auth.RuleKind(kind.String), Expression: expression.String}
		}
	}
	return list, rows.Err()
}

// user reads one account.
func (s *Store) user(ctx context.Context, q querier, id auth.UserID) (account, error) {
	return only(s.users(ctx, q, selectUsers+"users"+withAccess+"WHERE u.id = $1 ORDER BY a.library", id))
}

func only(list []account, err error) (account, error) {
	if err == nil && len(list) == 0 {
		err = auth.ErrNotFound
	}
	if err != nil {
		return account{}, err
	}
	return list[0], nil
}

// User returns an account.
func (s *Store) User(ctx context.Context, id auth.UserID) (auth.User, error) {
	a, err := s.user(ctx, s.d.Read, id)
	return a.User, wrap("user", err, id)
}

// Find returns an account by e-mail address or name.
func (s *Store) Find(ctx context.Context, login string) (auth.User, string, error) {
	key := auth.Key(login)
	if !storable(key) {
		return auth.User{}, "", wrap("find user", auth.ErrNotFound, login)
	}
	a, err := only(s.users(ctx, s.d.Read, selectUsers+"users"+withAccess+"WHERE u.email_key = $1 OR u.username_key = $2 ORDER BY u.id, a.library", key, key))
	return a.User, a.hash, wrap("find user", err, login)
}

// List returns accounts by number.
func (s *Store) List(ctx context.Context, after auth.UserID, limit int) ([]auth.User, error) {
	limit = min(max(limit, 1), 1000)
	list, err := s.users(ctx, s.d.Read, selectUsers+"(SELECT * FROM users WHERE id > $1 ORDER BY id LIMIT $2)"+withAccess+"ORDER BY u.id, a.library", after, limit)
	if err != nil {
		return nil, wrap("list users", err, after)
	}
	users := make([]auth.User, len(list))
	for i, a := range list {
		users[i] = a.User
	}
	return users, nil
}

// storable tells whether a database can have a text: not all take any bytes.
func storable(s string) bool { return utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 }

// wrap adds the operation and the account to an error.
func wrap(op string, err error, what any) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s %v: %w", op, what, err)
}

// write runs f in a transaction that is alone with the accounts that it reads.
func (s *Store) write(ctx context.Context, f func(tx *sql.Tx) error) error {
	return s.transact(ctx, func(tx *sql.Tx) error {
		if s.d.Serialize != "" {
			if _, err := tx.ExecContext(ctx, s.d.Serialize); err != nil {
				return err
			}
		}
		return f(tx)
	})
}

// transact runs f in a transaction.
func (s *Store) transact(ctx context.Context, f func(tx *sql.Tx) error) (err error) {
	tx, err := s.d.Write.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, ignoreDone(tx.Rollback()))
		}
	}()
	if err := f(tx); err != nil {
		return err
	}
	return tx.Commit()
}

func ignoreDone(err error) error {
	if errors.Is(err, sql.ErrTxDone) {
		return nil
	}
	return err
}

// exec runs a statement of a transaction and returns how many rows it changed.
func (s *Store) exec(ctx context.Context, tx *sql.Tx, query string, args ...any) (int64, error) {
	res, err := tx.ExecContext(ctx, s.d.Query(query), args...)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

// changed tells other processes of a change.
func (s *Store) changed(ctx context.Context, tx *sql.Tx, user auth.UserID) error {
	_, err := s.exec(ctx, tx, s.d.Changed, user)
	return err
}

// same tells whether two accounts are equal in what can be changed.
func same(a, b auth.User) bool { return reflect.DeepEqual(a, b) }
