package httpapi_test

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/pressmark/pressmark/auth"
	"github.com/pressmark/pressmark/httpapi"
)

// operation is an operation of the OpenAPI document.
type operation struct {
	method, path string // with values for what is in braces
	schemes      []string
	body         bool
}

func operations(t *testing.T, s *sample) (list []operation) {
	t.Helper()
	var doc struct {
		Paths map[string]map[string]struct {
			Security    []map[string][]string
			RequestBody *struct{ Content map[string]any } `json:"requestBody"`
		}
	}
	if err := json.Unmarshal(get(s.api, "/openapi.json").Body.Bytes(), &doc); err != nil {
		t.Fatal(err)
	}
	for path, methods := range doc.Paths {
		path = strings.NewReplacer("{id}", "1", "{format}", "epub", "{field}", "tags", "{uuid}", "x", "{book}", "1", "{list}", "00000000-0000-4000-8000-000000000000", "{ticket}", "x").Replace(path)
		for method, op := range methods {
			if op.Security == nil {
				t.Errorf("%s %s does not say who may use it", method, path)
			}
			o := operation{method: strings.ToUpper(method), path: path, body: op.RequestBody != nil}
			for _, s := range op.Security {
				for name := range s {
					o.schemes = append(o.schemes, name)
				}
			}
			list = append(list, o)
		}
	}
	if len(list) < 40 {
		t.Fatalf("%d operations", len(list))
	}
	return list
}

