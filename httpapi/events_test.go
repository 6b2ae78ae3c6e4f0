package httpapi_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pressmark/pressmark/catalog"
	"github.com/pressmark/pressmark/httpapi"
	"github.com/pressmark/pressmark/storage/memstore"
)

// stream is an event stream that a handler writes in a goroutine.
type stream struct {
	mu     sync.Mutex
	text   bytes.Buffer
	header http.Header
	status int
	cancel context.CancelFunc
	done   chan struct{}
}

func (s *stream) Header() http.Header { return s.header }
func (s *stream) WriteHeader(c int)   { s.status = c }
func (s *stream) Flush()              {}
func (s *stream) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(b)
}

// take returns what was written since the last call.
func (s *stream) take() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.text.Reset()
	return s.text.String()
}

// listen opens a stream and waits until it waits for events. It must run in a
// synctest bubble, which also fails if a goroutine is left behind.
func listen(a http.Handler, query, last string) *stream {
	ctx, cancel := context.WithCancel(context.Background())
	r := httptest.NewRequest(http.MethodGet, "/api/events"+query, nil).WithContext(ctx)
	if last != "" {
		r.Header.Set("Last-Event-ID", last)
	}
	s := &stream{header: http.Header{}, cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(s.done)
		a.ServeHTTP(s, r)
	}()
	synctest.Wait()
	return s
}

func (s *stream) end() {
	s.cancel()
	<-s.done
}

const opening = ": stream of catalog changes\nretry: 3000\n\n"

func TestEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, live := newAPI(t)
		more := makeIndex(t, "main", "", 61)
		rev, _ := more.Revision(t.Context())
		s := listen(a, "", "")
		if s.status != http.StatusOK || s.header.Get("Content-Type") != "text/event-stream" || s.take() != opening {
			t.Fatalf("the stream does not open: %d %v", s.status, s.header)
		}
		live.swap(more)
		synctest.Wait()
		want := fmt.Sprintf("event: catalog\nid: %s\ndata: {\"library\":\"main\",\"revision\":\"%s\",\"added\":[61],\"changed\":[],\"removed\":[],\"more\":false}\n\n", rev.Digest, rev.Digest)
		if got := s.take(); got != want {
			t.Errorf("event is %q, want %q", got, want)
		}
		live.swap(makeIndex(t, "main", "", 300)) // more than an event names
		synctest.Wait()
		if got := s.take(); !strings.Contains(got, ",160,161],") || strings.Contains(got, ",162") || !strings.Contains(got, `"more":true`) {
			t.Errorf("event is %q", got)
		}
		for range 3 {
			time.Sleep(15 * time.Second) // of the bubble's clock
			synctest.Wait()
			if got := s.take(); got != ":\n\n" {
				t.Errorf("after 15 s of silence: %q", got)
			}
		}
		s.end()
	})
}

func TestEventsResume(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, live := newAPI(t)
		rev := live.Status().Revision.Digest
		s := listen(a, "?library=main", rev)
		if got := s.take(); got != opening {
			t.Errorf("with the current revision: %q", got)
		}
		s.end()
		s = listen(a, "", "old")
		want := fmt.Sprintf("event: catalog\nid: %s\ndata: {\"library\":\"main\",\"revision\":\"%s\",\"added\":[],\"changed\":[],\"removed\":[],\"more\":true}\n\n", rev, rev)
		if got := s.take(); got != opening+want {
			t.Errorf("with an old revision: %q", got)
		}
		s.end()
	})
}

func TestEventsOfLibraries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		comics := newSwapping(makeIndex(t, "comics", "", 1))
		a, live := newAPI(t, func(o *httpapi.Options) {
			o.Libraries = append(o.Libraries, httpapi.Library{Name: "comics", Catalog: comics, Files: memstore.New(memstore.Options{})})
		})
		all, one := listen(a, "", ""), listen(a, "?library=comics", "")
		all.take()
		one.take()
		live.swap(makeIndex(t, "main", "", 61))
		synctest.Wait()
		if x, y := all.take(), one.take(); !strings.Contains(x, `"library":"main"`) || y != "" {
			t.Errorf("a change of main: %q and %q", x, y)
		}
		comics.swap(makeIndex(t, "comics", "", 2))
		synctest.Wait()
		if x, y := all.take(), one.take(); !strings.Contains(x, `"library":"comics"`) || x != y {
			t.Errorf("a change of comics: %q and %q", x, y)
		}
		all.end()
		one.end()
	})
}

// TestEventsEnd checks the bound on streams, and that Close ends them.
func TestEventsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, _ := newAPI(t, func(o *httpapi.Options) { o.MaxEventStreams = 2 })
		one, two := listen(a, "", ""), listen(a, "", "")
		wantProblem(t, get(a, "/api/events"), http.StatusServiceUnavailable, "")
		one.end()
		three := listen(a, "", "")
		a.Close()
		a.Close()
		<-two.done
		<-three.done
		if w := get(a, "/api/events"); w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
			t.Errorf("after Close: %d", w.Code)
		}
		if w := get(a, "/api/books"); w.Code != http.StatusOK {
			t.Errorf("after Close a page of books is %d", w.Code)
		}
	})
}

