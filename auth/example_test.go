package auth_test

import (
	"context"
	"fmt"

	"github.com/pressmark/pressmark/auth"
	"github.com/pressmark/pressmark/auth/memauth"
)

func Example() {
	ctx := context.Background()
	passwords, err := auth.NewPasswords(auth.PasswordOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	var users memauth.Store // or sqliteauth.New, pgauth.New
	hash, err := passwords.Hash(ctx, "correct horse battery staple")
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = users.Create(ctx, auth.User{Email: "ada@example.com", Username: "ada", Role: auth.Reader}, hash)
	if err != nil {
		fmt.Println(err)
		return
	}
	u, hash, err := users.Find(ctx, "ADA@example.com")
	if err != nil {
		fmt.Println(err)
		return
	}
	ok, _, err := passwords.Verify(ctx, "correct horse battery staple", hash)
	fmt.Println(u.Username, u.Role, ok, err)
	// Output: ada reader true <nil>
}
