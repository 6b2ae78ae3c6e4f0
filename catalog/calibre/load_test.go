package calibre

import (
	"bufio"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/pressmark/pressmark/catalog"
	"github.com/pressmark/pressmark/catalog/calibre/calibretest"
)

// openSample opens the sample library after changes to its database, and
// returns it with the database's path.
func openSample(t testing.TB, o Options, statements ...string) (*Library, string) {
	t.Helper()
	o.Root = calibretest.Sample(t)
	path := o.database()
	if len(statements) > 0 {
		if err := calibretest.Alter(path, statements...); err != nil {
			t.Fatal(err)
		}
	}
	return openLibrary(t, o), path
}

func openLibrary(t testing.TB, o Options) *Library {
	t.Helper()
	o.Dir = t.TempDir()
	l, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

func loadSample(t testing.TB, statements ...string) *Library {
	t.Helper()
	l, _ := openSample(t, Options{}, statements...)
	if err := l.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	return l
}

func book(t testing.TB, r catalog.Reader, id catalog.BookID) catalog.Book {
	t.Helper()
	b, err := r.Book(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestSample compares every book of the sample with what Calibre 6.13's own
// Python API said of it (testdata/sample.jsonl).
func TestSample(t *testing.T) {
	l := loadSample(t)
	f, err := os.Open(filepath.Join("testdata", "sample.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	books := 0
	for lines := bufio.NewScanner(f); lines.Scan(); books++ {
		var want map[string]any
		if err := json.Unmarshal(lines.Bytes(), &want); err != nil {
			t.Fatal(err)
		}
		b := book(t, l, catalog.BookID(want["id"].(float64)))
		encoded, err := json.Marshal(asCalibre(&b))
		if err != nil {
			t.Fatal(err)
		}
		var got map[string]any
		if err := json.Unmarshal(encoded, &got); err != nil {
			t.Fatal(err)
		}
		for k := range want {
			if !reflect.DeepEqual(got[k], want[k]) {
				t.Errorf("book %d: %s is %v, want %v", b.ID, k, got[k], want[k])
			}
		}
		for _, f := range b.Formats {
			if f.Key != b.Path+"/"+f.File || !strings.HasSuffix(f.File, "."+strings.ToLower(f.Name)) {
				t.Errorf("book %d: file %q, key %q", b.ID, f.File, f.Key)
			}
			if _, err := os.Stat(filepath.Join(l.options.Root, filepath.FromSlash(f.Key))); err != nil {
				t.Error(err)
			}
		}
	}
	if n := l.Status().Books; books != 24 || n != books {
		t.Errorf("%d books, want %d", n, books)
	}
}

// asCalibre names a book's facts as the script that asked Calibre did, which
// cuts times to seconds as Calibre does when it reads them.
func asCalibre(b *catalog.Book) map[string]any {
	names := func(items []catalog.Item) []string {
		list := []string{}
		for _, i := range items {
			list = append(list, i.Name)
		}
		return list
	}
	date := func(t time.Time) any {
		if t.IsZero() {
			return nil
		}
		return t.Format("2006-01-02T15:04:05Z")
	}
	name := func(i *catalog.Item) any {
		if i == nil {
			return nil
		}
		return i.Name
	}
	sorts, identifiers, formats, custom := []string{}, map[string]string{}, map[string][]any{}, map[string]any{}
	for _, a := range b.Authors {
		sorts = append(sorts, a.Sort)
	}
	for _, i := range b.Identifiers {
		identifiers[i.Type] = i.Value
	}
	for _, f := range b.Formats {
		formats[f.Name] = []any{f.Size, strings.TrimSuffix(f.File, "."+strings.ToLower(f.Name))}
	}
	for _, c := range b.Custom {
		switch {
		case c.Multiple && len(c.Items) > 0:
			custom[string(c.Key)] = names(c.Items)
		case c.Type == catalog.TypeSeries && len(c.Items) > 0:
			custom[string(c.Key)] = []any{c.Items[0].Name, c.Index}
		case len(c.Items) > 0:
			custom[string(c.Key)] = c.Items[0].Name
		case c.Set && c.Type == catalog.TypeBool:
			custom[string(c.Key)] = c.Bool
		case c.Set:
			custom[string(c.Key)] = c.Number
		case !c.Time.IsZero():
			custom[string(c.Key)] = date(c.Time)
		case c.Text != "":
			custom[string(c.Key)] = c.Text
		}
	}
	return map[string]any{
		"id": b.ID, "uuid": b.UUID, "title": b.Title, "title_sort": b.TitleSort,
		"authors": names(b.Authors), "author_sorts": sorts, "author_sort": b.AuthorSort,
		"series": name(b.Series), "series_index": b.SeriesIdx, "tags": names(b.Tags), "publisher": name(b.Publisher),
		"languages": names(b.Languages), "rating": b.Rating, "identifiers": identifiers,
		"published": date(b.Published), "added": date(b.Added), "modified": date(b.Modified),
		"comments": b.Comments, "path": b.Path, "cover": b.Cover == b.Path+"/cover.jpg", "formats": formats, "custom": custom,
	}
}

func TestFields(t *testing.T) {
	l := loadSample(t,
		`INSERT INTO custom_columns (label,name,datatype,display,normalized) VALUES ('size_kb','Size','composite','{"composite_template":"{size}"}',0)`,
		`CREATE TABLE custom_column_10 (id INTEGER PRIMARY KEY, book INTEGER, value TEXT)`,
		`INSERT INTO custom_columns (label,name,datatype,mark_for_delete,normalized) VALUES ('gone','Gone','text',1,1)`,
		`INSERT INTO custom_columns (label,name,datatype,normalized) VALUES ('lost','Lost','text',1)`,
		`INSERT INTO custom_columns (label,name,datatype,normalized) VALUES ('odd','Odd','hologram',0)`)
	fields, err := l.Fields(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range fields[len(catalog.Builtin(false)):] {
		s := string(f.Key) + " " + string(f.Type)
		for _, x := range []struct {
			name string
			is   bool
		}{{"multiple", f.Multiple}, {"stored", f.Stored}, {"sortable", f.Sortable}, {"searchable", f.Searchable}, {"terms", f.HasTerms}} {
			if x.is {
				s += " " + x.name
			}
		}
		got = append(got, strings.TrimSpace(s+" "+strings.Join(f.Values, "/")))
	}
	want := []string{
		"#genre text multiple stored sortable searchable terms",
		"#read bool stored sortable searchable",
		"#pages int stored sortable searchable",
		"#mood enumeration stored sortable searchable terms calm/dark/odd",
		"#cycle series stored sortable searchable terms",
		"#notes comments stored searchable",
		"#bought datetime stored sortable searchable",
		"#stars rating stored sortable searchable terms",
		"#price float stored sortable searchable",
		"#size_kb composite",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("fields:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if n := len(book(t, l, 1).Custom); n != 9 {
		t.Errorf("a book has %d custom values, want one for each of 9 stored columns", n)
	}
}

// TestOddValues shows that what Calibre would not have written harms neither
// other values nor other books.
func TestOddValues(t *testing.T) {
	l := loadSample(t,
		`UPDATE authors SET name = 'Holloway| Jr.| Maren', sort = NULL WHERE id = 1`,
		`UPDATE books SET title = CAST(x'41ff42' AS TEXT), timestamp = 'soon', pubdate = '0101-01-01 00:00:00+00:00', uuid = NULL, series_index = 9e999 WHERE id = 2`,
		`UPDATE books SET path = '', has_cover = 'yes', last_modified = 2001 WHERE id = 3`,
		`INSERT INTO books (id, title, path) VALUES (-7, 'Below', 'x')`,
		`DROP TABLE books_tags_link`, `CREATE TABLE books_tags_link (id INTEGER PRIMARY KEY, book, tag)`,
		`INSERT INTO books_tags_link (book, tag) VALUES (4, 4711), (4712, 1), ('x', 1), (4, NULL), (4, 'y'), (4, 2), (4, 1), (4, 2)`,
		`UPDATE data SET uncompressed_size = 'large', name = '' WHERE book = 4`,
		`UPDATE custom_column_3 SET value = 'many' WHERE book = 5`,
		`UPDATE custom_column_9 SET value = -9e999`,
		`DROP TABLE comments`, `CREATE TABLE comments (id INTEGER PRIMARY KEY, book, text)`,
		`INSERT INTO comments (book, text) VALUES (NULL, 'a'), ('z', 'b'), (5, NULL), (6, x'41'), (99, 'c'), (7, 12)`)
	if a := book(t, l, 1).Authors[0]; a.Name != "Holloway, Jr., Maren" || a.Sort != a.Name {
		t.Errorf("author %+v", a)
	}
	b := book(t, l, 2)
	if b.Title != "A\uFFFDB" || !b.Added.IsZero() || !b.Published.IsZero() || b.Modified.IsZero() || b.UUID != "" || b.SeriesIdx != 1 {
		t.Errorf("book 2 is %+v", b)
	}
	b = book(t, l, 3)
	if b.Cover != "" || b.Formats[0].Key != b.Formats[0].File || b.Modified != time.Date(2001, 1, 3, 0, 0, 0, 0, time.UTC) {
		t.Errorf("book 3 is %+v", b)
	}
	b = book(t, l, -7)
	if b.Title != "Below" || len(b.Authors) != 0 {
		t.Errorf("book -7 is %+v", b)
	}
	b = book(t, l, 4)
	if len(b.Tags) != 2 || b.Tags[0].ID != 2 || b.Formats[0].Size != 0 || b.Formats[0].File != ".epub" {
		t.Errorf("book 4 is %+v", b)
	}
	for _, b := range []catalog.Book{book(t, l, 5), book(t, l, 6), book(t, l, 7)} {
		if want := map[catalog.BookID]string{5: "", 6: "A", 7: "12"}[b.ID]; b.Comments != want {
			t.Errorf("book %d: comments %q, want %q", b.ID, b.Comments, want)
		}
		for _, c := range b.Custom {
			if b.ID == 5 && c.Key == "#pages" && c.Set || math.IsInf(c.Number, 0) {
				t.Errorf("book %d has %+v", b.ID, c)
			}
		}
	}
}

func TestSortAlpha(t *testing.T) {
	l := loadSample(t,
		`UPDATE custom_columns SET display = '{"sort_alpha": true}' WHERE label = 'genre'`,
		`DELETE FROM books_custom_column_1_link WHERE book = 1`,
		`INSERT INTO custom_column_1 (id, value) VALUES (90, 'zebra'), (91, 'Éclair'), (92, 'apple')`,
		`INSERT INTO books_custom_column_1_link (book, value) VALUES (1, 90), (1, 91), (1, 92)`)
	var got []string
	for _, i := range book(t, l, 1).Custom[0].Items {
		got = append(got, i.Name)
	}
	if want := []string{"apple", "Éclair", "zebra"}; !reflect.DeepEqual(got, want) {
		t.Errorf("genres %v, want %v", got, want)
	}
}

func TestVersions(t *testing.T) {
	want := book(t, loadSample(t), 4)
	for v := calibretest.MinVersion; v <= calibretest.MaxVersion; v++ {
		l, path := openSample(t, Options{})
		if err := calibretest.SetVersion(path, v); err != nil {
			t.Fatal(err)
		}
		if v == 27 {
			if err := calibretest.Alter(path, `UPDATE tags SET link = 'https://tags.example/'`,
				`INSERT OR REPLACE INTO books_pages_link (book, pages, algorithm, format, format_size, timestamp, needs_scan) VALUES (4, 321, 1, 'EPUB', 1, '', 0)`); err != nil {
				t.Fatal(err)
			}
		}
		if err := l.Load(t.Context()); err != nil {
			t.Errorf("version %d: %v", v, err)
			continue
		}
		got := book(t, l, 4)
		fields, _ := l.Fields(t.Context())
		if hasPages := len(fields) == len(catalog.Builtin(true))+9; hasPages != (v == 27) {
			t.Errorf("version %d: has pages: %v", v, hasPages)
		}
		if v == 27 {
			if got.Pages != 321 || got.Tags[0].Link != "https://tags.example/" {
				t.Errorf("version 27: %d pages, tags %+v", got.Pages, got.Tags)
			}
			got.Pages = 0
			for i := range got.Tags {
				got.Tags[i].Link = ""
			}
		}
		if v < 22 { // the series' own sort came with 22
			got.Series.Sort = want.Series.Sort
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("version %d: %+v\nwant %+v", v, got, want)
		}
	}
}

func TestDamages(t *testing.T) {
	for _, d := range calibretest.Damages() {
		t.Run(d.Name, func(t *testing.T) {
			l, path := openSample(t, Options{})
			if err := d.Apply(path); err != nil {
				t.Fatal(err)
			}
			err := l.Load(t.Context())
			if !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrNotCalibre) || !strings.Contains(err.Error(), path) {
				t.Errorf("error %v", err)
			}
			t.Log(err)
			if _, err := l.Book(t.Context(), 1); !errors.Is(err, catalog.ErrUnavailable) {
				t.Errorf("a book: %v, want ErrUnavailable", err)
			}
		})
	}
}

func TestRequired(t *testing.T) {
	for statement, want := range map[string]string{
		`ALTER TABLE data RENAME COLUMN format TO kind`: `table "data" has no column "format"`,
		`DROP TABLE authors`:                            `no table "authors"`,
		`PRAGMA application_id = 7`:                     `application_id 0x7`,
	} {
		l, _ := openSample(t, Options{}, `DROP VIEW meta`, statement)
		if err := l.Load(t.Context()); !errors.Is(err, ErrNotCalibre) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", statement, err, want)
		}
	}
}

// TestLacking loads a library with nothing but what is required.
func TestLacking(t *testing.T) {
	l, path := openSample(t, Options{})
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := calibretest.Alter(path,
		`CREATE TABLE books (id INTEGER PRIMARY KEY, title TEXT, path TEXT)`,
		`CREATE TABLE authors (id INTEGER PRIMARY KEY, name TEXT)`,
		`CREATE TABLE books_authors_link (book INTEGER, author INTEGER)`,
		`CREATE TABLE data (book INTEGER, format TEXT, name TEXT)`,
		`INSERT INTO books VALUES (1, 'One', 'a/One (1)'), (2, 'Two', 'a/Two (2)')`,
		`INSERT INTO authors VALUES (1, 'A'), (2, 'B')`,
		`INSERT INTO books_authors_link VALUES (2, 1), (1, 2), (1, 1), (1, 1)`,
		`INSERT INTO data VALUES (2, 'epub', 'Two')`); err != nil {
		t.Fatal(err)
	}
	if err := l.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	b := book(t, l, 1)
	if len(b.Authors) != 2 || b.Authors[0].Name != "B" || b.SeriesIdx != 1 || len(b.Formats) != 0 {
		t.Errorf("book 1 is %+v", b)
	}
	if f := book(t, l, 2).Formats; len(f) != 1 || f[0] != (catalog.Format{Name: "EPUB", File: "Two.epub", Key: "a/Two (2)/Two.epub"}) {
		t.Errorf("formats of book 2 are %+v", f)
	}
}
