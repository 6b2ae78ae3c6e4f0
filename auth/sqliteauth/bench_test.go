package sqliteauth_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/pressmark/pressmark/auth"
	"github.com/pressmark/pressmark/auth/sqliteauth"
)

// BenchmarkLogin is what a login costs beside the hash of the password.
func BenchmarkLogin(b *testing.B) {
	s := sqliteauth.New(open(b), sqliteauth.Options{})
	instant := func(context.Context, auth.Derivation) ([]byte, error) { return make([]byte, 32), nil }
	passwords, err := auth.NewPasswords(auth.PasswordOptions{Derive: instant})
	if err != nil {
		b.Fatal(err)
	}
	tokens, err := auth.NewTokens(auth.TokenOptions{Key: make([]byte, 32)})
	if err != nil {
		b.Fatal(err)
	}
	l := auth.NewLogins(auth.LoginOptions{Users: s, Sessions: s, AppPasswords: s, Attempts: s, Audit: s, Passwords: passwords, Tokens: tokens})
	const users = 50
	for i := range users {
		u := auth.User{Email: fmt.Sprintf("user%d@example.com", i), Username: fmt.Sprint("user", i), Role: auth.Reader}
		if _, err := l.Create(b.Context(), 0, u, "password", auth.Client{}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if _, err := l.Login(b.Context(), fmt.Sprint("user", i%users), "password", auth.Client{Address: "192.0.2.1"}); err != nil {
			b.Fatal(err)
		}
	}
}
