package calibretest

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// generated makes a library and returns the path of its database.
func generated(tb testing.TB, spec Spec) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "library", "metadata.db")
	if err := Generate(tb.Context(), path, spec); err != nil {
		tb.Fatal(err)
	}
	return path
}

// opened opens the database of a test.
func opened(tb testing.TB, path string, options ...string) *sql.DB {
	tb.Helper()
	db, err := Open(path, options...)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { db.Close() })
	return db
}

func number(tb testing.TB, db *sql.DB, query string, args ...any) float64 {
	tb.Helper()
	var n sql.NullFloat64
	if err := db.QueryRow(query, args...).Scan(&n); err != nil {
		tb.Fatalf("%s: %v", query, err)
	}
	return n.Float64
}

// schemaOf lists everything that sqlite_master describes.
func schemaOf(tb testing.TB, db *sql.DB) map[string]string {
	tb.Helper()
	rows, err := db.Query(`SELECT type || ' ' || name, COALESCE(sql, '') FROM sqlite_master`)
	if err != nil {
		tb.Fatal(err)
	}
	defer rows.Close()
	ans := map[string]string{}
	for rows.Next() {
		var k, v string
		if err := rows.Scan(&k, &v); err != nil {
			tb.Fatal(err)
		}
		ans[k] = v
	}
	if err := rows.Err(); err != nil {
		tb.Fatal(err)
	}
	return ans
}

func TestGenerateKeepsTheSchema(t *testing.T) {
	want := opened(t, filepath.Join(Sample(t), "metadata.db"))
	got := opened(t, generated(t, Spec{Books: 50}))
	for _, pragma := range []string{"user_version", "application_id", "page_size", "encoding", "auto_vacuum", "journal_mode"} {
		var a, b string
		if err := errors.Join(want.QueryRow("PRAGMA "+pragma).Scan(&a), got.QueryRow("PRAGMA "+pragma).Scan(&b)); err != nil || a != b {
			t.Errorf("%s: %q, want %q (%v)", pragma, b, a, err)
		}
	}
	wanted, found := schemaOf(t, want), schemaOf(t, got)
	for name, statement := range wanted {
		if found[name] != statement {
			t.Errorf("%s: %q, want %q", name, found[name], statement)
		}
	}
	if len(found) != len(wanted) {
		t.Errorf("%d objects in the schema, want %d", len(found), len(wanted))
	}
	var check string
	if err := got.QueryRow(`PRAGMA integrity_check`).Scan(&check); err != nil || check != "ok" {
		t.Errorf("integrity_check: %s, %v", check, err)
	}
}

func TestGenerateShape(t *testing.T) {
	const books = 5000
	db := opened(t, generated(t, Spec{Books: books, Seed: 7}))
	if n := number(t, db, `SELECT count(*) FROM books`); n != books {
		t.Fatalf("%v books, want %d", n, books)
	}
	for _, c := range []struct {
		what, query string
		low, high   float64 // a book
	}{
		{"comments", `SELECT count(*) FROM comments`, 0.77, 0.83},
		{"distinct authors", `SELECT count(*) FROM authors`, 0.37, 0.43},
		{"books of several authors", `SELECT count(*) FROM (SELECT 1 FROM books_authors_link GROUP BY book HAVING count(*) > 1)`, 0.1, 0.25},
		{"tags of a book", `SELECT count(*) FROM books_tags_link`, 2, 3.5},
		{"books in series", `SELECT count(*) FROM books_series_link`, 0.17, 0.23},
		{"half numbers in series", `SELECT count(*) FROM books WHERE series_index LIKE '%.5'`, 0.003, 0.03},
		{"formats of a book", `SELECT count(*) FROM data`, 1.1, 2},
		{"covers", `SELECT count(*) FROM books WHERE has_cover`, 0.9, 0.96},
		{"unknown dates", `SELECT count(*) FROM books WHERE pubdate LIKE '0101-01-01 %'`, 0.02, 0.05},
		{"English", `SELECT count(*) FROM books_languages_link WHERE lang_code = (SELECT id FROM languages WHERE lang_code = 'eng')`, 0.7, 0.85},
		{"article moved", `SELECT count(*) FROM books WHERE sort LIKE '%, The'`, 0.1, 0.4},
		{"not ASCII", `SELECT count(*) FROM books WHERE title GLOB '*[^ -~]*'`, 0.1, 0.4},
		{"too long ago or ahead", `SELECT count(*) FROM books WHERE pubdate NOT LIKE '0101%' AND substr(pubdate, 1, 4) NOT BETWEEN '1900' AND '2026'`, 0, 0},
		{"modified before added", `SELECT count(*) FROM books WHERE last_modified || '' < timestamp || ''`, 0, 0.001},
		{"no author sort", `SELECT count(*) FROM books WHERE author_sort = '' OR path NOT LIKE '%/% (' || id || ')'`, 0, 0},
		{"same UUID", fmt.Sprintf(`SELECT %d - count(DISTINCT uuid) FROM books`, books), 0, 0},
	} {
		if got := number(t, db, c.query) / books; got < c.low || got > c.high {
			t.Errorf("%s: %.4f a book, want %v to %v", c.what, got, c.low, c.high)
		}
	}
	median := number(t, db, `SELECT length(CAST(text AS BLOB)) FROM comments ORDER BY 1 LIMIT 1 OFFSET (SELECT count(*)/2 FROM comments)`)
	if median < 700 || median > 950 {
		t.Errorf("comments: %v bytes at the median, want about 800", median)
	}
	for id := 1; id <= 9; id++ {
		table := fmt.Sprintf("custom_column_%d", id)
		if number(t, db, `SELECT normalized FROM custom_columns WHERE id = ?`, id) == 1 {
			table = "books_" + table + "_link"
		}
		if got := number(t, db, `SELECT count(DISTINCT book) FROM `+table) / books; got < 0.5 {
			t.Errorf("%s: on %.2f of the books, want more than half", table, got)
		}
	}
	// The most frequent tag against the hundredth: Zipf's law, flattened at the head.
	first := number(t, db, `SELECT count(*) FROM books_tags_link GROUP BY tag ORDER BY 1 DESC LIMIT 1`)
	hundredth := number(t, db, `SELECT count(*) FROM books_tags_link GROUP BY tag ORDER BY 1 DESC LIMIT 1 OFFSET 99`)
	if ratio := first / math.Max(hundredth, 1); ratio < 4 || ratio > 40 {
		t.Errorf("most frequent tag: %v books, hundredth: %v", first, hundredth)
	}
}

