package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pressmark/pressmark/auth"
	"github.com/pressmark/pressmark/cache/rediscache/redistest"
	"github.com/pressmark/pressmark/catalog/calibre/calibretest"
	"github.com/pressmark/pressmark/migrations/migrationstest"
	"github.com/pressmark/pressmark/readerstate"
)

// databases calls test with a configuration for each kind of database.
func databases(t *testing.T, test func(t *testing.T, c Config)) {
	for _, name := range []string{"SQLite", "PostgreSQL"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := Config{
				Libraries: []Library{{Path: calibretest.Sample(t)}}, DataDir: t.TempDir(), ListenAddr: "127.0.0.1:0",
				Argon2Memory: 8 << 20, Argon2Time: 1, Logger: slog.New(slog.DiscardHandler),
			}
			if name == "PostgreSQL" {
				c.DatabaseURL = migrationstest.URL(migrationstest.Postgres(t))
			}
			test(t, c)
		})
	}
}

// servingAt opens a server and serves until the test ends. It returns its address.
func servingAt(t *testing.T, c Config) (*Server, string) {
	t.Helper()
	s, err := Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	ln, err := s.Listen(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	served := make(chan error, 1)
	go func() { served <- s.Serve(ctx, ln) }()
	t.Cleanup(func() {
		stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s, s.URL(ln)
}

// within tries until it is so, for some seconds.
func within(t *testing.T, what string, is func() bool) time.Duration {
	t.Helper()
	began := time.Now()
	for !is() {
		if time.Since(began) > 8*time.Second { // entries live for 10 s without a word
			t.Fatalf("%s: not yet after %v", what, time.Since(began))
		}
		time.Sleep(5 * time.Millisecond)
	}
	return time.Since(began)
}

// locked is a buffer that is written and read at once.
type locked struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *locked) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

func (l *locked) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

func status(t *testing.T, method, url, body string, header ...string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var b bytes.Buffer
	if _, err := b.ReadFrom(res.Body); err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, b.String()
}

// TestReplicas: two servers on one database show one set-up link, know each
// other's tokens, and a change that one makes, or a command, the other has at
// once.
func TestReplicas(t *testing.T) {
	for _, redis := range []bool{false, true} {
		t.Run(fmt.Sprint("redis=", redis), func(t *testing.T) { testReplicas(t, redis) })
	}
}

func testReplicas(t *testing.T, redis bool) {
	databases(t, func(t *testing.T, c Config) {
		if redis {
			c.RedisURL, c.RedisPrefix = redistest.Open(t)
		}
		c.SecretKey = "0123456789abcdefghijklmnopqrstuvwxyzABCD"
		link := regexp.MustCompile(`url=(\S+)/setup#token=(\S+)`)
		var links [2][]string
		var urls [2]string
		for i := range links {
			logs := new(locked)
			c := c
			c.Logger = slog.New(slog.NewTextHandler(logs, nil))
			_, urls[i] = servingAt(t, c)
			within(t, "a set-up link", func() bool {
				links[i] = link.FindStringSubmatch(strings.ReplaceAll(logs.String(), `"`, ""))
				return links[i] != nil
			})
			if links[i][1] != urls[i] {
				t.Errorf("the link leads to %s", links[i][1])
			}
		}
		if links[0][2] != links[1][2] {
			t.Error("the replicas show different tokens")
		}
		setup := func(url, name string) (int, string) {
			return status(t, "POST", url+"/api/auth/setup", fmt.Sprintf(`{"token": %q, "email": "%s@example.com", "username": %[2]q, "password": "correct horse"}`, links[0][2], name))
		}
		code, text := setup(urls[1], "ada")
		if code != 200 {
			t.Fatalf("%d %s", code, text)
		}
		if code, _ := setup(urls[0], "eve"); code != 403 {
			t.Errorf("a second set-up: %d", code)
		}
		var g struct {
			AccessToken string `json:"access_token"`
		}
		if err := json.Unmarshal([]byte(text), &g); err != nil {
			t.Fatal(err)
		}
		admin := []string{"Authorization", "Bearer " + g.AccessToken}
		if code, text := status(t, "POST", urls[0]+"/api/admin/users", `{"email": "bob@example.com", "username": "bob", "password": "correct horse"}`, admin...); code != 201 {
			t.Fatalf("%d %s", code, text)
		}
		_, text = status(t, "POST", urls[0]+"/api/auth/login", `{"username": "bob", "password": "correct horse"}`)
		if err := json.Unmarshal([]byte(text), &g); err != nil {
			t.Fatal(err)
		}
		bob := []string{"Authorization", "Bearer " + g.AccessToken}
		in := func(url string) bool {
			code, _ := status(t, "GET", url+"/api/books", "", bob...)
			return code == 200
		}
		if !in(urls[0]) || !in(urls[1]) {
			t.Fatal("bob is not in on both")
		}
		if code, text := status(t, "PATCH", urls[0]+"/api/admin/users/2", `{"disabled": true}`, admin...); code != 200 {
			t.Fatalf("%d %s", code, text)
		}
		if in(urls[0]) {
			t.Error("bob is in where he was disabled")
		}
		within(t, "disabled on the other", func() bool { return !in(urls[1]) })
		state, err := OpenState(t.Context(), c) // a command
		if err != nil {
			t.Fatal(err)
		}
		defer state.Close()
		if _, err := state.Users.Update(t.Context(), 2, func(u *auth.User) error { u.Disabled = false; return nil }); err != nil {
			t.Fatal(err)
		}
		for _, url := range urls {
			within(t, "enabled by a command", func() bool { return in(url) })
		}
		if err := state.Sessions.EndAll(t.Context(), 2, ""); err != nil {
			t.Fatal(err)
		}
		for _, url := range urls {
			within(t, "logged out by a command", func() bool { return !in(url) })
		}
		var health struct {
			Checks []struct{ Name, Status string }
		}
		_, text = status(t, "GET", urls[0]+"/api/health", "")
		if err := json.Unmarshal([]byte(text), &health); err != nil || len(health.Checks) != 5 || health.Checks[0].Name != "database" || health.Checks[0].Status != "ok" {
			t.Errorf("%s, %v", text, err)
		}
	})
}

// TestQueriesAtDatabase counts, at the database, what a thousand requests of one
// user ask it: what a server that answers them asks more than one that does not.
func TestQueriesAtDatabase(t *testing.T) {
	without, with := scansOf(t, 0), scansOf(t, 1000)
	// One look at an account reads four tables, by one statement and two more.
	if n := with - without; n > 3*4 || n <= 0 {
		t.Errorf("%d scans of tables of users, and %d without a request", with, without)
	}
}

// scansOf returns how often the tables of users were scanned, in the life of a
// server, for a user who logs in and sends so many requests.
func scansOf(t *testing.T, requests int) (n int) {
	t.Helper()
	pool := migrationstest.Postgres(t)
	s, err := Open(t.Context(), Config{
		Libraries: []Library{{Path: calibretest.Sample(t)}}, DataDir: t.TempDir(),
		DatabaseURL:  migrationstest.URL(pool) + "&application_name=" + t.Name(),
		Argon2Memory: 8 << 20, Argon2Time: 1, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { _ = s.Run(ctx) })
	u, err := s.logins.Create(t.Context(), 0, auth.User{Email: "ada@example.com", Username: "ada", Role: auth.Reader}, "correct horse", auth.Client{})
	if err != nil {
		t.Fatal(err)
	}
	g, err := s.logins.Login(t.Context(), u.Username, "correct horse", auth.Client{})
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for i := range requests / 8 {
				r := httptest.NewRequest(http.MethodGet, fmt.Sprint("/api/books?limit=", 1+i%50), nil)
				r.Header.Set("Authorization", "Bearer "+g.Access)
				w := httptest.NewRecorder()
				if s.Handler().ServeHTTP(w, r); w.Code != http.StatusOK {
					t.Errorf("%d %s", w.Code, w.Body)
				}
			}
		})
	}
	wg.Wait()
	stop()
	running.Wait()
	s.Close()
	// A connection reports what it did when it ends, at the latest.
	within(t, "connections end", func() bool {
		err := pool.QueryRow(t.Context(), `SELECT count(*) FROM pg_stat_activity WHERE application_name = $1`, t.Name()).Scan(&n)
		return err == nil && n == 0
	})
	err = pool.QueryRow(t.Context(), `SELECT coalesce(sum(seq_scan + coalesce(idx_scan, 0)), 0) FROM pg_stat_user_tables
		WHERE schemaname = current_schema() AND relname IN ('users', 'sessions', 'app_passwords', 'user_access')`).Scan(&n)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestStateGoesWithAccount: an account that is deleted, by whatever means, takes
// what was kept for it along.
func TestStateGoesWithAccount(t *testing.T) {
	databases(t, func(t *testing.T, c Config) {
		s, err := Open(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		const book, list = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"
		for i := range 2 {
			name := fmt.Sprint("user", i)
			u, err := s.logins.Create(t.Context(), 0, auth.User{Email: name + "@example.com", Username: name, Role: auth.Reader}, "correct horse", auth.Client{})
			if err != nil {
				t.Fatal(err)
			}
			id, readers := readerstate.UserID(u.ID), s.state.Readers
			_, favorite := readers.SetFavorite(t.Context(), id, book, true, readerstate.Write{})
			_, preferences := readers.SetPreferences(t.Context(), id, []byte("{}"), readerstate.Write{})
			if err := errors.Join(favorite, preferences); err != nil {
				t.Fatal(err)
			}
		}
		if _, _, err := s.state.Readers.CreateList(t.Context(), 1, readerstate.List{ID: list, Name: "x", Public: true}); err != nil {
			t.Fatal(err)
		}
		if err := s.logins.Delete(t.Context(), 0, 1, auth.Client{}); err != nil {
			t.Fatal(err)
		}
		for id, want := range map[readerstate.UserID]int{1: 0, 2: 1} {
			kept, err := s.state.Readers.Everything(t.Context(), id, "", 10)
			if err != nil || len(kept) != want {
				t.Errorf("user %d: %+v, %v", id, kept, err)
			}
		}
		if p, err := s.state.Readers.Preferences(t.Context(), 1); err != nil || p.Version != 0 {
			t.Errorf("%+v, %v", p, err)
		}
		if _, err := s.state.Readers.List(t.Context(), 2, list); !errors.Is(err, readerstate.ErrNotFound) {
			t.Errorf("the list: %v", err)
		}
	})
}
