package sqliteauth_test

import (
	"path/filepath"
	"testing"

	"github.com/pressmark/pressmark/auth"
	"github.com/pressmark/pressmark/auth/authtest"
	"github.com/pressmark/pressmark/auth/sqliteauth"
	"github.com/pressmark/pressmark/migrations"
)

func TestUsers(t *testing.T) {
	authtest.Users(t, func(t *testing.T) auth.Users { return sqliteauth.New(open(t), sqliteauth.Options{}) })
}

func TestSessions(t *testing.T) {
	authtest.Sessions(t, func(t *testing.T) authtest.Store { return sqliteauth.New(open(t), sqliteauth.Options{}) })
}

func open(t *testing.T) *migrations.SQLiteDB {
	t.Helper()
	db, err := migrations.OpenSQLite(filepath.Join(t.TempDir(), "state?%41 ü.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	schema, err := migrations.New(db.Write, migrations.SQLite)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := schema.Up(t.Context()); err != nil {
		t.Fatal(err)
	}
	return db
}
