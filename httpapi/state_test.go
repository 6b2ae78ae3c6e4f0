package httpapi_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/pressmark/pressmark/auth"
)

// stater is a user who keeps state.
type stater struct {
	t     *testing.T
	h     http.Handler
	token string
}

// do sends a request, whose answer must have that status, and returns the answer.
func (s stater) do(method, path, body string, status int, header ...string) *httptest.ResponseRecorder {
	s.t.Helper()
	kind := ""
	if body != "" {
		kind = asJSON
	}
	w := send(s.h, method, path, kind, body, append(bearer(s.token), header...)...)
	if w.Code != status {
		s.t.Fatalf("%s %s %s: %d, want %d: %s", method, path, body, w.Code, status, w.Body)
	}
	return w
}

// get returns the members of an answer.
func (s stater) get(path string) map[string]any {
	s.t.Helper()
	return decode[map[string]any](s.t, s.do("GET", path, "", 200))
}

// books returns the ids of the books of a list.
func (s stater) books(path string) []int64 {
	s.t.Helper()
	return idsOf(s.get(path))
}

// idsOf returns the ids of the books of an answer, in order.
func idsOf(answer map[string]any) (ids []int64) {
	items, _ := answer["items"].([]any)
	for _, it := range items {
		ids = append(ids, int64(it.(map[string]any)["id"].(float64)))
	}
	return ids
}

// staters returns users of one API.
func staters(t *testing.T, n int) (*door, *sample, []stater) {
	t.Helper()
	d, s := closed(t)
	var list []stater
	for range n {
		list = append(list, stater{t, s.api, d.login(t, auth.Rule{})})
	}
	return d, s, list
}

const place = `{"locator_type": "cfi", "locator": "epubcfi(/6/4!/4/2)", "progression": 0.25, "device": "Phone"`

// TestStateOfBook keeps what can be kept of a book, by id and by UUID.
func TestStateOfBook(t *testing.T) {
	_, s, users := staters(t, 2)
	ada := users[0]
	b, err := s.lib.Book(t.Context(), 3)
	if err != nil {
		t.Fatal(err)
	}
	byID, byUUID := "/api/me/books/3", "/api/me/books/"+strings.ToUpper(b.UUID)
	ada.do("PUT", "/api/me/favorites/3", "", 200)
	ada.do("PUT", byUUID+"/rating", `{"rating": 4.5}`, 200)
	w := ada.do("PUT", byID+"/progress", place+`, "if_version": 0}`, 200)
	if h := w.Header(); h.Get("ETag") != `"1"` || h.Get("Cache-Control") != "no-store" || h.Get("Content-Length") != strconv.Itoa(w.Body.Len()) {
		t.Errorf("headers %v for %d bytes", h, w.Body.Len())
	}
	state := ada.get(byUUID)
	if state["book"] != b.UUID || state["id"] != 3.0 || state["library"] != "main" {
		t.Errorf("state of %v", state)
	}
	for name, want := range map[string]map[string]any{
		"favorite": {"favorite": true, "version": 1.0},
		"status":   {"status": "reading", "version": 1.0, "finished": nil},
		"rating":   {"rating": 4.5, "version": 1.0},
		"progress": {"family": "web", "locator": "epubcfi(/6/4!/4/2)", "progression": 0.25, "device": "Phone", "at": nil, "version": 1.0},
	} {
		got, _ := state[name].(map[string]any)
		for k, v := range want {
			if got[k] != v {
				t.Errorf("%s: %s is %v, want %v", name, k, got[k], v)
			}
		}
	}
	ada.do("PUT", byID+"/progress", place+`, "progression": 0.5}`, 422) // twice
	ada.do("PUT", byID+"/progress", strings.Replace(place, "0.25", "0.5", 1)+`, "at": "2001-01-01T00:00:00Z"}`, 200)
	ada.do("PUT", byID+"/progress", strings.Replace(place, "0.25", "0.5", 1)+`}`, 200)
	if h := ada.get(byID + "/progress/history")["items"].([]any); len(h) != 3 || h[1].(map[string]any)["fate"] != "late" {
		t.Errorf("history %v", h)
	}
	if p := decode[map[string]any](t, ada.do("POST", byID+"/progress/undo", "", 200)); p["progression"] != 0.25 || p["version"] != 3.0 {
		t.Errorf("undone: %v", p)
	}
	ada.do("POST", byID+"/progress/undo", "", 404)
	ada.do("PUT", byID+"/status", `{"status": "finished", "finished": "2025-01-02T03:04:05Z"}`, 200)
	if s := ada.get(byID + "/status"); s["finished"] != "2025-01-02T03:04:05Z" || s["started"] != "2025-01-02T03:04:05Z" && s["started"] == nil {
		t.Errorf("status %v", s)
	}
	ada.do("DELETE", byID+"/rating", "", 200)
	ada.do("DELETE", byID+"/progress", "", 204)
	if state := ada.get(byID); state["progress"] != nil || state["rating"].(map[string]any)["rating"] != nil {
		t.Errorf("taken back: %v", state)
	}
	if other := users[1].get(byID); other["favorite"].(map[string]any)["favorite"] != false {
		t.Errorf("of somebody else: %v", other)
	}
	for path, want := range map[string][]int64{
		"/api/me/favorites": {3}, "/api/me/recent": nil, "/api/me/books?books=5,3&books=" + b.UUID + ",99": {5, 3, 3},
	} {
		if got := ada.books(path); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", path, got, want)
		}
	}
}

