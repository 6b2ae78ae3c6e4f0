package httpapi_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func TestBadInput(t *testing.T) {
	a, _ := newAPI(t)
	esc := url.QueryEscape
	cursor := func(path string) string {
		p := decode[bookPage](t, get(a, path))
		return esc(*p.NextCursor)
	}
	byTitle, termCursor := cursor("/api/books?limit=5&sort=title"), cursor("/api/tags?limit=5")
	many := strings.TrimSuffix(strings.Repeat("1,", 501), ",")

	for _, c := range []struct {
		path     string
		status   int
		location string
	}{
		// Ids.
		{"/api/books/0", 422, "path.id"},
		{"/api/books/-1", 422, "path.id"},
		{"/api/books/+1", 422, "path.id"},
		{"/api/books/one", 422, "path.id"},
		{"/api/books/1e3", 422, "path.id"},
		{"/api/books/99999999999999999999", 422, "path.id"},
		{"/api/books/1%00", 422, "path.id"},
		{"/api/books/%ff", 422, "path.id"},
		{"/api/books/999", 404, "path.id"},
		{"/api/books/by-uuid/3b483bb1-14b5-4b7c-86bb-999999999999", 404, "path.uuid"},
		{"/api/books/by-uuid/" + strings.Repeat("a", 65), 422, "path.uuid"},
		{"/api/books/1?library=nope", 404, "query.library"},
		{"/api/books/1?library=", 422, "query.library"},
		{"/api/books/1?library=main&library=other", 422, "query.library"},
		{"/api/books/1?include=comments", 422, "query.include"},
		{"/api/books?ids=1,x", 422, "query.ids"},
		{"/api/books?ids=", 422, "query.ids"},
		{"/api/books?ids=1,", 422, "query.ids"},
		{"/api/books?ids=" + many, 422, "query.ids"},
		{"/api/books?uuids=" + many, 422, "query.uuids"},
		{"/api/books?uuids=,", 422, "query.uuids"},
		// Limits.
		{"/api/books?limit=0", 422, "query.limit"},
		{"/api/books?limit=-1", 422, "query.limit"},
		{"/api/books?limit=501", 422, "query.limit"},
		{"/api/books?limit=1000000000", 422, "query.limit"},
		{"/api/books?limit=99999999999999999999", 422, "query.limit"},
		{"/api/books?limit=", 422, "query.limit"},
		{"/api/books?limit=5.0", 422, "query.limit"},
		{"/api/books?limit=1&limit=2", 422, "query.limit"},
		// Sorts and cursors.
		{"/api/books?sort=nope", 422, "query.sort"},
		{"/api/books?sort=title,", 422, "query.sort"},
		{"/api/books?sort=,title", 422, "query.sort"},
		{"/api/books?sort=-", 422, "query.sort"},
		{"/api/books?sort=comments", 422, "query.sort"},
		{"/api/books?sort=%23sum", 422, "query.sort"},
		{"/api/books?sort=id,title,added,modified,tags,series,rating,pages,size", 422, "query.sort"},
		{"/api/books?cursor=nope", 422, "query.cursor"},
		{"/api/books?cursor=" + strings.Repeat("A", 5000), 422, "query.cursor"},
		{"/api/books?cursor=" + byTitle, 422, "query.cursor"},
		{"/api/books?sort=-title&cursor=" + byTitle, 422, "query.cursor"},
		{"/api/books?sort=title&cursor=" + termCursor, 422, "query.cursor"},
		{"/api/books?sort=title&cursor=" + byTitle[:len(byTitle)-3], 422, "query.cursor"},
		{"/api/tags?cursor=" + byTitle, 422, "query.cursor"},
		{"/api/tags?sort=-count&cursor=" + termCursor, 422, "query.cursor"},
		// Parameters and filters.
		{"/api/books?tgas=Maps", 422, "query.tgas"},
		{"/api/books?Limit=5", 422, "query.Limit"},
		{"/api/books?=5", 422, "query."},
		{"/api/books?tags=%zz", 422, "query.tags"},
		{"/api/books?%zz=1", 422, "query"},
		{"/api/books?tags=", 422, "query.tags"},
		{"/api/books?filter=", 422, "query.filter"},
		{"/api/books?filter=tags", 422, "query.filter"},
		{"/api/books?filter=nope:1", 422, "query.filter"},
		{"/api/books?filter=%23sum:1", 422, "query.filter"},
		{"/api/books?filter=%23read:perhaps", 422, "query.filter"},
		{"/api/books?cover=yes", 422, "query.cover"},
		{"/api/books?pages=many", 422, "query.pages"},
		{"/api/books?pages=..", 422, "query.pages"},
		{"/api/books?pages=NaN", 422, "query.pages"},
		{"/api/books?pages=1..Inf", 422, "query.pages"},
		{"/api/books?pages=1..2..3", 422, "query.pages"},
		{"/api/books?published=..", 422, "query.published"},
		{"/api/books?published=2024-13", 422, "query.published"},
		{"/api/books?published=2024-02-30", 422, "query.published"},
		{"/api/books?published=yesterday", 422, "query.published"},
		{"/api/books?published=0000", 422, "query.published"},
		{"/api/books?include=everything", 422, "query.include"},
		{"/api/books?q=%23nope:x", 422, "query.q"},
		{"/api/books?q=(a", 422, "query.q"},
		{"/api/books?q=tide+AND", 422, "query.q"},
		{"/api/books?q=tide+not", 422, "query.q"},
		{"/api/books?q=%22tide", 422, "query.q"},
		{"/api/books?q=" + "title:~" + strings.Repeat("a", 1001), 422, "query.q"},
		{"/api/books?q=" + strings.Repeat("a+", 65), 422, "query.q"},
		{"/api/books?" + strings.Repeat("tags=a&", 257), 422, "query"},
		{"/api/books?tags=" + strings.Repeat("a", 33<<10), 414, ""},
		// Fields and terms.
		{"/api/fields?limit=3", 422, "query.limit"},
		{"/api/fields/nope/terms", 404, "path.field"},
		{"/api/fields/mood/terms", 404, "path.field"},
		{"/api/fields/pages/terms", 422, "path.field"},
		{"/api/fields/%23sum/terms", 422, "path.field"},
		{"/api/tags?sort=size", 422, "query.sort"},
		{"/api/tags?limit=0", 422, "query.limit"},
		{"/api/tags?nope=1", 422, "query.nope"},
		{"/api/events?nope=1", 422, "query.nope"},
		{"/api/events?library=nope", 404, "query.library"},
		// Routes.
		{"/", 404, ""},
		{"/api", 404, ""},
		{"/api/book", 404, ""},
		{"/api/books/1/2", 404, ""},
		{"/api/fields/tags", 404, ""},
	} {
		shown := c.path
		if len(shown) > 80 {
			shown = shown[:80] + "…"
		}
		t.Run(shown, func(t *testing.T) {
			wantProblem(t, get(a, c.path), c.status, c.location)
		})
	}
}

