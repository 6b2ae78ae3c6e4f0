package calibretest

import (
	"bytes"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func sampleDB(tb testing.TB) string {
	tb.Helper()
	return filepath.Join(Sample(tb), "metadata.db")
}

func columns(tb testing.TB, db *sql.DB, table string) string {
	tb.Helper()
	var names string
	if err := db.QueryRow(`SELECT COALESCE(group_concat(name, ' '), '') FROM pragma_table_info(?)`, table).Scan(&names); err != nil {
		tb.Fatal(err)
	}
	return " " + names + " "
}

func TestSetVersion(t *testing.T) {
	for version := MinVersion; version <= MaxVersion; version++ {
		t.Run(fmt.Sprint(version), func(t *testing.T) {
			path := sampleDB(t)
			if err := SetVersion(path, version); err != nil {
				t.Fatal(err)
			}
			checkVersion(t, path, version)
		})
	}
	t.Run("down and up", func(t *testing.T) {
		path := sampleDB(t)
		for _, version := range []int{27, 20, 27, 25} {
			if err := SetVersion(path, version); err != nil {
				t.Fatal(err)
			}
			checkVersion(t, path, version)
		}
	})
	for _, version := range []int{19, 28} {
		if err := SetVersion(sampleDB(t), version); err == nil {
			t.Errorf("version %d was made", version)
		}
	}
}

func checkVersion(t *testing.T, path string, version int) {
	t.Helper()
	db := opened(t, path)
	defer db.Close()
	if n := number(t, db, `PRAGMA user_version`); n != float64(version) {
		t.Errorf("user_version %v, want %d", n, version)
	}
	if n := number(t, db, `SELECT count(*) FROM books`); n != 24 {
		t.Errorf("%v books", n)
	}
	for _, c := range []struct {
		table, column string
		from, to      int // the versions that have it
	}{
		{"authors", "link", 21, 99},
		{"last_read_positions", "cfi", 23, 99},
		{"annotations", "annot_data", 24, 99},
		{"tags", "link", 26, 99},
		{"ratings", "link", 26, 99},
		{"custom_column_5", "link", 26, 99},
		{"custom_column_3", "link", 99, 99},
		{"books", "isbn", 20, 26},
		{"books", "flags", 20, 26},
		{"books_pages_link", "pages", 27, 99},
	} {
		want := c.from <= version && version <= c.to
		if got := strings.Contains(columns(t, db, c.table), " "+c.column+" "); got != want {
			t.Errorf("version %d: %s.%s: %v, want %v", version, c.table, c.column, got, want)
		}
	}
	view := schemaOf(t, db)["view meta"]
	if !strings.Contains(view, "uuid") || strings.Contains(view, "isbn") != (version < 27) {
		t.Errorf("version %d: view meta is %q", version, view)
	}
	var id int
	if err := db.QueryRow(`PRAGMA application_id`).Scan(&id); err != nil || (id == 0x63616c69) != (version >= 27) {
		t.Errorf("version %d: application_id %x, %v", version, id, err)
	}
	if n := number(t, db, `SELECT count(*) FROM series WHERE sort IS NULL`); (n > 0) != (version < 22) {
		t.Errorf("version %d: %v series without sort", version, n)
	}
	// The triggers fit the tables: a book can come and go.
	if _, err := db.Exec(`INSERT INTO books (title) VALUES ('The New Book')`); err != nil {
		t.Error(err)
	}
	if n := number(t, db, `SELECT count(*) FROM books WHERE sort = 'New Book, The' AND length(uuid) = 36`); n != 1 {
		t.Errorf("version %d: the trigger on new books did not work", version)
	}
	if _, err := db.Exec(`DELETE FROM books WHERE title = 'The New Book'`); err != nil {
		t.Error(err)
	}
}

func TestWAL(t *testing.T) {
	path := sampleDB(t)
	if err := WAL(path); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil || b[18] != 2 || b[19] != 2 {
		t.Fatalf("header %v, %v", b[18:20], err)
	}
	for _, suffix := range []string{"-wal", "-shm"} {
		if _, err := os.Stat(path + suffix); err == nil {
			t.Errorf("there is a %s", suffix)
		}
	}
	if err := WAL(path, `UPDATE tags SET name = name || '!'`, `UPDATE books SET title = 'Only in the log' WHERE id = 1`); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path + "-shm"); err == nil {
		t.Error("there is a -shm")
	}
	alone := filepath.Join(t.TempDir(), "metadata.db")
	main, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(alone, main, 0o644); err != nil {
		t.Fatal(err)
	}
	const query = `SELECT count(*) FROM books WHERE title = 'Only in the log'`
	if n := number(t, opened(t, alone), query); n != 0 {
		t.Error("the change is in the main file")
	}
	if n := number(t, opened(t, path), query); n != 1 {
		t.Error("the change is not in the log")
	}
}

