package httpapi_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pressmark/pressmark/catalog"
	"github.com/pressmark/pressmark/httpapi"
	"github.com/pressmark/pressmark/storage/memstore"
)

// cataloguePaths is one path of every kind of catalogue operation.
func cataloguePaths() []string {
	return []string{
		"/api/books", "/api/books/", "/api/books?limit=2&sort=-title", "/api/books?include=comments", "/api/books?ids=1,2",
		"/api/books/1", "/api/books/by-uuid/3b483bb1-14b5-4b7c-86bb-000000000001", "/api/fields", "/api/fields/%23mood/terms",
		"/api/authors", "/api/series", "/api/tags", "/api/publishers", "/api/languages",
	}
}

// TestEntityTags asks each path until it is answered from the cache, and
// checks tags, 304, HEAD and compression each time.
func TestEntityTags(t *testing.T) {
	a, live := newAPI(t)
	older := map[string]string{}
	for _, path := range cataloguePaths() {
		first := get(a, path)
		tag := first.Header().Get("Etag")
		if first.Code != http.StatusOK || len(tag) < 10 || tag[0] != '"' {
			t.Fatalf("%s: %d with tag %q", path, first.Code, tag)
		}
		older[path] = tag
		for range 4 {
			w := get(a, path)
			if w.Header().Get("Etag") != tag || !bytes.Equal(w.Body.Bytes(), first.Body.Bytes()) || w.Header().Get("Content-Length") != strconv.Itoa(first.Body.Len()) {
				t.Errorf("%s: the same request is answered otherwise", path)
			}
			h := do(a, http.MethodHead, path)
			if h.Code != http.StatusOK || h.Body.Len() != 0 || h.Header().Get("Etag") != tag || h.Header().Get("Content-Length") != strconv.Itoa(first.Body.Len()) {
				t.Errorf("%s: HEAD: %d, %d bytes, %v", path, h.Code, h.Body.Len(), h.Header())
			}
			for _, inm := range []string{tag, "W/" + tag, `"x", ` + tag, `W/"x",` + tag + `,"y"`, "*"} {
				w := get(a, path, "If-None-Match", inm)
				if w.Code != http.StatusNotModified || w.Body.Len() != 0 || w.Header().Get("Etag") != tag || w.Header().Get("Content-Length") != "" {
					t.Errorf("%s: If-None-Match %s: %d, %d bytes", path, inm, w.Code, w.Body.Len())
				}
			}
			for _, inm := range []string{`"x"`, strings.Trim(tag, `"`), `"`, "W/", ",,", `"x" ` + tag[:5]} {
				if w := get(a, path, "If-None-Match", inm); w.Code != http.StatusOK {
					t.Errorf("%s: If-None-Match %s: %d", path, inm, w.Code)
				}
			}
			z := get(a, path, "Accept-Encoding", "gzip")
			if z.Header().Get("Etag") == tag || z.Header().Get("Vary") != "Accept-Encoding" {
				t.Errorf("%s: compressed under the same tag: %v", path, z.Header())
			}
			if got := unzip(t, z); got != first.Body.String() {
				t.Errorf("%s: compressed is another body", path)
			}
			if (z.Header().Get("Content-Encoding") == "gzip") != (first.Body.Len() >= 1024) {
				t.Errorf("%s: Content-Encoding is %q for %d bytes", path, z.Header().Get("Content-Encoding"), first.Body.Len())
			}
		}
	}
	// Other contents: other tags, also where nothing of the answer changed.
	live.set(makeIndex(t, "main", "", 61))
	for path, tag := range older {
		if w := get(a, path, "If-None-Match", tag); w.Code != http.StatusOK || w.Header().Get("Etag") == tag {
			t.Errorf("%s: %d after the library changed", path, w.Code)
		}
	}
	// Back again: the same tags, as on another replica.
	live.set(makeIndex(t, "main", "", 60))
	for path, tag := range older {
		if w := get(a, path, "If-None-Match", tag); w.Code != http.StatusNotModified {
			t.Errorf("%s: %d for equal contents", path, w.Code)
		}
	}
	if w := get(a, "/api/books/999", "If-None-Match", "*"); w.Code != http.StatusNotFound {
		t.Errorf("a book that is not there: %d", w.Code)
	}
}

