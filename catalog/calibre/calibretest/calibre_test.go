package calibretest

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func TestCalibreOpensGenerated(t *testing.T) {
	path := generated(t, Spec{Books: 2000, Seed: 3, Files: 10})
	dir := filepath.Dir(path)
	if out := CalibreDB(t, dir, "list", "--limit", "5"); strings.Count(out, "\n") < 6 {
		t.Errorf("calibredb list: %q", out)
	}
	var found []json.RawMessage
	out := CalibreDB(t, dir, "list", "--for-machine", "--fields", "all", "--search", "#pages:>300 and tags:true")
	if err := json.Unmarshal([]byte(out), &found); err != nil || len(found) < 100 {
		t.Errorf("calibredb list: %d books, %v", len(found), err)
	}
	d := NewDriver(t, dir)
	if n := d.Exec(`len(db.all_book_ids())`); n != 2000.0 {
		t.Errorf("Calibre sees %v books", n)
	}
	// What triggers and Calibre's code would have written, it says itself.
	for _, code := range []string{
		`from calibre.ebooks.metadata import title_sort
[(db.field_for('title', b), db.field_for('sort', b)) for b in db.all_book_ids() if title_sort(db.field_for('title', b)) != db.field_for('sort', b)][:5]`,
		`[db.field_for('author_sort', b) for b in db.all_book_ids() if db.author_sort_from_authors(db.field_for('authors', b)) != db.field_for('author_sort', b)][:5]`,
		`[(b, f) for b in sorted(db.all_book_ids())[:10] for f in db.formats(b) if not db.has_format(b, f)]`,
		`[p for p in db.pref('virtual_libraries') if not 0 < len(db.books_in_virtual_library(p)) < 2000]`,
		`[s for s, q in db.pref('saved_searches').items() if not 0 < len(db.search(q)) < 2000]`,
	} {
		if wrong, ok := d.Exec(code).([]any); !ok || len(wrong) > 0 {
			t.Errorf("%s\n%v", code, wrong)
		}
	}
	// With triggers and indexes back, Calibre can write.
	d.Exec(`db.set_field('title', {1: 'An Edit'})
db.remove_books([2 if db.has_id(2) else 3])`)
	if got := d.Exec(`[db.field_for('sort', 1), len(db.all_book_ids())]`); fmt.Sprint(got) != "[Edit, An 1999]" {
		t.Errorf("after an edit: %v", got)
	}
}

func TestDriver(t *testing.T) {
	d := NewDriver(t, Sample(t))
	if got := d.Exec(`print('not an answer')
x = {1, 3, 2}
x`); fmt.Sprint(got) != "[1 2 3]" {
		t.Errorf("a set: %v", got)
	}
	if got := d.Exec(`max(x) + args[0]`, 4); got != 7.0 {
		t.Errorf("names stay, args come: %v", got)
	}
	if got := d.Exec(`y = 1`); got != nil {
		t.Errorf("a statement: %v", got)
	}
	if got := d.Exec(`db.field_for('timestamp', 1)`); got != "2024-01-01T12:00:00+00:00" {
		t.Errorf("a date: %v", got)
	}
	err := d.Eval(nil, "db.nonsense()")
	if err == nil || !strings.Contains(err.Error(), "AttributeError") {
		t.Errorf("an exception: %v", err)
	}
	if err := d.Eval(nil, "raise SystemExit(1)"); err == nil {
		t.Error("SystemExit gave no error")
	}
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			var got int
			if err := d.Eval(&got, "args[0]", i); err != nil || got != i {
				t.Errorf("asked for %d, got %d, %v", i, got, err)
			}
		})
	}
	wg.Wait()
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	if err := d.Eval(nil, "1"); err == nil {
		t.Error("a closed driver answered")
	}
}

func TestDriverSaysWhyCalibreEnded(t *testing.T) {
	d := NewDriver(t, Sample(t))
	err := d.Eval(nil, `import os, sys
print('last words', file=sys.stderr, flush=True)
os._exit(3)`)
	if err == nil || !strings.Contains(err.Error(), "last words") || !strings.Contains(err.Error(), "exit status 3") {
		t.Errorf("%v", err)
	}
}

