package inspect

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pressmark/pressmark/catalog"
	"github.com/pressmark/pressmark/catalog/calibre"
	"github.com/pressmark/pressmark/catalog/calibre/calibretest"
)

// loaded is the catalog of the library in a folder.
func loaded(t *testing.T, root string) catalog.Reader {
	t.Helper()
	lib, err := calibre.Open(calibre.Options{Root: root, Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { lib.Close() })
	if err := lib.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	return lib.Snapshot()
}

func take(t *testing.T, root string) *Copy {
	t.Helper()
	c, err := Take(t.Context(), filepath.Join(root, "metadata.db"), Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

func compare(t *testing.T, c *Copy, r catalog.Reader) (all []Difference, books int) {
	t.Helper()
	n, books, err := c.Compare(t.Context(), r, func(d Difference) { all = append(all, d) })
	if err != nil || n != len(all) {
		t.Fatalf("%d differences, %d were told of: %v", n, len(all), err)
	}
	return all, books
}

// TestEqual: two ways to read a library agree on all of it.
func TestEqual(t *testing.T) {
	generated := t.TempDir()
	if err := calibretest.Generate(t.Context(), filepath.Join(generated, "metadata.db"), calibretest.Spec{Books: 10_000}); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		root  string
		books int
	}{"sample": {calibretest.Sample(t), 24}, "second": {calibretest.Second(t), 0}, "generated": {generated, 10_000}} {
		t.Run(name, func(t *testing.T) {
			copied := take(t, c.root)
			all, books := compare(t, copied, loaded(t, c.root))
			for _, d := range all[:min(5, len(all))] {
				t.Error(d)
			}
			if books == 0 || c.books != 0 && books != c.books || copied.Books != books {
				t.Errorf("%d books, counted were %d", books, copied.Books)
			}
			if copied.Library == "" || copied.Schema < OldestSchema || copied.Schema > NewestSchema {
				t.Errorf("condition: %+v", copied.Condition)
			}
		})
	}
}

// TestDifferences: what is changed behind the catalog's back is seen, whatever it is.
func TestDifferences(t *testing.T) {
	for field, statements := range map[string][]string{
		"title":         {`UPDATE books SET title = 'Other' WHERE id = 1`},
		"sort":          {`UPDATE books SET sort = 'Other' WHERE id = 1`},
		"uuid":          {`UPDATE books SET uuid = 'other' WHERE id = 1`},
		"author_sort":   {`UPDATE books SET author_sort = 'Other' WHERE id = 1`},
		"authors":       {`UPDATE authors SET link = 'https://other.example' WHERE id = (SELECT author FROM books_authors_link WHERE book = 1)`},
		"series":        {`INSERT INTO series (id, name, sort) VALUES (999, 'Other', 'Other')`, `DELETE FROM books_series_link WHERE book = 1`, `INSERT INTO books_series_link (book, series) VALUES (1, 999)`},
		"series_index":  {`UPDATE books SET series_index = 77.5 WHERE id = 1`},
		"tags":          {`INSERT INTO tags (id, name) VALUES (999, 'Other')`, `INSERT INTO books_tags_link (book, tag) VALUES (1, 999)`},
		"publisher":     {`INSERT INTO publishers (id, name) VALUES (999, 'Other')`, `DELETE FROM books_publishers_link WHERE book = 1`, `INSERT INTO books_publishers_link (book, publisher) VALUES (1, 999)`},
		"languages":     {`INSERT INTO languages (id, lang_code) VALUES (999, 'xxx')`, `INSERT INTO books_languages_link (book, lang_code) VALUES (1, 999)`},
		"rating":        {`INSERT OR IGNORE INTO ratings (rating) VALUES (1)`, `DELETE FROM books_ratings_link WHERE book = 1`, `INSERT INTO books_ratings_link (book, rating) SELECT 1, id FROM ratings WHERE rating = 1`},
		"identifiers":   {`INSERT INTO identifiers (book, type, val) VALUES (1, 'zz', 'other')`},
		"pubdate":       {`UPDATE books SET pubdate = '1999-01-02 03:04:05+00:00' WHERE id = 1`},
		"timestamp":     {`UPDATE books SET timestamp = '1999-01-02 03:04:05+00:00' WHERE id = 1`},
		"last_modified": {`UPDATE books SET last_modified = '1999-01-02 03:04:05+00:00' WHERE id = 1`},
		"comments":      {`INSERT OR REPLACE INTO comments (book, text) VALUES (1, 'Other')`},
		"path":          {`UPDATE books SET path = 'Other/Other (1)' WHERE id = 1`},
		"cover":         {`UPDATE books SET has_cover = 1 - has_cover WHERE id = 1`},
		"formats":       {`UPDATE data SET uncompressed_size = 7 WHERE book = 1`},
		"book":          {`DELETE FROM books WHERE id = 1`},
		"fields":        {`UPDATE custom_columns SET name = 'Other' WHERE id = 1`},
	} {
		t.Run(field, func(t *testing.T) {
			root := calibretest.Sample(t)
			r := loaded(t, root)
			if err := calibretest.Alter(filepath.Join(root, "metadata.db"), statements...); err != nil {
				t.Fatal(err)
			}
			all, _ := compare(t, take(t, root), r)
			found := false
			for _, d := range all {
				found = found || d.Field == field && (d.Book == 1 || field == "fields")
			}
			if !found {
				t.Errorf("it is not among %v", all)
			}
		})
	}
}

// emptied returns the custom columns of a database, by name, and statements that
// take all values from them.
func emptied(t *testing.T, path string) (columns map[string]bool, statements []string) {
	t.Helper()
	db, err := calibretest.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.Query(`SELECT 'custom_column_' || id, '#' || label, datatype, normalized FROM custom_columns WHERE datatype <> 'composite'`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	columns = map[string]bool{}
	for rows.Next() {
		var table, key, datatype string
		var normalized bool
		if err := rows.Scan(&table, &key, &datatype, &normalized); err != nil {
			t.Fatal(err)
		}
		columns[key] = false
		if normalized {
			table = "books_" + table + "_link"
		}
		statements = append(statements, `DELETE FROM `+table)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return columns, statements
}

// TestCustomDifferences changes a value of each custom column.
func TestCustomDifferences(t *testing.T) {
	root := calibretest.Sample(t)
	path := filepath.Join(root, "metadata.db")
	r := loaded(t, root)
	want, statements := emptied(t, path)
	fields, err := r.Fields(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := calibretest.Alter(path, statements...); err != nil {
		t.Fatal(err)
	}
	all, _ := compare(t, take(t, root), r)
	for _, d := range all {
		if _, ok := want[d.Field]; ok {
			want[d.Field] = true
		}
	}
	for key, found := range want {
		if !found {
			t.Errorf("%s is not among %d differences", key, len(all))
		}
	}
	if len(want) < 8 || len(fields) < len(want) {
		t.Errorf("only %d custom columns", len(want))
	}
}

// TestLong: of long texts the place is shown where they differ.
func TestLong(t *testing.T) {
	same := strings.Repeat("a", 5000)
	a, b := cut(same+"x"+same, same+"y"+same)
	if len(a) > 300 || !strings.Contains(a, "x") || !strings.Contains(b, "y") {
		t.Errorf("%q and %q", a, b)
	}
}

// TestTakeErrors: what is wrong with a database can be told apart.
func TestTakeErrors(t *testing.T) {
	for name, c := range map[string]struct {
		change func(path string) error
		want   error
	}{
		"foreign": {calibretest.Foreign, calibre.ErrNotCalibre},
		"text":    {calibretest.NotSQLite, calibre.ErrDamaged},
		"bytes":   {func(path string) error { return calibretest.FlipBytes(path, 1) }, calibre.ErrDamaged},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(calibretest.Sample(t), "metadata.db")
			if err := c.change(path); err != nil {
				t.Fatal(err)
			}
			if _, err := Take(t.Context(), path, Options{Dir: t.TempDir(), Wait: -1}); !errors.Is(err, c.want) {
				t.Errorf("got %v", err)
			}
		})
	}
	if _, err := Take(context.Background(), filepath.Join(t.TempDir(), "metadata.db"), Options{Dir: t.TempDir(), Wait: -1}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}
