package server

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// Limits on what a client may make the server wait for. readHeaderTimeout bounds
// the TLS handshake, too. Bodies are bounded by the API, and how slowly answers are
// taken by package conns.
const (
	readHeaderTimeout = 10 * time.Second
	idleTimeout       = 2 * time.Minute
	maxHeaderBytes    = 64 << 10
)

// Listen listens on Config.ListenAddr.
func (s *Server) Listen(ctx context.Context) (net.Listener, error) {
	var lc net.ListenConfig
	lc.SetMultipathTCP(false) // its sockets have no filters, see hush
	ln, err := lc.Listen(ctx, "tcp", s.config.ListenAddr)
	if err != nil {
		return nil, fmt.Errorf("LISTEN_ADDR %s: %w", s.config.ListenAddr, err)
	}
	return ln, nil
}

// URL is the address at which Serve answers on ln, without a slash at the end.
func (s *Server) URL(ln net.Listener) string {
	scheme := "http"
	if s.tls != nil {
		scheme = "https"
	}
	prefix, _ := prefixOf(s.config.BaseURL) // Open has checked it
	return scheme + "://" + ln.Addr().String() + prefix
}

// Serve answers requests from ln, and keeps the libraries current, until ctx
// ends. Then it stops as the package documentation says and returns nil; having
// to break answers off is not an error. It closes ln. A server is served once.
func (s *Server) Serve(ctx context.Context, ln net.Listener) error {
	metrics, err := s.listenMetrics(ctx)
	if err != nil {
		ln.Close()
		return err
	}
	// Requests and libraries go on while the server drains.
	work, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	following := make(chan struct{})
	go func() {
		defer close(following)
		_ = s.Run(work) // it ends only because work does
	}()
	defer func() { end(); <-following }()
	if metrics != nil {
		go s.serveMetrics(work, metrics)
	}

	srv := &http.Server{
		Handler:           s.handler,
		ReadHeaderTimeout: readHeaderTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		BaseContext:       func(net.Listener) context.Context { return work },
		ErrorLog:          log.New(connectionLog{s.log}, "", 0),
	}
	srv.RegisterOnShutdown(s.api.Close)
	srv.TLSConfig = s.tls
	srv.HTTP2 = streamLimits()
	bounded := s.bound(ln)
	s.log.Info("Serving", "url", s.URL(ln), "libraries", len(s.libraries), "version", s.config.Version)

	if err := s.showSetup(ctx, ln); err != nil {
		ln.Close()
		return err
	}

	stopped := make(chan error, 1)
	go func() {
		if s.tls != nil {
			stopped <- srv.ServeTLS(bounded, "", "")
			return
		}
		stopped <- srv.Serve(bounded)
	}()
	select {
	case err := <-stopped:
		return fmt.Errorf("serve %s: %w", ln.Addr(), err)
	case <-ctx.Done():
	}
	return s.drain(work, srv, ln, stopped)
}

// drain stops srv. For a while it still takes requests, as those who send them
// need time to notice; then it lets what is being answered finish. failed is
// where srv says that it cannot take any more from ln.
func (s *Server) drain(ctx context.Context, srv *http.Server, ln net.Listener, failed <-chan error) error {
	s.log.Info("Stopping", "delay", max(0, s.config.ShutdownDelay), "wait", max(0, s.config.ShutdownTimeout))
	s.api.Drain()
	ctx, cancel := context.WithTimeout(ctx, s.config.ShutdownTimeout)
	defer cancel()
	if s.config.ShutdownDelay > 0 {
		awaitOr(s.config.ShutdownDelay, failed)
		if hush(ln) == nil { // elsewhere there is nothing better than to close it
			awaitOr(hushTime, failed)
		}
	}
	err := srv.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		s.log.Warn("Broke off what took too long to finish")
		err = srv.Close()
	}
	if err != nil {
		return fmt.Errorf("stop serving: %w", err)
	}
	return nil
}

// hushTime is enough for the connections that have begun to be accepted.
const hushTime = 100 * time.Millisecond

// awaitOr waits for a time, or until there is nothing to wait for.
func awaitOr(d time.Duration, over <-chan error) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-over:
	}
}

// connectionLog takes the lines that net/http writes about connections.
type connectionLog struct{ log *slog.Logger }

// Write logs one line. What clients do (scan for TLS, go away while they are
// answered, so that a layer above sets a status too late) is nothing that an
// operator could act on.
func (l connectionLog) Write(line []byte) (int, error) {
	level := slog.LevelWarn
	if bytes.Contains(line, []byte("TLS handshake error")) || bytes.Contains(line, []byte("superfluous response.WriteHeader")) {
		level = slog.LevelDebug
	}
	l.log.Log(context.Background(), level, "Connection trouble", "err", string(bytes.TrimSpace(line)))
	return len(line), nil
}
