package httpapi_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/pressmark/pressmark/auth"
	"github.com/pressmark/pressmark/catalog"
	"github.com/pressmark/pressmark/httpapi"
)

// leak goes through every route as somebody who sees half of the books, and
// finds what belongs to the other ones.
type leak struct {
	*sample
	token           string // of a user who is restricted; without it the view Half is asked for
	visible, hidden []catalog.Book
	secrets         []string
}

func newLeak(t *testing.T, change ...func(*httpapi.Options)) *leak {
	l := &leak{sample: newSample(t, change...)}
	page, err := l.lib.Books(t.Context(), catalog.Query{Limit: 500, Comments: true})
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for i := range page.Items {
		b := page.Items[i]
		if b.ID < 13 {
			l.visible = append(l.visible, b)
			for _, s := range texts(&b) {
				known[s] = true
			}
			continue
		}
		l.hidden = append(l.hidden, b)
	}
	for i := range l.hidden {
		for _, s := range texts(&l.hidden[i]) {
			if len(s) >= 4 && !known[s] { // shorter text stands in some entity tag by chance
				l.secrets = append(l.secrets, s)
			}
		}
	}
	if len(l.visible) != 12 || len(l.hidden) != 12 || len(l.secrets) < 50 {
		t.Fatalf("%d visible, %d hidden, %d secrets", len(l.visible), len(l.hidden), len(l.secrets))
	}
	return l
}

// texts are the values by which a book can be told.
func texts(b *catalog.Book) []string {
	list := []string{b.UUID, b.Title, b.TitleSort, b.AuthorSort, b.Path}
	for _, items := range [][]catalog.Item{b.Authors, b.Tags} {
		for _, it := range items {
			list = append(list, it.Name, it.Sort)
		}
	}
	for _, it := range []*catalog.Item{b.Series, b.Publisher} {
		if it != nil {
			list = append(list, it.Name)
		}
	}
	for _, id := range b.Identifiers {
		list = append(list, id.Value)
	}
	return list
}

// check looks for secrets in an answer. What the client said itself may come
// back to it.
func (l *leak) check(t *testing.T, path string, w *httptest.ResponseRecorder, said ...string) {
	t.Helper()
	var all strings.Builder
	all.WriteString(w.Body.String())
	for k, values := range w.Header() {
		all.WriteString("\n" + k + ": " + strings.Join(values, ", "))
	}
	text := all.String()
	for _, name := range said {
		text = stripQuoted(text, name)
	}
	// Cursors name a place by what stands there.
	for part := range strings.SplitSeq(text, `cursor":"`) {
		cursor, _, _ := strings.Cut(part, `"`)
		if b, err := base64.RawURLEncoding.DecodeString(cursor); err == nil {
			text += "\n" + string(b)
		}
	}
	text = strings.ToLower(text)
	for _, s := range l.secrets {
		quoted, _ := json.Marshal(s)
		for _, form := range []string{s, strings.Trim(string(quoted), `"`), url.PathEscape(s)} {
			if strings.Contains(text, strings.ToLower(form)) {
				t.Errorf("%s shows %q: %.500s", path, s, text)
				break
			}
		}
	}
	var body any
	if json.Unmarshal(w.Body.Bytes(), &body) == nil {
		for _, id := range booksIn(body) {
			if id > 12 {
				t.Errorf("%s shows book %d", path, id)
			}
		}
	}
}

// booksIn returns the ids of books in an answer.
func booksIn(v any) (ids []int64) {
	switch v := v.(type) {
	case []any:
		for _, x := range v {
			ids = append(ids, booksIn(x)...)
		}
	case map[string]any:
		for name, x := range v {
			_, isBook := v["title_sort"]
			if n, ok := x.(float64); ok && (name == "id" && isBook || name == "book") {
				ids = append(ids, int64(n))
			}
			ids = append(ids, booksIn(x)...)
		}
	}
	return ids
}

// TestNothingLeaks takes the routes from the OpenAPI document, so that one that
// is added without being looked at here fails.
func TestNothingLeaks(t *testing.T) {
	t.Run("view", func(t *testing.T) { newLeak(t).all(t) })
	t.Run("user", func(t *testing.T) {
		door := newDoor(t)
		l := newLeak(t, door.option)
		l.token = door.login(t, auth.Rule{Kind: auth.Matching, Expression: "vl:Half"})
		l.all(t)
	})
}

// seen returns how the one who sees half asks for a path.
func (l *leak) seen(path string) (string, []string) {
	switch {
	case l.token != "":
		return path, []string{"Authorization", "Bearer " + l.token}
	case strings.Contains(path, "?"):
		return path + "&view=Half", nil
	}
	return path + "?view=Half", nil
}

