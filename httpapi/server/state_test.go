package server

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/pressmark/pressmark/auth"
	"github.com/pressmark/pressmark/catalog/calibre/calibretest"
	"github.com/pressmark/pressmark/migrations"
)

// TestState: the server makes the database of accounts, and what is in it is
// there for the next one.
func TestState(t *testing.T) {
	var logs bytes.Buffer
	c := Config{
		Libraries: []Library{{Path: calibretest.Sample(t)}}, PublicRead: true, DataDir: t.TempDir(),
		Logger: slog.New(slog.NewTextHandler(&logs, nil)),
	}
	for _, applied := range []string{"applied=4", "applied=0"} {
		s, err := Open(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if !strings.Contains(logs.String(), `msg="Database migrations complete"`) || !strings.Contains(logs.String(), applied) {
			t.Errorf("%s is not in\n%s", applied, logs.String())
		}
		logs.Reset()
	}
	path := filepath.Join(c.DataDir, stateFile)
	if info, err := os.Stat(path); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	state, err := OpenState(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	defer state.Close()
	if _, err := state.Users.Create(t.Context(), auth.User{Email: "a@example.com", Username: "a", Role: auth.Reader}, ""); err != nil {
		t.Error(err)
	}
}

// TestStateNewer: what a newer version has changed is refused, and left alone.
func TestStateNewer(t *testing.T) {
	c := Config{Libraries: []Library{{Path: calibretest.Sample(t)}}, PublicRead: true, DataDir: t.TempDir(), Logger: slog.New(slog.DiscardHandler)}
	s, err := Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	db, err := migrations.OpenSQLite(filepath.Join(c.DataDir, stateFile))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Write.ExecContext(t.Context(), "INSERT INTO schema_migrations (version_id, is_applied) VALUES (9999, 1)"); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	var version *migrations.VersionError
	if _, err := Open(t.Context(), c); !errors.As(err, &version) || version.Database != 9999 {
		t.Errorf("%v", err)
	}
}

func TestPostgresConfig(t *testing.T) {
	c, err := postgresConfig("postgresql+asyncpg://ada:s%2Fcret@db:5433/books?min_size=3&max_size=9&sslmode=disable")
	if err != nil {
		t.Fatal(err)
	}
	if c.MinConns != 3 || c.MaxConns != 9 || c.ConnConfig.Host != "db" || c.ConnConfig.Port != 5433 || c.ConnConfig.Database != "books" || c.ConnConfig.Password != "s/cret" {
		t.Errorf("%+v", c.ConnConfig.Config)
	}
	if c, err := postgresConfig("postgres://db/books"); err != nil || c.MaxConns != defaultPool {
		t.Errorf("%+v, %v", c, err)
	}
	if c, err := postgresConfig("postgres://db/books?pool_max_conns=7"); err != nil || c.MaxConns != 7 {
		t.Errorf("%v", err)
	}
	for _, address := range []string{"", "books", "mysql://db", "postgres:///books", "postgres+psycopg://db/x", "postgres://u:secret@db:port/x", "postgres://u:secret@db/x?pool_max_conns=many", "postgres://u:sec ret%@db/x"} {
		_, err := postgresConfig(address)
		if err == nil || strings.Contains(err.Error(), "sec") && !strings.Contains(err.Error(), "xxxx") {
			t.Errorf("%s: %v", address, err)
		}
	}
}
