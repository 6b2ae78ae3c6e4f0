package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"sync"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/pressmark/pressmark/migrations"
)

// SQLite returns a file, which stays the caller's to close.
func SQLite(db *migrations.SQLiteDB) *DB {
	return &DB{
		engine: &file{db: db, prepared: map[statement]*sql.Stmt{}},
		time:   func(t time.Time) any { return t.UnixMicro() },
		down:   sqliteDown,
		taken:  sqliteTaken,
	}
}

// file keeps prepared statements: the driver does not do that itself. They end
// with their database.
type file struct {
	db       *migrations.SQLiteDB
	mu       sync.Mutex
	prepared map[statement]*sql.Stmt
	wanted   []statement
}

// statement is a query of those who read, or of who writes.
type statement struct {
	db    *sql.DB
	query string
}

// form is a statement as SQLite has it, to which $1 is a name and ?1 a number.
func form(query string) string { return strings.ReplaceAll(query, "$", "?") }

// inTransaction returns a prepared statement, nil if the query is new. The
// transaction has the only connection that writes, so that what it needs is
// prepared after its end.
func (f *file) inTransaction(query string) *sql.Stmt {
	key := statement{f.db.Write, query}
	f.mu.Lock()
	defer f.mu.Unlock()
	stmt, known := f.prepared[key]
	if !known {
		f.prepared[key] = nil
		f.wanted = append(f.wanted, key)
	}
	return stmt
}

func (f *file) prepare(ctx context.Context, key statement) (*sql.Stmt, error) {
	f.mu.Lock()
	stmt := f.prepared[key]
	f.mu.Unlock()
	if stmt != nil {
		return stmt, nil
	}
	stmt, err := key.db.PrepareContext(ctx, form(key.query))
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if other := f.prepared[key]; other != nil {
		return other, stmt.Close() //nolint:sqlclosecheck // the one that is kept is the other
	}
	f.prepared[key] = stmt
	return stmt, nil
}

// prepareWanted prepares what transactions have asked for. What cannot be now
// is run as it is.
func (f *file) prepareWanted(ctx context.Context) {
	f.mu.Lock()
	wanted := f.wanted
	f.wanted = nil
	f.mu.Unlock()
	for _, key := range wanted {
		if _, err := f.prepare(ctx, key); err != nil { //nolint:sqlclosecheck // kept for the next time; it ends with its database
			f.mu.Lock()
			delete(f.prepared, key)
			f.mu.Unlock()
		}
	}
}

// fileRows has no error of Close that Err does not have.
type fileRows struct{ *sql.Rows }

func (r fileRows) Close() { _ = r.Rows.Close() }

func (f *file) query(ctx context.Context, query string, args []any) (Rows, error) {
	stmt, err := f.prepare(ctx, statement{f.db.Read, query}) //nolint:sqlclosecheck // kept for the next time; it ends with its database
	if err != nil {
		return nil, err
	}
	rows, err := stmt.QueryContext(ctx, args...) //nolint:rowserrcheck // the caller looks
	if err != nil {
		return nil, err
	}
	return fileRows{rows}, nil
}

func (f *file) begin(ctx context.Context) (transaction, error) {
	tx, err := f.db.Write.BeginTx(ctx, nil)
	if err != nil {
		return nil, err
	}
	return &fileTx{f, tx}, nil
}

// fileTx runs every statement at once: there is no way to save.
type fileTx struct {
	f  *file
	tx *sql.Tx
}

func (t *fileTx) query(ctx context.Context, query string, args []any) (Rows, error) {
	var rows *sql.Rows
	var err error
	if stmt := t.f.inTransaction(query); stmt != nil {
		rows, err = t.tx.StmtContext(ctx, stmt).QueryContext(ctx, args...) //nolint:sqlclosecheck,rowserrcheck // the caller does; it ends with the transaction
	} else {
		rows, err = t.tx.QueryContext(ctx, form(query), args...) //nolint:rowserrcheck // the caller looks
	}
	if err != nil {
		return nil, err
	}
	return fileRows{rows}, nil
}

func (t *fileTx) exec(ctx context.Context, query string, args []any) (int64, error) {
	var res sql.Result
	var err error
	if stmt := t.f.inTransaction(query); stmt != nil {
		res, err = t.tx.StmtContext(ctx, stmt).ExecContext(ctx, args...) //nolint:sqlclosecheck // it ends with the transaction
	} else {
		res, err = t.tx.ExecContext(ctx, form(query), args...)
	}
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

func (t *fileTx) later(ctx context.Context, read func(Rows) error, query string, args []any) error {
	if read == nil {
		_, err := t.exec(ctx, query, args)
		return err
	}
	rows, err := t.query(ctx, query, args)
	if err != nil {
		return err
	}
	defer rows.Close()
	if err := read(rows); err != nil {
		return err
	}
	return rows.Err()
}

func (t *fileTx) flush(context.Context) error { return nil }

func (t *fileTx) commit(ctx context.Context) error {
	err := t.tx.Commit()
	t.f.prepareWanted(ctx)
	return err
}

// rollback also comes after the transaction was ended with its context.
func (t *fileTx) rollback(ctx context.Context) error {
	err := t.tx.Rollback()
	t.f.prepareWanted(ctx)
	if errors.Is(err, sql.ErrTxDone) {
		return nil
	}
	return err
}

// sqliteDown tells of disks that are full or fail, and of a file that others keep
// locked (SQLite, result codes).
func sqliteDown(err error) bool {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return false
	}
	switch e.Code() & 0xff { // without what makes it an extended code
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY:
		return true
	}
	return false
}

// sqliteTaken reads the column from the only place where SQLite tells it:
// "UNIQUE constraint failed: users.email_key", with its code behind.
func sqliteTaken(err error) string {
	var e *sqlite.Error
	if !errors.As(err, &e) || e.Code() != sqlite3.SQLITE_CONSTRAINT_UNIQUE {
		return ""
	}
	_, column, _ := strings.Cut(e.Error(), "UNIQUE constraint failed: ")
	column, _, _ = strings.Cut(column, " ")
	return column
}
