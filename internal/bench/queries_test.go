package main

import (
	"net/url"
	"strings"
	"testing"

	"github.com/pressmark/pressmark/catalog"
)

// target is the request target of a request.
func target(t *testing.T, request []byte) *url.URL {
	t.Helper()
	u, err := url.Parse(strings.TrimPrefix(requestLine(request), "GET "))
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestPagesAreNew(t *testing.T) {
	v := &vocabulary{tags: []string{"a", "b%20c"}, authors: []string{"x"}, languages: []string{"eng"}, sorts: []string{"title", "%23pages"}}
	seen := map[string]bool{}
	cursors := 0
	for _, s := range v.pageSources(1, 2) {
		before := answer{body: []byte(`{"items":[{"title":"\"next_cursor\":\"no"}],"next_cursor":"a+b","total":9}`)}
		for range 500 {
			u := target(t, s.next(nil, before))
			q := u.Query()
			if u.Path != "/api/books" || q.Get("sort") == "" || len(q) < 2 {
				t.Fatalf("%s", u)
			}
			if q.Has("cursor") {
				cursors++
				if q.Get("cursor") != "a+b" {
					t.Fatalf("%s", u)
				}
				continue // the cursor of the test is always the same
			}
			if seen[u.RawQuery] {
				t.Errorf("%s twice", u)
			}
			seen[u.RawQuery] = true
		}
	}
	if cursors < 100 {
		t.Errorf("only %d of 1,000 pages walked on", cursors)
	}
}

func TestTermsWalk(t *testing.T) {
	next, end := answer{body: []byte(`{"next_cursor":"c","total":9}`)}, answer{body: []byte(`{"next_cursor":null,"total":9}`)}
	seen := map[string]bool{}
	for _, s := range termSources(1, 4) {
		before := answer{}
		for i := range 40 {
			u := target(t, s.next(nil, before))
			before = next
			if i%2 == 1 {
				before = end // each list has two pages
			}
			if got := u.Query().Has("cursor"); got != (i%2 == 1) {
				t.Fatalf("request %d: %s", i, u)
			}
			if seen[u.String()] {
				t.Errorf("%s twice", u)
			}
			seen[u.String()] = true
		}
	}
}

func TestBooksOnceEach(t *testing.T) {
	ids := []catalog.BookID{3, 5, 8, 13, 21, 34}
	seen := map[string]int{}
	sources := bookSources(ids)(7, 2)
	for range len(ids) / 2 {
		for _, s := range sources {
			seen[target(t, s.next(nil, answer{})).Path]++
		}
	}
	for path, n := range seen {
		if n != 1 {
			t.Errorf("%s %d times", path, n)
		}
	}
	if len(seen) != len(ids) {
		t.Errorf("%d books of %d", len(seen), len(ids))
	}
}

func TestNextCursor(t *testing.T) {
	for body, want := range map[string]string{
		`{"items":[],"next_cursor":"abc","total":1}`: "abc",
		`{"items":[],"next_cursor":null,"total":1}`:  "",
		`{"next_cursor":"cut`:                        "",
		``:                                           "",
	} {
		if got := nextCursor([]byte(body)); got != want {
			t.Errorf("%s: %q", body, got)
		}
	}
}
