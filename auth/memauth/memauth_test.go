package memauth_test

import (
	"testing"

	"github.com/pressmark/pressmark/auth"
	"github.com/pressmark/pressmark/auth/authtest"
	"github.com/pressmark/pressmark/auth/memauth"
)

func TestUsers(t *testing.T) {
	authtest.Users(t, func(*testing.T) auth.Users { return new(memauth.Store) })
}

func TestSessions(t *testing.T) {
	authtest.Sessions(t, func(*testing.T) authtest.Store { return new(memauth.Store) })
}