// TestProblem checks the words of one problem, which people read.
func TestProblem(t *testing.T) {
	a, _ := newAPI(t)
	w := get(a, "/api/books?sort=nope", "X-Request-Id", "abc-1")
	want := `{"type":"about:blank","title":"Unprocessable Entity","status":422,"detail":"sort: unknown field \"nope\"",` +
		`"errors":[{"location":"query.sort","message":"unknown field","value":"nope"}],"request_id":"abc-1"}`
	if w.Body.String() != want {
		t.Errorf("problem is\n%s\nwant\n%s", w.Body, want)
	}
	// A long value is not repeated whole.
	if w := get(a, "/api/books?sort="+strings.Repeat("x", 9000)); w.Body.Len() > 2000 {
		t.Errorf("problem has %d bytes", w.Body.Len())
	}
}

func TestMethods(t *testing.T) {
	a, _ := newAPI(t)
	for _, m := range []string{http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodPatch, "BREW"} {
		w := do(a, m, "/api/books")
		wantProblem(t, w, http.StatusMethodNotAllowed, "")
		if allow := w.Header().Get("Allow"); allow != "GET, HEAD, OPTIONS" {
			t.Errorf("%s: Allow is %q", m, allow)
		}
		wantProblem(t, do(a, m, "/nowhere"), http.StatusNotFound, "")
	}
	if w := do(a, http.MethodOptions, "/api/books"); w.Code != http.StatusNoContent || w.Header().Get("Allow") != "GET, HEAD, OPTIONS" {
		t.Errorf("OPTIONS: %d %v", w.Code, w.Header())
	}
}
