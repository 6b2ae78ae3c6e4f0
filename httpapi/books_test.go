package httpapi_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/pressmark/pressmark/httpapi"
	"github.com/pressmark/pressmark/storage/memstore"
)

const bookOne = `{"id":1,"uuid":"3b483bb1-14b5-4b7c-86bb-000000000001","library":"main","title":"The Harbour Book 00001",` +
	`"title_sort":"Harbour Book 00001, The","authors":[{"id":2,"name":"Maren Holloway 1","sort":"Holloway 1, Maren","link":null}],` +
	`"author_sort":"Holloway 1, Maren","series":null,"tags":["Fiction","Tag 1"],"languages":["eng"],"publisher":"Lantern Press 1",` +
	`"rating":1.0,"identifiers":{"isbn":"9780000000001"},"published":"1901-02-02T00:00:00Z","added":"2024-01-01T13:00:00Z",` +
	`"modified":"2024-01-03T12:01:00.412Z","comments_html":"\u003cp\u003eA \u003cb\u003etide\u003c/b\u003e \u0026amp; a clerk.\u003c/p\u003e",` +
	`"cover":{"url":"/api/files/cover/1?library=main\u0026v=gpt57p4mo","width":null,"height":null},` +
	`"formats":[{"format":"EPUB","size":8001,"media_type":"application/epub+zip","url":"/api/files/download/1/epub?library=main"}],` +
	`"pages":2,"custom":{"#mood":{"type":"enumeration","multiple":false,"value":"dark"},"#read":{"type":"bool","multiple":false,"value":false},` +
	`"#notes":{"type":"comments","multiple":false,"value":"\u003ci\u003efine\u003c/i\u003e"},"#when":{"type":"datetime","multiple":false,"value":null}}}`

// plain undoes the escapes that a Go string constant needs for < > &.
func plain(s string) string {
	return strings.NewReplacer(`\u003c`, "<", `\u003e`, ">", `\u0026`, "&").Replace(s)
}

// TestBook compares one whole book, field by field and in order.
func TestBook(t *testing.T) {
	a, _ := newAPI(t)
	for _, path := range []string{"/api/books/1", "/api/books/1?library=main", "/api/books/by-uuid/3B483BB1-14b5-4b7c-86bb-000000000001"} {
		w := get(a, path)
		got := w.Body.String()
		// The cover's version is not part of the contract.
		i, j := strings.Index(got, "&v="), strings.Index(got, `","width"`)
		if i < 0 || j < i {
			t.Fatalf("%s: no cover address in %s", path, got)
		}
		want := plain(bookOne)
		wi, wj := strings.Index(want, "&v="), strings.Index(want, `","width"`)
		if w.Code != http.StatusOK || got[:i]+got[j:] != want[:wi]+want[wj:] {
			t.Errorf("%s: %d\n got %s\nwant %s", path, w.Code, got, want)
		}
	}
	bare := get(a, "/api/books/7").Body.String()
	want := `{"id":7,"uuid":null,"library":"main","title":"Bare \"7\" & <Co>","title_sort":null,"authors":[],"author_sort":null,"series":null,` +
		`"tags":[],"languages":[],"publisher":null,"rating":null,"identifiers":{},"published":null,"added":null,"modified":null,` +
		`"comments_html":null,"cover":null,"formats":[],"pages":null,"custom":{"#mood":{"type":"enumeration","multiple":false,"value":null},` +
		`"#read":{"type":"bool","multiple":false,"value":null},"#notes":{"type":"comments","multiple":false,"value":null},` +
		`"#when":{"type":"datetime","multiple":false,"value":null}}}`
	if bare != want {
		t.Errorf("book without anything:\n got %s\nwant %s", bare, want)
	}
}

