package transfer_test

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/stdlib"
	"go.uber.org/goleak"

	"github.com/pressmark/pressmark/auth"
	"github.com/pressmark/pressmark/auth/sqliteauth"
	"github.com/pressmark/pressmark/migrations"
	"github.com/pressmark/pressmark/migrations/migrationstest"
	"github.com/pressmark/pressmark/migrations/transfer"
	"github.com/pressmark/pressmark/readerstate"
	"github.com/pressmark/pressmark/readerstate/sqlitestate"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(migrationstest.Main{M: m}) }

// lite returns an empty file, and how it is moved.
func lite(t *testing.T) (*migrations.SQLiteDB, transfer.Database) {
	t.Helper()
	db, err := migrations.OpenSQLite(filepath.Join(t.TempDir(), "state.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db, migrated(t, db.Write, migrations.SQLite)
}

// postgres returns an empty schema.
func postgres(t *testing.T) transfer.Database {
	t.Helper()
	db := stdlib.OpenDBFromPool(migrationstest.Postgres(t))
	t.Cleanup(func() { db.Close() })
	return migrated(t, db, migrations.Postgres)
}

func migrated(t *testing.T, db *sql.DB, d migrations.Dialect) transfer.Database {
	t.Helper()
	schema, err := migrations.New(db, d)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := schema.Up(t.Context()); err != nil {
		t.Fatal(err)
	}
	return transfer.Database{DB: db, Dialect: d, Schema: schema}
}

func check(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

// filled returns a file with something in every table.
func filled(t *testing.T) transfer.Database {
	t.Helper()
	db, d := lite(t)
	ctx := t.Context()
	accounts := sqliteauth.New(db, sqliteauth.Options{})
	readers := sqlitestate.New(db, sqlitestate.Options{})
	for i := range 4 {
		name := fmt.Sprintf("Zoë♥%d", i)
		u := auth.User{Email: fmt.Sprintf("Zoë%d@example.com", i), Username: name, FullName: "<b> & 'x'", Role: auth.Admin}
		if i == 1 {
			u.Role, u.Access = auth.Reader, auth.Access{Restricted: true, Libraries: map[string]auth.Rule{"main": {Kind: auth.Matching, Expression: `tags:"a"`}, "b": {Kind: auth.None}}}
		}
		u, err := accounts.Create(ctx, u, "hash")
		check(t, err)
		now := time.Now()
		check(t,
			accounts.Begin(ctx, auth.Session{ID: fmt.Sprint("s", i), User: u.ID, Label: "x", Created: now, Used: now, Expires: now.Add(time.Hour)}, [32]byte{1, 2, byte(i)}),
			accounts.AddAppPassword(ctx, auth.AppPassword{ID: fmt.Sprint("p", i), User: u.ID, Label: "l", Scopes: []auth.Scope{auth.ScopeAPI}, Hash: [32]byte{byte(i)}, Created: now}),
			accounts.Record(ctx, auth.Event{At: now, Action: auth.DidLogIn, User: u.ID}),
		)
		reader := readerstate.UserID(u.ID)
		list := fmt.Sprintf("%08d-0000-4000-8000-000000000000", i)
		_, _, err = readers.CreateList(ctx, reader, readerstate.List{ID: list, Name: "x", Description: "a\nb"})
		check(t, err)
		for n := range 60 {
			book := readerstate.Book(fmt.Sprintf("00000000-0000-4000-8000-%012d", n%7))
			p := readerstate.Position{Family: "web", Type: readerstate.CFI, Locator: fmt.Sprint("x", n), Progression: float64(n) / 61, At: now.Add(time.Duration(n) * time.Second)}
			_, _, placed := readers.SetPlace(ctx, reader, book, p, readerstate.Write{ID: fmt.Sprint("w", n)})
			_, rated := readers.SetRating(ctx, reader, book, 0.5+float64(n%5), readerstate.Write{})
			_, favored := readers.SetFavorite(ctx, reader, book, n%2 == 0, readerstate.Write{})
			_, put := readers.PutBook(ctx, reader, list, book, readerstate.Spot{}, readerstate.Write{})
			check(t, placed, rated, favored, put)
		}
		_, err = readers.SetPreferences(ctx, reader, []byte(`{"a": [1.50, "<>"]}`), readerstate.Write{})
		check(t, err)
	}
	check(t, accounts.Delete(ctx, 4)) // its number is not given out again
	return d
}

func export(t *testing.T, d transfer.Database) string {
	t.Helper()
	var b bytes.Buffer
	rows, err := transfer.Export(t.Context(), d, &b)
	if err != nil || int64(strings.Count(b.String(), "\n")) != rows+2 {
		t.Fatal(rows, err)
	}
	return b.String()
}

func load(t *testing.T, d transfer.Database, text string) {
	t.Helper()
	rows, err := transfer.Import(t.Context(), d, strings.NewReader(text))
	if err != nil || rows != int64(strings.Count(text, "\n"))-2 {
		t.Fatal(rows, err)
	}
}

// TestRound moves what one database holds to others and back: it stays the same.
func TestRound(t *testing.T) {
	first := export(t, filled(t))
	for _, name := range []string{"users", "user_access", "sessions", "app_passwords", "events", "marks", "places", "positions", "lists", "list_books", "preferences", "state_writes"} {
		if !strings.Contains(first, `{"table":"`+name+`"`) {
			t.Errorf("no row of %s", name)
		}
	}
	pg := postgres(t)
	load(t, pg, first)
	if second := export(t, pg); second != first {
		t.Errorf("PostgreSQL has\n%.2000s\nwhere SQLite has\n%.2000s", second, first)
	}
	_, back := lite(t)
	load(t, back, export(t, pg))
	if third := export(t, back); third != first {
		t.Error("back in SQLite it is not the same")
	}
	// Numbers of accounts go on behind those that were given out.
	for _, d := range []transfer.Database{pg, back} {
		var id int64
		check(t, d.DB.QueryRowContext(t.Context(), `INSERT INTO users (email, email_key, username, username_key, full_name, role, password_hash, created_at, updated_at)
			SELECT 'x', 'x', 'x', 'x', '', 'reader', '', created_at, updated_at FROM users WHERE id = 1 RETURNING id`).Scan(&id))
		if id != 5 {
			t.Errorf("%s: the next account is %d", d.Dialect, id)
		}
	}
}

func TestEmpty(t *testing.T) {
	_, d := lite(t)
	text := export(t, d)
	pg := postgres(t)
	load(t, pg, text)
	if again := export(t, pg); again != text {
		t.Errorf("%s, then %s", text, again)
	}
}

// TestDamaged: what is not whole is not imported at all.
func TestDamaged(t *testing.T) {
	whole := export(t, filled(t))
	lines := strings.SplitAfter(whole, "\n")
	_, d := lite(t)
	empty := export(t, d)
	for name, text := range map[string]string{
		"nothing": "", "another file": "{}\n", "JSON of others": `{"a":1}` + "\n", "no JSON": "PK\x03\x04",
		"cut":               whole[:len(whole)/2],
		"cut after a line":  strings.Join(lines[:len(lines)/2], ""),
		"without an end":    strings.Join(lines[:len(lines)-2], ""),
		"a line is missing": strings.Join(slices.Delete(slices.Clone(lines), 5, 6), ""),
		"another schema":    strings.Replace(whole, `"schema":`, `"schema":9`, 1),
		"another table":     strings.Replace(whole, `"table":"marks"`, `"table":"sqlite_schema"`, 1),
		"another column":    strings.Replace(whole, `"rating_version"`, `"nope"`, 1),
		"another kind":      strings.Replace(whole, `"rating_version":`, `"rating_version":"x","x":`, 1),
		"null":              strings.Replace(whole, `"username_key":"`, `"username_key":null,"x":"`, 1),
		"twice":             strings.Join(slices.Insert(slices.Clone(lines), 2, lines[1]), ""),
	} {
		if _, err := transfer.Import(t.Context(), d, strings.NewReader(text)); err == nil || !strings.HasPrefix(err.Error(), "import: ") {
			t.Errorf("%s: %v", name, err)
		}
		if after := export(t, d); after != empty {
			t.Fatalf("%s: it was imported in part", name)
		}
	}
	load(t, d, whole)
	if _, err := transfer.Import(t.Context(), d, strings.NewReader(whole)); !errors.Is(err, transfer.ErrNotEmpty) {
		t.Errorf("into what is not empty: %v", err)
	}
}

// TestColumns: what a change of the schema adds is moved, too.
func TestColumns(t *testing.T) {
	d := filled(t)
	first := export(t, d)
	left := []string{"attempts", "changes", "setup", "schema_migrations", "migration_lock", "sqlite_sequence"}
	rows, err := d.DB.QueryContext(t.Context(), `SELECT m.name, c.name FROM sqlite_schema m JOIN pragma_table_info(m.name) c WHERE m.type = 'table'`)
	check(t, err)
	defer rows.Close()
	n := 0
	for rows.Next() {
		var table, column string
		check(t, rows.Scan(&table, &column))
		if slices.Contains(left, table) {
			continue
		}
		n++
		_, row, _ := strings.Cut(first, `{"table":"`+table+`"`)
		row, _, _ = strings.Cut(row, "\n")
		if !strings.Contains(row, `"`+column+`":`) {
			t.Errorf("%s.%s is not moved", table, column)
		}
	}
	if check(t, rows.Err()); n < 80 {
		t.Errorf("%d columns", n)
	}
}
