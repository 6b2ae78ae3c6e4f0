package migrationstest_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/pressmark/pressmark/migrations/migrationstest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(migrationstest.Main{M: m}) }

func TestSchemasAreApart(t *testing.T) {
	for _, name := range []string{"one", "two"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := migrationstest.Postgres(t)
			// Fails if the table of the other test is in sight, or left from an earlier run.
			if _, err := pool.Exec(t.Context(), "CREATE TABLE book (title text)"); err != nil {
				t.Fatal(err)
			}
			if _, err := pool.Exec(t.Context(), "INSERT INTO book VALUES ($1)", name); err != nil {
				t.Fatal(err)
			}
			var titles []string
			if err := pool.QueryRow(t.Context(), "SELECT array_agg(title) FROM book").Scan(&titles); err != nil {
				t.Fatal(err)
			}
			if len(titles) != 1 || titles[0] != name {
				t.Errorf("the table has %q, want only %q", titles, name)
			}
		})
	}
}

func TestSchemaIsDropped(t *testing.T) {
	t.Parallel()
	pool := migrationstest.Postgres(t)
	exists := func(schema string) (found bool) {
		t.Helper()
		const query = "SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1)"
		if err := pool.QueryRow(t.Context(), query, schema).Scan(&found); err != nil {
			t.Fatal(err)
		}
		return found
	}

	var schema string
	t.Run("inner", func(t *testing.T) {
		inner := migrationstest.Postgres(t)
		if err := inner.QueryRow(t.Context(), "SELECT current_schema()").Scan(&schema); err != nil {
			t.Fatal(err)
		}
		if _, err := inner.Exec(t.Context(), "CREATE TABLE book (title text)"); err != nil {
			t.Fatal(err)
		}
		if !exists(schema) {
			t.Errorf("the test's schema %q is not there", schema)
		}
	})
	if exists(schema) {
		t.Errorf("the schema %q is there after its test", schema)
	}
}
