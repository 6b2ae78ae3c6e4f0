// Package sqliteauth keeps accounts, and what belongs to them, in an SQLite file,
// which needs nothing to be set up.
package sqliteauth

import (
	"errors"
	"strings"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/pressmark/pressmark/auth/internal/sqlauth"
	"github.com/pressmark/pressmark/migrations"
)

// Options are the settings of a Store. The zero value works.
type Options struct {
	// Now is the clock. nil means time.Now.
	Now func() time.Time
}

// Store is all roles of package auth. Safe for concurrent use.
type Store struct {
	*sqlauth.Store
	db *migrations.SQLiteDB
}

// New returns what is kept in a file that has the schema of package migrations.
// The file stays the caller's to close.
func New(db *migrations.SQLiteDB, o Options) *Store {
	store := sqlauth.New(sqlauth.Dialect{
		Read: db.Read, Write: db.Write,
		// To SQLite $1 is a name, ?1 a number.
		Query: func(q string) string { return strings.ReplaceAll(q, "$", "?") },
		Time:  func(t time.Time) any { return t.UnixMicro() },
		Changed: `INSERT INTO changes (user_id, seq) VALUES ($1, (SELECT coalesce(max(seq), 0) + 1 FROM changes))
			ON CONFLICT (user_id) DO UPDATE SET seq = excluded.seq`,
		Prepare: true,
		Down:    down,
		Taken:   taken,
	}, o.Now)
	return &Store{store, db}
}

// down tells of disks that are full or fail, and of a file that others keep
// locked (SQLite, result codes).
func down(err error) bool {
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

// taken reads the column from the only place where SQLite tells it.
func taken(err error) string {
	var e *sqlite.Error
	if !errors.As(err, &e) || e.Code() != sqlite3.SQLITE_CONSTRAINT_UNIQUE {
		return ""
	}
	for _, column := range []string{"email_key", "username_key"} {
		if strings.Contains(e.Error(), "users."+column) {
			return column
		}
	}
	return ""
}
