//go:build unix

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/pressmark/pressmark/auth"
	"github.com/pressmark/pressmark/catalog/calibre/calibretest"
	"github.com/pressmark/pressmark/httpapi/server"
	"github.com/pressmark/pressmark/migrations/migrationstest"
)

// kills is how often each server is killed.
const kills = 20

// TestKilled kills a server with SIGKILL while it writes, again and again. What
// it has acknowledged is there after the next start, in both databases.
func TestKilled(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds the program and kills it many times")
	}
	binary := build(t)
	for _, name := range []string{"SQLite", "PostgreSQL"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, env := toBeKilled(t, name)
			w := newWriters(t, c)
			random := rand.New(rand.NewPCG(1, 2))
			for range kills {
				forgetFailures(t, c) // a login that was killed counts as one that failed
				p := launch(t, binary, env)
				w.check(t, p.url)
				stop := make(chan struct{})
				var wg sync.WaitGroup
				for _, one := range w {
					one.began = make(chan struct{})
					wg.Go(func() { one.write(t, p.url, stop) })
				}
				for _, one := range w {
					<-one.began
				}
				time.Sleep(time.Duration(50+random.IntN(250)) * time.Millisecond)
				if err := p.cmd.Process.Kill(); err != nil {
					t.Error(err)
				}
				close(stop)
				wg.Wait()
				p.cmd.Wait() // it was killed
			}
			p := launch(t, binary, env)
			w.check(t, p.url)
			p.cmd.Process.Kill()
			p.cmd.Wait()
			for _, one := range w {
				if one.acknowledged < kills {
					t.Errorf("%s: %d writes were acknowledged", one.name, one.acknowledged)
				}
			}
		})
	}
}

// toBeKilled returns the settings of a server on a database of that kind, as they
// are and as its environment.
func toBeKilled(t *testing.T, database string) (c server.Config, env []string) {
	t.Helper()
	c = server.Config{DataDir: t.TempDir(), Argon2Memory: 8 << 20, Argon2Time: 1}
	env = []string{
		"CALIBRE_LIBRARY_PATH=" + calibretest.Sample(t), "LISTEN_ADDR=127.0.0.1:0", "DATA_DIR=" + c.DataDir, "ARGON2_MEMORY=8MiB", "ARGON2_TIME=1",
		"SECRET_KEY=0123456789abcdefghijklmnopqrstuvwxyzABCD",
	}
	if database == "PostgreSQL" {
		c.DatabaseURL = migrationstest.URL(migrationstest.Postgres(t))
		env = append(env, "DATABASE_URL="+c.DatabaseURL)
	}
	return c, env
}

// writer is a user who writes, and knows what was acknowledged.
type writer struct {
	name         string
	refresh      string          // the newest token of the session that goes on
	ended        []string        // tokens of sessions that were ended, for the next check
	apps         map[string]bool // ids of app passwords: whether they are there
	acknowledged int
	began        chan struct{} // closed when this server has acknowledged a write, or never will
}

type writers []*writer

func forgetFailures(t *testing.T, c server.Config) {
	t.Helper()
	s, err := server.OpenState(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Attempts.ExpireAttempts(t.Context(), time.Now().Add(24*time.Hour)); err != nil {
		t.Fatal(err)
	}
}

func newWriters(t *testing.T, c server.Config) (w writers) {
	t.Helper()
	s, err := server.OpenState(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.Schema.Up(t.Context()); err != nil {
		t.Fatal(err)
	}
	hash, err := s.Passwords.Hash(t.Context(), "correct horse")
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		name := fmt.Sprint("user", i)
		if _, err := s.Users.Create(t.Context(), auth.User{Email: name + "@example.com", Username: name, Role: auth.Reader}, hash); err != nil {
			t.Fatal(err)
		}
		w = append(w, &writer{name: name, apps: map[string]bool{}})
	}
	return w
}

// ask sends a request. ok is false if there was no answer.
func (w *writer) ask(t *testing.T, method, url, token string, body, into any) (code int, ok bool) {
	text, err := json.Marshal(body)
	if err != nil {
		t.Error(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), method, url, bytes.NewReader(text))
	if err != nil {
		t.Error(err)
		return 0, false
	}
	r.Header.Set("Content-Type", "application/json")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, false
	}
	defer res.Body.Close()
	if res.StatusCode < 300 && into != nil {
		if err := json.NewDecoder(res.Body).Decode(into); err != nil {
			return 0, false // it was killed in the middle of the answer
		}
	}
	return res.StatusCode, true
}