func TestBooks(t *testing.T) {
	a, _ := newAPI(t)
	esc := url.QueryEscape
	for _, c := range []struct {
		query string
		total int
		first int64 // 0 if nothing is selected
	}{
		{"", 60, 1},
		{"sort=-id", 60, 60},
		{"sort=-added,title", 60, 60},
		{"sort=date", 60, 1},
		{"tags=tag+3", 1, 3},
		{"tags=Tag+3&tags=Tag+4", 2, 3},
		{"tags=Tag+3&languages=eng", 1, 3},
		{"tags=Tag+3&tags=Tag+4&sort=-title", 2, 4},
		{"authors=maren+holloway+12", 1, 12},
		{"publishers=Lantern+Press+2", 2, 2},
		{"series=Harbour+Ledgers+5", 2, 5},
		{"rating=5", 6, 9},
		{"rating=4.5..5", 12, 8},
		{"formats=epub", 59, 1},
		{"identifiers=isbn:9780000000009", 1, 9},
		{"identifiers=isbn:", 59, 1},
		{"cover=false", 1, 7},
		{"pages=..5", 4, 1},
		{"pages=3..5", 3, 2},
		{"pages=58..", 4, 57},
		{"size=8060", 1, 60},
		{"series_index=1.5", 12, 5},
		{"published=1901", 1, 1},
		{"published=1901..1903-02", 3, 1},
		{"added=2024-01-02", 24, 12}, // book 12 came at midnight; 7 has no date
		{"modified=" + esc("2024-01-03T12:05:00.412Z"), 1, 5},
		{"modified=" + esc("2024-01-03T12:05:00Z"), 1, 5},
		{"modified=" + esc("2024-01-03T12:05:00.411Z"), 0, 0},
		{"filter=" + esc("#mood:DARK"), 19, 1},
		{"filter=" + esc("#mood:dark") + "&filter=" + esc("#mood:odd"), 39, 1},
		{"filter=" + esc("#mood:dark") + "&filter=" + esc("#read:true"), 10, 4},
		{"filter=tags:Tag+3&tags=Tag+4", 2, 3},
		{"q=harbour+00012", 2, 11}, // as a number it is the pages of book 11
		{"q=" + esc(`"harbour book" holloway`), 59, 1},
		{"q=", 60, 1},
		{"q=" + esc(`"7" <co>`), 1, 7},
		{"q=" + esc(`a "b`+`ook 0001" `), 10, 10},
		{"ids=3,1,99", 2, 1},
		{"ids=3,1&sort=-id", 2, 3},
		{"uuids=3B483BB1-14B5-4B7C-86BB-000000000002", 1, 2},
		{"library=main", 60, 1},
	} {
		w := get(a, "/api/books?"+c.query)
		if w.Code != http.StatusOK {
			t.Errorf("%s: %d %s", c.query, w.Code, w.Body)
			continue
		}
		p := decode[bookPage](t, w)
		var first int64
		if len(p.Items) > 0 {
			first = p.Items[0].ID
		}
		if p.Total != c.total || first != c.first {
			t.Errorf("%s: total %d, first %d, want %d, %d", c.query, p.Total, first, c.total, c.first)
		}
	}
}

// TestPaths checks that both spellings answer, and neither redirects.
func TestPaths(t *testing.T) {
	a, _ := newAPI(t)
	if with, without := get(a, "/api/books/"), get(a, "/api/books"); with.Code != http.StatusOK || with.Body.String() != without.Body.String() {
		t.Errorf("/api/books/ is %d, and differs from /api/books", with.Code)
	}
}

func TestPaging(t *testing.T) {
	a, _ := newAPI(t)
	for _, sort := range []string{"id", "-title", "rating,-id", "publisher,-added"} {
		var ids []int64
		cursor := ""
		for pages := 1; ; pages++ {
			w := get(a, "/api/books?limit=7&sort="+sort+"&cursor="+url.QueryEscape(cursor))
			p := decode[bookPage](t, w)
			if p.Total != 60 {
				t.Fatalf("%s: total is %d on page %d: %s", sort, p.Total, pages, w.Body)
			}
			ids = append(ids, p.ids()...)
			if p.NextCursor == nil {
				break
			}
			cursor = *p.NextCursor
		}
		if whole := decode[bookPage](t, get(a, "/api/books?limit=500&sort="+sort)).ids(); !reflect.DeepEqual(ids, whole) {
			t.Errorf("%s: pages have %v, one page has %v", sort, ids, whole)
		}
	}
}

// TestIDsLimit checks that naming books is not cut to a page of 50.
func TestIDsLimit(t *testing.T) {
	a, _ := newAPI(t)
	var ids []string
	for i := 1; i <= 60; i++ {
		ids = append(ids, strconv.Itoa(i))
	}
	if p := decode[bookPage](t, get(a, "/api/books?ids="+strings.Join(ids, ","))); len(p.Items) != 60 {
		t.Errorf("%d of 60 named books", len(p.Items))
	}
}

