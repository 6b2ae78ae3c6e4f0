// Package migrationstest gives tests a real PostgreSQL: one server for all
// tests of a test binary, and in it a schema for each test.
//
// The server is the one that PRESSMARK_TEST_POSTGRES_URL names. Without it, it
// is a container of the image in PRESSMARK_TEST_POSTGRES_IMAGE, or else of
// [Image]. Without a container engine the tests that need the server skip; with
// PRESSMARK_REQUIRE_CONTAINERS=1, as in continuous integration, they fail.
//
// A package whose tests call [Postgres] hands its TestMain to [Main], which
// removes the container:
//
//	func TestMain(m *testing.M) { goleak.VerifyTestMain(migrationstest.Main{M: m}) }
package migrationstest

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/pressmark/pressmark/migrations"
)

// maxConns is enough for a test to wait for its own locks, and little enough
// for many tests at a time.
const maxConns = 8

// Postgres returns a pool whose connections find, and make, everything in an
// empty schema that no other test has. When the test is over the pool is closed
// and the schema dropped; until then all connections must have been released.
//
// What belongs to a database rather than to a schema is shared between tests:
// extensions, roles, advisory locks, channels of LISTEN.
func Postgres(tb testing.TB) *pgxpool.Pool {
	tb.Helper()
	config, err := pgxpool.ParseConfig(serverURL(tb))
	if err != nil {
		tb.Fatal(err)
	}
	schema := "test_" + strings.ToLower(rand.Text())
	config.MaxConns = maxConns
	config.ConnConfig.RuntimeParams["search_path"] = schema

	pool, err := pgxpool.NewWithConfig(tb.Context(), config)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(pool.Close)
	if _, err := pool.Exec(tb.Context(), "CREATE SCHEMA "+schema); err != nil {
		tb.Fatalf("making a schema for the test: %v", err)
	}
	tb.Cleanup(func() {
		// The test's own context ends before this.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(tb.Context()), 30*time.Second)
		defer cancel()
		if _, err := pool.Exec(ctx, "DROP SCHEMA "+schema+" CASCADE"); err != nil {
			tb.Errorf("dropping the test's schema, perhaps a connection was not released: %v", err)
		}
	})
	return pool
}

// Migrated is Postgres with the newest schema of package migrations.
func Migrated(tb testing.TB) *pgxpool.Pool {
	tb.Helper()
	pool := Postgres(tb)
	db := stdlib.OpenDBFromPool(pool)
	defer db.Close()
	schema, err := migrations.New(db, migrations.Postgres)
	if err != nil {
		tb.Fatal(err)
	}
	if _, err := schema.Up(tb.Context()); err != nil {
		tb.Fatal(err)
	}
	return pool
}

// URL returns an address that leads to the schema of a pool that Postgres made,
// for what is given an address.
func URL(pool *pgxpool.Pool) string {
	c := pool.Config().ConnConfig
	return fmt.Sprintf("postgres://%s:%s@%s:%d/%s?search_path=%s", c.User, c.Password, c.Host, c.Port, c.Database, c.RuntimeParams["search_path"])
}
