// Package sqlauth is the roles of package auth in SQL, for the adapters: what
// differs between databases is in Dialect.
package sqlauth

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
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
	// Prepare keeps statements prepared, where the driver does not do that itself.
	Prepare bool
	// Serialize is a statement that lets one transaction at a time go on, until
	// it ends; "" where transactions that write never overlap.
	Serialize string
	// Changed is a statement that tells other processes that account $1 was
	// changed, when the transaction ends.
	Changed string
	// Down tells whether an error says that the database does not answer, or
	// cannot write.
	Down func(error) bool
	// Taken returns the column of a unique value that is there already, "" for
	// other errors.
	Taken func(error) string
}

// Store keeps accounts and what belongs to them.
type Store struct {
	d   Dialect
	now func() time.Time

	mu       sync.Mutex
	prepared map[statement]*sql.Stmt // they end with their database
	wanted   []statement
}

// statement is a query of one of the two databases.
type statement struct {
	db    *sql.DB
	query string
}

var _ auth.Users = (*Store)(nil)

// New returns the accounts in a database. A now that is nil is the clock.
func New(d Dialect, now func() time.Time) *Store {
	if now == nil {
		now = time.Now
	}
	return &Store{d: d, now: now, prepared: map[statement]*sql.Stmt{}}
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

// querier reads: from a transaction, or from the database if there is none.
type querier struct {
	s  *Store
	tx *sql.Tx
}

func (s *Store) read() querier             { return querier{s, nil} }
func (s *Store) readIn(tx *sql.Tx) querier { return querier{s, tx} }

// query runs a query that returns rows.
func (q querier) query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	db := q.s.d.Read
	if q.tx != nil {
		db = q.s.d.Write
	}
	stmt, err := q.s.statement(ctx, db, query, q.tx != nil) //nolint:sqlclosecheck // kept for the next time; it ends with its database
	switch {
	case err != nil:
		return nil, err
	case stmt != nil && q.tx != nil:
		return q.tx.StmtContext(ctx, stmt).QueryContext(ctx, args...) //nolint:sqlclosecheck // it ends with the transaction
	case stmt != nil:
		return stmt.QueryContext(ctx, args...)
	case q.tx != nil:
		return q.tx.QueryContext(ctx, q.s.d.Query(query), args...)
	}
	return db.QueryContext(ctx, q.s.d.Query(query), args...)
}

// row runs a query that returns one row, and reads it: sql.ErrNoRows if there is
// none.
func (q querier) row(ctx context.Context, into []any, query string, args ...any) error {
	rows, err := q.query(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	if !rows.Next() {
		return cmp.Or(rows.Err(), sql.ErrNoRows)
	}
	return cmp.Or(rows.Scan(into...), rows.Close(), rows.Err())
}

// statement returns a prepared query, nil where there is none: the driver does
// that itself, or the query is new to a transaction. It may have the only
// connection, so that what it needs is prepared after its end.
func (s *Store) statement(ctx context.Context, db *sql.DB, query string, inTx bool) (*sql.Stmt, error) {
	if !s.d.Prepare {
		return nil, nil
	}
	key := statement{db, query}
	s.mu.Lock()
	stmt, known := s.prepared[key]
	if !known && inTx {
		s.prepared[key] = nil
		s.wanted = append(s.wanted, key)
	}
	s.mu.Unlock()
	if stmt != nil || inTx {
		return stmt, nil
	}
	return s.prepare(ctx, key)
}

func (s *Store) prepare(ctx context.Context, key statement) (*sql.Stmt, error) {
	stmt, err := key.db.PrepareContext(ctx, s.d.Query(key.query))
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if other := s.prepared[key]; other != nil {
		return other, stmt.Close() //nolint:sqlclosecheck // the one that is kept is the other
	}
	s.prepared[key] = stmt
	return stmt, nil
}

// prepareWanted prepares what transactions have asked for. What cannot be now
// is run as it is.
func (s *Store) prepareWanted(ctx context.Context) {
	s.mu.Lock()
	wanted := s.wanted
	s.wanted = nil
	s.mu.Unlock()
	for _, key := range wanted {
		if _, err := s.prepare(ctx, key); err != nil { //nolint:sqlclosecheck // kept for the next time; it ends with its database
			s.mu.Lock()
			delete(s.prepared, key)
			s.mu.Unlock()
		}
	}
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
	rows, err := q.query(ctx, query, args...)
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
	a, err := s.user(ctx, s.read(), id)
	return a.User, s.wrap("user", err, id)
}

// Find returns an account by e-mail address or name.
func (s *Store) Find(ctx context.Context, login string) (auth.User, string, error) {
	key := auth.Key(login)
	if !storable(key) {
		return auth.User{}, "", s.wrap("find user", auth.ErrNotFound, login)
	}
	a, err := only(s.users(ctx, s.read(), selectUsers+"users"+withAccess+"WHERE u.email_key = $1 OR u.username_key = $2 ORDER BY u.id, a.library", key, key))
	return a.User, a.hash, s.wrap("find user", err, login)
}

// List returns accounts by number.
func (s *Store) List(ctx context.Context, after auth.UserID, limit int) ([]auth.User, error) {
	limit = min(max(limit, 1), 1000)
	list, err := s.users(ctx, s.read(), selectUsers+"(SELECT * FROM users WHERE id > $1 ORDER BY id LIMIT $2)"+withAccess+"ORDER BY u.id, a.library", after, limit)
	if err != nil {
		return nil, s.wrap("list users", err, after)
	}
	users := make([]auth.User, len(list))
	for i, a := range list {
		users[i] = a.User
	}
	return users, nil
}

// storable tells whether a database can have a text: not all take any bytes.
func storable(s string) bool { return utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 }

// wrap adds the operation and the account to an error, and that it is for another
// time.
func (s *Store) wrap(op string, err error, what any) error {
	switch {
	case err == nil:
		return nil
	case s.d.Down(err):
		return fmt.Errorf("%s %v: %w: %w", op, what, auth.ErrUnavailable, err)
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
	defer s.prepareWanted(ctx)
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
	stmt, err := s.statement(ctx, s.d.Write, query, true)
	if err != nil {
		return 0, err
	}
	var res sql.Result
	if stmt != nil {
		res, err = tx.StmtContext(ctx, stmt).ExecContext(ctx, args...) //nolint:sqlclosecheck // it ends with the transaction
	} else {
		res, err = tx.ExecContext(ctx, s.d.Query(query), args...)
	}
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
