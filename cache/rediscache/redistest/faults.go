package redistest

import (
	"context"
	"io"
	"testing"
	"time"

	"github.com/testcontainers/testcontainers-go/exec"
)

// Stop shuts the server down, which loses what it has.
func (s *Server) Stop(tb testing.TB) {
	tb.Helper()
	s.Exec(tb, "touch /tmp/down; redis-cli shutdown nosave; true")
}

// Restart starts it after Stop, or shuts it down and starts it.
func (s *Server) Restart(tb testing.TB) {
	tb.Helper()
	s.Exec(tb, "redis-cli shutdown nosave; rm -f /tmp/down; until redis-cli ping; do sleep 0.05; done")
}

// Freeze stops the server by SIGSTOP: it is there, and does not answer.
func (s *Server) Freeze(tb testing.TB) {
	tb.Helper()
	s.Exec(tb, "kill -STOP $(pidof redis-server)")
}

// Thaw lets it go on.
func (s *Server) Thaw(tb testing.TB) {
	tb.Helper()
	s.Exec(tb, "kill -CONT $(pidof redis-server)")
}

// Exec runs a shell command next to the server and returns what it prints.
func (s *Server) Exec(tb testing.TB, command string) string {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	code, out, err := s.container.Exec(ctx, []string{"sh", "-c", command}, exec.Multiplexed())
	if err != nil {
		tb.Fatal(err)
	}
	text, err := io.ReadAll(out)
	if err != nil || code != 0 {
		tb.Fatalf("%s: exit code %d: %s: %v", command, code, text, err)
	}
	return string(text)
}
