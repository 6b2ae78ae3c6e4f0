package server

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/pressmark/pressmark/auth"
	"github.com/pressmark/pressmark/catalog/calibre/calibretest"
)

// TestLogin logs in to a server without PublicRead, and again to the next one
// on the same data folder, which knows the tokens of the first.
func TestLogin(t *testing.T) {
	var logs bytes.Buffer
	c := Config{
		Libraries: []Library{{Path: calibretest.Sample(t)}}, DataDir: t.TempDir(), Argon2Memory: 8 << 20, Argon2Time: 1,
		Logger: slog.New(slog.NewTextHandler(&logs, nil)),
	}
	open := func() *Server {
		t.Helper()
		s, err := Open(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		return s
	}
	s := open()
	hash, err := s.state.Passwords.Hash(t.Context(), "correct horse")
	if err != nil {
		t.Fatal(err)
	}
	u := auth.User{
		Email: "ada@example.com", Username: "ada", Role: auth.Reader,
		Access: auth.Access{Restricted: true, Libraries: map[string]auth.Rule{"main": {Kind: auth.Matching, Expression: "id:<3"}}},
	}
	if _, err := s.state.Users.Create(t.Context(), u, hash); err != nil {
		t.Fatal(err)
	}
	ask := func(s *Server, token string) (code, total int) {
		t.Helper()
		r := httptest.NewRequest(http.MethodGet, "/api/books", nil)
		if token != "" {
			r.Header.Set("Authorization", "Bearer "+token)
		}
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, r)
		var page struct{ Total int }
		if w.Code == http.StatusOK {
			if err := json.Unmarshal(w.Body.Bytes(), &page); err != nil {
				t.Fatal(err)
			}
		}
		return w.Code, page.Total
	}
	r := httptest.NewRequest(http.MethodPost, "/api/auth/login", strings.NewReader(url.Values{"username": {"ADA@example.com"}, "password": {"correct horse"}}.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	var g struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &g); err != nil || w.Code != http.StatusOK {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	for _, s := range []*Server{s, open()} {
		if code, total := ask(s, g.AccessToken); code != http.StatusOK || total != 2 {
			t.Errorf("with a token: %d, %d books", code, total)
		}
		if code, _ := ask(s, ""); code != http.StatusUnauthorized {
			t.Errorf("without a token: %d", code)
		}
	}
	if info, err := os.Stat(filepath.Join(c.DataDir, secretFile)); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	// Another key knows nothing of them.
	c.SecretKey = "another key, which has more than 32 bytes"
	if code, _ := ask(open(), g.AccessToken); code != http.StatusUnauthorized {
		t.Errorf("with another key: %d", code)
	}
}

func TestSecret(t *testing.T) {
	c := Config{DataDir: t.TempDir()}
	made := make(chan string)
	for range 8 {
		go func() {
			key, err := c.secret()
			if err != nil {
				t.Error(err)
			}
			made <- string(key)
		}()
	}
	first := <-made
	for range 7 {
		if key := <-made; key != first {
			t.Error("servers that start together make several keys")
		}
	}
	if err := checkSecret(first); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(c.DataDir); err != nil || len(left) != 1 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	if err := os.WriteFile(filepath.Join(c.DataDir, secretFile), []byte("cut"), 0o600); err != nil {
		t.Fatal(err)
	}
	if key, err := c.secret(); err == nil {
		t.Errorf("a key that is cut is used: %q", key)
	}
}
