// Package pgstate keeps the state of readers in PostgreSQL, version 15 or newer.
package pgstate

import (
	"database/sql"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/pressmark/pressmark/migrations/sqldb"
	"github.com/pressmark/pressmark/readerstate/internal/sqlstate"
)

// Options are the settings of a Store. The zero value works.
type Options struct {
	// Now is the clock. nil means time.Now.
	Now func() time.Time
}

// Store is all roles of package readerstate. Safe for concurrent use.
type Store struct {
	*sqlstate.Store
	db *sql.DB // over the pool
}

// New returns what is kept in a database that has the schema of package
// migrations. Close it before the pool, which stays the caller's.
func New(pool *pgxpool.Pool, o Options) *Store {
	db := stdlib.OpenDBFromPool(pool)
	return &Store{sqlstate.New(sqldb.Postgres(db), o.Now), db}
}

// Close ends what New began. The pool stays open.
func (s *Store) Close() error { return s.db.Close() }
