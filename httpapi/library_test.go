package httpapi_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pressmark/pressmark/cache"
	"github.com/pressmark/pressmark/cache/memcache"
	"github.com/pressmark/pressmark/catalog"
	"github.com/pressmark/pressmark/catalog/index"
	"github.com/pressmark/pressmark/catalog/search"
	"github.com/pressmark/pressmark/httpapi"
	"github.com/pressmark/pressmark/storage/memstore"
)

// makeBook makes a book with something in every field; which values it has
// depends on its id.
func makeBook(id int) catalog.Book {
	title := fmt.Sprintf("The Harbour Book %05d", id)
	author := catalog.Item{ID: int64(id%400 + 1), Name: fmt.Sprintf("Maren Holloway %d", id%400), Sort: fmt.Sprintf("Holloway %d, Maren", id%400)}
	modified := time.Date(2024, 1, 3, 12, 0, 0, 412e6, time.UTC).Add(time.Duration(id) * time.Minute)
	b := catalog.Book{
		ID: catalog.BookID(id), UUID: fmt.Sprintf("3b483bb1-14b5-4b7c-86bb-%012d", id),
		Title: title, TitleSort: strings.TrimPrefix(title, "The ") + ", The",
		Authors: []catalog.Item{author}, AuthorSort: author.Sort,
		Tags:        []catalog.Item{{ID: 1, Name: "Fiction", Sort: "Fiction"}, {ID: int64(id%97 + 2), Name: fmt.Sprintf("Tag %d", id%97), Sort: fmt.Sprintf("Tag %d", id%97)}},
		Publisher:   &catalog.Item{ID: int64(id%31 + 1), Name: fmt.Sprintf("Lantern Press %d", id%31), Sort: fmt.Sprintf("Lantern Press %d", id%31)},
		Languages:   []catalog.Item{{ID: 1, Name: "eng", Sort: "eng"}},
		Rating:      float64(id%10+1) / 2,
		Identifiers: []catalog.Identifier{{Type: "isbn", Value: fmt.Sprintf("978%010d", id)}},
		Published:   time.Date(1900+id%120, 2, 2, 0, 0, 0, 0, time.UTC), Added: time.Date(2024, 1, 1, 12, 0, 0, 0, time.UTC).Add(time.Duration(id) * time.Hour), Modified: modified,
		Comments: `<p onclick="steal()">A <b>tide</b> &amp; a <script>alert(1)</script>clerk.</p>`,
		Path:     fmt.Sprintf("Maren Holloway/%s (%d)", title, id),
		Pages:    id%700 + 1,
	}
	b.Formats = []catalog.Format{{Name: "EPUB", File: "b.epub", Size: int64(8000 + id), Key: b.Path + "/b.epub"}}
	b.Cover = b.Path + "/cover.jpg"
	if id%5 == 0 {
		b.Series, b.SeriesIdx = &catalog.Item{ID: int64(id%50 + 1), Name: fmt.Sprintf("Harbour Ledgers %d", id%50), Sort: fmt.Sprintf("Harbour Ledgers %d", id%50)}, 1.5
	}
	b.Custom = []catalog.Custom{
		{Key: "#mood", Type: catalog.TypeEnumeration, Items: []catalog.Item{{ID: int64(id%3 + 1), Name: []string{"calm", "dark", "odd"}[id%3], Sort: []string{"calm", "dark", "odd"}[id%3]}}},
		{Key: "#read", Type: catalog.TypeBool, Bool: id%2 == 0, Set: true},
		{Key: "#notes", Type: catalog.TypeComments, Text: "<i>fine</i><script>x</script>"},
		{Key: "#when", Type: catalog.TypeDatetime},
	}
	if id > 60 { // what most books have, for the benchmarks
		b.Comments = "<div>\n<p>" + strings.Repeat("A clerk counts the tides. ", 30) + "</p></div>"
		b.Custom[2].Text = "<p>fine</p>"
	}
	if id == 7 { // one with nothing
		b = catalog.Book{ID: 7, Title: `Bare "7" & <Co>`, SeriesIdx: 1, Custom: []catalog.Custom{
			{Key: "#mood", Type: catalog.TypeEnumeration},
			{Key: "#read", Type: catalog.TypeBool},
			{Key: "#notes", Type: catalog.TypeComments},
			{Key: "#when", Type: catalog.TypeDatetime},
		}}
	}
	return b
}

