package migrations

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	_ "modernc.org/sqlite" // the driver
)

// SQLiteDB is an open file. What is written goes through one connection, so that
// writers queue up instead of finding the database locked; readers do not wait
// for them.
type SQLiteDB struct {
	Read, Write *sql.DB
}

// busyTimeout is how long other programs that write the same file are waited
// for.
const busyTimeout = 10 * time.Second

// OpenSQLite opens a file, which is made if there is none; its folder must be
// there. What was committed is on disk, whatever happens next. Its schema is
// not looked at.
func OpenSQLite(path string) (*SQLiteDB, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("open the database: %w", err)
	}
	// It holds hashes of passwords. SQLite gives its other files the same mode.
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the database: %w", err)
	}
	if err := f.Close(); err != nil {
		return nil, fmt.Errorf("open the database: %w", err)
	}
	write, err := sql.Open("sqlite", dsn(path, "synchronous(full)")+"&_txlock=immediate")
	if err != nil {
		return nil, fmt.Errorf("open the database %s: %w", path, err)
	}
	write.SetMaxOpenConns(1)
	write.SetMaxIdleConns(1)
	read, err := sql.Open("sqlite", dsn(path, "query_only(1)"))
	if err != nil {
		write.Close()
		return nil, fmt.Errorf("open the database %s: %w", path, err)
	}
	readers := max(4, runtime.GOMAXPROCS(0))
	read.SetMaxOpenConns(readers)
	read.SetMaxIdleConns(readers)
	// WAL is a property of the file; it has to be there before readers are.
	if _, err := write.Exec("PRAGMA journal_mode = wal"); err != nil {
		return nil, errors.Join(fmt.Errorf("open the database %s: %w", path, err), write.Close(), read.Close())
	}
	return &SQLiteDB{read, write}, nil
}

// dsn names a file for the driver. Without "file:" parameters are dropped.
func dsn(path, pragma string) string {
	path = filepath.ToSlash(path)
	if !strings.HasPrefix(path, "/") {
		path = "/" + path // C:/…
	}
	u := url.URL{Scheme: "file", Path: path}
	q := url.Values{"_pragma": {fmt.Sprintf("busy_timeout(%d)", busyTimeout.Milliseconds()), "foreign_keys(1)", pragma}}
	u.RawQuery = q.Encode()
	return u.String()
}

// Close closes the file.
func (d *SQLiteDB) Close() error { return errors.Join(d.Read.Close(), d.Write.Close()) }

// sqliteLocker lets one program at a time migrate a file: it has a row, for as
// long as it works and a little longer, if it is killed.
type sqliteLocker struct{ holder string }

const (
	sqliteLease = 30 * time.Second
	sqliteWait  = 2 * time.Minute
)

// SessionLock waits for the row.
func (l *sqliteLocker) SessionLock(ctx context.Context, conn *sql.Conn) error {
	const create = `CREATE TABLE IF NOT EXISTS migration_lock (id INTEGER PRIMARY KEY CHECK (id = 1), holder TEXT NOT NULL, until INTEGER NOT NULL)`
	if _, err := conn.ExecContext(ctx, create); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, sqliteWait)
	defer cancel()
	for {
		now := time.Now()
		res, err := conn.ExecContext(ctx,
			`INSERT INTO migration_lock (id, holder, until) VALUES (1, ?, ?)
			 ON CONFLICT (id) DO UPDATE SET holder = excluded.holder, until = excluded.until WHERE until < ?`,
			l.holder, now.Add(sqliteLease).UnixMilli(), now.UnixMilli())
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 1 {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("somebody else is migrating the database: %w", ctx.Err())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// SessionUnlock gives the row back.
func (l *sqliteLocker) SessionUnlock(ctx context.Context, conn *sql.Conn) error {
	_, err := conn.ExecContext(ctx, `DELETE FROM migration_lock WHERE holder = ?`, l.holder)
	return err
}
