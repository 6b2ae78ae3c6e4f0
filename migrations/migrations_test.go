package migrations_test

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/stdlib"

	"github.com/pressmark/pressmark/migrations"
	"github.com/pressmark/pressmark/migrations/migrationstest"
)

func open(t *testing.T, path string) (*migrations.SQLiteDB, *migrations.Schema) {
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
	s, err := migrations.New(db.Write, migrations.SQLite)
	if err != nil {
		t.Fatal(err)
	}
	return db, s
}

// each runs a test on every kind of database. again opens the same database
// once more.
func each(t *testing.T, test func(t *testing.T, exec func(query string) error, again func() *migrations.Schema)) {
	t.Run("SQLite", func(t *testing.T) {
		t.Parallel()
		path := filepath.Join(t.TempDir(), "state.db")
		db, _ := open(t, path)
		exec := func(query string) error {
			_, err := db.Write.ExecContext(t.Context(), query)
			return err
		}
		test(t, exec, func() *migrations.Schema {
			_, s := open(t, path)
			return s
		})
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		pool := migrationstest.Postgres(t)
		exec := func(query string) error {
			_, err := pool.Exec(t.Context(), query)
			return err
		}
		test(t, exec, func() *migrations.Schema {
			db := stdlib.OpenDBFromPool(pool)
			t.Cleanup(func() { db.Close() })
			s, err := migrations.New(db, migrations.Postgres)
			if err != nil {
				t.Fatal(err)
			}
			return s
		})
	})
}

func TestMain(m *testing.M) { os.Exit(migrationstest.Main{M: m}.Run()) }

func TestUpAndDown(t *testing.T) {
	each(t, func(t *testing.T, exec func(string) error, again func() *migrations.Schema) {
		s := again()
		var version *migrations.VersionError
		if err := s.Check(t.Context()); !errors.As(err, &version) || version.Database != 0 {
			t.Errorf("empty: %v", err)
		}
		before, err := s.Status(t.Context())
		if err != nil || len(before) == 0 || !before[0].Applied.IsZero() {
			t.Errorf("status of an empty database: %+v, %v", before, err)
		}
		steps, err := s.Up(t.Context())
		if err != nil || len(steps) != len(before) || steps[0].Name != "00001_users.sql" {
			t.Fatalf("up: %+v, %v", steps, err)
		}
		if err := s.Check(t.Context()); err != nil {
			t.Error(err)
		}
		if steps, err := again().Up(t.Context()); err != nil || len(steps) != 0 {
			t.Errorf("up again: %+v, %v", steps, err)
		}
		if after, err := s.Status(t.Context()); err != nil || after[len(after)-1].Applied.IsZero() {
			t.Errorf("status: %+v, %v", after, err)
		}
		for range before {
			if step, err := s.Down(t.Context()); err != nil || step.Version == 0 {
				t.Errorf("down: %+v, %v", step, err)
			}
		}
		if step, err := s.Down(t.Context()); err != nil || step.Version != 0 {
			t.Errorf("down of nothing: %+v, %v", step, err)
		}
		if err := exec("SELECT id FROM users"); err == nil {
			t.Error("the table of users is still there")
		}
		if _, err := s.Up(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// TestUpTogether: programs that start together apply each step once.
func TestUpTogether(t *testing.T) {
	each(t, func(t *testing.T, _ func(string) error, again func() *migrations.Schema) {
		const programs = 6
		var applied [programs]int
		var wg sync.WaitGroup
		for i := range programs {
			s := again()
			wg.Go(func() {
				steps, err := s.Up(t.Context())
				if err != nil {
					t.Error(err)
				}
				applied[i] = len(steps)
			})
		}
		wg.Wait()
		total := 0
		for _, n := range applied {
			total += n
		}
		all, err := again().Status(t.Context())
		if err != nil || total != len(all) {
			t.Errorf("%d programs applied %v steps, of %d, %v", programs, applied, len(all), err)
		}
	})
}

// TestNewer: what a newer version has made is left alone.
func TestNewer(t *testing.T) {
	each(t, func(t *testing.T, exec func(string) error, again func() *migrations.Schema) {
		s := again()
		if _, err := s.Up(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := exec("INSERT INTO schema_migrations (version_id, is_applied) VALUES (9999, '1')"); err != nil {
			t.Fatal(err)
		}
		for name, f := range map[string]func() error{
			"check": func() error { return s.Check(t.Context()) },
			"up":    func() error { _, err := s.Up(t.Context()); return err },
			"down":  func() error { _, err := s.Down(t.Context()); return err },
		} {
			var version *migrations.VersionError
			if err := f(); !errors.As(err, &version) || version.Database != 9999 {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}
