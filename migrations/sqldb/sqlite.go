package sqldb

import (
	"database/sql"
	"errors"
	"strings"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/pressmark/pressmark/migrations"
)

// SQLite returns a file, which stays the caller's to close.
func SQLite(db *migrations.SQLiteDB) *DB {
	return &DB{
		read: db.Read, write: db.Write,
		// To SQLite $1 is a name, ?1 a number.
		form:     func(q string) string { return strings.ReplaceAll(q, "$", "?") },
		time:     func(t time.Time) any { return t.UnixMicro() },
		down:     sqliteDown,
		taken:    sqliteTaken,
		prepared: map[statement]*sql.Stmt{},
	}
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
