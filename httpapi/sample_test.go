package httpapi_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pressmark/pressmark/catalog/calibre"
	"github.com/pressmark/pressmark/catalog/calibre/calibretest"
	"github.com/pressmark/pressmark/httpapi"
	"github.com/pressmark/pressmark/storage/localstore"
)

// sample is an API over a copy of the sample library, which has 24 books.
type sample struct {
	tb   testing.TB
	lib  *calibre.Library
	root string
	api  *httpapi.API
}

// sampleViews are virtual libraries that the copy has beside those of the
// sample. Half shows the books 1 to 12.
const sampleViews = `{"Half": "id:<13", "Sea": "tags:\"=Sea Stories\"", "Whole": "", "Nothing": "title:zzzzz", "Today": "date:today",
	"Gone": "#gone:x", "Computed": "template:x", "Torn": "(title:tide"}`

// newSample opens a copy of the sample library with views that it did not have,
// in which tags are a hierarchy, and lets the test change the options before.
func newSample(tb testing.TB, change ...func(*httpapi.Options)) *sample {
	tb.Helper()
	return openSample(tb, []string{
		`UPDATE preferences SET val = '` + sampleViews + `' WHERE key = 'virtual_libraries'`,
		`INSERT INTO preferences (key, val) VALUES ('categories_using_hierarchy', '["tags", "series"]')`,
		`UPDATE tags SET name = 'Weather.Winter' WHERE name = 'Winter'`,
		`UPDATE tags SET name = 'Weather.Rain' WHERE name = 'Rain'`,
		`UPDATE tags SET name = 'Weather' WHERE name = 'Libraries'`,
	}, change...)
}

// openSample opens a copy of the sample library that was changed by statements.
func openSample(tb testing.TB, statements []string, change ...func(*httpapi.Options)) *sample {
	tb.Helper()
	s := &sample{tb: tb, root: calibretest.Sample(tb)}
	s.alter(statements...)
	lib, err := calibre.Open(calibre.Options{Root: s.root, Dir: tb.TempDir(), Name: "main", Encode: httpapi.BookEncoder("main", "")})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { lib.Close() })
	if err := lib.Load(tb.Context()); err != nil {
		tb.Fatal(err)
	}
	s.lib = lib
	files := localstore.New(s.root, localstore.Options{Hidden: []string{"metadata.db"}})
	o := httpapi.Options{
		PublicRead: true, Version: "test", Logger: slog.New(slog.DiscardHandler),
		Libraries: []httpapi.Library{{Name: "main", Catalog: lib, Files: files}},
	}
	for _, c := range change {
		c(&o)
	}
	if s.api, err = httpapi.New(o); err != nil {
		tb.Fatal(err)
	}
	return s
}

// alter changes the library's database, as Calibre would.
func (s *sample) alter(statements ...string) {
	s.tb.Helper()
	if err := calibretest.Alter(filepath.Join(s.root, "metadata.db"), statements...); err != nil {
		s.tb.Fatal(err)
	}
}

// refresh makes the catalog see what was altered.
func (s *sample) refresh() {
	s.tb.Helper()
	if err := s.lib.Refresh(s.tb.Context()); err != nil {
		s.tb.Fatal(err)
	}
}

// ok asks for a path and wants an answer.
func (s *sample) ok(path string) *httptest.ResponseRecorder {
	s.tb.Helper()
	w := get(s.api, path)
	if w.Code != http.StatusOK {
		s.tb.Fatalf("%s: %d %s", path, w.Code, w.Body)
	}
	return w
}

// ids returns the ids of the books of a page.
func (s *sample) ids(path string) []int64 {
	s.tb.Helper()
	return decode[bookPage](s.tb, s.ok(path)).ids()
}

// post sends a body to the search operation.
func post(h http.Handler, body string, header ...string) *httptest.ResponseRecorder {
	return postReader(h, strings.NewReader(body), header...)
}

func postReader(h http.Handler, body io.Reader, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "/api/books/search", body)
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}
