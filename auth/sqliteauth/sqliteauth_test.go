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

func open(t testing.TB) *migrations.SQLiteDB {
	t.Helper()
	return openFile(t, filepath.Join(t.TempDir(), "state?%41 ü.db"))
}

func openFile(t testing.TB, path string) *migrations.SQLiteDB {
	t.Helper()
	db, err := migrations.OpenSQLite(path)
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

func TestRoles(t *testing.T) {
	authtest.Roles(t, func(t *testing.T) authtest.All { return sqliteauth.New(open(t), sqliteauth.Options{}) })
}

// TestChanges has two processes: each opens the file for itself.
func TestChanges(t *testing.T) {
	authtest.Changes(t, func(t *testing.T) (writer, watcher authtest.All) {
		path := filepath.Join(t.TempDir(), "state.db")
		return sqliteauth.New(openFile(t, path), sqliteauth.Options{}), sqliteauth.New(openFile(t, path), sqliteauth.Options{})
	})
}
