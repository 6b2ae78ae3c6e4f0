package snapshot

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// The test database has a page for each row of debit and credit, and those of
// part between them. In a whole copy the sum of debit and credit is 0, and all
// rows of part have the same generation.
const (
	schema = `
	CREATE TABLE debit(id INTEGER PRIMARY KEY, v INT, body BLOB);
	WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50)
		INSERT INTO debit SELECT i, 0, randomblob(3000) FROM n;
	CREATE TABLE part(id INTEGER PRIMARY KEY, generation INT, body BLOB);`
	schemaEnd = `
	CREATE TABLE credit(id INTEGER PRIMARY KEY, v INT, body BLOB);
	INSERT INTO credit SELECT id, 0, randomblob(3000) FROM debit;`

	// transfer changes a page at the beginning and one at the end.
	transfer = `
	UPDATE debit SET v = v - 7 WHERE id = 1 + abs(random() % 50);
	UPDATE credit SET v = v + 7 WHERE id = 1 + abs(random() % 50);`
	// bump begins another generation, on most of the pages.
	bump = transfer + `
	UPDATE part SET generation = generation + 1, body = randomblob(700);`
)

// library makes a folder with a metadata.db of about parts kB and returns the
// path of that.
func library(t testing.TB, parts int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "Calibre Library? #1 100%", "metadata.db")
	if err := os.Mkdir(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	run(t, path, schema, fmt.Sprintf(`
		WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)
			INSERT INTO part SELECT i, 1, randomblob(700) FROM n`, parts), schemaEnd)
	return path
}

// run executes statements on a database that nobody else in this process uses.
func run(t testing.TB, path string, statements ...string) {
	t.Helper()
	db, err := sql.Open("sqlite", dsn(path, "mode=rwc"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	for _, s := range statements {
		if _, err := db.Exec(s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

func openTestDir(t testing.TB) *Dir {
	t.Helper()
	d, err := OpenDir(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		// Whatever a test did, nothing but its copies may have been left.
		if names := list(t, d.Path); len(names) != 1 {
			t.Errorf("left in the scratch folder: %v", names)
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

// take makes a copy, requires that it is whole and one plain file, and returns
// it with its generation. The file is removed at once.
func take(t testing.TB, d *Dir, src string, o Options) (Copy, int) {
	t.Helper()
	c, err := d.Take(t.Context(), src, o)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := c.Remove(); err != nil {
			t.Error(err)
		}
	}()
	return c, inspect(t, c)
}

// takeAndCheck makes a copy, checks it, and removes it.
func takeAndCheck(ctx context.Context, d *Dir, src string, o Options) (Copy, error) {
	c, err := d.Take(ctx, src, o)
	if err != nil {
		return c, err
	}
	return c, errors.Join(c.Check(ctx), c.Remove())
}

func inspect(t testing.TB, c Copy) int {
	t.Helper()
	for _, suffix := range []string{journalSuffix, walSuffix, "-shm"} {
		if _, err := os.Stat(c.Path + suffix); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s beside the copy: %v", suffix, err)
		}
	}
	if info, err := os.Stat(c.Path); err != nil || info.Size() != c.Size {
		t.Errorf("copy: %v, %v; expected %d bytes", info, err, c.Size)
	}
	db, err := sql.Open("sqlite", c.DSN())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var (
		check, mode         string
		lowest, highest, ab int
	)
	for query, dest := range map[string]any{
		"PRAGMA integrity_check":                                          &check,
		"PRAGMA journal_mode":                                             &mode,
		"SELECT min(generation) FROM part":                                &lowest,
		"SELECT max(generation) FROM part":                                &highest,
		"SELECT (SELECT sum(v) FROM debit) + (SELECT sum(v) FROM credit)": &ab,
	} {
		if err := db.QueryRow(query).Scan(dest); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
	}
	if check != "ok" || mode == "wal" || lowest != highest || ab != 0 {
		t.Fatalf("torn copy: integrity_check %s, journal mode %s, generations %d to %d, sum %d (%+v)", check, mode, lowest, highest, ab, c)
	}
	return lowest
}

// list returns the content of each file in a folder, as a digest.
func list(t testing.TB, dir string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, e := range entries {
		b, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		files[e.Name()] = fmt.Sprintf("%x %v %v", sha256.Sum256(b), info.Mode(), info.ModTime())
	}
	return files
}

// untouched reports an error if the folder of path is other than now when the
// test ends. Nobody may write there meanwhile.
func untouched(t testing.TB, path string) {
	t.Helper()
	before := list(t, filepath.Dir(path))
	t.Cleanup(func() {
		if after := list(t, filepath.Dir(path)); !maps.Equal(before, after) {
			t.Errorf("the library changed:\nbefore %v\nafter  %v", before, after)
		}
	})
}

// until polls for a state of another process.
func until(t testing.TB, what string, reached func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for tick := time.NewTicker(100 * time.Microsecond); !reached(); {
		select {
		case <-ctx.Done():
			t.Fatalf("never came: %s", what)
		case <-tick.C:
		}
	}
}

// once makes a single attempt.
var once = Options{Wait: -1}
