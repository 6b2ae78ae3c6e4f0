// Package migrations holds the schema of the server's own database: accounts,
// sessions and what readers keep. It never touches Calibre's. There is one set
// of files for each kind of database; both make the same tables.
//
// Each change of the schema is a file, applied once, in the order of the numbers
// that names begin with. Programs that start together on one database apply it
// once: the others wait.
package migrations

import (
	"context"
	"crypto/rand"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed sqlite/*.sql postgres/*.sql
var files embed.FS

// table is where a database says which changes it has.
const table = "schema_migrations"

// Dialect is a kind of database.
type Dialect string

// The dialects.
const (
	SQLite   Dialect = "sqlite"
	Postgres Dialect = "postgres"
)

// Schema is the schema of one database. Safe for concurrent use.
type Schema struct{ provider *goose.Provider }

// Step is one change of the schema.
type Step struct {
	Version int64
	// Name is that of its file.
	Name string
	// Applied is when the database got it; zero if it has not.
	Applied time.Time
}

// VersionError is a database whose schema this program does not know, or that
// lacks a part of it. Nothing was changed.
type VersionError struct {
	// Database is the version of the database, Known the newest of this program.
	Database, Known int64
}

func (e *VersionError) Error() string {
	if e.Database > e.Known {
		return fmt.Sprintf("the database has schema version %d, made by a newer Pressmark; this one knows versions up to %d", e.Database, e.Known)
	}
	return fmt.Sprintf("the database has schema version %d, and %d is needed: run \"pressmark migrate up\"", e.Database, e.Known)
}

// New returns the schema of a database, which it does not touch. The database
// stays the caller's to close.
func New(db *sql.DB, d Dialect) (*Schema, error) {
	var (
		kind   goose.Dialect
		locker lock.SessionLocker
		err    error
	)
	switch d {
	case SQLite:
		kind, locker = goose.DialectSQLite3, &sqliteLocker{holder: rand.Text()}
	case Postgres:
		kind = goose.DialectPostgres
		// Every second, for two minutes.
		locker, err = lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 120))
	default:
		err = fmt.Errorf("unknown dialect %q", d)
	}
	if err != nil {
		return nil, fmt.Errorf("migrations: %w", err)
	}
	dir, err := fs.Sub(files, string(d))
	if err != nil {
		return nil, fmt.Errorf("migrations: %w", err)
	}
	p, err := goose.NewProvider(kind, db, dir, goose.WithSessionLocker(locker), goose.WithTableName(table))
	if err != nil {
		return nil, fmt.Errorf("migrations: %w", err)
	}
	return &Schema{p}, nil
}

// Up brings the database to the newest schema and returns the steps that were
// missing. Each is applied whole or not at all. A database that is newer is a
// VersionError.
func (s *Schema) Up(ctx context.Context) ([]Step, error) {
	if err := s.Check(ctx); isNewer(err) {
		return nil, err
	}
	results, err := s.provider.Up(ctx)
	var partial *goose.PartialError
	if errors.As(err, &partial) {
		results = partial.Applied
	}
	var done []Step
	for _, r := range results {
		done = append(done, Step{Version: r.Source.Version, Name: base(r.Source.Path)})
	}
	if err != nil {
		return done, fmt.Errorf("migrate: %w", err)
	}
	return done, nil
}

// Down takes the newest step back, and all that was kept in what it made. It
// returns no step if there is none.
func (s *Schema) Down(ctx context.Context) (Step, error) {
	if err := s.Check(ctx); isNewer(err) {
		return Step{}, err
	}
	r, err := s.provider.Down(ctx)
	if errors.Is(err, goose.ErrNoNextVersion) {
		return Step{}, nil
	}
	if err != nil {
		return Step{}, fmt.Errorf("migrate down: %w", err)
	}
	return Step{Version: r.Source.Version, Name: base(r.Source.Path)}, nil
}

// Status returns all steps that this program knows, in order.
func (s *Schema) Status(ctx context.Context) ([]Step, error) {
	list, err := s.provider.Status(ctx)
	if err != nil {
		return nil, fmt.Errorf("migration status: %w", err)
	}
	var steps []Step
	for _, m := range list {
		steps = append(steps, Step{m.Source.Version, base(m.Source.Path), m.AppliedAt})
	}
	return steps, nil
}

// Check returns a VersionError unless the database has the newest schema.
func (s *Schema) Check(ctx context.Context) error {
	have, known, err := s.provider.GetVersions(ctx)
	if err != nil {
		return fmt.Errorf("schema version: %w", err)
	}
	if have != known {
		return &VersionError{have, known}
	}
	return nil
}

func isNewer(err error) bool {
	var v *VersionError
	return err != nil && (!errors.As(err, &v) || v.Database > v.Known)
}

func base(path string) string {
	for i := len(path) - 1; i >= 0; i-- {
		if path[i] == '/' {
			return path[i+1:]
		}
	}
	return path
}
