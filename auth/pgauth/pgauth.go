// Package pgauth keeps accounts, and what belongs to them, in PostgreSQL, version
// 15 or newer.
package pgauth

import (
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/pressmark/pressmark/auth/internal/sqlauth"
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
	db   *sql.DB // over pool
}

// accounts is the number of the advisory lock that changes of accounts hold: the
// letters "prsmauth", which nobody else will use.
const accounts = "8102074365862474856"

// New returns what is kept in a database that has the schema of package
// migrations. Close it before the pool, which stays the caller's.
func New(pool *pgxpool.Pool, o Options) *Store {
	db := stdlib.OpenDBFromPool(pool)
	store := sqlauth.New(sqlauth.Dialect{
		Read: db, Write: db,
		Query:     func(q string) string { return q },
		Time:      func(t time.Time) any { return t },
		Serialize: "SELECT pg_advisory_xact_lock(" + accounts + ")",
		Changed:   "SELECT pg_notify('" + channel + "', current_schema() || ' ' || $1::bigint)",
		Down:      down,
		Taken:     taken,
	}, o.Now)
	return &Store{store, pool, db}
}

// Close ends what New began. The pool stays open.
func (s *Store) Close() error { return s.db.Close() }

// down tells of connections that cannot be had or have broken, and of what
// PostgreSQL says when it starts, stops or is full (SQLSTATE, appendix A).
func down(err error) bool {
	var said *pgconn.PgError
	if errors.As(err, &said) {
		class := said.Code[:min(2, len(said.Code))]
		return class == "08" || class == "53" || class == "57" || class == "58" || said.Code == "25006"
	}
	var connect *pgconn.ConnectError
	var network net.Error
	return errors.As(err, &connect) || errors.As(err, &network) || errors.Is(err, driver.ErrBadConn) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF)
}

// taken returns the column of a constraint, which has the name that PostgreSQL
// gave it.
func taken(err error) string {
	var e *pgconn.PgError
	if !errors.As(err, &e) || e.Code != "23505" {
		return ""
	}
	return strings.TrimSuffix(strings.TrimPrefix(e.ConstraintName, "users_"), "_key")
}