func fields() []catalog.Field {
	return append(catalog.Builtin(true),
		catalog.Field{Key: "#mood", Name: "Mood", Type: catalog.TypeEnumeration, Custom: true, Stored: true, Sortable: true, Searchable: true, HasTerms: true, Values: []string{"calm", "dark", "odd"}},
		catalog.Field{Key: "#read", Name: "Read", Type: catalog.TypeBool, Custom: true, Stored: true, Sortable: true, Searchable: true},
		catalog.Field{Key: "#notes", Name: "Notes", Type: catalog.TypeComments, Custom: true, Stored: true, Searchable: true},
		catalog.Field{Key: "#when", Name: "When", Type: catalog.TypeDatetime, Custom: true, Stored: true, Sortable: true, Searchable: true},
		catalog.Field{Key: "#sum", Name: "Sum", Type: catalog.TypeComposite, Custom: true},
	)
}

// makeIndex makes an index of n books of the library named name.
func makeIndex(tb testing.TB, name, prefix string, n int) *index.Index {
	tb.Helper()
	b, err := index.NewBuilder(
		index.Meta{Library: "uuid-of-" + name, Fields: fields()},
		index.Options{Dir: tb.TempDir(), Encode: httpapi.BookEncoder(name, prefix)})
	if err != nil {
		tb.Fatal(err)
	}
	for id := 1; id <= n; id++ {
		book := makeBook(id)
		if err := b.Add(&book); err != nil {
			tb.Fatal(err)
		}
	}
	ix, err := b.Build(context.Background())
	if err != nil {
		tb.Fatal(err)
	}
	return ix
}

// swapping is a Live reader whose contents the test swaps.
type swapping struct {
	now    atomic.Pointer[catalog.Reader]
	ix     atomic.Pointer[index.Index] // nil before the first load
	status atomic.Pointer[catalog.Status]
	mu     sync.Mutex
	subs   []chan catalog.Change
}

func newSwapping(ix *index.Index) *swapping {
	s := &swapping{}
	s.set(ix)
	return s
}

func (s *swapping) set(ix *index.Index) {
	s.ix.Store(ix)
	var now catalog.Reader = s
	if ix != nil {
		now = search.NewReader(ix, search.New(fields(), nil, search.Options{Location: time.UTC}))
	}
	s.now.Store(&now)
	st := catalog.Status{Watching: true}
	if ix != nil {
		rev, _ := ix.Revision(context.Background())
		st = catalog.Status{Revision: rev, Books: ix.Len(), Loaded: time.Now(), Watching: true}
	}
	s.status.Store(&st)
}

// swap changes the contents and tells the subscribers.
func (s *swapping) swap(ix *index.Index) {
	change := index.Diff(s.ix.Load(), ix)
	s.set(ix)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.subs {
		c <- change
	}
}

func (s *swapping) Snapshot() catalog.Reader      { return *s.now.Load() }
func (s *swapping) Status() catalog.Status        { return *s.status.Load() }
func (s *swapping) Refresh(context.Context) error { return nil }

func (s *swapping) Subscribe(ctx context.Context) <-chan catalog.Change {
	c := make(chan catalog.Change, 16)
	s.mu.Lock()
	s.subs = append(s.subs, c)
	s.mu.Unlock()
	context.AfterFunc(ctx, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.subs = slices.DeleteFunc(s.subs, func(x chan catalog.Change) bool { return x == c })
		close(c)
	})
	return c
}

func (s *swapping) Book(ctx context.Context, id catalog.BookID) (catalog.Book, error) {
	if ix := s.ix.Load(); ix != nil {
		return ix.Book(ctx, id)
	}
	return catalog.Book{}, catalog.ErrUnavailable
}

