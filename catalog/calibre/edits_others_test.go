package calibre_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/pressmark/pressmark/catalog/calibre/calibretest"
)

// TestEditsByCommand is TestEdits with calibredb, which opens the library anew
// for each command.
func TestEditsByCommand(t *testing.T) {
	t.Parallel()
	calibretest.RequireCalibre(t)
	root := calibretest.Sample(t)
	book := filepath.Join(t.TempDir(), "a book.txt")
	if err := os.WriteFile(book, []byte("Chapter one."), 0o644); err != nil {
		t.Fatal(err)
	}
	f := follow(t, root)
	for _, e := range []struct {
		same bool
		args []string
	}{
		{false, []string{"add", book, "--title", "Added by command", "--authors", "One & Two", "--tags", "a,b"}},
		{false, []string{"add", "--empty", "--title", "Nothing in it"}},
		{false, []string{"add_format", "24", book}},
		{false, []string{"remove_format", "24", "TXT"}},
		{false, []string{"set_metadata", "24", "--field", "title:Set by Command", "--field", "tags:x,y", "--field", "rating:4"}},
		{false, []string{"set_custom", "pages", "24", "321"}},
		{false, []string{"set_custom", "genre", "24", "Added", "--append"}},
		{false, []string{"add_custom_column", "lender", "Lender", "text"}},
		{true, []string{"list", "--limit", "1"}},
		{false, []string{"remove_custom_column", "lender", "--force"}},
		{false, []string{"saved_searches", "add", "New", "tags:x"}},
		{false, []string{"saved_searches", "remove", "New"}},
		{true, []string{"backup_metadata"}},
		{false, []string{"backup_metadata", "--all"}}, // touches every book
		{true, []string{"check_library"}},
		{true, []string{"clone", filepath.Join(t.TempDir(), "clone")}},
		{false, []string{"remove", "25,26"}},
		{false, []string{"remove", "1", "--permanent"}},
	} {
		f.run(t, e.args[0], e.same, func(t *testing.T) { calibretest.CalibreDB(t, root, e.args...) })
	}
}

// TestEditsByOthers is TestEdits with what is done past Calibre 6.13: by newer
// versions, and by programs that replace the file.
func TestEditsByOthers(t *testing.T) {
	t.Parallel()
	root := calibretest.Sample(t)
	db := filepath.Join(root, "metadata.db")
	old, err := os.ReadFile(db)
	if err != nil {
		t.Fatal(err)
	}
	if err := calibretest.SetVersion(db, 27); err != nil {
		t.Fatal(err)
	}
	must := func(t *testing.T, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	replace := func(t *testing.T, content []byte) {
		t.Helper()
		must(t, os.WriteFile(db+".new", content, 0o644))
		must(t, os.Rename(db+".new", db))
	}
	f := follow(t, root)
	for _, e := range []struct {
		name, statement string
		same            bool
	}{
		{"pages counted", `INSERT OR REPLACE INTO books_pages_link (book, pages) VALUES (1, 320), (2, 7)`, false},
		{"pages counted again", `UPDATE books_pages_link SET pages = 321 WHERE book = 1`, false},
		{"pages not countable", `UPDATE books_pages_link SET pages = -1 WHERE book = 1`, false},
		{"pages to be counted", `UPDATE books_pages_link SET needs_scan = 1`, true},
		{"pages gone", `DELETE FROM books_pages_link`, false},
		{"link of a tag", `UPDATE tags SET link = 'https://example.org/sea' WHERE name = 'Sea Stories'`, false},
		{"link of a series", `UPDATE series SET link = 'https://example.org/rook' WHERE name = 'Captain Rook'`, false},
		{"link of a publisher", `UPDATE publishers SET link = 'https://example.org/lantern' WHERE name = 'Lantern Press'`, false},
		{"link of a custom value", `UPDATE custom_column_1 SET link = 'https://example.org/sea' WHERE value = 'Sea'`, false},
		{"two equal UUIDs", `UPDATE books SET uuid = (SELECT uuid FROM books WHERE id = 1) WHERE id = 2`, false},
		{"no UUID", `UPDATE books SET uuid = NULL WHERE id = 1`, false},
		{"a path out of the library", `UPDATE books SET path = '../../etc' WHERE id = 3`, false},
		{"a date that is none", `UPDATE books SET pubdate = 'soon', last_modified = '2002-02-02 02:02:02+00:00' WHERE id = 3`, false},
		{"a table of another program", `CREATE TABLE of_another_program (book INTEGER, note TEXT)`, true},
		{"a row in it", `INSERT INTO of_another_program VALUES (1, 'note')`, true},
	} {
		f.run(t, e.name, e.same, func(t *testing.T) { must(t, calibretest.Alter(db, e.statement)) })
	}
	f.run(t, "an older file put in place", false, func(t *testing.T) { replace(t, old) })
	f.run(t, "the same file put in place", true, func(t *testing.T) { replace(t, old) })
	f.run(t, "switched to write-ahead logging", false, func(t *testing.T) {
		must(t, calibretest.WAL(db, `UPDATE books SET title = 'Only in the log' WHERE id = 4`))
	})
	f.run(t, "journal of a writer that was killed", false, func(t *testing.T) {
		must(t, os.Remove(db+"-wal"))
		replace(t, old)
		must(t, calibretest.HotJournal(db))
	})
	f.run(t, "another library", false, func(t *testing.T) {
		must(t, os.Remove(db+"-journal"))
		replace(t, old)
		must(t, calibretest.Alter(db, `UPDATE library_id SET uuid = '12345678-1234-4234-8234-123456789012'`))
	})
}