// browse is a request of a browser on this server's page, over TLS.
func browse(method, path, body string, header ...string) *http.Request {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.TLS = &tls.ConnectionState{}
	r.Host = "books.example"
	if body != "" {
		r.Header.Set("Content-Type", asJSON)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return r
}

func answer(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// basic is the header of HTTP Basic.
func basic(name, password string) []string {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.SetBasicAuth(name, password)
	return []string{"Authorization", r.Header.Get("Authorization")}
}

// TestAppPasswordScopes asks every operation with app passwords of each scope.
func TestAppPasswordScopes(t *testing.T) {
	d, s := closed(t)
	token := d.login(t, auth.Rule{}) // of user0
	make := func(scopes string) string {
		t.Helper()
		w := send(s.api, "POST", "/api/me/app-passwords", asJSON, `{"label": "KOReader", "scopes": [`+scopes+`]}`, bearer(token)...)
		var p struct {
			ID, Password string
			LastUsed     *string `json:"last_used"`
		}
		if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || w.Code != http.StatusCreated || p.Password == "" || p.LastUsed != nil {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		return p.Password
	}
	passwords := map[string]string{"opds": make(`"opds"`), "kosync": make(`"kosync"`), "api:read": make(`"api:read"`), "api": make(`"api"`)}
	counts := map[string]int{}
	for _, op := range operations(t, s) {
		if len(op.schemes) == 0 || op.path == "/api/events" {
			continue
		}
		forApps := slices.Contains(op.schemes, "basic")
		reads := op.method == "GET" || op.path == "/api/books/search"
		for scope, password := range passwords {
			w := do(s.api, op.method, op.path, basic("user0", password)...)
			in := w.Code != http.StatusUnauthorized && w.Code != http.StatusForbidden
			want := forApps && (scope == "api" || scope == "api:read" && reads || scope == "opds" && slices.Contains(op.schemes, "cookie"))
			if in != want {
				t.Errorf("%s %s with %s: %d", op.method, op.path, scope, w.Code)
			}
			if in {
				counts[scope]++
			}
		}
		if w := do(s.api, op.method, op.path, basic("user0", doorPassword)...); w.Code != http.StatusUnauthorized && w.Code != http.StatusTooManyRequests {
			t.Errorf("%s %s with the account's password: %d", op.method, op.path, w.Code)
		}
	}
	if counts["opds"] != 2 || counts["kosync"] != 0 || counts["api"] < counts["api:read"] || counts["api:read"] < 15 {
		t.Errorf("%v", counts)
	}
	if w := get(s.api, "/api/books", basic("USER0@example.com", passwords["api"])...); w.Code != 200 || w.Header().Get("Cache-Control") != "private, no-cache" {
		t.Errorf("by e-mail address: %d", w.Code)
	}
	var list struct {
		Items []struct{ ID, Label string }
		Total int
	}
	if err := json.Unmarshal(get(s.api, "/api/me/app-passwords", bearer(token)...).Body.Bytes(), &list); err != nil || list.Total != 4 {
		t.Fatalf("%+v, %v", list, err)
	}
	for _, p := range list.Items {
		if w := send(s.api, "DELETE", "/api/me/app-passwords/"+p.ID, "", "", bearer(token)...); w.Code != http.StatusNoContent {
			t.Errorf("remove: %d", w.Code)
		}
	}
	if w := get(s.api, "/api/books", basic("user0", passwords["api"])...); w.Code != http.StatusUnauthorized || !strings.HasPrefix(w.Header().Get("WWW-Authenticate"), "Basic ") {
		t.Errorf("removed: %d", w.Code)
	}
	for body, code := range map[string]int{
		`{"label": "x", "scopes": []}`: 422, `{"label": "", "scopes": ["api"]}`: 422, `{"label": "x", "scopes": ["admin"]}`: 422, `{"label": "x"}`: 422,
		`{"label": "x", "scopes": "api"}`: 422, `{"label": "x", "scopes": ["api"], "user": 2}`: 422, `{"label": null, "scopes": ["api"]}`: 422,
	} {
		if w := send(s.api, "POST", "/api/me/app-passwords", asJSON, body, bearer(token)...); w.Code != code {
			t.Errorf("%s: %d", body, w.Code)
		}
	}
}

// TestForwarded: what a header says of the client counts if a trusted proxy says
// it. Spraying behind a header that is made up stops.
func TestForwarded(t *testing.T) {
	d := newDoor(t)
	s := newSample(t, d.option, func(o *httpapi.Options) {
		o.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	})
	users := 0
	for name, c := range map[string]struct {
		peer  string
		given []string
		want  string
	}{
		"no proxy":         {"203.0.113.9:1", nil, "203.0.113.9"},
		"forged":           {"203.0.113.9:1", []string{"198.51.100.1"}, "203.0.113.9"},
		"proxy":            {"10.1.2.3:1", []string{"198.51.100.1"}, "198.51.100.1"},
		"forged, proxy":    {"10.1.2.3:1", []string{"192.0.2.66, 198.51.100.1"}, "198.51.100.1"},
		"two headers":      {"10.1.2.3:1", []string{"192.0.2.66", "198.51.100.1"}, "198.51.100.1"},
		"two proxies":      {"10.1.2.3:1", []string{"192.0.2.66, 198.51.100.1, 10.9.9.9"}, "198.51.100.1"},
		"proxies only":     {"10.1.2.3:1", []string{"10.9.9.9"}, "10.9.9.9"},
		"nonsense":         {"10.1.2.3:1", []string{"192.0.2.66, nonsense"}, "10.1.2.3"},
		"with a port":      {"10.1.2.3:1", []string{"198.51.100.1:4711"}, "198.51.100.1"},
		"IPv6":             {"[fd00::1]:1", []string{"[2001:db8::7]:4711"}, "2001:db8::7"},
		"IPv4 in IPv6":     {"[::ffff:10.1.2.3]:1", []string{"::ffff:198.51.100.1"}, "198.51.100.1"},
		"proxy says none":  {"10.1.2.3:1", nil, "10.1.2.3"},
		"no address known": {"@", []string{"198.51.100.1"}, "unknown"},
	} {
		users++
		u := d.create(t, fmt.Sprint("user", users), auth.Rule{})
		r := browse("POST", "/api/auth/login", fmt.Sprintf(`{"username": %q, "password": "correct horse"}`, u.Username))
		r.RemoteAddr = c.peer
		if c.given != nil {
			r.Header["X-Forwarded-For"] = c.given
		}
		if w := answer(s.api, r); w.Code != 200 {
			t.Fatalf("%s: %d %s", name, w.Code, w.Body)
		}
		sessions, err := d.logins.Sessions(t.Context(), u.ID)
		if err != nil || len(sessions) != 1 || sessions[0].Address != c.want {
			t.Errorf("%s: %+v, %v, want %s", name, sessions, err, c.want)
		}
	}

	_, s = closed(t)
	for n := range 100 {
		w := send(s.api, "POST", "/api/auth/login", asJSON, fmt.Sprintf(`{"username": "user%d", "password": "Winter2026"}`, n), "X-Forwarded-For", fmt.Sprint("198.51.100.", n))
		if w.Code == http.StatusTooManyRequests {
			if n < 10 || n > 30 || w.Header().Get("Retry-After") == "" || w.Header().Get("Retry-After") == "0" {
				t.Errorf("locked after %d, Retry-After %q", n, w.Header().Get("Retry-After"))
			}
			return
		}
	}
	t.Error("100 accounts could be tried")
}

// TestBodies sends what breaks parsers to every operation that has a body.
func TestBodies(t *testing.T) {
	d, s := closed(t)
	token := d.admin(t)
	many := make([]string, 5000)
	for i := range many {
		many[i] = fmt.Sprintf(`"k%d":1`, i)
	}
	bodies := map[string]string{
		"deep":       strings.Repeat("[", 1<<14),
		"deep value": `{"username":` + strings.Repeat(`{"a":`, 2000) + "1" + strings.Repeat("}", 2000) + "}",
		"many":       "{" + strings.Join(many, ",") + "}",
		"large":      `{"username":"` + strings.Repeat("x", 4<<20) + `"}`,
		"number":     `{"limit":1e999999999,"label":1e999999999}`,
		"text":       `"x"`, "null": "null", "nothing": "", "not UTF-8": "{\"username\":\"\xff\",\"password\":\"\xff\"}",
	}
	n := 0
	for _, op := range operations(t, s) {
		if !op.body {
			continue
		}
		n++
		for name, body := range bodies {
			w := answer(s.api, browse(op.method, op.path, body, append(bearer(token), "Content-Type", asJSON)...))
			if w.Code < 400 && op.path != "/api/books/search" || w.Code >= 500 || w.Code == 401 && !strings.HasPrefix(op.path, "/api/auth/") {
				t.Errorf("%s %s, %s: %d %.200s", op.method, op.path, name, w.Code, w.Body)
			}
			if name == "large" && w.Code != http.StatusRequestEntityTooLarge {
				t.Errorf("%s %s, %s: %d", op.method, op.path, name, w.Code)
			}
		}
	}
	if n < 10 {
		t.Errorf("%d operations have bodies", n)
	}
}

// TestMassAssignment: what is not one's to change is refused, all of it.
func TestMassAssignment(t *testing.T) {
	d, s := closed(t)
	token := d.login(t, auth.Rule{Kind: auth.Matching, Expression: "id:<13"}) // user0, number 1
	for _, body := range []string{
		`{"full_name": "x", "role": "admin"}`, `{"full_name": "x", "disabled": false}`, `{"full_name": "x", "restricted": false}`, `{"full_name": "x", "libraries": {}}`,
		`{"full_name": "x", "id": 2}`, `{"full_name": "x", "generation": 1}`, `{"full_name": "x", "Role": "admin"}`, `{"full_name": "x", "password": "correct horse"}`,
	} {
		if w := send(s.api, "PATCH", "/api/me", asJSON, body, bearer(token)...); w.Code != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d", body, w.Code)
		}
	}
	for _, op := range operations(t, s) {
		if strings.HasPrefix(op.path, "/api/admin/") {
			if w := send(s.api, op.method, op.path, asJSON, `{"role": "admin"}`, bearer(token)...); w.Code != http.StatusForbidden {
				t.Errorf("%s %s by a reader: %d", op.method, op.path, w.Code)
			}
		}
	}
	u, err := d.User(t.Context(), 1)
	if err != nil || u.Role != auth.Reader || !u.Access.Restricted || u.FullName != "User user0" {
		t.Errorf("%+v, %v", u, err)
	}
	for body, code := range map[string]int{
		`{"full_name": "Ada L"}`: 200, `{"email": "new@example.com"}`: 422, `{"email": "new@example.com", "current_password": "wrong"}`: 422,
		`{"username": "ada", "current_password": "correct horse"}`: 200, `{"username": "a@b", "current_password": "correct horse"}`: 422,
	} {
		if w := send(s.api, "PATCH", "/api/me", asJSON, body, bearer(token)...); w.Code != code {
			t.Errorf("%s: %d %s", body, w.Code, w.Body)
		}
	}
	if u, err = d.User(t.Context(), 1); err != nil || u.Username != "ada" || u.FullName != "Ada L" || u.Email != "user0@example.com" {
		t.Errorf("%+v, %v", u, err)
	}
}

func TestChangePassword(t *testing.T) {
	d, s := closed(t)
	token := d.login(t, auth.Rule{})
	for body, code := range map[string]int{
		`{"current_password": "wrong", "new_password": "another horse"}`: 422, `{"current_password": "correct horse", "new_password": "short"}`: 422,
		`{"new_password": "another horse"}`: 422,
	} {
		if w := send(s.api, "PUT", "/api/me/password", asJSON, body, bearer(token)...); w.Code != code || strings.Contains(w.Body.String(), "horse") {
			t.Errorf("%s: %d %s", body, w.Code, w.Body)
		}
	}
	if w := send(s.api, "PUT", "/api/me/password", asJSON, `{"current_password": "correct horse", "new_password": "another horse"}`, bearer(token)...); w.Code != http.StatusNoContent {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	if w := send(s.api, "POST", "/api/auth/login", asForm, "username=user0&password=correct+horse"); w.Code != http.StatusUnauthorized {
		t.Errorf("the old one: %d", w.Code)
	}
	granted(t, send(s.api, "POST", "/api/auth/login", asForm, "username=user0&password=another+horse"))
}

// TestNoOpenRedirect: no address makes the server send anybody elsewhere.
func TestNoOpenRedirect(t *testing.T) {
	d := newDoor(t)
	s := newSample(t, d.option)
	for _, path := range []string{
		"//evil.example", "//evil.example/", "///evil.example/..", "/\\evil.example", "/%2f%2fevil.example", "/api//evil.example", "/api/../../evil.example", "/docs//evil.example",
		"//evil.example/%2e%2e", "/api/books?next=https://evil.example", "/api/auth/login?redirect=//evil.example", "/setup?return=https://evil.example", "/docs/..//evil.example",
		"/./%5cevil.example", "/@evil.example", "/.evil.example",
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		u := *r.URL
		u.Path, u.RawQuery, _ = strings.Cut(path, "?")
		r.URL, r.RequestURI = &u, path
		w := answer(s.api, r)
		if l := w.Header().Get("Location"); strings.HasPrefix(l, "//") || strings.HasPrefix(l, "/\\") || strings.Contains(l, "://") || strings.HasPrefix(l, "/") == false && l != "" {
			t.Errorf("%s: to %s", path, l)
		}
	}
}

func TestSetupPage(t *testing.T) {
	d, s := closed(t)
	page := get(s.api, "/setup")
	if csp := page.Header().Get("Content-Security-Policy"); page.Code != 200 || strings.Contains(csp, "unsafe") || strings.Count(csp, "'sha256-") != 2 || page.Header().Get("Referrer-Policy") != "no-referrer" {
		t.Errorf("%d, %s", page.Code, csp)
	}
	token, _, err := d.logins.OpenSetup(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	body := func(token string) string {
		return fmt.Sprintf(`{"token": %q, "email": "ada@example.com", "username": "ada", "full_name": "Ada", "password": "correct horse"}`, token)
	}
	set := func(change func(*http.Request)) *httptest.ResponseRecorder {
		r := browse("POST", "/api/auth/setup", body(token))
		change(r)
		return answer(s.api, r)
	}
	loopback := func(r *http.Request) { r.TLS, r.RemoteAddr = nil, "127.0.0.1:4711" }
	for name, change := range map[string]func(*http.Request){
		"plain, from afar":           func(r *http.Request) { r.TLS = nil },
		"says that it was encrypted": func(r *http.Request) { r.TLS = nil; r.Header.Set("X-Forwarded-Proto", "https") },
		"says that it is loopback":   func(r *http.Request) { r.TLS = nil; r.Header.Set("X-Forwarded-For", "127.0.0.1") },
		"a proxy on this machine":    func(r *http.Request) { loopback(r); r.Header.Set("X-Forwarded-For", "203.0.113.9") },
		"another such proxy":         func(r *http.Request) { loopback(r); r.Header.Set("Via", "1.1 proxy") },
	} {
		if w := set(change); w.Code != http.StatusForbidden || !strings.Contains(w.Body.String(), "read along") {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
	if w := answer(s.api, browse("POST", "/api/auth/setup", body("x"))); w.Code != http.StatusForbidden {
		t.Errorf("a wrong token: %d", w.Code)
	}
	if w := answer(s.api, browse("POST", "/api/auth/setup", strings.Replace(body(token), `"Ada"`, `"Ada", "role": "admin"`, 1))); w.Code != http.StatusUnprocessableEntity {
		t.Errorf("an unknown member: %d", w.Code)
	}
	if w := set(loopback); w.Code != 200 {
		t.Fatalf("%d %s", w.Code, w.Body)
	} else if g := granted(t, w); get(s.api, "/api/admin/users", bearer(g.AccessToken)...).Code != 200 {
		t.Error("who has set up is no admin")
	}
	for range 2 {
		if w := set(loopback); w.Code != http.StatusForbidden {
			t.Errorf("again: %d %s", w.Code, w.Body)
		}
	}
}

// admin makes an admin and returns an access token.
func (d *door) admin(t *testing.T) string {
	t.Helper()
	u := d.create(t, "admin", auth.Rule{})
	if _, err := d.Update(t.Context(), u.ID, func(u *auth.User) error { u.Role = auth.Admin; return nil }); err != nil {
		t.Fatal(err)
	}
	g, err := d.logins.Login(t.Context(), "admin", doorPassword, auth.Client{})
	if err != nil {
		t.Fatal(err)
	}
	return g.Access
}

// TestTicket: an address opens one file, as its user sees it, and is in no log.
func TestTicket(t *testing.T) {
	var logs bytes.Buffer
	d := newDoor(t)
	s := newSample(t, d.option, func(o *httpapi.Options) {
		o.PublicRead, o.Logger = false, slog.New(slog.NewTextHandler(&logs, nil))
	})
	token := d.login(t, auth.Rule{Kind: auth.Matching, Expression: "id:<13"})
	ticket := func(path string) *httptest.ResponseRecorder {
		return send(s.api, "POST", path, "", "", bearer(token)...)
	}
	for path, code := range map[string]int{
		"/api/books/1/tickets/epub": 201, "/api/books/13/tickets/epub": 404, "/api/books/999/tickets/epub": 404, "/api/books/1/tickets/nope": 404,
		"/api/books/x/tickets/epub": 422, "/api/books/1/tickets/epub?library=nope": 404, "/api/books/1/tickets/epub?x=1": 422,
	} {
		if w := ticket(path); w.Code != code {
			t.Errorf("%s: %d, want %d: %s", path, w.Code, code, w.Body)
		}
	}
	var made struct {
		URL       string
		ExpiresIn int `json:"expires_in"`
	}
	if err := json.Unmarshal(ticket("/api/books/1/tickets/epub").Body.Bytes(), &made); err != nil || made.ExpiresIn != 3600 {
		t.Fatalf("%+v, %v", made, err)
	}
	want := get(s.api, "/api/files/download/1/epub", bearer(token)...)
	w := get(s.api, made.URL)
	if w.Code != 200 || !bytes.Equal(w.Body.Bytes(), want.Body.Bytes()) || w.Header().Get("Cache-Control") != "private, no-cache" || w.Header().Get("Referrer-Policy") != "no-referrer" {
		t.Errorf("%d, %d bytes, %v", w.Code, w.Body.Len(), w.Header())
	}
	if w := get(s.api, made.URL, "Range", "bytes=0-9"); w.Code != http.StatusPartialContent || w.Body.Len() != 10 {
		t.Errorf("a range: %d", w.Code)
	}
	secret := strings.TrimSuffix(strings.TrimPrefix(made.URL, "/api/c/"), "/download")
	for _, path := range []string{"/api/c/x/download", "/api/c/" + secret + "x/download", "/api/c/" + secret, "/api/c/" + secret + "/download?id=2", "/api/c/" + token + "/download"} {
		if w := get(s.api, path); w.Code != 404 && w.Code != 422 {
			t.Errorf("%.30s…: %d", path, w.Code)
		}
	}
	if w := get(s.api, "/api/books", bearer(secret)...); w.Code != http.StatusUnauthorized {
		t.Errorf("a ticket as a bearer token: %d", w.Code)
	}
	restrict := func(expr string) {
		t.Helper()
		_, err := d.logins.Update(t.Context(), 0, 1, func(u *auth.User) error {
			u.Access.Libraries["main"] = auth.Rule{Kind: auth.Matching, Expression: expr}
			return nil
		}, auth.Client{})
		if err != nil {
			t.Fatal(err)
		}
	}
	restrict("id:2")
	if w := get(s.api, made.URL); w.Code != 404 {
		t.Errorf("of a book that is hidden now: %d", w.Code)
	}
	restrict("id:1")
	if w := get(s.api, made.URL); w.Code != 200 {
		t.Errorf("shown again: %d", w.Code)
	}
	if w := send(s.api, "POST", "/api/auth/logout", "", "", bearer(token)...); w.Code != http.StatusNoContent {
		t.Errorf("logout: %d", w.Code)
	}
	if w := get(s.api, made.URL); w.Code != 404 {
		t.Errorf("after logout: %d", w.Code)
	}
	if strings.Contains(logs.String(), secret) {
		t.Errorf("it is in the log:\n%s", logs.String())
	}
}