// half asks for a path as the one who sees half.
func (l *leak) half(method, path string, header ...string) *httptest.ResponseRecorder {
	path, own := l.seen(path)
	return do(l.api, method, path, append(header, own...)...)
}

func (l *leak) halfOK(t *testing.T, path string) *httptest.ResponseRecorder {
	t.Helper()
	w := l.half(http.MethodGet, path)
	if w.Code != http.StatusOK {
		t.Errorf("%s: %d %s", path, w.Code, w.Body)
	}
	return w
}

func (l *leak) all(t *testing.T) {
	const selection = "&q=&ids=1,13,24&sort=-title"
	lists := map[string][]string{
		"/api/books": {
			"?limit=500", "?limit=500&include=comments&facets=tags,authors,series,publisher,languages,rating,identifiers,formats,%23genre,%23mood,%23cycle&facet_limit=100",
			"?q=rook&sort=relevance", "?q=" + url.QueryEscape("id:>12"), "?q=" + url.QueryEscape("not id:1"), "?ids=13,14,24", "?limit=500&sort=-series,added", "?limit=3&sort=-title",
			"?uuids=" + l.hidden[0].UUID + "," + l.hidden[1].UUID, "?q=" + url.QueryEscape(`vl:Sea or search:Recent or @Northern:true or id:>0`), "?authors=Bo+Castellan",
			"?limit=5" + selection,
		},
		"/api/fields":  {""},
		"/api/authors": {"?limit=500", "?limit=500&sort=-count", "?prefix=bo", "?ids=13,14,15"}, "/api/series": {"?limit=500", "?prefix=capt"},
		"/api/tags": {"?limit=500", "?limit=2&sort=-name", "?prefix=com"}, "/api/publishers": {"?limit=500"}, "/api/languages": {"?limit=500"},
		"/api/views":          {""},
		"/api/search/suggest": {""},
	}
	for _, q := range []string{"", "c", "ca", "captain", "bo cas", "authors:", "authors:b", "title:capt", "tags:c", "series:", "isbn:9", "identifiers:", "publisher:k", "languages:", "id:1", "the", "formats:", "#genre:", "not ", "rook or tags:"} {
		lists["/api/search/suggest"] = append(lists["/api/search/suggest"], "?limit=500&q="+url.QueryEscape(q))
	}
	ofFields := map[string][]string{
		"/api/fields/{field}/terms":   {"?limit=500", "?limit=500&sort=count"},
		"/api/fields/{field}/letters": {""},
		"/api/fields/{field}/tree":    {"?limit=500", "?limit=500&parent=Weather"},
	}
	ofBooks := map[string][]string{
		"/api/books/{id}": {""}, "/api/books/{id}/related": {"", "?limit=500"},
		"/api/files/cover/{id}":             {"", "?size=thumb", "?size=small&placeholder=true", "?size=full&placeholder=true"},
		"/api/files/download/{id}/{format}": {""},
	}

	var doc struct {
		Paths map[string]map[string]struct {
			Parameters []struct{ Name, In string }
		}
	}
	if err := json.Unmarshal(get(l.api, "/openapi.json").Body.Bytes(), &doc); err != nil {
		t.Fatal(err)
	}
	for path, methods := range doc.Paths {
		op, ok := methods["get"]
		if !ok || strings.HasPrefix(path, "/api/health") || strings.HasPrefix(path, "/api/me") || strings.HasPrefix(path, "/api/lists") || strings.HasPrefix(path, "/api/admin/") {
			continue // these know no books, but for those of TestStateHides
		}
		if path == "/api/c/{ticket}/download" {
			continue // TestTicket
		}
		if !slices.ContainsFunc(op.Parameters, func(p struct{ Name, In string }) bool { return p.Name == "view" && p.In == "query" }) {
			t.Errorf("%s does not take a view", path)
			continue
		}
		switch {
		case lists[path] != nil:
			for _, query := range lists[path] {
				l.checkList(t, path+query)
			}
		case ofFields[path] != nil:
			l.checkFields(t, path, ofFields[path])
		case ofBooks[path] != nil:
			l.checkBooks(t, path, ofBooks[path])
		case path == "/api/books/by-uuid/{uuid}":
			l.checkUUIDs(t)
		case path == "/api/events": // TestEventsOfView
		default:
			t.Errorf("nobody looks whether %s shows what a view hides", path)
		}
	}
	for _, body := range []string{`{"view":"Half","limit":500,"facets":["tags","authors"]}`, `{"view":"Half","q":"id:>12 or rook","include":"comments"}`} {
		var header []string
		if l.token != "" {
			body = strings.Replace(body, `"view":"Half",`, "", 1)
			_, header = l.seen("")
		}
		w := post(l.api, body, header...)
		if w.Code != http.StatusOK {
			t.Errorf("%s: %d", body, w.Code)
		}
		l.check(t, body, w)
	}
}

