// Package sqldb runs the statements of stores in either kind of database that
// has the schema of package migrations, so that a store writes each of them once.
package sqldb

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// DB is an open database, and how it differs from others. Safe for concurrent
// use.
type DB struct {
	// Postgres tells which kind it is.
	Postgres bool

	read, write *sql.DB // may be the same
	form        func(string) string
	time        func(time.Time) any
	down        func(error) bool
	taken       func(error) string

	// prepared are the statements that are kept, where the driver does not do
	// that itself; nil where it does. They end with their database.
	prepared map[statement]*sql.Stmt
	mu       sync.Mutex
	wanted   []statement
}

// statement is a query of one of the two databases.
type statement struct {
	db    *sql.DB
	query string
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
	tx *sql.Tx
}

// Reader returns who reads what is committed.
func (d *DB) Reader() Querier { return Querier{d, nil} }

// In returns who reads in a transaction of Transact.
func (d *DB) In(tx *sql.Tx) Querier { return Querier{d, tx} }

// Query runs a query that returns rows. It has $1, $2, … for arguments, each
// number once and in order.
func (q Querier) Query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	db := q.d.read
	if q.tx != nil {
		db = q.d.write
	}
	stmt, err := q.d.statement(ctx, db, query, q.tx != nil) //nolint:sqlclosecheck // kept for the next time; it ends with its database
	switch {
	case err != nil:
		return nil, err
	case stmt != nil && q.tx != nil:
		return q.tx.StmtContext(ctx, stmt).QueryContext(ctx, args...) //nolint:sqlclosecheck // it ends with the transaction
	case stmt != nil:
		return stmt.QueryContext(ctx, args...)
	case q.tx != nil:
		return q.tx.QueryContext(ctx, q.d.form(query), args...)
	}
	return db.QueryContext(ctx, q.d.form(query), args...)
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
	return cmp.Or(rows.Scan(into...), rows.Close(), rows.Err())
}

// statement returns a prepared query, nil where there is none: the driver does
// that itself, or the query is new to a transaction. It may have the only
// connection, so that what it needs is prepared after its end.
func (d *DB) statement(ctx context.Context, db *sql.DB, query string, inTx bool) (*sql.Stmt, error) {
	if d.prepared == nil {
		return nil, nil
	}
	key := statement{db, query}
	d.mu.Lock()
	stmt, known := d.prepared[key]
	if !known && inTx {
		d.prepared[key] = nil
		d.wanted = append(d.wanted, key)
	}
	d.mu.Unlock()
	if stmt != nil || inTx {
		return stmt, nil
	}
	return d.prepare(ctx, key)
}

func (d *DB) prepare(ctx context.Context, key statement) (*sql.Stmt, error) {
	stmt, err := key.db.PrepareContext(ctx, d.form(key.query))
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if other := d.prepared[key]; other != nil {
		return other, stmt.Close() //nolint:sqlclosecheck // the one that is kept is the other
	}
	d.prepared[key] = stmt
	return stmt, nil
}

// prepareWanted prepares what transactions have asked for. What cannot be now
// is run as it is.
func (d *DB) prepareWanted(ctx context.Context) {
	d.mu.Lock()
	wanted := d.wanted
	d.wanted = nil
	d.mu.Unlock()
	for _, key := range wanted {
		if _, err := d.prepare(ctx, key); err != nil { //nolint:sqlclosecheck // kept for the next time; it ends with its database
			d.mu.Lock()
			delete(d.prepared, key)
			d.mu.Unlock()
		}
	}
}

// Transact runs f in a transaction.
func (d *DB) Transact(ctx context.Context, f func(tx *sql.Tx) error) (err error) {
	defer d.prepareWanted(ctx)
	tx, err := d.write.BeginTx(ctx, nil)
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

// Exec runs a statement of a transaction and returns how many rows it changed.
func (d *DB) Exec(ctx context.Context, tx *sql.Tx, query string, args ...any) (int64, error) {
	stmt, err := d.statement(ctx, d.write, query, true)
	if err != nil {
		return 0, err
	}
	var res sql.Result
	if stmt != nil {
		res, err = tx.StmtContext(ctx, stmt).ExecContext(ctx, args...) //nolint:sqlclosecheck // it ends with the transaction
	} else {
		res, err = tx.ExecContext(ctx, d.form(query), args...)
	}
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}
