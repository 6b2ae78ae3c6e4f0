package pgauth_test

import (
	"os"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/pressmark/pressmark/auth"
	"github.com/pressmark/pressmark/auth/authtest"
	"github.com/pressmark/pressmark/auth/pgauth"
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
	return pgauth.New(migrationstest.Migrated(t), pgauth.Options{})
}

func TestRoles(t *testing.T) {
	authtest.Roles(t, func(t *testing.T) authtest.All { return open(t) })
}

// TestChanges has two processes: each has a pool of its own.
func TestChanges(t *testing.T) {
	authtest.Changes(t, func(t *testing.T) (writer, watcher authtest.All) {
		pool := migrationstest.Migrated(t)
		second, err := pgxpool.NewWithConfig(t.Context(), pool.Config())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(second.Close)
		return pgauth.New(pool, pgauth.Options{}), pgauth.New(second, pgauth.Options{})
	})
}