// TestStateShapes holds answers to what the document says of them.
func TestStateShapes(t *testing.T) {
	_, s, users := staters(t, 1)
	ada := users[0]
	const list = "11111111-1111-4111-8111-111111111111"
	ada.do("PUT", "/api/me/favorites/1", "", 200)
	ada.do("POST", "/api/me/lists", `{"id": "`+list+`", "name": "x", "public": true}`, 201)
	ada.do("PUT", "/api/me/lists/"+list+"/books/1", "", 200)
	ada.do("PUT", "/api/me/books/1/progress", place+"}", 200)
	doc := decode[map[string]any](t, get(s.api, "/openapi.json"))
	n := 0
	for path, methods := range doc["paths"].(map[string]any) {
		op, ok := methods.(map[string]any)["get"].(map[string]any)
		if !ok || !strings.HasPrefix(path, "/api/me") && !strings.HasPrefix(path, "/api/lists") {
			continue
		}
		n++
		schema := op["responses"].(map[string]any)["200"].(map[string]any)["content"].(map[string]any)["application/json"].(map[string]any)["schema"]
		path = strings.NewReplacer("{book}", "1", "{list}", list).Replace(path)
		if path == "/api/me/books" {
			path += "?books=1"
		}
		fits(t, doc, path, schema, ada.get(path))
	}
	if n < 15 {
		t.Errorf("%d operations", n)
	}
	schema := doc["components"].(map[string]any)["schemas"].(map[string]any)["Won"]
	fits(t, doc, "set-progress", schema, decode[map[string]any](t, ada.do("PUT", "/api/me/books/1/progress", place+"}", 200)))
}

// fits compares the members of a value with those of its schema.
func fits(t *testing.T, doc map[string]any, path string, schema, value any) {
	t.Helper()
	described, _ := schema.(map[string]any)
	if ref, ok := described["$ref"].(string); ok {
		described, _ = doc["components"].(map[string]any)["schemas"].(map[string]any)[ref[strings.LastIndex(ref, "/")+1:]].(map[string]any)
	}
	switch value := value.(type) {
	case []any:
		for _, v := range value {
			fits(t, doc, path+"[]", described["items"], v)
		}
	case map[string]any:
		properties, ok := described["properties"].(map[string]any)
		if !ok {
			return // any object
		}
		if got, want := slices.Sorted(maps.Keys(value)), slices.Sorted(maps.Keys(properties)); !slices.Equal(got, want) {
			t.Errorf("%s has %v, and the document %v", path, got, want)
		}
		for name, v := range value {
			fits(t, doc, path+"."+name, properties[name], v)
		}
	}
}

