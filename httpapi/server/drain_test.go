package server

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestStopGoesOnForAWhile takes requests after the server was told to stop: with
// readiness at 503, and each answer the last of its connection.
func TestStopGoesOnForAWhile(t *testing.T) {
	c := sampleConfig(t)
	c.ShutdownTimeout, c.ShutdownDelay = time.Minute, 59*time.Second
	s := open(t, c)
	ln, err := s.Listen(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, ln) }()
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	ask := func(path string) (status int, text string, closes bool) {
		t.Helper()
		res, err := client.Get(s.URL(ln) + path)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		var h struct{ Status string }
		if err := json.NewDecoder(res.Body).Decode(&h); err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, h.Status, res.Close
	}
	if status, text, closes := ask("/api/health/ready"); status != http.StatusOK || text != "ok" || closes {
		t.Errorf("before: %d %s, the connection ends: %v", status, text, closes)
	}
	stop()
	for status := http.StatusOK; status == http.StatusOK; { // until the server has noticed
		status, _, _ = ask("/api/health/ready")
	}
	for path, want := range map[string]int{"/api/health/ready": 503, "/api/health/live": 200, "/api/health": 200, "/api/books": 200} {
		status, text, closes := ask(path)
		if status != want || !closes || strings.HasPrefix(path, "/api/health") && path != "/api/health/live" && text != "stopping" {
			t.Errorf("%s: %d %q, the connection ends: %v", path, status, text, closes)
		}
	}
	ln.Close() // who cannot be reached has nothing to wait for
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// TestStopDelay tells the two times of a stop apart, on a clock that needs none.
func TestStopDelay(t *testing.T) {
	c := sampleConfig(t)
	s := open(t, c)
	synctest.Test(t, func(t *testing.T) {
		s.config.ShutdownTimeout, s.config.ShutdownDelay = 10*time.Second, 4*time.Second
		began := time.Now()
		if err := s.drain(t.Context(), &http.Server{}, nil, nil); err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took != 4*time.Second {
			t.Errorf("a server that is idle took %s to stop", took)
		}
		failed := make(chan error, 1)
		close(failed)
		began = time.Now()
		if err := s.drain(t.Context(), &http.Server{}, nil, failed); err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took != 0 {
			t.Errorf("a server that does not serve any more took %s to stop", took)
		}
	})
}

func TestStopDelayIsPartOfTheTimeout(t *testing.T) {
	for _, delay := range []time.Duration{10 * time.Second, time.Hour, -time.Second} {
		c := sampleConfig(t)
		c.ShutdownDelay = delay
		_, err := Open(t.Context(), c)
		if err == nil || !strings.Contains(err.Error(), "SHUTDOWN_DELAY: ") {
			t.Errorf("%s: %v", delay, err)
		}
	}
}