// TestSameQuery checks that queries that mean the same have one tag, and that
// others do not.
func TestSameQuery(t *testing.T) {
	a, _ := newAPI(t)
	tag := func(path string) string { return get(a, path).Header().Get("Etag") }
	x := tag("/api/books?limit=5&tags=Fiction&tags=Tag+3&sort=title")
	if y := tag("/api/books?tags=Tag%203&sort=title&&tags=Fiction&limit=5&library=main"); x != y {
		t.Error("the order of parameters makes another tag")
	}
	seen := map[string]string{}
	for _, path := range []string{
		"/api/books", "/api/books?limit=5", "/api/books?sort=5", "/api/books?q=limit%3D5", "/api/tags", "/api/authors",
		"/api/books?tags=a&series=b", "/api/books?tags=b&series=a", "/api/books?tags=a%26series%3Db", "/api/books/1", "/api/books/11",
	} {
		w := get(a, path)
		if w.Code == http.StatusOK && seen[w.Header().Get("Etag")] != "" {
			t.Errorf("%s and %s have one tag", path, seen[w.Header().Get("Etag")])
		}
		seen[w.Header().Get("Etag")] = path
	}
}

func unzip(t *testing.T, w *httptest.ResponseRecorder) string {
	t.Helper()
	if w.Header().Get("Content-Encoding") != "gzip" {
		return w.Body.String()
	}
	z, err := gzip.NewReader(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestAcceptEncoding(t *testing.T) {
	a, _ := newAPI(t)
	for accept, want := range map[string]string{
		"": "", "gzip": "gzip", "GZIP": "gzip", "br, gzip;q=0.5": "gzip", "*": "gzip", "deflate": "", "gzip;q=0": "", "gzip; q=0.0, *": "",
		"*;q=0": "", "identity": "", "identity;q=0, gzip;q=0.1": "gzip", "gzip;q=0.5, identity;q=0.8": "", "gzip;q=x": "", ";;,,=;q": "",
		"gzip;q=1;x=y": "gzip", "identity;q=0": "", "x-gzip": "gzip",
	} {
		if w := get(a, "/api/books", "Accept-Encoding", accept); w.Code != http.StatusOK || w.Header().Get("Content-Encoding") != want {
			t.Errorf("%q: %d %q, want %q", accept, w.Code, w.Header().Get("Content-Encoding"), want)
		}
	}
}

func TestHeaders(t *testing.T) {
	a, _ := newAPI(t)
	for range 3 { // made, kept, from the cache
		w := get(a, "/api/books")
		for name, want := range map[string]string{
			"Cache-Control": "public, max-age=0, s-maxage=2", "X-Content-Type-Options": "nosniff", "Content-Type": "application/json",
			"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'", "Vary": "Accept-Encoding",
		} {
			if got := w.Header().Get(name); got != want {
				t.Errorf("%s is %q, want %q", name, got, want)
			}
		}
		for _, h := range []string{"Authorization", "Cookie"} {
			if got := get(a, "/api/books", h, "x").Header().Get("Cache-Control"); got != "private, no-cache" {
				t.Errorf("with %s: Cache-Control is %q", h, got)
			}
		}
	}
	if x, y := get(a, "/api/books").Header().Get("X-Request-Id"), get(a, "/api/books").Header().Get("X-Request-Id"); x == y || x == "" {
		t.Errorf("request ids %q and %q", x, y)
	}
	for given, kept := range map[string]bool{"abc-1": true, "a b": false, strings.Repeat("a", 65): false, "é": false} {
		if got := get(a, "/api/books", "X-Request-Id", given).Header().Get("X-Request-Id"); (got == given) != kept {
			t.Errorf("request id %q became %q", given, got)
		}
	}
}

func TestPrivate(t *testing.T) {
	a, _ := newAPI(t, func(o *httpapi.Options) { o.PublicRead = false })
	for _, path := range append(cataloguePaths(), "/api/events") {
		for range 3 {
			w := get(a, path)
			wantProblem(t, w, http.StatusUnauthorized, "")
			if w.Header().Get("Www-Authenticate") == "" || w.Header().Get("Cache-Control") != "no-store" {
				t.Errorf("%s: headers %v", path, w.Header())
			}
		}
	}
	for _, path := range []string{"/api/health", "/api/health/live", "/api/health/ready", "/openapi.json", "/openapi.yaml", "/docs", "/docs/swagger-ui.css"} {
		if w := get(a, path); w.Code != http.StatusOK {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
}

func TestCORS(t *testing.T) {
	a, _ := newAPI(t, func(o *httpapi.Options) { o.CORSOrigins = []string{"https://reader.example"} })
	for range 3 {
		w := get(a, "/api/books", "Origin", "https://reader.example")
		if w.Code != 200 || w.Header().Get("Access-Control-Allow-Origin") != "https://reader.example" || !strings.Contains(w.Header().Get("Access-Control-Expose-Headers"), "ETag") || !strings.Contains(w.Header().Get("Access-Control-Expose-Headers"), "Location") {
			t.Errorf("allowed: %v", w.Header())
		}
		w = get(a, "/api/books", "Origin", "https://other.example")
		if w.Code != 200 || w.Header().Get("Access-Control-Allow-Origin") != "" || !strings.Contains(w.Header().Get("Vary"), "Origin") {
			t.Errorf("not allowed: %v", w.Header())
		}
	}
	w := do(a, http.MethodOptions, "/api/books", "Origin", "https://reader.example", "Access-Control-Request-Method", "GET")
	if w.Code != http.StatusNoContent || !strings.Contains(w.Header().Get("Access-Control-Allow-Methods"), "GET") || !strings.Contains(w.Header().Get("Access-Control-Allow-Headers"), "If-None-Match") {
		t.Errorf("preflight: %d %v", w.Code, w.Header())
	}
	// A page may send every header that the document has.
	given := 0
	for _, methods := range decode[struct {
		Paths map[string]map[string]struct{ Parameters []struct{ Name, In string } }
	}](t, get(a, "/openapi.json")).Paths {
		for _, op := range methods {
			for _, p := range op.Parameters {
				if p.In != "header" {
					continue
				}
				given++
				if !slices.Contains(strings.Split(w.Header().Get("Access-Control-Allow-Headers"), ", "), p.Name) {
					t.Errorf("%s is not allowed", p.Name)
				}
			}
		}
	}
	if given == 0 {
		t.Error("the document has no headers")
	}
	w = do(a, http.MethodOptions, "/api/books", "Origin", "https://other.example", "Access-Control-Request-Method", "GET")
	if w.Header().Get("Access-Control-Allow-Methods") != "" {
		t.Errorf("preflight of another origin: %v", w.Header())
	}
	all, _ := newAPI(t, func(o *httpapi.Options) { o.CORSOrigins = []string{"*"} })
	if got := get(all, "/api/books", "Origin", "https://other.example").Header().Get("Access-Control-Allow-Origin"); got != "*" {
		t.Errorf("any origin: %q", got)
	}
	wantProblem(t, get(all, "/api/nope", "Origin", "https://other.example"), 404, "")
}

func TestPrefix(t *testing.T) {
	a, _ := newAPI(t, func(o *httpapi.Options) { o.Prefix = "/library" })
	for _, path := range append(cataloguePaths(), "/api/health", "/openapi.json", "/docs", "/docs/swagger-ui-bundle.js") {
		if w := get(a, "/library"+path); w.Code != http.StatusOK {
			t.Errorf("/library%s: %d", path, w.Code)
		}
		wantProblem(t, get(a, path), http.StatusNotFound, "")
	}
	if b := get(a, "/library/api/books?ids=1").Body.String(); !strings.Contains(b, `"/library/api/files/cover/1?library=main`) || !strings.Contains(b, `"/library/api/files/download/1/epub?library=main"`) {
		t.Errorf("addresses lack the prefix: %s", b)
	}
	b := get(a, "/library/docs").Body.String()
	for _, elsewhere := range []string{`src="http`, `href="http`, `src="//`, `href="//`} {
		if strings.Contains(b, elsewhere) {
			t.Errorf("the docs page loads from elsewhere: %s", b)
		}
	}
	if !strings.Contains(b, `"/library/openapi.json"`) {
		t.Errorf("the docs page does not know where the document is: %s", b)
	}
}

func TestTwoLibraries(t *testing.T) {
	comics := makeIndex(t, "comics", "", 5)
	a, _ := newAPI(t, func(o *httpapi.Options) {
		o.Libraries = append(o.Libraries, httpapi.Library{Name: "comics", Catalog: comics, Files: memstore.New(memstore.Options{})})
	})
	for range 3 {
		for path, want := range map[string]struct {
			total int
			name  string
		}{"/api/books": {60, "main"}, "/api/books?library=main": {60, "main"}, "/api/books?library=comics": {5, "comics"}} {
			if p := decode[bookPage](t, get(a, path)); p.Total != want.total || p.Items[0].Library != want.name {
				t.Errorf("%s: %d books of %s", path, p.Total, p.Items[0].Library)
			}
		}
	}
	if p := wantProblem(t, get(a, "/api/books?library=nope"), 404, "query.library"); !strings.Contains(p.Detail, "nope") {
		t.Errorf("detail %q does not name the library", p.Detail)
	}
}

// breaking is a reader in which one call fails, to see what becomes of errors
// that a real one has only when its machine breaks.
type breaking struct {
	catalog.Reader
	err   error
	panic bool
}

func (f breaking) Book(context.Context, catalog.BookID) (catalog.Book, error) {
	if f.panic {
		panic("secret panic")
	}
	return catalog.Book{}, f.err
}

func TestErrors(t *testing.T) {
	for _, c := range []struct {
		err    error
		status int
		log    bool
	}{
		{errors.New("secret text"), 500, true},
		{fmt.Errorf("secret: %w", fs.ErrPermission), 500, true},
		{fmt.Errorf("secret: %w", catalog.ErrUnavailable), 503, true},
		{fmt.Errorf("secret: %w", context.DeadlineExceeded), 503, true},
		{fmt.Errorf("secret: %w", fs.ErrNotExist), 404, false},
		{fmt.Errorf("secret: %w", catalog.ErrNotFound), 404, false},
		{&http.MaxBytesError{Limit: 10}, 413, false},
		{fmt.Errorf("secret: %w", errors.ErrUnsupported), 501, false},
		{nil, 500, true}, // a panic
	} {
		var logged bytes.Buffer
		a, _ := newAPI(t, func(o *httpapi.Options) {
			o.Logger = slog.New(slog.NewTextHandler(&logged, nil))
			o.Libraries[0].Catalog = breaking{o.Libraries[0].Catalog, c.err, c.err == nil}
		})
		w := get(a, "/api/books/1")
		location := ""
		if errors.Is(c.err, catalog.ErrNotFound) {
			location = "path.id"
		}
		p := wantProblem(t, w, c.status, location)
		if strings.Contains(w.Body.String(), "secret") {
			t.Errorf("%v: text shown to the client: %s", c.err, w.Body)
		}
		if (c.status == 503) != (w.Header().Get("Retry-After") != "") {
			t.Errorf("%v: Retry-After is %q", c.err, w.Header().Get("Retry-After"))
		}
		if got := strings.Contains(logged.String(), "secret"); got != c.log || got && !strings.Contains(logged.String(), p.RequestID) {
			t.Errorf("%v: logged %s", c.err, &logged)
		}
	}
}

// TestGone checks that nothing is written or logged for a client that left.
func TestGone(t *testing.T) {
	var logged bytes.Buffer
	a, _ := newAPI(t, func(o *httpapi.Options) {
		o.Logger = slog.New(slog.NewTextHandler(&logged, nil))
		o.Libraries[0].Catalog = breaking{Reader: o.Libraries[0].Catalog, err: fmt.Errorf("read: %w", context.Canceled)}
	})
	gone, leave := context.WithCancel(t.Context())
	leave()
	w := httptest.NewRecorder()
	a.ServeHTTP(w, httptest.NewRequestWithContext(gone, http.MethodGet, "/api/books/1", nil))
	if w.Body.Len() != 0 || logged.Len() != 0 {
		t.Errorf("wrote %q, logged %q", w.Body, &logged)
	}
}

func TestNewRefuses(t *testing.T) {
	lib := httpapi.Library{Name: "main", Catalog: makeIndex(t, "main", "", 1), Files: memstore.New(memstore.Options{})}
	bad := func(l httpapi.Library, change func(*httpapi.Library)) httpapi.Library { change(&l); return l }
	for name, o := range map[string]httpapi.Options{
		"no library":     {},
		"equal names":    {Libraries: []httpapi.Library{lib, lib}},
		"no name":        {Libraries: []httpapi.Library{bad(lib, func(l *httpapi.Library) { l.Name = "" })}},
		"odd name":       {Libraries: []httpapi.Library{bad(lib, func(l *httpapi.Library) { l.Name = "a/b" })}},
		"no catalog":     {Libraries: []httpapi.Library{bad(lib, func(l *httpapi.Library) { l.Catalog = nil })}},
		"no files":       {Libraries: []httpapi.Library{bad(lib, func(l *httpapi.Library) { l.Files = nil })}},
		"prefix without": {Libraries: []httpapi.Library{lib}, Prefix: "library"},
		"prefix with":    {Libraries: []httpapi.Library{lib}, Prefix: "/library/"},
		"empty check":    {Libraries: []httpapi.Library{lib}, Checks: []httpapi.Check{{Name: "redis"}}},
		"prefix dots":    {Libraries: []httpapi.Library{lib}, Prefix: "/a/../b"},
		"prefix quote":   {Libraries: []httpapi.Library{lib}, Prefix: `/a"b`},
		"prefix pattern": {Libraries: []httpapi.Library{lib}, Prefix: "/{x}"},
	} {
		if _, err := httpapi.New(o); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// slow is a reader that answers when its context ends.
type slow struct{ catalog.Reader }

func (s slow) Book(ctx context.Context, _ catalog.BookID) (catalog.Book, error) {
	<-ctx.Done()
	return catalog.Book{}, ctx.Err()
}

func TestRequestTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, _ := newAPI(t, func(o *httpapi.Options) { o.Libraries[0].Catalog = slow{o.Libraries[0].Catalog} })
		began := time.Now()
		w := get(a, "/api/books/1")
		wantProblem(t, w, http.StatusServiceUnavailable, "")
		if took := time.Since(began); took != 30*time.Second || w.Header().Get("Retry-After") == "" {
			t.Errorf("given up after %v of the bubble's clock, Retry-After %q", took, w.Header().Get("Retry-After"))
		}
	})
}