// TestEventsServer opens and ends streams of a real server; TestMain looks for
// goroutines that they leave behind.
func TestEventsServer(t *testing.T) {
	a, live := newAPI(t)
	srv := httptest.NewUnstartedServer(a)
	srv.Config.WriteTimeout = 50 * time.Millisecond // streams outlive it
	srv.Config.RegisterOnShutdown(a.Close)
	srv.Start()
	defer srv.Close()
	res, err := srv.Client().Get(srv.URL + "/api/events")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	buf := make([]byte, 4096)
	n, err := res.Body.Read(buf) // there is a body at once
	if err != nil || !strings.HasPrefix(string(buf[:n]), ": ") {
		t.Fatalf("%q, %v", buf[:n], err)
	}
	live.swap(makeIndex(t, "main", "", 61))
	for !strings.Contains(string(buf[:n]), "event: catalog") {
		m, err := res.Body.Read(buf[n:])
		if err != nil {
			t.Fatal(err)
		}
		n += m
	}
	if err := srv.Config.Shutdown(t.Context()); err != nil {
		t.Errorf("shutdown waits for a stream: %v", err)
	}
}

func TestHealth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		check := httpapi.CheckResult{Status: "ok", Since: time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)}
		a, live := newAPI(t, func(o *httpapi.Options) {
			o.Checks = []httpapi.Check{{Name: "redis", Run: func() httpapi.CheckResult { return check }}}
		})
		rev := live.Status().Revision
		time.Sleep(12300 * time.Millisecond) // of the bubble's clock
		library := fmt.Sprintf(`"libraries":[{"name":"main","uuid":"uuid-of-main","revision":"%s","books":60,"age_seconds":12.3,"watching":true,"problem":null}]`, rev.Digest)
		for path, want := range map[string]string{
			"/api/health":       `{"status":"ok","version":"test",` + library + `,"checks":[{"name":"redis","status":"ok","since":"2024-01-01T00:00:00Z","detail":null}]}`,
			"/api/health/ready": `{"status":"ok","version":"test",` + library + `}`,
			"/api/health/live":  `{"status":"ok","version":"test"}`,
		} {
			w := get(a, path)
			if w.Code != http.StatusOK || w.Body.String() != want || w.Header().Get("Cache-Control") != "no-store" {
				t.Errorf("%s: %d\n got %s\nwant %s", path, w.Code, w.Body, want)
			}
			if h := do(a, http.MethodHead, path); h.Code != http.StatusOK || h.Body.Len() != 0 {
				t.Errorf("HEAD %s: %d", path, h.Code)
			}
		}

		check = httpapi.CheckResult{Status: "degraded", Detail: "refused"}
		if w := get(a, "/api/health"); w.Code != 200 || !strings.Contains(w.Body.String(), `{"status":"degraded"`) || !strings.Contains(w.Body.String(), `"since":null,"detail":"refused"`) {
			t.Errorf("with a check that is degraded: %d %s", w.Code, w.Body)
		}
		check = httpapi.CheckResult{Status: "off"}

		// The library cannot be read any more: still ready, and says why.
		st := live.Status()
		st.Problem = fmt.Errorf("metadata.db is locked")
		live.status.Store(&st)
		for _, path := range []string{"/api/health", "/api/health/ready"} {
			if w := get(a, path); w.Code != 200 || !strings.Contains(w.Body.String(), `{"status":"degraded"`) || !strings.Contains(w.Body.String(), `"problem":"metadata.db is locked"`) {
				t.Errorf("%s with a problem: %d %s", path, w.Code, w.Body)
			}
		}

		// Before the first load.
		live.set(nil)
		for path, code := range map[string]int{"/api/health": 503, "/api/health/ready": 503, "/api/health/live": 200} {
			w := get(a, path)
			if w.Code != code || code == 503 && !strings.Contains(w.Body.String(), `{"status":"starting"`) {
				t.Errorf("%s before the first load: %d %s", path, w.Code, w.Body)
			}
		}
		w := get(a, "/api/books")
		wantProblem(t, w, 503, "")
		if w.Header().Get("Retry-After") == "" {
			t.Error("no Retry-After before the first load")
		}
	})
}

// TestHealthOfFixed asks about a library that cannot change.
func TestHealthOfFixed(t *testing.T) {
	a, _ := newAPI(t, func(o *httpapi.Options) { o.Libraries[0].Catalog = makeIndex(t, "main", "", 3) })
	if w := get(a, "/api/health"); w.Code != 200 || !strings.Contains(w.Body.String(), `"books":3,"age_seconds":0,"watching":false,"problem":null`) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

var _ catalog.Live = (*swapping)(nil)
