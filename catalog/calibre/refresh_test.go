package calibre

import (
	"fmt"
	"slices"
	"testing"

	"github.com/pressmark/pressmark/catalog"
	"github.com/pressmark/pressmark/catalog/calibre/calibretest"
)

const bump = `UPDATE books SET last_modified = '2026-12-01 00:00:00+00:00' WHERE id = `

// edits are changes that a comparison must see, with the books that differ
// afterwards.
var edits = []struct {
	name                    string
	statements              []string
	added, changed, removed []catalog.BookID
	whole                   bool // needs a full load
}{
	{name: "title", statements: []string{`UPDATE books SET title = 'New' WHERE id = 3`}, changed: []catalog.BookID{3}},
	{name: "dates back", statements: []string{`UPDATE books SET last_modified = '1999-01-01 00:00:00+00:00' WHERE id IN (3, 9)`}, changed: []catalog.BookID{3, 9}},
	{name: "uuid", statements: []string{`UPDATE books SET uuid = (SELECT uuid FROM books WHERE id = 1) WHERE id = 2`}, changed: []catalog.BookID{2}},
	{name: "path", statements: []string{`UPDATE books SET path = 'x/y (5)' WHERE id = 5`}, changed: []catalog.BookID{5}},
	{name: "cover", statements: []string{`UPDATE books SET has_cover = 0 WHERE id = 5`}, changed: []catalog.BookID{5}},
	{name: "links", statements: []string{`DELETE FROM books_tags_link WHERE book = 1`, `DELETE FROM comments WHERE book = 1`, bump + `1`}, changed: []catalog.BookID{1}},
	{name: "custom values", statements: []string{`UPDATE custom_column_3 SET value = 7 WHERE book = 1`, `DELETE FROM books_custom_column_1_link WHERE book = 1`, bump + `1`}, changed: []catalog.BookID{1}},
	{name: "series link, unmarked", statements: []string{`DELETE FROM books_series_link WHERE book = 1`}, changed: []catalog.BookID{1}},
	{name: "series gone, unmarked", statements: []string{`DELETE FROM books_series_link`, `DELETE FROM series`}},
	{name: "custom series, unmarked", statements: []string{`UPDATE books_custom_column_5_link SET value = (SELECT max(id) FROM custom_column_5)`, `DELETE FROM books_custom_column_5_link WHERE book = 10`}},
	{name: "author renamed", statements: []string{`UPDATE authors SET name = 'M. Holloway' WHERE id = 1`}, changed: []catalog.BookID{1, 2, 3, 4}},
	{name: "author sort", statements: []string{`UPDATE authors SET sort = 'X' WHERE id = 9`}},
	{name: "author link", statements: []string{`UPDATE authors SET link = 'https://x.example' WHERE id = 9`}},
	{name: "tag renamed", statements: []string{`UPDATE tags SET name = 'Seas' WHERE name = 'Sea Stories'`}},
	{name: "value renamed", statements: []string{`UPDATE custom_column_1 SET value = 'Loud' WHERE value = 'Quiet'`}},
	{name: "rating", statements: []string{`UPDATE ratings SET rating = 1 WHERE id = (SELECT rating FROM books_ratings_link WHERE book = 1)`}},
	{name: "size", statements: []string{`UPDATE data SET uncompressed_size = 1 WHERE book = 6`}, changed: []catalog.BookID{6}},
	{name: "file name", statements: []string{`UPDATE data SET name = 'z' WHERE book = 6`}, changed: []catalog.BookID{6}},
	{name: "format gone", statements: []string{`DELETE FROM data WHERE book = 1 AND format = 'PDF'`}, changed: []catalog.BookID{1}},
	{name: "format added", statements: []string{`INSERT INTO data (book, format, uncompressed_size, name) VALUES (24, 'LIT', 5, 'q')`}, changed: []catalog.BookID{24}},
	{name: "book added", statements: []string{`INSERT INTO books (id, title, path) VALUES (100, 'Hundred', 'h')`, `INSERT INTO books_authors_link (book, author) VALUES (100, 2)`}, added: []catalog.BookID{100}},
	{name: "book removed", statements: []string{`DELETE FROM books WHERE id IN (7, 8)`}, removed: []catalog.BookID{7, 8}},
	{name: "all at once", statements: []string{`DELETE FROM books WHERE id = 7`, `INSERT INTO books (id, title, path) VALUES (100, 'Hundred', 'h')`, `UPDATE books SET title = 'T' WHERE id = 1`}, added: []catalog.BookID{100}, changed: []catalog.BookID{1}, removed: []catalog.BookID{7}},
	{name: "preferences", statements: []string{`UPDATE preferences SET val = '{"Sea": "tags:x"}' WHERE key = 'virtual_libraries'`}},
	{name: "hierarchies", statements: []string{`INSERT OR REPLACE INTO preferences (key, val) VALUES ('categories_using_hierarchy', '["tags", "#genre"]')`}, whole: true},
	{name: "column renamed", statements: []string{`UPDATE custom_columns SET name = 'Genres' WHERE id = 1`}, whole: true},
	{name: "column removed", statements: []string{`UPDATE custom_columns SET mark_for_delete = 1 WHERE id = 9`}, whole: true},
	{name: "unknown tables", statements: []string{`INSERT OR REPLACE INTO books_plugin_data (book, name, val) VALUES (1, 'a', 'b')`, `INSERT OR REPLACE INTO preferences (key, val) VALUES ('namespaced:x', '1')`}},
}

