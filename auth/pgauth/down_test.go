package pgauth_test

import (
	"context"
	"errors"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/pressmark/pressmark/auth"
	"github.com/pressmark/pressmark/auth/pgauth"
)

// TestDown: a server that cannot be reached is a reason to come again.
func TestDown(t *testing.T) {
	pool, err := pgxpool.New(t.Context(), "postgres://nobody@127.0.0.1:1/nothing?connect_timeout=2")
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	s := pgauth.New(pool, pgauth.Options{})
	for name, call := range map[string]func() error{
		"Find":   func() error { _, _, err := s.Find(t.Context(), "ada"); return err },
		"End":    func() error { return s.End(t.Context(), 1, "x") },
		"Record": func() error { return s.Record(t.Context(), auth.Event{}) },
	} {
		if err := call(); !errors.Is(err, auth.ErrUnavailable) {
			t.Errorf("%s: %v", name, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := s.Find(ctx, "ada"); errors.Is(err, auth.ErrUnavailable) || !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: %v", err)
	}
}
