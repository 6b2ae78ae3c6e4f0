// Package sqlitestate keeps the state of readers in an SQLite file, which needs
// nothing to be set up.
package sqlitestate

import (
	"time"

	"github.com/pressmark/pressmark/migrations"
	"github.com/pressmark/pressmark/migrations/sqldb"
	"github.com/pressmark/pressmark/readerstate/internal/sqlstate"
)

// Options are the settings of a Store. The zero value works.
type Options struct {
	// Now is the clock. nil means time.Now.
	Now func() time.Time
}

// Store is all roles of package readerstate. Safe for concurrent use.
type Store struct{ *sqlstate.Store }

// New returns what is kept in a file that has the schema of package migrations.
// The file stays the caller's to close.
func New(db *migrations.SQLiteDB, o Options) *Store {
	return &Store{sqlstate.New(sqldb.SQLite(db), o.Now)}
}