// TestRefresh compares each refreshed catalog with one that is loaded afresh.
func TestRefresh(t *testing.T) {
	for _, e := range edits {
		t.Run(e.name, func(t *testing.T) {
			l, path := openSample(t, Options{})
			if err := l.Load(t.Context()); err != nil {
				t.Fatal(err)
			}
			changes := l.Subscribe(t.Context())
			before := l.Status().Revision
			if err := calibretest.Alter(path, e.statements...); err != nil {
				t.Fatal(err)
			}
			if err := l.Refresh(t.Context()); err != nil {
				t.Fatal(err)
			}
			if compared := l.compared.Load(); compared == e.whole {
				t.Errorf("by comparison: %v", compared)
			}
			fresh := openLibrary(t, Options{Root: l.options.Root})
			if err := fresh.Load(t.Context()); err != nil {
				t.Fatal(err)
			}
			got, want := l.Status(), fresh.Status()
			if got.Revision != want.Revision || got.Books != want.Books {
				t.Errorf("refreshed to %v, a fresh load is %v", got, want)
			}
			if unknown := e.name == "unknown tables"; (got.Revision == before) != unknown {
				t.Errorf("revision changed: %v", got.Revision != before)
			} else if unknown {
				return
			}
			c := <-changes
			if c.Revision != got.Revision || c.More != e.whole || !slices.Equal(c.Added, e.added) || !slices.Equal(c.Removed, e.removed) ||
				e.changed != nil && !slices.Equal(c.Changed, e.changed) {
				t.Errorf("change %+v", c)
			}
		})
	}
}

// TestRefreshAgain refreshes one library through all edits in turn: the state
// that a refresh leaves behind must be as good as that of a load.
func TestRefreshAgain(t *testing.T) {
	l, path := openSample(t, Options{})
	if err := l.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, version := range []int{25, 27} {
		if err := calibretest.SetVersion(path, version); err != nil {
			t.Fatal(err)
		}
		for i, e := range edits {
			s := slices.Clone(e.statements)
			for j := range s {
				if slices.Contains([]string{"book added", "all at once"}, e.name) {
					s[j] = fmt.Sprintf(`UPDATE books SET title = '%d.%d.%d' WHERE id = 10`, version, i, j)
				}
				if e.name == "format added" {
					s[j] = `UPDATE books_authors_link SET author = 3 WHERE book = 11`
				}
			}
			if err := calibretest.Alter(path, append(s, fmt.Sprintf(`UPDATE books SET last_modified = '2027-01-01 00:00:%02d+00:00' WHERE id > 9`, i))...); err != nil {
				t.Fatal(e.name, err)
			}
			if err := l.Refresh(t.Context()); err != nil {
				t.Fatal(e.name, err)
			}
		}
		fresh := openLibrary(t, Options{Root: l.options.Root})
		if err := fresh.Load(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got, want := l.Status().Revision, fresh.Status().Revision; got != want {
			t.Errorf("version %d: refreshed to %v, a fresh load is %v", version, got, want)
		}
	}
}

func TestHashesDiff(t *testing.T) {
	make := func(pairs ...int64) (h hashes) {
		for i := 0; i < len(pairs); i += 2 {
			h.add(pairs[i], uint64(pairs[i+1]))
		}
		return h
	}
	for _, c := range []struct {
		a, b hashes
		want []int64
	}{
		{make(), make(), nil},
		{make(1, 1), make(), []int64{1}},
		{make(), make(-2, 1, 3, 1), []int64{-2, 3}},
		{make(1, 1, 2, 2, 3, 3), make(1, 1, 2, 9, 3, 3), []int64{2}},
		{make(1, 1, 2, 2, 4, 4), make(2, 2, 3, 3, 4, 5), []int64{1, 3, 4}},
		{make(1, 1, 1, 2), make(1, 3), nil}, // two rows of one book make one sum
	} {
		if got := c.a.diff(&c.b); !slices.Equal(got, c.want) {
			t.Errorf("%v to %v: %v, want %v", c.a, c.b, got, c.want)
		}
		if got := c.b.diff(&c.a); !slices.Equal(got, c.want) {
			t.Errorf("%v to %v: %v, want %v", c.b, c.a, got, c.want)
		}
	}
}