// TestStateVersions: whoever has not seen the newest learns it.
func TestStateVersions(t *testing.T) {
	_, _, users := staters(t, 1)
	ada := users[0]
	ada.do("PUT", "/api/me/books/1/progress", place+`}`, 200)
	for name, header := range map[string][]string{"a body": nil, "If-Match": {"If-Match", `"7"`}, "If-None-Match": {"If-None-Match", "*"}} {
		body := place + "}"
		if header == nil {
			body = place + `, "if_version": 0}`
		}
		w := ada.do("PUT", "/api/me/books/1/progress", body, 409, header...)
		var problem struct {
			Stored struct {
				Version     int64
				Progression float64
			}
		}
		if err := json.Unmarshal(w.Body.Bytes(), &problem); err != nil || problem.Stored.Version != 1 || problem.Stored.Progression != 0.25 {
			t.Errorf("%s: %s", name, w.Body)
		}
	}
	ada.do("PUT", "/api/me/books/1/progress", place+`}`, 200, "If-Match", `"1"`)
	for _, header := range [][]string{{"If-Match", "W/x"}, {"If-Match", "*"}, {"If-None-Match", `"1"`}, {"If-Match", `"1"`, "If-None-Match", "*"}, {"Idempotency-Key", strings.Repeat("x", 101)}} {
		ada.do("PUT", "/api/me/books/1/progress", place+`}`, 422, header...)
	}
	ada.do("PUT", "/api/me/books/1/progress", place+`, "if_version": 2}`, 422, "If-Match", `"1"`)
	// Sent again under its name, it changes nothing.
	ada.do("PUT", "/api/me/favorites/1", "", 200, "Idempotency-Key", "first")
	ada.do("DELETE", "/api/me/favorites/1", "", 200, "Idempotency-Key", "second")
	if f := decode[map[string]any](t, ada.do("PUT", "/api/me/favorites/1", "", 200, "Idempotency-Key", "first")); f["favorite"] != false || f["version"] != 2.0 {
		t.Errorf("again: %v", f)
	}
}

func TestReadingLists(t *testing.T) {
	_, _, users := staters(t, 2)
	ada, grace := users[0], users[1]
	const id = "11111111-1111-4111-8111-111111111111"
	w := ada.do("POST", "/api/me/lists", `{"id": "`+id+`", "name": "To read"}`, 201)
	if at := w.Header().Get("Location"); at != "/api/me/lists/"+id {
		t.Errorf("Location %s", at)
	}
	ada.do("POST", "/api/me/lists", `{"id": "`+id+`", "name": "Another"}`, 200)
	grace.do("POST", "/api/me/lists", `{"id": "`+id+`", "name": "Mine"}`, 409)
	// Without an id a name of the client's choice keeps a second one from being made.
	made := ada.do("POST", "/api/me/lists", `{"name": "Once"}`, 201, "Idempotency-Key", "k").Header().Get("Location")
	if again := ada.do("POST", "/api/me/lists", `{"name": "Once"}`, 200, "Idempotency-Key", "k").Header().Get("Location"); again != made {
		t.Errorf("made at %s, and again at %s", made, again)
	}
	if other := grace.do("POST", "/api/me/lists", `{"name": "Once"}`, 201, "Idempotency-Key", "k").Header().Get("Location"); other == made {
		t.Errorf("two users made one list, %s", other)
	} else {
		grace.do("DELETE", other, "", 204)
	}
	ada.do("DELETE", made, "", 204)
	ada.do("POST", "/api/me/lists", `{"name": "x"}`, 422, "If-Match", `"1"`)
	own := "/api/me/lists/" + id
	for _, n := range []int{4, 2, 9, 7} {
		ada.do("PUT", fmt.Sprint(own, "/books/", n), "", 200)
	}
	ada.do("PUT", own+"/books/7", `{"before": "2"}`, 200)
	ada.do("PUT", own+"/books/4", `{"end": true}`, 200)
	ada.do("DELETE", own+"/books/9", "", 200)
	if got := ada.books(own + "/books"); !slices.Equal(got, []int64{7, 2, 4}) {
		t.Errorf("books %v", got)
	}
	var paged []int64
	for path := own + "/books?limit=1"; ; {
		page := ada.get(path)
		paged = append(paged, idsOf(page)...)
		cursor, more := page["next_cursor"].(string)
		if !more {
			break
		}
		path = own + "/books?limit=1&cursor=" + cursor
	}
	if !slices.Equal(paged, []int64{7, 2, 4}) {
		t.Errorf("page by page: %v", paged)
	}
	// Private lists are nobody else's business, public ones can be read.
	for _, path := range []string{own, own + "/books", "/api/lists/" + id, "/api/lists/" + id + "/books"} {
		grace.do("GET", path, "", 404)
	}
	ada.do("PATCH", own, `{"public": true, "if_version": 1}`, 409)
	ada.do("PATCH", own, `{"public": true, "description": "by the sea"}`, 200)
	for method, path := range map[string]string{"GET": own, "PATCH": own, "DELETE": own, "PUT": own + "/books/1"} {
		body := ""
		if method == "PATCH" {
			body = `{"name": "mine"}`
		}
		grace.do(method, path, body, 404)
	}
	grace.do("DELETE", own+"/books/7", "", 404)
	lists := grace.get("/api/lists")["items"].([]any)
	if l := lists[0].(map[string]any); len(lists) != 1 || l["owner"] != "User user0" || l["mine"] != false || l["name"] != "To read" {
		t.Errorf("public lists %v", lists)
	}
	if got := grace.books("/api/lists/" + id + "/books"); !slices.Equal(got, []int64{7, 2, 4}) {
		t.Errorf("books of a public list %v", got)
	}
	if lists := grace.get("/api/me/lists"); !reflect.DeepEqual(lists, map[string]any{"items": []any{}, "next_cursor": nil, "total": 0.0}) {
		t.Errorf("no lists are %v", lists)
	}
	ada.do("DELETE", own, "", 204)
	grace.do("GET", "/api/lists/"+id, "", 404)
	ada.do("POST", "/api/me/lists", `{"id": "`+id+`", "name": "Again"}`, 409)
	for field, body := range map[string]string{
		"name": `{"name": ""}`, "id": `{"id": "7", "name": "x"}`, "description": `{"name": "x", "description": "` + strings.Repeat("x", 4001) + `"}`, "owner": `{"name": "x", "owner": 2}`,
	} {
		if w := ada.do("POST", "/api/me/lists", body, 422); !strings.Contains(w.Body.String(), "body."+field) {
			t.Errorf("%s: %s", field, w.Body)
		}
	}
}

