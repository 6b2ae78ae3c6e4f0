package pgauth_test

import (
	"os"
	"testing"

	"github.com/jackc/pgx/v5/stdlib"

	"github.com/pressmark/pressmark/auth"
	"github.com/pressmark/pressmark/auth/authtest"
	"github.com/pressmark/pressmark/auth/pgauth"
	"github.com/pressmark/pressmark/migrations"
	"github.com/pressmark/pressmark/migrations/migrationstest"
)

func TestMain(m *testing.M) { os.Exit(migrationstest.Main{M: m}.Run()) }

func TestUsers(t *testing.T) {
	authtest.Users(t, func(t *testing.T) auth.Users { return open(t) })
}

func TestSessions(t *testing.T) {
	authtest.Sessions(t, func(t *testing.T) authtest.Store { return open(t) })
}

func open(t *testing.T) *pgauth.Store {
	t.Helper()
	pool := migrationstest.Postgres(t)
	db := stdlib.OpenDBFromPool(pool)
	defer db.Close()
	schema, err := migrations.New(db, migrations.Postgres)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := schema.Up(t.Context()); err != nil {
		t.Fatal(err)
	}
	return pgauth.New(pool, pgauth.Options{})
}
