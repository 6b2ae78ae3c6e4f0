package httpapi_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pressmark/pressmark/httpapi"
	"github.com/pressmark/pressmark/storage"
	"github.com/pressmark/pressmark/storage/memstore"
)

// watchedListener hands out connections that note what is sent with sendfile
// and which deadlines are set.
type watchedListener struct {
	net.Listener
	files     atomic.Int64 // bytes asked for in the shape that sendfile takes
	others    atomic.Int64 // calls of ReadFrom in another shape
	mu        sync.Mutex
	deadlines []time.Time
}

func (l *watchedListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &watchedConn{c.(*net.TCPConn), l}, nil
}

type watchedConn struct {
	*net.TCPConn
	l *watchedListener
}

// ReadFrom is what net/http calls with the file; *net.TCPConn uses sendfile
// for exactly this shape (net/sendfile.go).
func (c *watchedConn) ReadFrom(r io.Reader) (int64, error) {
	if lim, ok := r.(*io.LimitedReader); ok {
		if _, ok := lim.R.(*os.File); ok {
			c.l.files.Add(lim.N)
			return c.TCPConn.ReadFrom(r)
		}
	}
	c.l.others.Add(1)
	return c.TCPConn.ReadFrom(r)
}

func (c *watchedConn) SetWriteDeadline(t time.Time) error {
	c.l.mu.Lock()
	c.l.deadlines = append(c.l.deadlines, t)
	c.l.mu.Unlock()
	return c.TCPConn.SetWriteDeadline(t)
}

func serveWatched(t testing.TB, h http.Handler) (*httptest.Server, *watchedListener) {
	srv := httptest.NewUnstartedServer(h)
	l := &watchedListener{Listener: srv.Listener}
	srv.Listener = l
	srv.Config.WriteTimeout = time.Hour
	srv.Start()
	t.Cleanup(srv.Close)
	return srv, l
}

func TestDownloadUsesSendfile(t *testing.T) {
	s, _ := tideShelf(t)
	content := noise(1<<20 + 123)
	s.write(tideEPUB, content)
	srv, l := serveWatched(t, s.api)
	res, err := http.Get(srv.URL + tideURL)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if got := drain(t, res.Body); got != string(content) {
		t.Fatalf("%d bytes, want %d", len(got), len(content))
	}
	// net/http itself copies the first 512 bytes, with the header.
	if l.files.Load() < int64(len(content))-512 || l.others.Load() != 0 {
		t.Errorf("%d of %d bytes went as a file, and %d other calls", l.files.Load(), len(content), l.others.Load())
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	// The server's own hour, and nothing else: how slow a client may be is seen to
	// by the owner of the connection (package conns).
	for _, d := range l.deadlines {
		if left := time.Until(d); !d.IsZero() && left < 50*time.Minute {
			t.Errorf("write deadlines %v", l.deadlines)
		}
	}
}

// cutOff is a store whose objects break off after some bytes.
type cutOff struct {
	storage.Store
	after int64
	err   error
}

func (f *cutOff) Open(ctx context.Context, key string, r storage.Range) (io.ReadCloser, storage.Info, error) {
	rc, info, err := f.Store.Open(ctx, key, r)
	if err != nil {
		return nil, info, err
	}
	return struct {
		io.Reader
		io.Closer
	}{io.MultiReader(io.LimitReader(rc, f.after), failingReader{f.err}), rc}, info, nil
}

type failingReader struct{ err error }

func (b failingReader) Read([]byte) (int, error) { return 0, b.err }

// remoteShelf has book 1 in a store whose objects are no files.
func remoteShelf(t testing.TB, content []byte, wrap func(storage.Store) storage.Store) *httpapi.API {
	t.Helper()
	store := memstore.New(memstore.Options{})
	for key, content := range map[string][]byte{tideEPUB: content, tideFolder + "/cover.jpg": jpegOf(t, 600, 800)} {
		if _, err := store.Put(context.Background(), key, bytes.NewReader(content), storage.PutOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	s := newShelf(t, tide(tideFolder))
	a, err := httpapi.New(httpapi.Options{
		PublicRead: true, Logger: slog.New(slog.DiscardHandler),
		Libraries: []httpapi.Library{{Name: "main", Catalog: s.live, Files: wrap(store)}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func noWrapper(s storage.Store) storage.Store { return s }

func TestDownloadFromStore(t *testing.T) {
	content := noise(3 << 20)
	a := remoteShelf(t, content, noWrapper)
	srv, _ := serveWatched(t, a)
	for rng, want := range map[string][]byte{"": content, "bytes=2097152-": content[2<<20:], "bytes=-1": content[len(content)-1:]} {
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, srv.URL+tideURL, nil)
		if rng != "" {
			req.Header.Set("Range", rng)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		if got := drain(t, res.Body); got != string(want) {
			t.Errorf("Range %q gives %d bytes, want %d", rng, len(got), len(want))
		}
		res.Body.Close()
	}
	if w := do(a, http.MethodHead, tideURL); w.Code != 200 || w.Body.Len() != 0 {
		t.Errorf("HEAD is %d with %d bytes", w.Code, w.Body.Len())
	}
}

// A store that fails at once is answered with a problem; one that fails later
// breaks the connection off, so that nobody takes the part for the whole.
func TestDownloadFromFailingStore(t *testing.T) {
	content := noise(1 << 20)
	fail := &cutOff{err: storage.ErrUnavailable}
	a := remoteShelf(t, content, func(s storage.Store) storage.Store { fail.Store = s; return fail })
	for _, rng := range []string{"bytes=0-", "bytes=5-9", ""} {
		w := get(a, tideURL, "Range", rng)
		if rng == "" {
			w = get(a, tideURL)
		}
		wantProblem(t, w, http.StatusServiceUnavailable, "")
		if w.Header().Get("Etag") != "" || w.Header().Get("Content-Disposition") != "" {
			t.Errorf("headers of the file on a problem: %v", w.Header())
		}
	}
	wantProblem(t, get(a, "/api/files/cover/1"), http.StatusServiceUnavailable, "")
	wantProblem(t, get(a, "/api/files/cover/1?size=small&placeholder=true"), http.StatusServiceUnavailable, "")

	fail.after = 1000_000
	srv, _ := serveWatched(t, a)
	res, err := http.Get(srv.URL + tideURL)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if n, err := io.Copy(io.Discard, res.Body); err == nil || n > fail.after {
		t.Errorf("%d bytes, %v: want the connection broken off", n, err)
	}

	fail.after, fail.err = int64(len(content)), errors.New("an error behind the end is nobody's")
	wantBody(t, a, tideURL, content)
}

func drain(tb testing.TB, r io.Reader) string {
	tb.Helper()
	b, err := io.ReadAll(r)
	if err != nil {
		tb.Fatal(err)
	}
	return string(b)
}
