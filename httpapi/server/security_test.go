package server

import (
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/pressmark/pressmark/httpapi"
)

// routes are the addresses of all operations, with something in the place of
// parameters, and of what is in no document, each with its methods.
func routes(t *testing.T) map[string][]string {
	t.Helper()
	doc, err := httpapi.OpenAPI(httpapi.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var api struct {
		Paths map[string]map[string]json.RawMessage
	}
	if err := json.Unmarshal(doc, &api); err != nil {
		t.Fatal(err)
	}
	fill := strings.NewReplacer("{id}", "1", "{uuid}", "00000000-0000-0000-0000-000000000000", "{format}", "epub", "{field}", "tags",
		"{ticket}", "none", "{list}", "1", "{book}", "1")
	all := map[string][]string{}
	for path, operations := range api.Paths {
		for method := range operations {
			all[fill.Replace(path)] = append(all[fill.Replace(path)], strings.ToUpper(method))
		}
	}
	if len(all) < 40 {
		t.Fatalf("only %d paths", len(all))
	}
	for _, path := range []string{"/", "/nothing", "/docs", "/docs/swagger-ui.css", "/openapi.json", "/openapi.yaml", httpapi.SetupPath, "/api/files/download/1/mobi", "/api/files/cover/1?size=huge", "/api/books?limit=0"} {
		all[path] = []string{http.MethodGet, http.MethodHead}
	}
	return all
}

// TestSecurityHeaders asks for everything, as nobody and without a body, by the
// methods that it has and by others, and looks at what each answer tells a
// browser.
func TestSecurityHeaders(t *testing.T) {
	for name, public := range map[string]bool{"public": true, "private": false} {
		t.Run(name, func(t *testing.T) {
			c := sampleConfig(t)
			c.PublicRead = public
			h := open(t, c).Handler()
			for path, methods := range routes(t) {
				for _, method := range append(methods, http.MethodOptions, http.MethodPut, "BREW") {
					checkHeaders(t, h, method, path)
				}
			}
		})
	}
}

func checkHeaders(t *testing.T, h http.Handler, method, path string) {
	t.Helper()
	r := httptest.NewRequest(method, path, nil)
	ctx, done := context.WithCancel(t.Context())
	if path == "/api/events" {
		done() // or it would not end
	}
	defer done()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r.WithContext(ctx))
	got := w.Result().Header
	complain := func(what string) { t.Errorf("%s %s: %d: %s: %v", method, path, w.Code, what, got) }
	if got.Get("X-Content-Type-Options") != "nosniff" {
		complain("a browser may guess what it is")
	}
	csp := got.Get("Content-Security-Policy")
	if !strings.Contains(csp, "default-src 'none'") && !strings.Contains(csp, "sandbox") {
		complain("the policy forbids nothing")
	}
	page := strings.HasPrefix(got.Get("Content-Type"), "text/html")
	if page && !strings.Contains(csp, "frame-ancestors 'none'") {
		complain("others may show the page in theirs")
	}
	if page && got.Get("Referrer-Policy") != "no-referrer" {
		complain("others are told where a reader comes from")
	}
	if got.Get("Server") != "" || got.Get("X-Powered-By") != "" {
		complain("it tells what it is made with")
	}
	if got.Get("Access-Control-Allow-Origin") != "" {
		complain("pages of others may read it")
	}
	cached := got.Get("Cache-Control")
	if w.Code == http.StatusOK && cached == "" && method == http.MethodGet {
		complain("nobody knows whether it may be kept")
	}
	if w.Code >= 500 && w.Code != http.StatusNotImplemented {
		complain("it fails")
	}
}

// TestPrefixSurvivesAProxy follows every address that answers name, behind a proxy
// that serves the whole under a path.
func TestPrefixSurvivesAProxy(t *testing.T) {
	c := sampleConfig(t)
	c.BaseURL = "https://books.example/shelf"
	backend := httptest.NewServer(open(t, c).Handler())
	defer backend.Close()
	target, err := url.Parse(backend.URL)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target)
		r.Out.Host = "books.example"
		r.Out.Header.Set("X-Forwarded-Proto", "https")
		r.Out.Header.Set("X-Forwarded-Host", "books.example")
	}})
	defer proxy.Close()
	followed := map[string]bool{}
	var follow func(path string)
	follow = func(path string) {
		if followed[path] || len(followed) > 150 {
			return
		}
		followed[path] = true
		res, err := http.Get(proxy.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		if err != nil || res.StatusCode != http.StatusOK || !strings.HasPrefix(path, "/shelf/") {
			t.Errorf("%s: %s, %v", path, res.Status, err)
			return
		}
		var v any
		if strings.HasPrefix(res.Header.Get("Content-Type"), "application/json") && json.Unmarshal(body, &v) == nil {
			for _, address := range named(v) {
				follow(address)
			}
		}
		if strings.HasPrefix(res.Header.Get("Content-Type"), "text/html") {
			for _, part := range strings.Split(string(body), `="/`)[1:] {
				address, _, _ := strings.Cut(part, `"`)
				follow("/" + address)
			}
		}
	}
	for _, path := range []string{"/api/books", "/api/books/1", "/api/books/1/related", "/api/views", "/api/search/suggest?q=tide", "/docs"} {
		follow("/shelf" + path)
	}
	if len(followed) < 50 {
		t.Errorf("only %d addresses: %q", len(followed), slices.Sorted(maps.Keys(followed)))
	}
	res, err := http.Get(proxy.URL + "/api/books")
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusNotFound {
		t.Errorf("without the prefix: %s", res.Status)
	}
}

// named are the values of "url" in decoded JSON.
func named(v any) (all []string) {
	switch v := v.(type) {
	case map[string]any:
		for key, value := range v {
			if s, ok := value.(string); ok && key == "url" {
				all = append(all, s)
			}
			all = append(all, named(value)...)
		}
	case []any:
		for _, value := range v {
			all = append(all, named(value)...)
		}
	}
	return all
}
