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

func TestRoles(t *testing.T) {
	authtest.Roles(t, func(*testing.T) authtest.All { return new(memauth.Store) })
}

func TestChanges(t *testing.T) {
	authtest.Changes(t, func(*testing.T) (writer, watcher authtest.All) {
		s := new(memauth.Store)
		return s, s
	})
}
