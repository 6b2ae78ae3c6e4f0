package server

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pressmark/pressmark/auth"
	"github.com/pressmark/pressmark/catalog/calibre/calibretest"
	"github.com/pressmark/pressmark/migrations/migrationstest"
)

// silencer passes bytes on between clients and a server, or holds them all back,
// as a frozen server does whose kernel still accepts connections.
type silencer struct {
	ln     net.Listener
	server string
	wg     sync.WaitGroup

	mu    sync.Mutex
	flows chan struct{} // closed while bytes pass
	conns []net.Conn
}

func newSilencer(t *testing.T, server string) *silencer {
	t.Helper()
	var lc net.ListenConfig
	ln, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &silencer{ln: ln, server: server, flows: make(chan struct{})}
	close(s.flows)
	s.wg.Go(s.accept)
	t.Cleanup(func() {
		ln.Close()
		s.mu.Lock()
		for _, c := range s.conns {
			c.Close()
		}
		s.mu.Unlock()
		s.wg.Wait()
	})
	return s
}

func (s *silencer) accept() {
	for {
		client, err := s.ln.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", s.server)
		if err != nil {
			client.Close()
			continue
		}
		s.mu.Lock()
		s.conns = append(s.conns, client, server)
		s.mu.Unlock()
		s.wg.Go(func() { s.pass(client, server) })
		s.wg.Go(func() { s.pass(server, client) })
	}
}

func (s *silencer) pass(from, to net.Conn) {
	defer to.Close()
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		s.mu.Lock()
		flows := s.flows
		s.mu.Unlock()
		<-flows
		if n > 0 {
			if _, err := to.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

func (s *silencer) freeze() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.flows = make(chan struct{})
}

func (s *silencer) thaw() {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.flows)
}

// TestPostgresFrozen: a PostgreSQL that takes everything and says nothing costs
// nobody more than a few seconds: what needs it is 503 long before the time of a
// request is over, what does not is served, and all is as before when it is back.
func TestPostgresFrozen(t *testing.T) {
	t.Parallel()
	at, err := url.Parse(migrationstest.URL(migrationstest.Postgres(t)))
	if err != nil {
		t.Fatal(err)
	}
	between := newSilencer(t, at.Host)
	at.Host = between.ln.Addr().String()
	s, base := servingAt(t, Config{
		Libraries: []Library{{Path: calibretest.Sample(t)}}, DataDir: t.TempDir(), ListenAddr: "127.0.0.1:0", DatabaseURL: at.String(),
		Argon2Memory: 8 << 20, Argon2Time: 1, Logger: slog.New(slog.DiscardHandler),
	})
	if _, err := s.logins.Create(t.Context(), 0, auth.User{Email: "bob@example.com", Username: "bob", Role: auth.Reader}, "correct horse", auth.Client{}); err != nil {
		t.Fatal(err)
	}
	var bob struct {
		Token string `json:"access_token"`
	}
	_, text := status(t, "POST", base+"/api/auth/login", `{"username": "bob", "password": "correct horse"}`)
	if err := json.Unmarshal([]byte(text), &bob); err != nil || bob.Token == "" {
		t.Fatalf("%s, %v", text, err)
	}
	var page struct{ Items []struct{ UUID string } }
	_, text = status(t, "GET", base+"/api/books", "", "Authorization", "Bearer "+bob.Token)
	if err := json.Unmarshal([]byte(text), &page); err != nil || len(page.Items) == 0 {
		t.Fatalf("%s, %v", text, err)
	}
	// mark sets a mark of a book, in the time that clients have patience for.
	mark := func(ctx context.Context, book int) (code int, later string, err error) {
		ctx, cancel := context.WithTimeout(ctx, 20*time.Second) // of the 30 of a request
		defer cancel()
		r, err := http.NewRequestWithContext(ctx, http.MethodPut, base+"/api/me/favorites/"+page.Items[book].UUID, strings.NewReader(""))
		if err != nil {
			return 0, "", err
		}
		r.Header.Set("Authorization", "Bearer "+bob.Token)
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			return 0, "", err
		}
		return res.StatusCode, res.Header.Get("Retry-After"), res.Body.Close()
	}
	if code, _, err := mark(t.Context(), 0); err != nil || code/100 != 2 {
		t.Fatal(code, err)
	}

	between.freeze()
	var wg sync.WaitGroup
	for i := range 2 * defaultPool {
		wg.Go(func() {
			if code, later, err := mark(t.Context(), i%len(page.Items)); code != http.StatusServiceUnavailable || later == "" {
				t.Errorf("while PostgreSQL is frozen: %d, Retry-After %q, %v", code, later, err)
			}
		})
	}
	wg.Wait()
	health := func() string {
		_, text := status(t, "GET", base+"/api/health", "")
		return text
	}
	if text := health(); !strings.Contains(text, "database does not answer") {
		t.Errorf("health says %s", text)
	}
	if code, text := status(t, "GET", base+"/api/books?sort=title", "", "Authorization", "Bearer "+bob.Token); code != http.StatusOK {
		t.Errorf("the catalog meanwhile: %d %s", code, text)
	}
	if code, text := status(t, "POST", base+"/api/auth/login", `{"username": "bob", "password": "correct horse"}`); code != http.StatusServiceUnavailable {
		t.Errorf("a login meanwhile: %d %s", code, text)
	}

	between.thaw()
	within(t, "marks are kept again", func() bool { code, _, _ := mark(t.Context(), 1); return code/100 == 2 })
	within(t, "health", func() bool { return !strings.Contains(health(), "does not answer") })
	_, text = status(t, "GET", fmt.Sprintf("%s/api/me/books?books=%s,%s", base, page.Items[0].UUID, page.Items[1].UUID), "", "Authorization", "Bearer "+bob.Token)
	if strings.Count(text, "favorite") < 2 {
		t.Errorf("afterwards there is %s", text)
	}
}
