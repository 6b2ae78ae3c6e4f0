package httpapi_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/pressmark/pressmark/httpapi"
)

func TestSearch(t *testing.T) {
	s := newSample(t)
	esc := url.QueryEscape
	for _, c := range []struct {
		query string
		want  []int64
	}{
		{"q=" + esc(`tags:"=Sea Stories"`), []int64{1, 2, 4, 8}},
		{"q=salt", []int64{2, 3}},
		{"q=" + esc("salt and not interlude"), []int64{2}},
		{"q=holloway&q=interlude", []int64{3}},
		{"q=&q=interlude", []int64{3}},
		{"q=interlude&tags=Fiction", []int64{3}},
		{"q=interlude&tags=Maps", nil},
		{"q=" + esc("#pages:>450"), []int64{23, 24}},
		{"q=vl:Sea", []int64{1, 2, 4, 8}},
		{"q=" + esc("search:Holloway"), []int64{1, 2, 3, 4}},
		{"view=Half&q=" + esc("tags:maps"), []int64{5}},
		{"q=" + esc("tags:maps") + "&sort=-id&limit=2", []int64{23, 19}},
		{"q=" + esc("id:1 or id:2 or id:3") + "&ids=2,3,4", []int64{2, 3}},
		{"q=" + esc("Ñuflo"), []int64{8}},
		{"title_sort=Tide+Clerk,+The", []int64{1}},
	} {
		got := s.ids("/api/books?" + c.query)
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.query, got, c.want)
		}
	}
}

// TestSearchErrors checks that an error in an expression says where it is.
func TestSearchErrors(t *testing.T) {
	s := newSample(t)
	for _, q := range []string{
		`(tide`, `"tide`, `tide)`, `#gone:x`, `title:~[`, `template:x`, `search:none`, `vl:none`, `#pages:>x`, `date:>never`, strings.Repeat("(", 10_000),
	} {
		for _, path := range []string{"/api/books", "/api/tags", "/api/fields/tags/letters", "/api/fields/tags/tree"} {
			w := get(s.api, path+"?q="+url.QueryEscape(q))
			var p struct {
				Errors []struct {
					Location string
					Position *int
					Expected *string
				}
			}
			if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || w.Code != 422 || len(p.Errors) != 1 || p.Errors[0].Location != "query.q" {
				t.Fatalf("%.40s: %d %s", q, w.Code, w.Body)
			}
			if e := p.Errors[0]; e.Position == nil || e.Expected == nil || *e.Expected == "" || *e.Position > len(q) {
				t.Errorf("%.40s: no position or nothing expected: %s", q, w.Body)
			}
		}
	}
	// Positions are counted in code points.
	w := get(s.api, "/api/books?q="+url.QueryEscape(`硝子の図書館 (é`))
	if !strings.Contains(w.Body.String(), `"position":9`) {
		t.Errorf("the end of a text of 9 characters: %s", w.Body)
	}
	// Other errors have neither.
	if w := get(s.api, "/api/books?sort=nope"); strings.Contains(w.Body.String(), "position") || strings.Contains(w.Body.String(), "expected") {
		t.Errorf("an error in sort: %s", w.Body)
	}
}

// TestNoSearcher asks a catalog that has no language, and one that cannot be
// browsed.
func TestNoSearcher(t *testing.T) {
	a, _ := newAPI(t, func(o *httpapi.Options) { o.Libraries[0].Catalog = reader{makeIndex(t, "main", "", 10)} })
	wantProblem(t, get(a, "/api/books?q=tide"), 422, "query.q")
	wantProblem(t, post(a, `{"q":"tide"}`), 422, "body.q")
	wantProblem(t, get(a, "/api/books?view=Sea"), 404, "query.view")
	for _, path := range []string{
		"/api/search/suggest?q=t", "/api/views", "/api/books?facets=tags", "/api/fields/tags/letters", "/api/books/1/related",
	} {
		wantProblem(t, get(a, path), http.StatusNotImplemented, "")
	}
}

