// Package sqlauth is the roles of package auth in SQL, for the adapters: what
// differs between databases is in Dialect.
package sqlauth

import (
	"context"
	"database/sql"
	"fmt"
	"reflect"
	"time"

	"github.com/pressmark/pressmark/auth"
	"github.com/pressmark/pressmark/migrations/sqldb"
)

// Dialect is how a database differs from others.
type Dialect struct {
	// Serialize is a statement that lets one transaction at a time go on, until
	// it ends; "" where transactions that write never overlap.
	Serialize string
	// Changed is a statement that tells other processes that account $1 was
	// changed, when the transaction ends.
	Changed string
}

// Store keeps accounts and what belongs to them.
type Store struct {
	db  *sqldb.DB
	d   Dialect
	now func() time.Time
}

var _ auth.Users = (*Store)(nil)

// New returns the accounts in a database. A now that is nil is the clock.
func New(db *sqldb.DB, d Dialect, now func() time.Time) *Store {
	if now == nil {
		now = time.Now
	}
	return &Store{db, d, now}
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
func (s *Store) users(ctx context.Context, q sqldb.Querier, query string, args ...any) ([]account, error) {
	rows, err := q.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []account
	for rows.Next() {
		var u account
		var library, kind, expression sql.NullString
		err := rows.Scan(&u.ID, &u.Email, &u.Username, &u.FullName, &u.Role, &u.Disabled, &u.Access.Restricted, &u.Generation,
			sqldb.At(&u.Created), sqldb.At(&u.Updated), &u.hash, &library, &kind, &expression)
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
func (s *Store) user(ctx context.Context, q sqldb.Querier, id auth.UserID) (account, error) {
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
	a, err := s.user(ctx, s.db.Reader(), id)
	return a.User, s.wrap("user", err, id)
}

// Find returns an account by e-mail address or name.
func (s *Store) Find(ctx context.Context, login string) (auth.User, string, error) {
	key := auth.Key(login)
	if !sqldb.Storable(key) {
		return auth.User{}, "", s.wrap("find user", auth.ErrNotFound, login)
	}
	a, err := only(s.users(ctx, s.db.Reader(), selectUsers+"users"+withAccess+"WHERE u.email_key = $1 OR u.username_key = $2 ORDER BY u.id, a.library", key, key))
	return a.User, a.hash, s.wrap("find user", err, login)
}

// List returns accounts by number.
func (s *Store) List(ctx context.Context, after auth.UserID, limit int) ([]auth.User, error) {
	limit = min(max(limit, 1), 1000)
	list, err := s.users(ctx, s.db.Reader(), selectUsers+"(SELECT * FROM users WHERE id > $1 ORDER BY id LIMIT $2)"+withAccess+"ORDER BY u.id, a.library", after, limit)
	if err != nil {
		return nil, s.wrap("list users", err, after)
	}
	users := make([]auth.User, len(list))
	for i, a := range list {
		users[i] = a.User
	}
	return users, nil
}

// wrap adds the operation and the account to an error, and that it is for another
// time.
func (s *Store) wrap(op string, err error, what any) error {
	switch {
	case err == nil:
		return nil
	case s.db.Down(err):
		return fmt.Errorf("%s %v: %w: %w", op, what, auth.ErrUnavailable, err)
	}
	return fmt.Errorf("%s %v: %w", op, what, err)
}

// write runs f in a transaction that is alone with the accounts that it reads.
func (s *Store) write(ctx context.Context, f func(tx *sqldb.Tx) error) error {
	return s.db.Transact(ctx, func(tx *sqldb.Tx) error {
		if s.d.Serialize != "" {
			if err := s.db.Later(ctx, tx, s.d.Serialize); err != nil {
				return err
			}
		}
		return f(tx)
	})
}

// changed tells other processes of a change.
func (s *Store) changed(ctx context.Context, tx *sqldb.Tx, user auth.UserID) error {
	return s.db.Later(ctx, tx, s.d.Changed, user)
}

// same tells whether two accounts are equal in what can be changed.
func same(a, b auth.User) bool { return reflect.DeepEqual(a, b) }
