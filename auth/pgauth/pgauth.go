// Package pgauth keeps accounts, and what belongs to them, in PostgreSQL, version
// 15 or newer.
package pgauth

import (
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/pressmark/pressmark/auth/internal/sqlauth"
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
	pool *pgxpool.Pool
}

// accounts is the number of the advisory lock that changes of accounts hold: the
// letters "prsmauth", which nobody else will use.
const accounts = "8102074365862474856"

// New returns what is kept in a database that has the schema of package
// migrations. The pool stays the caller's to close.
func New(pool *pgxpool.Pool, o Options) *Store {
	store := sqlauth.New(sqldb.Postgres(pool), sqlauth.Dialect{
		Serialize: "SELECT pg_advisory_xact_lock(" + accounts + ")",
		Changed:   "SELECT pg_notify('" + channel + "', current_schema() || ' ' || $1::bigint)",
	}, o.Now)
	return &Store{store, pool}
}