func TestRelevance(t *testing.T) {
	s := newSample(t)
	esc := url.QueryEscape
	for _, c := range []struct {
		query string
		want  []int64
	}{
		{"q=" + esc("the salt auditor") + "&sort=relevance", []int64{2, 3}},
		{"q=" + esc("the salt auditor") + "&sort=-id", []int64{3, 2}},
		{"q=" + esc("the salt auditor") + "&sort=relevance,-id", []int64{2, 3}},
		{"q=rook&sort=relevance,-id", []int64{16, 15}},
		{"q=" + esc("tags:comics") + "&sort=relevance,-id", []int64{16, 15}},
		{"sort=relevance&ids=3,1,2", []int64{1, 2, 3}},
		{"sort=relevance,-id&ids=3,1,2", []int64{3, 2, 1}},
	} {
		if got := s.ids("/api/books?" + c.query); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.query, got, c.want)
		}
	}
	wantProblem(t, get(s.api, "/api/books?q=salt&sort=-relevance"), 422, "query.sort")
	// A cursor leads through tiers.
	var ids []int64
	cursor := ""
	for {
		p := decode[bookPage](t, s.ok("/api/books?q=the&sort=relevance,-id&limit=2&cursor="+esc(cursor)))
		ids = append(ids, p.ids()...)
		if p.NextCursor == nil {
			break
		}
		cursor = *p.NextCursor
	}
	if whole := s.ids("/api/books?q=the&sort=relevance,-id"); len(whole) < 5 || !slices.Equal(ids, whole) {
		t.Errorf("pages have %v, one page has %v", ids, whole)
	}
}

// TestSearchTags checks that entity tags depend on what an expression means,
// not on how it is spelt.
func TestSearchTags(t *testing.T) {
	s := newSample(t)
	tag := func(query string) string { return s.ok("/api/books?" + query).Header().Get("Etag") }
	esc := url.QueryEscape
	for _, same := range [][]string{
		{"q=" + esc("title:tide and tags:sea"), "q=" + esc("TITLE:Tide  tags:sea"), "q=" + esc(`(title:"tide") tags:"sea"`)},
		{"q=title:tide&q=tags:sea", "q=tags:sea&q=title:tide"},
		{"q=tide&sort=relevance", "q=" + esc(" tide ") + "&sort=relevance"},
	} {
		for _, query := range same[1:] {
			if tag(query) != tag(same[0]) {
				t.Errorf("%s and %s have two tags", query, same[0])
			}
		}
	}
	seen := map[string]string{}
	for _, query := range []string{
		"", "q=tide", "q=title:tide", "q=title:salt", "q=" + esc("title:=tide"), "q=" + esc("not title:tide"),
		"q=tide&sort=relevance", "q=salt&sort=relevance", "q=tide&sort=title", "q=tide&facets=tags", "q=tide&facets=authors", "q=tide&facets=tags&facet_limit=1",
		"view=Half", "view=Sea", "view=Nothing", "view=Half&q=tide",
	} {
		if tag := tag(query); seen[tag] != "" {
			t.Errorf("%q and %q have one tag", query, seen[tag])
		} else {
			seen[tag] = query
		}
	}
}

