// Package sqliteauth keeps accounts, and what belongs to them, in an SQLite file,
// which needs nothing to be set up.
package sqliteauth

import (
	"time"

	"github.com/pressmark/pressmark/auth/internal/sqlauth"
	"github.com/pressmark/pressmark/migrations"
	"github.com/pressmark/pressmark/migrations/sqldb"
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
	store := sqlauth.New(sqldb.SQLite(db), sqlauth.Dialect{
		Changed: `INSERT INTO changes (user_id, seq) VALUES ($1, (SELECT coalesce(max(seq), 0) + 1 FROM changes))
			ON CONFLICT (user_id) DO UPDATE SET seq = excluded.seq`,
	}, o.Now)
	return &Store{store, db}
}