func TestComments(t *testing.T) {
	a, _ := newAPI(t)
	with := get(a, "/api/books?ids=1&include=comments")
	without := get(a, "/api/books?ids=1")
	if got := strings.TrimSuffix(strings.TrimPrefix(with.Body.String(), `{"items":[`), `],"next_cursor":null,"total":1}`); got != get(a, "/api/books/1").Body.String() {
		t.Errorf("with comments a list shows %s", got)
	}
	var page struct{ Items []map[string]json.RawMessage }
	if err := json.Unmarshal(without.Body.Bytes(), &page); err != nil {
		t.Fatal(err)
	}
	if _, ok := page.Items[0]["comments_html"]; ok {
		t.Error("a list shows comments that nobody asked for")
	}
	for _, w := range []string{with.Body.String(), without.Body.String()} {
		if strings.Contains(w, "script") || strings.Contains(w, "onclick") {
			t.Errorf("markup that runs got through: %s", w)
		}
	}
}

// TestAppender checks that encoded books and books encoded on the way out are
// the same.
func TestAppender(t *testing.T) {
	a, live := newAPI(t)
	plainAPI, err := httpapi.New(httpapi.Options{
		PublicRead: true, Version: "test",
		// reader hides that the index has encoded books.
		Libraries: []httpapi.Library{{Name: "main", Catalog: reader{live.ix.Load()}, Files: memstore.New(memstore.Options{})}},
	})
	if err != nil {
		t.Fatal(err)
	}
	path := "/api/books?limit=500&sort=-title"
	if x, y := get(a, path), get(plainAPI, path); x.Body.String() != y.Body.String() {
		t.Errorf("the same page differs:\n%s\n%s", x.Body, y.Body)
	}
}

func TestFieldsAndTerms(t *testing.T) {
	a, _ := newAPI(t)
	var f struct {
		Items []struct {
			Key    string
			Values []string
			Terms  bool `json:"has_terms"`
		}
		Total int
	}
	w := get(a, "/api/fields")
	if err := json.Unmarshal(w.Body.Bytes(), &f); err != nil || f.Total != len(fields()) || f.Items[0].Key != "id" || f.Items[21].Key != "#mood" || len(f.Items[21].Values) != 3 {
		t.Fatalf("fields: %v %s", err, w.Body)
	}
	wantFirst := `{"items":[{"key":"id","name":"ID","type":"int","multiple":false,"custom":false,"stored":true,"sortable":true,"searchable":true,"values":[],"has_terms":false,"hierarchical":false},`
	if !strings.HasPrefix(w.Body.String(), wantFirst) {
		t.Errorf("fields begin %.200s", w.Body)
	}
	for _, f := range f.Items {
		w := get(a, "/api/fields/"+url.PathEscape(f.Key)+"/terms")
		if want := map[bool]int{true: http.StatusOK, false: http.StatusUnprocessableEntity}[f.Terms]; w.Code != want {
			t.Errorf("terms of %s: %d, want %d", f.Key, w.Code, want)
		}
	}
	for _, c := range []struct{ path, want string }{
		{"/api/tags?sort=-count&limit=1", `{"items":[{"id":1,"value":"Fiction","sort":"Fiction","count":59,"link":null}],"next_cursor":"`},
		{"/api/tags?prefix=fic", `{"items":[{"id":1,"value":"Fiction","sort":"Fiction","count":59,"link":null}],"next_cursor":null,"total":1}`},
		{"/api/tags?prefix=fic&ids=1,2,7", `{"items":[{"id":1,"value":"Fiction","sort":"Fiction","count":2,"link":null}],"next_cursor":null,"total":1}`},
		{"/api/languages", `{"items":[{"id":1,"value":"eng","sort":"eng","count":59,"link":null}],"next_cursor":null,"total":1}`},
		{"/api/publishers?limit=1", `{"items":[{"id":1,"value":"Lantern Press 0","sort":"Lantern Press 0","count":1,"link":null}],"next_cursor":"`},
		{"/api/series?limit=1", `{"items":[{"id":1,"value":"Harbour Ledgers 0","sort":"Harbour Ledgers 0","count":1,"link":null}],"next_cursor":"`},
		{"/api/authors?limit=1&sort=-name", `{"items":[{"id":`},
		{"/api/fields/formats/terms", `{"items":[{"id":null,"value":"EPUB",`},
		{"/api/fields/%23mood/terms?limit=1", `{"items":[{"id":1,"value":"calm","sort":"calm","count":20,"link":null}],"next_cursor":"`},
	} {
		if w := get(a, c.path); w.Code != http.StatusOK || !strings.HasPrefix(w.Body.String(), c.want) {
			t.Errorf("%s: %d %s, want %s", c.path, w.Code, w.Body, c.want)
		}
	}
	for _, path := range []string{"publishers", "publisher"} {
		if x, y := get(a, "/api/fields/"+path+"/terms"), get(a, "/api/publishers"); x.Body.String() != y.Body.String() {
			t.Errorf("terms of %s differ from /api/publishers", path)
		}
	}
}
