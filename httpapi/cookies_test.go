package httpapi_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/pressmark/pressmark/auth"
)

const cookieLogin = `{"username": "ada", "password": "correct horse", "cookies": true}`

// cookies returns the Cookie header of a browser that was given these.
func cookies(w *httptest.ResponseRecorder) (session, refresh string) {
	for _, c := range w.Result().Cookies() {
		switch c.Name {
		case "__Host-pressmark":
			session = c.Name + "=" + c.Value
		case "__Secure-pressmark-refresh":
			refresh = c.Name + "=" + c.Value
		}
	}
	return session, refresh
}

func TestCookies(t *testing.T) {
	d, s := closed(t)
	d.create(t, "ada", auth.Rule{})
	w := answer(s.api, browse("POST", "/api/auth/login", cookieLogin, "Origin", "https://books.example", "Sec-Fetch-Site", "same-origin"))
	var g struct {
		AccessToken  string  `json:"access_token"`
		RefreshToken *string `json:"refresh_token"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &g); err != nil || w.Code != 200 || g.RefreshToken != nil || g.AccessToken == "" {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	if got := w.Result().Cookies(); len(got) != 2 {
		t.Fatalf("%v", got)
	}
	for _, c := range w.Result().Cookies() {
		path, life := "/", 30*60
		if strings.HasPrefix(c.Name, "__Secure-") {
			path, life = "/api/auth/refresh", 7*24*60*60
		}
		if !c.HttpOnly || !c.Secure || c.SameSite != http.SameSiteStrictMode || c.Domain != "" || c.Path != path || c.MaxAge != life {
			t.Errorf("%+v", c)
		}
	}
	session, refresh := cookies(w)
	for name, token := range map[string]string{"the session cookie": session, "the refresh cookie": refresh} {
		if _, value, _ := strings.Cut(token, "="); get(s.api, "/api/books", bearer(value)...).Code != http.StatusUnauthorized {
			t.Errorf("%s is good as a bearer token", name)
		}
	}

	// The session cookie opens what a page fetches by itself, and nothing else.
	opened := 0
	for _, op := range operations(t, s) {
		if len(op.schemes) == 0 || op.path == "/api/events" {
			continue
		}
		w := answer(s.api, browse(op.method, op.path, "", "Cookie", session))
		in := w.Code != http.StatusUnauthorized
		if want := slices.Contains(op.schemes, "cookie"); in != want || want && op.method != "GET" {
			t.Errorf("%s %s with the cookie: %d", op.method, op.path, w.Code)
		}
		if in {
			opened++
		}
		for _, header := range []string{refresh, session + "x", session + "; " + session, "__Host-pressmark=" + g.AccessToken} {
			if w := answer(s.api, browse(op.method, op.path, "", "Cookie", header)); w.Code != http.StatusUnauthorized {
				t.Errorf("%s %s with %.40s…: %d", op.method, op.path, header, w.Code)
			}
		}
	}
	if opened != 2 {
		t.Errorf("the cookie opens %d operations", opened)
	}
	if w := answer(s.api, browse("HEAD", "/api/files/cover/1", "", "Cookie", session)); w.Code != 200 || w.Header().Get("Cache-Control") == "" || strings.Contains(w.Header().Get("Cache-Control"), "public") {
		t.Errorf("HEAD: %d, %s", w.Code, w.Header().Get("Cache-Control"))
	}

	// The refresh cookie is for pages of this server.
	for name, header := range map[string][]string{
		"no origin":    nil,
		"another site": {"Origin", "https://evil.example"},
		"null":         {"Origin", "null"},
		"a lie":        {"Origin", "https://books.example", "Sec-Fetch-Site", "cross-site"},
		"a subdomain":  {"Origin", "https://evil.books.example", "Sec-Fetch-Site", "same-site"},
		"another port": {"Origin", "https://books.example:8443"},
	} {
		if w := answer(s.api, browse("POST", "/api/auth/refresh", "", append(header, "Cookie", refresh)...)); w.Code != http.StatusForbidden || len(w.Result().Cookies()) > 0 {
			t.Errorf("refresh, %s: %d", name, w.Code)
		}
		if w := answer(s.api, browse("POST", "/api/auth/login", cookieLogin, header...)); w.Code != http.StatusForbidden || len(w.Result().Cookies()) > 0 {
			t.Errorf("login, %s: %d", name, w.Code)
		}
	}
	home := []string{"Origin", "https://books.example", "Cookie", refresh}
	w = answer(s.api, browse("POST", "/api/auth/refresh", "", home...))
	next, nextRefresh := cookies(w)
	if w.Code != 200 || next == "" || nextRefresh == refresh || strings.Contains(w.Body.String(), strings.SplitN(nextRefresh, "=", 2)[1]) {
		t.Fatalf("refresh: %d %s", w.Code, w.Body)
	}
	if err := json.Unmarshal(w.Body.Bytes(), &g); err != nil {
		t.Fatal(err)
	}
	// Not over a connection that others can read.
	plain := browse("POST", "/api/auth/login", cookieLogin, "Origin", "http://books.example")
	plain.TLS = nil
	if w := answer(s.api, plain); w.Code != http.StatusUnprocessableEntity || len(w.Result().Cookies()) > 0 {
		t.Errorf("over plain HTTP: %d", w.Code)
	}

	w = answer(s.api, browse("POST", "/api/auth/logout", "", bearer(g.AccessToken)...))
	for _, c := range w.Result().Cookies() {
		if c.Value != "" || c.MaxAge >= 0 {
			t.Errorf("logout leaves %+v", c)
		}
	}
	if w.Code != http.StatusNoContent || len(w.Result().Cookies()) != 2 {
		t.Errorf("logout: %d %v", w.Code, w.Result().Cookies())
	}
	if w := answer(s.api, browse("GET", "/api/files/cover/1", "", "Cookie", next)); w.Code != http.StatusUnauthorized {
		t.Errorf("the cookie after logout: %d", w.Code)
	}
	if w := answer(s.api, browse("POST", "/api/auth/refresh", "", "Origin", "https://books.example", "Cookie", nextRefresh)); w.Code != http.StatusUnauthorized || len(w.Result().Cookies()) != 2 {
		t.Errorf("refresh after logout: %d", w.Code)
	}
}
