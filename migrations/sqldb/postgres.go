package sqldb

import (
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// Postgres returns a database over pgx, version 15 or newer, which stays the
// caller's to close.
func Postgres(db *sql.DB) *DB {
	return &DB{
		Postgres: true, read: db, write: db,
		form:  func(q string) string { return q },
		time:  func(t time.Time) any { return t },
		down:  postgresDown,
		taken: postgresTaken,
	}
}

// postgresDown tells of connections that cannot be had or have broken, and of
// what PostgreSQL says when it starts, stops or is full (SQLSTATE, appendix A).
func postgresDown(err error) bool {
	var said *pgconn.PgError
	if errors.As(err, &said) {
		class := said.Code[:min(2, len(said.Code))]
		return class == "08" || class == "53" || class == "57" || class == "58" || said.Code == "25006"
	}
	var connect *pgconn.ConnectError
	var network net.Error
	return errors.As(err, &connect) || errors.As(err, &network) || errors.Is(err, driver.ErrBadConn) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF)
}

// postgresTaken reads the column from the constraint, which has the name that
// PostgreSQL gave it.
func postgresTaken(err error) string {
	var e *pgconn.PgError
	if !errors.As(err, &e) || e.Code != "23505" {
		return ""
	}
	return e.TableName + "." + strings.TrimSuffix(strings.TrimPrefix(e.ConstraintName, e.TableName+"_"), "_key")
}