// checkList asks for a list and for the pages after it, each often enough to be
// kept, with and without the view in turn.
func (l *leak) checkList(t *testing.T, path string) {
	t.Helper()
	for next := path; next != ""; {
		for range 3 {
			l.ok(next)
			l.check(t, next, l.halfOK(t, next))
		}
		var page struct {
			NextCursor string `json:"next_cursor"`
		}
		if err := json.Unmarshal(l.halfOK(t, next).Body.Bytes(), &page); err != nil {
			t.Fatal(err)
		}
		if next = ""; page.NextCursor != "" {
			next = path + "&cursor=" + url.QueryEscape(page.NextCursor)
		}
	}
}

func (l *leak) checkFields(t *testing.T, path string, queries []string) {
	t.Helper()
	fields, err := l.lib.Fields(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range fields {
		for _, query := range queries {
			full := strings.Replace(path, "{field}", url.PathEscape(string(f.Key)), 1) + query
			if get(l.api, full).Code != http.StatusOK {
				l.check(t, full, l.half(http.MethodGet, full))
				continue
			}
			l.checkList(t, full)
		}
	}
}

// checkBooks asks for hidden books. There must be no difference to one that is
// not there.
func (l *leak) checkBooks(t *testing.T, path string, queries []string) {
	t.Helper()
	at := func(id int64, format, query string) string {
		return strings.NewReplacer("{id}", strconv.FormatInt(id, 10), "{format}", format).Replace(path) + query
	}
	for _, query := range queries {
		for _, format := range []string{"epub", "EPUB", "pdf", "nope"} {
			for i := range l.hidden {
				id := int64(l.hidden[i].ID)
				for range 3 {
					get(l.api, at(id, format, query)) // it may be kept for those who see it
					l.same(t, at(id, format, query), strconv.FormatInt(id, 10), at(99, format, query), "99")
				}
			}
			for i := range l.visible {
				w := l.half(http.MethodGet, at(int64(l.visible[i].ID), format, query))
				if w.Header().Get("Content-Type") == "application/json" || w.Code != http.StatusOK {
					l.check(t, path, w)
				}
			}
			if !strings.Contains(path, "{format}") {
				break
			}
		}
	}
}

func (l *leak) checkUUIDs(t *testing.T) {
	t.Helper()
	const unknown = "00000000-0000-4000-8000-000000000000"
	for i := range l.hidden {
		uuid := l.hidden[i].UUID
		for range 3 {
			l.ok("/api/books/by-uuid/" + uuid)
			l.same(t, "/api/books/by-uuid/"+uuid, uuid, "/api/books/by-uuid/"+unknown, unknown)
		}
	}
	for i := range l.visible {
		l.check(t, "by-uuid", l.halfOK(t, "/api/books/by-uuid/"+l.visible[i].UUID))
	}
}

// same wants the same answer to two requests but for what they name, by every
// method and condition.
func (l *leak) same(t *testing.T, hidden, name, unknown, other string) {
	t.Helper()
	for _, method := range []string{http.MethodGet, http.MethodHead} {
		for _, header := range [][]string{nil, {"If-None-Match", "*"}, {"Range", "bytes=0-10"}, {"If-Modified-Since", "Mon, 02 Jan 2040 15:04:05 GMT"}, {"Accept-Encoding", "gzip"}} {
			header := append([]string{"X-Request-Id", "same"}, header...)
			x, y := l.half(method, hidden, header...), l.half(method, unknown, header...)
			if x.Code != http.StatusNotFound || x.Code != y.Code || stripQuoted(x.Body.String(), name) != stripQuoted(y.Body.String(), other) {
				t.Fatalf("%s %s is %d %s\nbut %s is %d %s", method, hidden, x.Code, x.Body, unknown, y.Code, y.Body)
			}
			xh, yh := x.Header(), y.Header()
			for k := range xh {
				if strings.Join(xh[k], ",") != strings.Join(yh[k], ",") {
					t.Errorf("%s %s: %s is %q, for an unknown book %q", method, hidden, k, xh[k], yh[k])
				}
			}
			if len(xh) != len(yh) {
				t.Errorf("%s %s: header %v, for an unknown book %v", method, hidden, xh, yh)
			}
			l.check(t, hidden, x, name)
		}
	}
}

// stripQuoted takes what the client asked for out of an answer.
func stripQuoted(body, name string) string {
	return strings.NewReplacer(`\"`+name+`\"`, "", `"`+name+`"`, "").Replace(body)
}