func TestPreferencesOfUser(t *testing.T) {
	_, _, users := staters(t, 2)
	ada := users[0]
	const path = "/api/me/preferences"
	if p := ada.get(path); !reflect.DeepEqual(p, map[string]any{"preferences": map[string]any{}, "changed": nil, "version": 0.0}) {
		t.Errorf("none: %v", p)
	}
	ada.do("PUT", path, `{"preferences": {"theme": "sepia", "web": {"size": 12, "font": "serif"}}}`, 200)
	ada.do("PATCH", path, `{"preferences": {"theme": null, "web": {"size": 14}}}`, 200)
	if p := ada.get(path); !reflect.DeepEqual(p["preferences"], map[string]any{"web": map[string]any{"size": 14.0, "font": "serif"}}) || p["version"] != 2.0 {
		t.Errorf("changed: %v", p)
	}
	ada.do("PATCH", path, `{"preferences": {}}`, 409, "If-Match", `"1"`)
	// A number stays as the client wrote it, when another member is changed.
	ada.do("PUT", path, `{"preferences": {"id": 12345678901234567890, "size": 1.10}}`, 200)
	ada.do("PATCH", path, `{"preferences": {"theme": "dark", "zoom": 1.50}}`, 200)
	if w := ada.do("GET", path, "", 200); !strings.Contains(w.Body.String(), `{"id":12345678901234567890,"size":1.10,"theme":"dark","zoom":1.50}`) {
		t.Errorf("numbers: %s", w.Body)
	}
	ada.do("PUT", path, `{"preferences": [1]}`, 422)
	ada.do("PATCH", path, `{"preferences": [1]}`, 422)
	ada.do("PUT", path, `{"preferences": {"a": "`+strings.Repeat("x", 65_530)+`"}}`, 422)
	ada.do("PUT", path, `{"preferences": {"a": "`+strings.Repeat("x", 200_000)+`"}}`, 413)
	if p := users[1].get(path); p["version"] != 0.0 {
		t.Errorf("of somebody else: %v", p)
	}
}