type pair struct {
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
}

type refreshBody struct {
	Token string `json:"refresh_token"`
}

// write logs in, trades tokens, makes and removes app passwords, and logs out
// sessions, until it gets no answer.
func (w *writer) write(t *testing.T, url string, stop chan struct{}) {
	began := sync.OnceFunc(func() { close(w.began) })
	defer began()
	done := func(code, want int, ok bool) bool {
		if ok && code != want {
			select {
			case <-stop:
			default:
				t.Errorf("%s: answered %d, want %d", w.name, code, want)
			}
			return false
		}
		if ok {
			w.acknowledged++
			began()
		}
		return ok
	}
	for {
		var second, next pair
		code, ok := w.ask(t, "POST", url+"/api/auth/login", "", map[string]string{"username": w.name, "password": "correct horse"}, &second)
		if !done(code, 200, ok) {
			return
		}
		code, ok = w.ask(t, "POST", url+"/api/auth/refresh", "", refreshBody{w.refresh}, &next)
		if !done(code, 200, ok) {
			return // whichever of the two tokens is good, this one can be traded
		}
		w.refresh = next.Refresh
		var app struct{ ID string }
		code, ok = w.ask(t, "POST", url+"/api/me/app-passwords", next.Access, map[string]any{"label": "x", "scopes": []string{"opds"}}, &app)
		if !done(code, 201, ok) {
			return
		}
		w.apps[app.ID] = true
		if len(w.apps)%2 == 0 {
			delete(w.apps, app.ID) // what becomes of it is not known without an answer
			code, ok = w.ask(t, "DELETE", url+"/api/me/app-passwords/"+app.ID, next.Access, nil, nil)
			if !done(code, 204, ok) {
				return
			}
			w.apps[app.ID] = false
		}
		code, ok = w.ask(t, "POST", url+"/api/auth/logout", second.Access, nil, nil)
		if !done(code, 204, ok) {
			return
		}
		w.ended = append(w.ended, second.Refresh)
	}
}

// check asks a server that was just started for all that was acknowledged.
func (ws writers) check(t *testing.T, url string) {
	t.Helper()
	for _, w := range ws {
		var g pair
		if w.refresh == "" {
			if code, ok := w.ask(t, "POST", url+"/api/auth/login", "", map[string]string{"username": w.name, "password": "correct horse"}, &g); !ok || code != 200 {
				t.Fatalf("%s: login: %d", w.name, code)
			}
		} else if code, ok := w.ask(t, "POST", url+"/api/auth/refresh", "", refreshBody{w.refresh}, &g); !ok || code != 200 {
			t.Fatalf("%s: a refresh that was acknowledged is lost: %d", w.name, code)
		}
		w.refresh = g.Refresh
		for _, token := range w.ended {
			if code, ok := w.ask(t, "POST", url+"/api/auth/refresh", "", refreshBody{token}, nil); !ok || code != 401 {
				t.Errorf("%s: a logout that was acknowledged is lost: %d", w.name, code)
			}
		}
		w.ended = nil
		var list struct{ Items []struct{ ID string } }
		if code, ok := w.ask(t, "GET", url+"/api/me/app-passwords", g.Access, nil, &list); !ok || code != 200 {
			t.Fatalf("%s: app passwords: %d", w.name, code)
		}
		there := map[string]bool{}
		for _, p := range list.Items {
			there[p.ID] = true
		}
		for id, want := range w.apps {
			if there[id] != want {
				t.Errorf("%s: app password %s is there: %v, which is not what was acknowledged", w.name, id, there[id])
			}
		}
		for _, p := range list.Items { // there can be 100 of them
			if code, ok := w.ask(t, "DELETE", url+"/api/me/app-passwords/"+p.ID, g.Access, nil, nil); !ok || code != 204 {
				t.Errorf("%s: remove: %d", w.name, code)
			}
		}
		w.apps = map[string]bool{}
	}
}
