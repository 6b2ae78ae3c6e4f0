package drivetest

import (
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"time"
)

// Server is a [Drive] on a port of this machine.
type Server struct {
	// URL is its address, such as "http://127.0.0.1:40001". The API's base path for
	// option.WithEndpoint is this, or this and "/drive/v3/".
	URL string

	server http.Server
	done   chan struct{}
	busy   sync.WaitGroup
}

// Serve listens on a port of 127.0.0.1, until [Server.Close].
func (d *Drive) Serve() (*Server, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("drivetest: %w", err)
	}
	s := &Server{URL: "http://" + l.Addr().String(), done: make(chan struct{})}
	h := d.Handler()
	s.server.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.busy.Add(1)
		defer s.busy.Done()
		h.ServeHTTP(w, r)
	})
	s.server.ReadHeaderTimeout = time.Minute
	s.server.ErrorLog = log.New(io.Discard, "", 0) // clients that go away are what is wanted
	go func() {
		defer close(s.done)
		_ = s.server.Serve(l) // until Close
	}()
	return s, nil
}

// Close breaks off what is under way, and waits for it to end.
func (s *Server) Close() error {
	err := s.server.Close()
	<-s.done
	s.busy.Wait()
	return err
}

// TB is what [Drive.Start] needs of a *testing.T, B or F.
type TB interface {
	Cleanup(func())
	Fatal(...any)
	Helper()
}

// Start serves d until the test ends, and returns its address.
func (d *Drive) Start(tb TB) (url string) {
	tb.Helper()
	s, err := d.Serve()
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = s.Close() })
	return s.URL
}