// TestSearchBody checks that a body is answered as the same parameters are.
func TestSearchBody(t *testing.T) {
	s := newSample(t)
	esc := url.QueryEscape
	for _, c := range []struct{ body, query string }{
		{`{}`, ""},
		{`{"q":null,"limit":null,"filter":null,"facets":null}`, ""},
		{` {"q":"tags:maps","sort":"-id","limit":2} `, "q=tags:maps&sort=-id&limit=2"},
		{`{"q":"the","sort":"relevance,-id","facets":["tags","authors","#genre"],"facet_limit":3}`, "q=the&sort=relevance,-id&facets=tags,authors,%23genre&facet_limit=3"},
		{`{"filter":{"tags":["Maps","Essays"],"languages":["eng"]}}`, "tags=Maps&tags=Essays&languages=eng"},
		{`{"filter":{"#pages":["300..400"]}}`, "filter=" + esc("#pages:300..400")},
		{`{"filter":["#pages:300..400","tags:Maps"]}`, "tags=Maps&filter=" + esc("#pages:300..400")},
		{`{"include":"comments","limit":3}`, "include=comments&limit=3"},
		{`{"view":"Half","library":"main","facets":[]}`, "view=Half"},
	} {
		w, want := post(s.api, c.body), s.ok("/api/books?"+c.query)
		if w.Code != 200 || w.Body.String() != want.Body.String() {
			t.Errorf("%s: %d %s\nwant %s", c.body, w.Code, w.Body, want.Body)
		}
		if h := w.Header(); h.Get("Cache-Control") != "no-store" || h.Get("Etag") != "" || h.Get("Content-Type") != "application/json" || h.Get("Content-Length") != strconv.Itoa(w.Body.Len()) {
			t.Errorf("%s: header %v", c.body, h)
		}
	}
	page := decode[bookPage](t, post(s.api, `{"limit":5,"sort":"title"}`))
	next := post(s.api, `{"limit":5,"sort":"title","cursor":"`+*page.NextCursor+`"}`)
	if want := s.ids("/api/books?sort=title&limit=10")[5:]; !reflect.DeepEqual(decode[bookPage](t, next).ids(), want) {
		t.Errorf("the second page is %s, want %v", next.Body, want)
	}
	if w := post(s.api, `{}`, "Accept-Encoding", "gzip"); unzip(t, w) != s.ok("/api/books").Body.String() || w.Header().Get("Content-Encoding") != "gzip" {
		t.Error("not compressed, or something else")
	}
	if w := post(s.api, `{}`, "If-None-Match", "*"); w.Code != 200 {
		t.Errorf("with If-None-Match: %d", w.Code)
	}
	if w := post(s.api, `{}`, "Content-Type", "application/json; charset=utf-8"); w.Code != 200 {
		t.Errorf("with a charset: %d", w.Code)
	}
	// An expression that no address can hold.
	long := "title:tide" + strings.Repeat(" or id:1", 4000)
	wantProblem(t, get(s.api, "/api/books?q="+esc(long)), http.StatusRequestURITooLong, "")
	if w := post(s.api, `{"q":"`+long+`"}`); w.Code != 200 || !reflect.DeepEqual(decode[bookPage](t, w).ids(), []int64{1}) {
		t.Errorf("long: %d %.300s", w.Code, w.Body)
	}
}