func TestDebugAndCalibreDBWork(t *testing.T) {
	dir := Sample(t)
	out := Debug(t, `import os, sys; print(sys.argv[1:], os.environ['CALIBRE_CONFIG_DIRECTORY'] != os.path.expanduser('~/.config/calibre'))`, "a b", "--c")
	if strings.TrimSpace(out) != "['a b', '--c'] True" {
		t.Errorf("calibre-debug: %q", out)
	}
	CalibreDB(t, dir, "set_metadata", "--field", "title:New", "1")
	var books []struct{ Title string }
	if err := json.Unmarshal([]byte(CalibreDB(t, dir, "list", "--for-machine", "-s", "id:1")), &books); err != nil || len(books) != 1 || books[0].Title != "New" {
		t.Errorf("%v, %v", books, err)
	}
}

func TestSecond(t *testing.T) {
	dir := Second(t)
	db := opened(t, filepath.Join(dir, "metadata.db"))
	for query, want := range map[string]float64{
		`SELECT count(*) FROM books`:                                                                   14,
		`SELECT count(*) FROM authors WHERE name LIKE 'Smith|%'`:                                       1,
		`SELECT count(*) FROM books WHERE pubdate LIKE '0101-01-01 00:00:00%'`:                         1,
		`SELECT count(*) FROM tags WHERE name = 'a.b.c'`:                                               1,
		`SELECT count(*) FROM custom_columns WHERE datatype = 'composite'`:                             2,
		`SELECT count(*) FROM custom_columns WHERE mark_for_delete`:                                    1,
		`SELECT count(*) FROM books_custom_column_1_link WHERE book = 1`:                               3,
		`SELECT count(*) FROM preferences WHERE key = 'user_categories' AND val LIKE '%Mine.Deeper%'`:  1,
		`SELECT count(*) FROM preferences WHERE key = 'grouped_search_terms' AND val LIKE '%subject%'`: 1,
		`SELECT count(*) FROM annotations`:                                                             3,
		`SELECT count(*) FROM last_read_positions`:                                                     3,
		`SELECT count(*) - count(DISTINCT uuid) FROM books WHERE uuid IS NOT NULL`:                     1,
		`SELECT count(*) FROM books WHERE uuid IS NULL`:                                                1,
		`SELECT count(*) FROM books WHERE author_sort = ''`:                                            1,
		`SELECT count(*) FROM authors WHERE sort IS NULL OR sort = ''`:                                 2,
		`SELECT count(*) FROM data WHERE book = 1`:                                                     4,
		`SELECT series_index FROM books WHERE id = 1`:                                                  1.5,
		`SELECT max(length(text)) > 300000 FROM comments`:                                              1,
		`SELECT count(*) FROM ratings WHERE rating % 2`:                                                2,
		`SELECT count(*) > 5 FROM identifiers WHERE book = 9`:                                          1,
	} {
		if got := number(t, db, query); got != want {
			t.Errorf("%s: %v, want %v", query, got, want)
		}
	}
	covers, err := filepath.Glob(filepath.Join(dir, "*", "*", "cover.jpg"))
	if err != nil || len(covers) != 1 || !strings.Contains(covers[0], "(8)") || number(t, db, `SELECT group_concat(id) FROM books WHERE has_cover`) != 7 {
		t.Errorf("covers are not stale: %q, %v", covers, err)
	}
	if _, err := os.Stat(filepath.Join(dir, ".caltrash")); err == nil {
		t.Error("there is something in the bin")
	}
	again := Second(t)
	if again == dir {
		t.Error("two calls share a folder")
	}
}

func TestCalibreUpgradesOlderVersions(t *testing.T) {
	for _, version := range []int{20, 21, 22, 23, 24} {
		dir := Sample(t)
		path := filepath.Join(dir, "metadata.db")
		if err := SetVersion(path, version); err != nil {
			t.Fatal(err)
		}
		if out := CalibreDB(t, dir, "list", "--fields", "title,series,authors"); !strings.Contains(out, "Tide Clerk") {
			t.Errorf("version %d: %q", version, out)
		}
		db := opened(t, path)
		if n := number(t, db, `PRAGMA user_version`); n < 25 {
			t.Errorf("version %d: Calibre left it at %v", version, n)
		}
		if n := number(t, db, `SELECT count(*) FROM series WHERE sort IS NULL OR sort = ''`); n > 0 {
			t.Errorf("version %d: %v series without sort", version, n)
		}
	}
}
