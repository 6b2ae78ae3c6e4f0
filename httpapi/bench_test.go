package httpapi_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pressmark/pressmark/auth"
	"github.com/pressmark/pressmark/cache"
	"github.com/pressmark/pressmark/cache/ristrettocache"
	"github.com/pressmark/pressmark/httpapi"
)

// The benchmarks send requests through net/http's server over a connection
// that lives in memory: no client, no system calls. Each stands beside a bare
// handler that writes the same bytes, so the ratio of both is the least that
// a real network shows. They use 100,000 books.

// loop is a connection on which the same few requests arrive again and again
// until n have come; answers are counted, not kept.
type loop struct {
	requests [][]byte
	n, next  int
	rest     []byte
	written  atomic.Int64
	done     chan struct{}
}

func (l *loop) Read(p []byte) (int, error) {
	if len(l.rest) == 0 {
		if l.next == l.n {
			return 0, io.EOF
		}
		l.rest = l.requests[l.next%len(l.requests)]
		l.next++
	}
	n := copy(p, l.rest)
	l.rest = l.rest[n:]
	return n, nil
}

func (l *loop) Write(p []byte) (int, error)      { l.written.Add(int64(len(p))); return len(p), nil }
func (l *loop) Close() error                     { close(l.done); return nil }
func (l *loop) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (l *loop) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
func (l *loop) SetDeadline(time.Time) error      { return nil }
func (l *loop) SetReadDeadline(time.Time) error  { return nil }
func (l *loop) SetWriteDeadline(time.Time) error { return nil }

// once is a listener with one connection.
type once struct{ conns chan net.Conn }

func (o once) Accept() (net.Conn, error) {
	c, ok := <-o.conns
	if !ok {
		return nil, net.ErrClosed
	}
	return c, nil
}
func (o once) Close() error   { return nil }
func (o once) Addr() net.Addr { return &net.TCPAddr{} }

// run measures h answering the requests in turn.
func run(b *testing.B, h http.Handler, requests ...string) {
	b.ReportAllocs()
	l := &loop{n: b.N, done: make(chan struct{})}
	for _, r := range requests {
		l.requests = append(l.requests, []byte(r))
	}
	conns := make(chan net.Conn, 1)
	srv := &http.Server{Handler: h}
	go srv.Serve(once{conns})
	b.ResetTimer()
	conns <- l
	<-l.done
	b.StopTimer()
	close(conns)
	b.SetBytes(l.written.Load() / int64(b.N))
}

func request(path string, header string) string {
	return "GET " + path + " HTTP/1.1\r\nHost: localhost:8000\r\nUser-Agent: bench\r\n" + header + "\r\n"
}

// bare is the handler that everything is compared with.
func bare(body []byte) http.Handler {
	length := strconv.Itoa(len(body))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", length)
		w.Write(body)
	})
}

// pair runs a benchmark for the API and for a bare handler that writes what
// the API answers to the first request.
func pair(b *testing.B, a *httpapi.API, paths []string, header string) {
	w := get(a, paths[0])
	if w.Code != http.StatusOK {
		b.Fatal(w.Body)
	}
	full := bytes.Clone(w.Body.Bytes())
	var requests []string
	for _, p := range paths {
		requests = append(requests, request(p, header))
	}
	b.Run("bare", func(b *testing.B) { run(b, bare(full), requests...) })
	b.Run("ours", func(b *testing.B) { run(b, a, requests...) })
}

const benchBooks = 100_000

// benchAPI makes an API over 100,000 books, which keeps answers for ttl.
func benchAPI(b *testing.B, ttl time.Duration) *httpapi.API {
	local, err := ristrettocache.New(ristrettocache.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(local.Close)
	a, live := newAPI(b, func(o *httpapi.Options) {
		o.Cache, o.CacheTTL = cache.New(cache.Options{Local: local}), ttl
	})
	live.set(makeIndex(b, "main", "", benchBooks))
	return a
}

func BenchmarkBooksCached(b *testing.B) {
	pair(b, benchAPI(b, 0), []string{"/api/books?sort=-added&limit=50"}, "")
}

// BenchmarkBooksUncached asks for 14,000 different pages of about 2,000
// selected books.
// BenchmarkBooksKnown is BenchmarkBooksCached asked by a user with a token.
func BenchmarkBooksKnown(b *testing.B) {
	d := newDoor(b)
	a, live := newAPI(b, d.option)
	live.set(makeIndex(b, "main", "", 1000))
	token := d.login(b, auth.Rule{})
	header := "Authorization: Bearer " + token + "\r\n"
	for range 3 {
		get(a, "/api/books?limit=50", bearer(token)...)
		get(a, "/api/books?limit=50")
	}
	known, open := request("/api/books?limit=50", header), request("/api/books?limit=50", "")
	body := []byte("x")
	b.Run("bare", func(b *testing.B) { run(b, bare(body), known) })
	b.Run("bare, open", func(b *testing.B) { run(b, bare(body), open) })
	b.Run("ours", func(b *testing.B) { run(b, a, known) })
	b.Run("ours, open", func(b *testing.B) { run(b, a, open) })
}

func BenchmarkBooksUncached(b *testing.B) {
	var paths []string
	for i := range 97 {
		for j := range i {
			for _, sort := range []string{"-added", "title", "authors,title"} {
				paths = append(paths, fmt.Sprintf("/api/books?tags=Tag+%d&tags=Tag+%d&sort=%s&limit=50", i, j, sort))
			}
		}
	}
	pair(b, benchAPI(b, -1), paths, "")
}

func Benchmark304(b *testing.B) {
	a := benchAPI(b, 0)
	path := "/api/books?sort=-added&limit=50"
	tag := get(a, path).Header().Get("Etag")
	pair(b, a, []string{path}, "If-None-Match: "+tag+"\r\n")
}

func BenchmarkBook(b *testing.B) {
	var paths []string
	for i := range 20_000 {
		paths = append(paths, "/api/books/"+strconv.Itoa(i*5+1))
	}
	b.Run("cached", func(b *testing.B) { pair(b, benchAPI(b, 0), paths[:1], "") })
	b.Run("uncached", func(b *testing.B) { pair(b, benchAPI(b, -1), paths, "") })
}

func BenchmarkTerms(b *testing.B) {
	var paths []string
	for _, field := range []string{"authors", "tags", "publishers", "series"} {
		for _, sort := range []string{"name", "-name", "count", "-count"} {
			for limit := 40; limit <= 60; limit++ {
				paths = append(paths, fmt.Sprintf("/api/%s?sort=%s&limit=%d", field, sort, limit))
			}
		}
	}
	b.Run("cached", func(b *testing.B) { pair(b, benchAPI(b, 0), paths[:1], "") })
	b.Run("uncached", func(b *testing.B) { pair(b, benchAPI(b, -1), paths, "") })
}