func (s *swapping) Books(ctx context.Context, q catalog.Query) (catalog.Page[catalog.Book], error) {
	if ix := s.ix.Load(); ix != nil {
		return ix.Books(ctx, q)
	}
	return catalog.Page[catalog.Book]{}, catalog.ErrUnavailable
}

func (s *swapping) Terms(ctx context.Context, f catalog.FieldKey, q catalog.TermQuery) (catalog.Page[catalog.Term], error) {
	if ix := s.ix.Load(); ix != nil {
		return ix.Terms(ctx, f, q)
	}
	return catalog.Page[catalog.Term]{}, catalog.ErrUnavailable
}

func (s *swapping) Fields(ctx context.Context) ([]catalog.Field, error) {
	if ix := s.ix.Load(); ix != nil {
		return ix.Fields(ctx)
	}
	return nil, catalog.ErrUnavailable
}

func (s *swapping) Revision(ctx context.Context) (catalog.Revision, error) {
	if ix := s.ix.Load(); ix != nil {
		return ix.Revision(ctx)
	}
	return catalog.Revision{}, catalog.ErrUnavailable
}

// newAPI makes an open API over one library "main" of 60 books, and lets the
// test change the options before.
func newAPI(tb testing.TB, change ...func(*httpapi.Options)) (*httpapi.API, *swapping) {
	tb.Helper()
	o := httpapi.Options{PublicRead: true, Version: "test", Logger: slog.New(slog.DiscardHandler), Cache: inMemory()}
	live := newSwapping(nil)
	o.Libraries = []httpapi.Library{{Name: "main", Catalog: live, Files: memstore.New(memstore.Options{})}}
	for _, c := range change {
		c(&o)
	}
	live.set(makeIndex(tb, "main", o.Prefix, 60))
	a, err := httpapi.New(o)
	if err != nil {
		tb.Fatal(err)
	}
	return a, live
}

// inMemory is a cache in the memory of this process.
func inMemory() *cache.Cache {
	return cache.New(cache.Options{Local: memcache.NewLocal(memcache.Options{}), Logger: slog.New(slog.DiscardHandler)})
}

// get asks a for a path; header is names and values in turn.
func get(a http.Handler, path string, header ...string) *httptest.ResponseRecorder {
	return do(a, http.MethodGet, path, header...)
}

func do(a http.Handler, method, path string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	a.ServeHTTP(w, r)
	return w
}

// decode reads a JSON answer.
func decode[T any](tb testing.TB, w *httptest.ResponseRecorder) T {
	tb.Helper()
	var v T
	if err := json.Unmarshal(w.Body.Bytes(), &v); err != nil {
		tb.Fatalf("%v in %s", err, w.Body)
	}
	return v
}

type problem struct {
	Type, Title, Detail string
	Status              int
	Errors              []struct{ Location, Message, Value string }
	RequestID           string `json:"request_id"`
}

// wantProblem checks that w is a problem of that status and location ("" is
// none).
func wantProblem(tb testing.TB, w *httptest.ResponseRecorder, status int, location string) problem {
	tb.Helper()
	if w.Code != status || w.Header().Get("Content-Type") != "application/problem+json" {
		tb.Fatalf("answer is %d %s, want problem %d: %s", w.Code, w.Header().Get("Content-Type"), status, w.Body)
	}
	p := decode[problem](tb, w)
	got := ""
	if len(p.Errors) > 0 {
		got = p.Errors[0].Location
	}
	if p.Status != status || got != location || p.RequestID == "" || p.RequestID != w.Header().Get("X-Request-Id") {
		tb.Fatalf("problem %s, want status %d, location %q, and the request id", w.Body, status, location)
	}
	return p
}

type bookPage struct {
	Items []struct {
		ID           int64
		Title        string
		Library      string
		CommentsHTML *string `json:"comments_html"`
	}
	NextCursor *string `json:"next_cursor"`
	Total      int
}

func (p bookPage) ids() []int64 {
	var ids []int64
	for _, b := range p.Items {
		ids = append(ids, b.ID)
	}
	return ids
}

// reader is a catalog.Reader and nothing more.
type reader struct{ catalog.Reader }