func TestExportAndErase(t *testing.T) {
	d, s, users := staters(t, 2)
	ada := users[0]
	ada.do("PUT", "/api/me/favorites/1", "", 200)
	ada.do("PUT", "/api/me/books/2/progress", place+"}", 200)
	ada.do("POST", "/api/me/lists", `{"id": "11111111-1111-4111-8111-111111111111", "name": "x"}`, 201)
	ada.do("PUT", "/api/me/lists/11111111-1111-4111-8111-111111111111/books/3", "", 200)
	ada.do("PUT", "/api/me/preferences", `{"preferences": {"a": 1}}`, 200)
	users[1].do("PUT", "/api/me/favorites/4", "", 200)

	export := ada.get("/api/me/export")
	for name, n := range map[string]int{"books": 2, "lists": 1, "sessions": 1, "app_passwords": 0, "events": 1} {
		if got, _ := export[name].([]any); len(got) != n {
			t.Errorf("%s: %v", name, export[name])
		}
	}
	if text := fmt.Sprint(export); strings.Contains(text, "hash") || strings.Contains(text, "argon2") {
		t.Errorf("%v", export)
	}
	// An app password can read the state, but neither export nor erase all.
	_, text, err := d.logins.AddAppPassword(t.Context(), 1, "x", []auth.Scope{auth.ScopeAPI}, auth.Client{})
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]int{"/api/me/favorites": 200, "/api/me/export": 403} {
		if w := get(s.api, path, basic("user0", text)...); w.Code != want {
			t.Errorf("%s with an app password: %d", path, w.Code)
		}
	}
	ada.do("DELETE", "/api/me", `{}`, 422)
	ada.do("DELETE", "/api/me", `{"current_password": "wrong"}`, 422)
	ada.do("DELETE", "/api/me", `{"current_password": "`+doorPassword+`"}`, 204)
	ada.do("GET", "/api/me/favorites", "", 401)
	if got := users[1].books("/api/me/favorites"); !slices.Equal(got, []int64{4}) {
		t.Errorf("of others: %v", got)
	}
	if users[1].get("/api/me/export")["books"] == nil {
		t.Error("others cannot export")
	}
	// The last admin has to stay, with all that is kept.
	root := stater{t, s.api, d.admin(t)}
	root.do("PUT", "/api/me/favorites/1", "", 200)
	root.do("DELETE", "/api/me", `{"current_password": "`+doorPassword+`"}`, 409)
	if got := root.books("/api/me/favorites"); !slices.Equal(got, []int64{1}) {
		t.Errorf("of the last admin: %v", got)
	}
}

// TestStateParameters: what cannot be is refused with the parameter named.
func TestStateParameters(t *testing.T) {
	_, _, users := staters(t, 1)
	for path, location := range map[string]string{
		"/api/me/books": "query.books", "/api/me/books?books=x": "query.books", "/api/me/books?books=" + strings.Repeat("1,", 500) + "1": "query.books",
		"/api/me/books?books=1&view=Half": "query.view", "/api/me/books/x": "path.book", "/api/me/books/1?q=x": "query.q", "/api/me/books/0": "path.book",
		"/api/me/favorites?cursor=x": "query.cursor", "/api/me/favorites?limit=0": "query.limit", "/api/me/recent?status=read": "query.status",
		"/api/me/recent?cursor=LTF8eA": "query.cursor", "/api/me/favorites?cursor=": "query.cursor", "/api/lists?cursor=": "query.cursor", "/api/lists?cursor=%00": "query.cursor", "/api/lists?limit=501": "query.limit",
	} {
		w := users[0].do("GET", path, "", 422)
		if !strings.Contains(w.Body.String(), `"`+location+`"`) {
			t.Errorf("%s: %s", path, w.Body)
		}
	}
	users[0].do("GET", "/api/me/books/1?library=nope", "", 404)
	users[0].do("GET", "/api/lists/%00", "", 404)
	for body, field := range map[string]string{
		`{"locator_type": "cfi", "locator": "x"}`:                                                                 "progression",
		`{"locator_type": "cfi", "locator": "x", "progression": 2}`:                                               "progression",
		`{"locator_type": "cfi", "locator": "` + strings.Repeat("x", 8193) + `", "progression": 1}`:               "locator",
		`{"locator_type": "x", "locator": "x", "progression": 1}`:                                                 "locator_type",
		`{"locator_type": "cfi", "locator": "x", "progression": 1, "family": "Web"}`:                              "family",
		`{"locator_type": "cfi", "locator": "x", "progression": 1, "at": "yesterday"}`:                            "at",
		`{"locator_type": "cfi", "locator": "x", "progression": 1, "device": "` + strings.Repeat("x", 201) + `"}`: "device",
	} {
		if w := users[0].do("PUT", "/api/me/books/1/progress", body, 422); !strings.Contains(w.Body.String(), "body."+field) {
			t.Errorf("%s: %s", field, w.Body)
		}
	}
}