func TestGenerateHasNoOrphans(t *testing.T) {
	db := opened(t, generated(t, Spec{Books: 500}))
	for name := range schemaOf(t, db) {
		table, ok := strings.CutPrefix(name, "table ")
		if !ok || !strings.HasPrefix(table, "books_") || !strings.HasSuffix(table, "_link") {
			continue
		}
		if n := number(t, db, fmt.Sprintf(`SELECT count(*) FROM %s WHERE book NOT IN (SELECT id FROM books)`, table)); n > 0 {
			t.Errorf("%s: %v rows of no book", table, n)
		}
		target, column := strings.TrimSuffix(strings.TrimPrefix(table, "books_"), "_link"), "value"
		if !strings.HasPrefix(target, "custom_") {
			column = map[string]string{"authors": "author", "languages": "lang_code", "publishers": "publisher", "ratings": "rating", "series": "series", "tags": "tag"}[target]
		}
		if n := number(t, db, fmt.Sprintf(`SELECT count(*) FROM %s WHERE %s NOT IN (SELECT id FROM %s)`, table, column, target)); n > 0 {
			t.Errorf("%s: %v rows of no value", table, n)
		}
		if n := number(t, db, fmt.Sprintf(`SELECT count(*) FROM %s WHERE id NOT IN (SELECT %s FROM %s)`, target, column, table)); n > 0 {
			t.Errorf("%s: %v values of no book", target, n)
		}
	}
}

func TestGenerateIsDeterministic(t *testing.T) {
	sum := func(spec Spec) [32]byte {
		b, err := os.ReadFile(generated(t, spec))
		if err != nil {
			t.Fatal(err)
		}
		return sha256.Sum256(b)
	}
	first, again := sum(Spec{Books: 300, Seed: 1}), sum(Spec{Books: 300, Seed: 1})
	if first != again {
		t.Error("the same seed gave two libraries")
	}
	if first == sum(Spec{Books: 300, Seed: 2}) {
		t.Error("two seeds gave one library")
	}
}

func TestGenerateFiles(t *testing.T) {
	path := generated(t, Spec{Books: 30, Files: 20})
	db := opened(t, path)
	last := int(number(t, db, `SELECT id FROM books ORDER BY id LIMIT 1 OFFSET 19`))
	rows, err := db.Query(`SELECT b.id, b.path || '/' || d.name || '.' || lower(d.format), d.uncompressed_size FROM books b JOIN data d ON d.book = b.id
		UNION ALL SELECT id, path || '/cover.jpg', -1 FROM books WHERE has_cover ORDER BY 1`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	files := 0
	for rows.Next() {
		var id int
		var name string
		var size int64
		if err := rows.Scan(&id, &name, &size); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(filepath.Join(filepath.Dir(path), filepath.FromSlash(name)))
		switch {
		case id > last:
			if !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s: %v, want no file", name, err)
			}
		case err != nil:
			t.Error(err)
		case size >= 0 && info.Size() != size:
			t.Errorf("%s: %d bytes, the database says %d", name, info.Size(), size)
		default:
			files++
		}
	}
	if err := rows.Err(); err != nil || files < 30 {
		t.Errorf("%d files, %v", files, err)
	}
}

func TestGenerateRefuses(t *testing.T) {
	path := generated(t, Spec{Books: 1})
	if err := Generate(t.Context(), path, Spec{Books: 1}); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a file that exists: %v, want fs.ErrExist", err)
	}
	dir := t.TempDir()
	if err := Generate(t.Context(), filepath.Join(dir, "metadata.db"), Spec{Books: -1}); !errors.Is(err, fs.ErrInvalid) {
		t.Errorf("-1 books: %v, want fs.ErrInvalid", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Generate(ctx, filepath.Join(dir, "metadata.db"), Spec{}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v, want context.Canceled", err)
	}
	if entries, _ := os.ReadDir(dir); len(entries) > 0 {
		t.Errorf("left behind: %v", entries)
	}
}

// BenchmarkGenerate prints the time and the size of a library of 100,000 books.
func BenchmarkGenerate(b *testing.B) {
	for b.Loop() {
		path := filepath.Join(b.TempDir(), "metadata.db")
		if err := Generate(b.Context(), path, Spec{Books: 100_000}); err != nil {
			b.Fatal(err)
		}
		info, err := os.Stat(path)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(info.Size())/(1<<20), "MiB")
		os.Remove(path)
	}
}
