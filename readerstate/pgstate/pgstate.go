// Package pgstate keeps the state of readers in PostgreSQL, version 15 or newer.
package pgstate

import (
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

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

// New returns what is kept in a database that has the schema of package
// migrations. The pool stays the caller's to close.
func New(pool *pgxpool.Pool, o Options) *Store {
	return &Store{sqlstate.New(sqldb.Postgres(pool), o.Now)}
}