func TestHotJournal(t *testing.T) {
	path := sampleDB(t)
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := HotJournal(path); err != nil {
		t.Fatal(err)
	}
	main, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(main, []byte("(unfinished)")) || len(main) <= len(before) {
		t.Error("nothing of the transaction reached the file")
	}
	// Without the journal the file is wrong.
	alone := filepath.Join(t.TempDir(), "metadata.db")
	if err := os.WriteFile(alone, main, 0o644); err != nil {
		t.Fatal(err)
	}
	var check string
	if err := opened(t, alone).QueryRow(`PRAGMA integrity_check`).Scan(&check); err == nil && check == "ok" {
		t.Error("without its journal the file is sound")
	}
	// With it SQLite finds the journal hot, and rolls back.
	if n := number(t, opened(t, path), `SELECT count(*) FROM tags WHERE name LIKE '%(unfinished)'`); n != 0 {
		t.Errorf("%v tags of a transaction that never ended", n)
	}
	after, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(before, after) {
		t.Errorf("rolled back to something else (%v)", err)
	}
	if _, err := os.Stat(path + "-journal"); err == nil {
		t.Error("the journal is still there")
	}
}

func TestDamages(t *testing.T) {
	for _, d := range Damages() {
		t.Run(d.Name, func(t *testing.T) {
			path := sampleDB(t)
			before, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := d.Apply(path); err != nil {
				t.Fatal(err)
			}
			after, err := os.ReadFile(path)
			if err != nil || bytes.Equal(before, after) {
				t.Fatalf("not damaged (%v)", err)
			}
			db := opened(t, path)
			var check string
			var books int
			err = db.QueryRow(`PRAGMA integrity_check`).Scan(&check)
			if err == nil && check == "ok" {
				err = db.QueryRow(`SELECT count(title) FROM books`).Scan(&books)
			}
			if err == nil && check == "ok" {
				t.Errorf("%d books can be read as if nothing had happened", books)
			}
			if err := d.Apply(filepath.Join(t.TempDir(), "none", "metadata.db")); err == nil {
				t.Error("a file that is missing gave no error")
			}
		})
	}
}

func TestFlipBytesBySeed(t *testing.T) {
	damage := func(seed uint64) []byte {
		path := sampleDB(t)
		if err := FlipBytes(path, seed); err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	if !bytes.Equal(damage(1), damage(1)) || bytes.Equal(damage(1), damage(2)) {
		t.Error("the seed does not decide")
	}
}

func TestFuture(t *testing.T) {
	path := sampleDB(t)
	if err := Future(path); err != nil {
		t.Fatal(err)
	}
	db := opened(t, path)
	if v, n := number(t, db, `PRAGMA user_version`), number(t, db, `SELECT count(shelf_mark) FROM books`); v != 99 || n != 24 {
		t.Errorf("version %v, %v books", v, n)
	}
}

func TestAlterRunsTriggersAndAllOrNothing(t *testing.T) {
	path := sampleDB(t)
	if err := Alter(path, `UPDATE books SET title = 'An Alteration' WHERE id = 1`); err != nil {
		t.Fatal(err)
	}
	if err := Alter(path, `UPDATE books SET title = 'Undone' WHERE id = 2`, `UPDATE nothing SET x = 1`); err == nil {
		t.Error("a wrong statement gave no error")
	}
	db := opened(t, path)
	if n := number(t, db, `SELECT count(*) FROM books WHERE sort = 'Alteration, An' OR title = 'Undone'`); n != 1 {
		t.Errorf("%v books, want the first one only", n)
	}
}
