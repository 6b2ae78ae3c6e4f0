package server

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// load keeps 32 connections to a server busy and watches its answers.
type load struct {
	requests, refused, broken atomic.Int64 // answers in all; of 5xx; requests without one
	first                     sync.Once    // the first that was refused or broke off
	client                    *http.Client
}

// connections is what the server is put under, pace the time between two
// requests of each: enough for the server to be busy, and to leave Calibre and
// the tests beside this one their share of a small machine. full is without it.
const (
	connections = 32
	pace        = 20 * time.Millisecond
)

// startLoad loads the server at url until the test ends.
func startLoad(t *testing.T, url string, full bool) *load {
	t.Helper()
	paths := []string{
		"/api/books?limit=50", "/api/books?limit=20&sort=-modified", "/api/books?sort=title&tags=Fiction", "/api/books/1",
		"/api/fields/tags/terms", "/api/authors", "/api/books?q=winter", "/api/files/cover/1?size=thumb", "/api/files/download/1/epub",
		"/api/health", "/api/fields", "/api/books?sort=authors,-published&limit=5",
	}
	transport := &http.Transport{MaxIdleConnsPerHost: connections + 1}
	l := &load{client: &http.Client{Transport: transport}}
	ctx, stop := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	for i := range connections {
		wg.Go(func() {
			ticker := time.NewTicker(pace)
			defer ticker.Stop()
			for n := i; ctx.Err() == nil; n++ {
				if !full {
					select {
					case <-ctx.Done():
					case <-ticker.C:
					}
				}
				l.ask(ctx, t, url+paths[n%len(paths)])
			}
		})
	}
	t.Cleanup(func() {
		stop()
		wg.Wait()
		transport.CloseIdleConnections()
		t.Logf("%d requests, %d answers of 5xx, %d without an answer", l.requests.Load(), l.refused.Load(), l.broken.Load())
		if l.requests.Load() == 0 || l.refused.Load() > 0 || l.broken.Load() > 0 {
			t.Error("the server did not bear the load")
		}
	})
	return l
}

func (l *load) ask(ctx context.Context, t *testing.T, url string) {
	status, body, err := fetch(ctx, l.client, url)
	switch {
	case ctx.Err() != nil:
		return
	case err != nil:
		l.broken.Add(1)
		l.first.Do(func() { t.Errorf("%s: %v", url, err) })
	case status >= 500:
		l.refused.Add(1)
		l.first.Do(func() { t.Errorf("%s: %d %s", url, status, body) })
	}
	l.requests.Add(1)
}

// get decodes the JSON answer to a path, which must be 200.
func (l *load) get(t *testing.T, url string, into any) {
	t.Helper()
	if err := l.decode(t.Context(), url, into); err != nil {
		t.Fatal(err)
	}
}

// decode is get for goroutines other than the test's.
func (l *load) decode(ctx context.Context, url string, into any) error {
	status, body, err := fetch(ctx, l.client, url)
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("status %d: %s", status, body)
	}
	if err == nil {
		err = json.Unmarshal(body, into)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", url, err)
	}
	return nil
}

// poll calls look every 20 ms until it returns true. It fails the test after
// the limit, which is not a promise of the server but the end of patience.
func poll(t *testing.T, limit time.Duration, what string, look func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for !look() {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			t.Fatalf("%s: not within %v", what, limit)
		}
	}
}
