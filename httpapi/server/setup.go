package server

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/url"
	"strings"

	"github.com/pressmark/pressmark/auth"
	"github.com/pressmark/pressmark/httpapi"
)

// showSetup logs the link with which the first admin can be made, if there are
// no users. Servers on one database with one key show the same.
func (s *Server) showSetup(ctx context.Context, ln net.Listener) error {
	token, expires, err := s.logins.OpenSetup(ctx)
	if errors.Is(err, auth.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	level := slog.LevelWarn
	if s.config.PublicRead { // nobody is kept out
		level = slog.LevelInfo
	}
	s.log.Log(ctx, level, "There are no users. Make the first admin at this address, or by \"pressmark user create --admin\"",
		"url", openly(s.publicURL(ln)+httpapi.SetupPath+"#token="+token), "until", expires.Local())
	return nil
}

// publicURL is the address that a person on this machine can open.
func (s *Server) publicURL(ln net.Listener) string {
	if s.config.BaseURL != "" {
		return strings.TrimRight(s.config.BaseURL, "/")
	}
	u, err := url.Parse(s.URL(ln))
	if err != nil {
		return s.URL(ln)
	}
	if ip := net.ParseIP(u.Hostname()); ip != nil && ip.IsUnspecified() {
		u.Host = net.JoinHostPort("localhost", u.Port())
	}
	return u.String()
}