func TestSearchBodyBad(t *testing.T) {
	s := newSample(t)
	for _, c := range []struct {
		body     string
		status   int
		location string
	}{
		{``, 400, ""},
		{`{`, 400, ""},
		{`{"q":}`, 400, ""},
		{`{"q":"a"`, 400, ""},
		{`{"q":"a"} x`, 400, ""},
		{`{} {}`, 400, ""},
		{`[]`, 422, "body"},
		{`"q"`, 422, "body"},
		{`null`, 422, "body"},
		{`{"tags":["Maps"]}`, 422, "body.tags"},
		{`{"ids":[1]}`, 422, "body.ids"},
		{`{"Q":"x"}`, 422, "body.Q"},
		{`{"q":"a","q":"b"}`, 422, "body.q"},
		{`{"q":5}`, 422, "body.q"},
		{`{"q":["a"]}`, 422, "body.q"},
		{`{"q":"(a"}`, 422, "body.q"},
		{`{"limit":"5"}`, 422, "body.limit"},
		{`{"limit":0}`, 422, "body.limit"},
		{`{"limit":501}`, 422, "body.limit"},
		{`{"limit":1.5}`, 422, "body.limit"},
		{`{"limit":1e1}`, 422, "body.limit"},
		{`{"limit":true}`, 422, "body.limit"},
		{`{"facet_limit":101}`, 422, "body.facet_limit"},
		{`{"facets":"tags"}`, 422, "body.facets"},
		{`{"facets":["nope"]}`, 422, "body.facets"},
		{`{"facets":[null]}`, 422, "body.facets"},
		{`{"facets":[5]}`, 422, "body.facets"},
		{`{"facets":["tags","tag"]}`, 422, "body.facets"},
		{`{"sort":"nope"}`, 422, "body.sort"},
		{`{"cursor":"nope"}`, 422, "body.cursor"},
		{`{"include":"everything"}`, 422, "body.include"},
		{`{"library":"nope"}`, 404, "body.library"},
		{`{"library":""}`, 422, "body.library"},
		{`{"view":"nope"}`, 404, "body.view"},
		{`{"view":""}`, 422, "body.view"},
		{`{"filter":5}`, 422, "body.filter"},
		{`{"filter":"tags:Maps"}`, 422, "body.filter"},
		{`{"filter":["tags"]}`, 422, "body.filter"},
		{`{"filter":["nope:1"]}`, 422, "body.filter"},
		{`{"filter":[5]}`, 422, "body.filter"},
		{`{"filter":{"nope":["1"]}}`, 422, "body.filter"},
		{`{"filter":{"tags":"Maps"}}`, 422, "body.filter.tags"},
		{`{"filter":{"tags":[]}}`, 422, "body.filter.tags"},
		{`{"filter":{"tags":null}}`, 422, "body.filter.tags"},
		{`{"filter":{"#pages":[300]}}`, 422, "body.filter.#pages"},
		{`{"filter":{"a:b":["1"]}}`, 422, "body.filter.a:b"},
		{`{"filter":{"tags":["a"],"tags":["b"]}}`, 422, "body.filter.tags"},
		{`{"filter":{"#pages":["many"]}}`, 422, "body.filter"},
		{`{"q":"` + strings.Repeat("x", 128<<10) + `"}`, 413, ""},
		{strings.Repeat("[", 100_000), 422, "body"},
		{`{"filter":` + strings.Repeat("[", 100_000), 400, ""},
	} {
		t.Run(c.body[:min(len(c.body), 60)], func(t *testing.T) {
			wantProblem(t, post(s.api, c.body), c.status, c.location)
		})
	}
	for _, contentType := range []string{"", "text/plain", "application/x-www-form-urlencoded", "json", "application/json;"[:5]} {
		wantProblem(t, post(s.api, `{}`, "Content-Type", contentType), http.StatusUnsupportedMediaType, "header.Content-Type")
	}
	w := do(s.api, http.MethodPost, "/api/books/search?limit=5", "Content-Type", "application/json")
	wantProblem(t, w, 422, "query.limit")
	for _, m := range []string{http.MethodPut, http.MethodDelete, http.MethodPatch} {
		w := do(s.api, m, "/api/books/search")
		wantProblem(t, w, http.StatusMethodNotAllowed, "")
		if allow := w.Header().Get("Allow"); !strings.Contains(allow, "POST") {
			t.Errorf("%s: Allow is %q", m, allow)
		}
	}
	wantProblem(t, do(s.api, http.MethodPost, "/api/search/suggest"), http.StatusMethodNotAllowed, "")
	closed, _ := newAPI(t, func(o *httpapi.Options) { o.PublicRead = false })
	wantProblem(t, post(closed, `{}`), http.StatusUnauthorized, "")
}

// TestSearchFromPages asks as a page of another origin does.
func TestSearchFromPages(t *testing.T) {
	const origin = "https://reader.example"
	s := newSample(t, func(o *httpapi.Options) { o.CORSOrigins = []string{origin} })
	w := do(s.api, http.MethodOptions, "/api/books/search", "Origin", origin, "Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "content-type")
	if h := w.Header(); w.Code != http.StatusNoContent || !strings.Contains(h.Get("Access-Control-Allow-Methods"), "POST") || !strings.Contains(h.Get("Access-Control-Allow-Headers"), "Content-Type") {
		t.Errorf("preflight: %d %v", w.Code, w.Header())
	}
	if w := post(s.api, `{"limit":1}`, "Origin", origin); w.Code != http.StatusOK || w.Header().Get("Access-Control-Allow-Origin") != origin {
		t.Errorf("%d %v", w.Code, w.Header())
	}
}

// FuzzSearchBody reads any body: it is answered, or the client is told why not.
func FuzzSearchBody(f *testing.F) {
	for _, s := range []string{`{}`, `{"q":"tide"}`, `{"filter":{"tags":["a"]},"limit":5}`, `{"filter":["tags:a"],"facets":["tags"]}`, `[`, `{"q":1}`, "\xff", `{"a":{"b":[]}}`} {
		f.Add(s)
	}
	a, _ := newAPI(f)
	f.Fuzz(func(t *testing.T, body string) {
		if w := post(a, body); w.Code != 200 && (w.Code < 400 || w.Code > 422) {
			t.Errorf("%q: %d %s", body, w.Code, w.Body)
		}
	})
}
