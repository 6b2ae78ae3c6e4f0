package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pressmark/pressmark/auth"
	"github.com/pressmark/pressmark/cache"
	"github.com/pressmark/pressmark/catalog/calibre/calibretest"
	"github.com/pressmark/pressmark/migrations"
)

func TestUsers(t *testing.T) {
	db, err := migrations.OpenSQLite(filepath.Join(t.TempDir(), "state.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	logins, err := newLogins(t.Context(), db, cache.New(cache.Options{}))
	if err != nil {
		t.Fatal(err)
	}
	u := auth.User{Email: "ada@example.com", Username: "ada", Role: auth.Reader}
	u.Access = auth.Access{Restricted: true, Libraries: map[string]auth.Rule{"main": {Kind: auth.Matching, Expression: "tags:maps"}}}
	if _, err := logins.Create(t.Context(), 0, u, "correct horse", auth.Client{}); err != nil {
		t.Fatal(err)
	}
	lib, h, err := newHandler(t.Context(), calibretest.Sample(t), logins)
	if err != nil {
		t.Fatal(err)
	}
	defer lib.Close()
	ask := func(method, path, body, token string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, path, strings.NewReader(body))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if token != "" {
			r.Header.Set("Authorization", "Bearer "+token)
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w
	}
	var g struct {
		AccessToken string `json:"access_token"`
	}
	w := ask(http.MethodPost, "/api/auth/login", "username=ada&password=correct+horse", "")
	if err := json.Unmarshal(w.Body.Bytes(), &g); err != nil || w.Code != http.StatusOK {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	for _, c := range []struct {
		path, token string
		code        int
		text        string
	}{
		{"/hello", g.AccessToken, 200, "Hello, ada."},
		{"/hello", "", 401, "Log in first"},
		{"/api/books", g.AccessToken, 200, `"total":4`},
		{"/api/books", "", 401, "known users only"},
	} {
		if w := ask(http.MethodGet, c.path, "", c.token); w.Code != c.code || !strings.Contains(w.Body.String(), c.text) {
			t.Errorf("%s: %d %.200s", c.path, w.Code, w.Body)
		}
	}
	if err := serve(t.Context(), t.TempDir(), filepath.Join(t.TempDir(), "state.db"), "correct horse"); err == nil {
		t.Error("a folder that is no library was served")
	}
}
