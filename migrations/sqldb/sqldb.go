// Package sqldb runs the statements of stores in either kind of database that
// has the schema of package migrations, so that a store writes each of them once.
//
// A statement has $1, $2, … for its arguments, each number once and in order.
package sqldb

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// DB is an open database, and how it differs from others. Safe for concurrent
// use.
type DB struct {
	// Postgres tells which kind it is.
	Postgres bool

	engine engine
	time   func(time.Time) any
	down   func(error) bool
	taken  func(error) string
}

// engine runs statements in a kind of database.
type engine interface {
	query(ctx context.Context, query string, args []any) (Rows, error)
	begin(ctx context.Context) (transaction, error)
}

// transaction is one that has begun. It ends with commit or rollback.
type transaction interface {
	query(ctx context.Context, query string, args []any) (Rows, error)
	exec(ctx context.Context, query string, args []any) (int64, error)
	// later runs a statement before the next one that is waited for. read gets
	// its rows; nil is a statement without.
	later(ctx context.Context, read func(Rows) error, query string, args []any) error
	// flush runs what later was given.
	flush(ctx context.Context) error
	commit(ctx context.Context) error
	rollback(ctx context.Context) error
}

// Rows are what a query returns. They have to be closed.
type Rows interface {
	Next() bool
	Scan(into ...any) error
	// Err is why there are no more, nil if that is all.
	Err() error
	Close()
}

// Time is how a time is stored: to the microsecond.
func (d *DB) Time(t time.Time) any { return d.time(t.UTC().Truncate(time.Microsecond)) }

// OptionalTime is Time, and NULL for the zero time.
func (d *DB) OptionalTime(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return d.Time(t)
}

// Down tells whether an error says that the database does not answer, or cannot
// write.
func (d *DB) Down(err error) bool { return d.down(err) }

// Taken returns the table and column of a unique value that is there already, as
// "users.email_key"; "" for other errors.
func (d *DB) Taken(err error) string { return d.taken(err) }

// ForUpdate is what ends a query whose rows nobody else changes until the
// transaction ends. It sees them as they are when it has them.
func (d *DB) ForUpdate() string {
	if d.Postgres {
		return " FOR UPDATE"
	}
	return "" // there is one transaction at a time
}

// OneOf returns the condition that a column has one of the texts in an argument, of
// that number, which Texts makes.
func (d *DB) OneOf(column string, argument int) string {
	if d.Postgres {
		return fmt.Sprintf("%s = ANY($%d)", column, argument)
	}
	return fmt.Sprintf("%s IN (SELECT value FROM json_each($%d))", column, argument)
}

// Texts is an argument for OneOf.
func (d *DB) Texts(texts []string) (any, error) {
	if d.Postgres {
		return texts, nil
	}
	list, err := json.Marshal(texts)
	return string(list), err
}

// Storable tells whether a database can have a text: not all take any bytes.
func Storable(s string) bool { return utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 }

// At returns where a query puts a time: in UTC, and zero for NULL.
func At(t *time.Time) sql.Scanner { return stamp{t} }

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

// Querier runs queries: in a transaction, or of its own if there is none.
type Querier struct {
	d  *DB
	tx *Tx
}

// Reader returns who reads what is committed.
func (d *DB) Reader() Querier { return Querier{d, nil} }

// In returns who reads in a transaction of Transact.
func (d *DB) In(tx *Tx) Querier { return Querier{d, tx} }

// Query runs a query that returns rows.
func (q Querier) Query(ctx context.Context, query string, args ...any) (Rows, error) {
	if q.tx != nil {
		return q.tx.t.query(ctx, query, args)
	}
	return q.d.engine.query(ctx, query, args)
}

// Row runs a query that returns one row, and reads it: sql.ErrNoRows if there is
// none.
func (q Querier) Row(ctx context.Context, into []any, query string, args ...any) error {
	rows, err := q.Query(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	if !rows.Next() {
		return cmp.Or(rows.Err(), sql.ErrNoRows)
	}
	err = rows.Scan(into...)
	rows.Close()
	return cmp.Or(err, rows.Err())
}

// Tx is a transaction. It is one goroutine's.
type Tx struct{ t transaction }

// Transact runs f in a transaction, which is committed if it returns nil.
func (d *DB) Transact(ctx context.Context, f func(tx *Tx) error) error {
	t, err := d.engine.begin(ctx)
	if err != nil {
		return err
	}
	done := false
	defer func() {
		if !done { // f has panicked
			_ = t.rollback(ctx)
		}
	}()
	err = f(&Tx{t})
	done = true
	if err != nil {
		if undo := t.rollback(ctx); undo != nil {
			return fmt.Errorf("%w; rolling back: %w", err, undo)
		}
		return err
	}
	return t.commit(ctx)
}

// Exec runs a statement of a transaction and returns how many rows it changed.
func (d *DB) Exec(ctx context.Context, tx *Tx, query string, args ...any) (int64, error) {
	return tx.t.exec(ctx, query, args)
}

// Later runs a statement of a transaction whose outcome nothing depends on, but
// that it succeeds: some time before the next one that is waited for, or the
// commit, which fail if it does. It saves a way to a server and back.
func (d *DB) Later(ctx context.Context, tx *Tx, query string, args ...any) error {
	return tx.t.later(ctx, nil, query, args)
}

// Flush runs what Later and Ask were given.
func (d *DB) Flush(ctx context.Context, tx *Tx) error { return tx.t.flush(ctx) }

// Ask is Later for a query: read gets its rows, which it need not close.
func (d *DB) Ask(ctx context.Context, tx *Tx, read func(Rows) error, query string, args ...any) error {
	return tx.t.later(ctx, read, query, args)
}
