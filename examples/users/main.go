// Command users is a web server of one's own whose readers log in: accounts are
// in an SQLite file, the API shows each user what they may see, and a page of
// one's own knows the users, too.
//
//	PASSWORD=… users /path/to/calibre/library state.db
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/pressmark/pressmark/auth"
	"github.com/pressmark/pressmark/auth/sqliteauth"
	"github.com/pressmark/pressmark/cache"
	"github.com/pressmark/pressmark/cache/memcache"
	"github.com/pressmark/pressmark/catalog/calibre"
	"github.com/pressmark/pressmark/httpapi"
	"github.com/pressmark/pressmark/migrations"
	"github.com/pressmark/pressmark/storage/localstore"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: users LIBRARY STATE")
		os.Exit(2)
	}
	if err := serve(context.Background(), os.Args[1], os.Args[2], os.Getenv("PASSWORD")); err != nil {
		fmt.Fprintln(os.Stderr, "users:", err)
		os.Exit(1)
	}
}

func serve(ctx context.Context, folder, state, password string) error {
	db, err := migrations.OpenSQLite(state)
	if err != nil {
		return err
	}
	defer db.Close()
	kept := cache.New(cache.Options{Local: memcache.NewLocal(memcache.Options{})})
	logins, err := newLogins(ctx, db, kept)
	if err != nil {
		return err
	}
	go func() { _ = kept.Run(ctx) }() // it ends only because ctx does
	// The first time Ada is made, who sees the maps and nothing else.
	_, err = logins.Create(ctx, 0, auth.User{
		Email: "ada@example.com", Username: "ada", Role: auth.Reader,
		Access: auth.Access{Restricted: true, Libraries: map[string]auth.Rule{"main": {Kind: auth.Matching, Expression: "tags:maps"}}},
	}, password, auth.Client{})
	if taken := new(auth.ConflictError); err != nil && !errors.As(err, &taken) {
		return err
	}
	lib, handler, err := newHandler(ctx, folder, logins)
	if err != nil {
		return err
	}
	defer lib.Close()
	server := &http.Server{Addr: "127.0.0.1:8080", Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	return server.ListenAndServe()
}

// newLogins lets the users of a database in. A key that is made anew at each
// start ends all sessions then; keep yours.
func newLogins(ctx context.Context, db *migrations.SQLiteDB, kept *cache.Cache) (*auth.Logins, error) {
	schema, err := migrations.New(db.Write, migrations.SQLite)
	if err != nil {
		return nil, err
	}
	if _, err := schema.Up(ctx); err != nil {
		return nil, err
	}
	passwords, err := auth.NewPasswords(auth.PasswordOptions{})
	if err != nil {
		return nil, err
	}
	tokens, err := auth.NewTokens(auth.TokenOptions{Key: []byte(rand.Text() + rand.Text())})
	if err != nil {
		return nil, err
	}
	store := sqliteauth.New(db, sqliteauth.Options{})
	// Accounts are remembered, and asked for again when one is changed, by whatever
	// process, as long as kept.Run runs.
	accounts, err := cache.NewNamespace(kept, cache.NamespaceOptions[*auth.Account]{
		Name: "user", TTL: 5 * time.Minute, NotFound: auth.ErrNotFound, Feed: auth.Follow(store),
	})
	if err != nil {
		return nil, err
	}
	return auth.NewLogins(auth.LoginOptions{
		Accounts: accounts, Users: store, Sessions: store, Passwords: passwords, Tokens: tokens,
		AppPasswords: store, Attempts: store, Audit: store, // each may be left out
	}), nil
}

// newHandler serves a library to users, and a page of one's own.
func newHandler(ctx context.Context, folder string, logins *auth.Logins) (*calibre.Library, http.Handler, error) {
	lib, err := calibre.Open(calibre.Options{Root: folder, Encode: httpapi.BookEncoder("main", "")})
	if err != nil {
		return nil, nil, err
	}
	if err := lib.Load(ctx); err != nil {
		return nil, nil, errors.Join(err, lib.Close())
	}
	// The database is hidden: to open and close it would drop SQLite's locks.
	files := localstore.New(folder, localstore.Options{
		Hidden: []string{"metadata.db", "metadata.db-journal", "metadata.db-wal", "metadata.db-shm"},
	})
	api, err := httpapi.New(httpapi.Options{
		Libraries: []httpapi.Library{{Name: "main", Catalog: lib, Files: files}},
		Logins:    logins,
	})
	if err != nil {
		return nil, nil, errors.Join(err, lib.Close())
	}
	mux := http.NewServeMux()
	mux.Handle("/", api)
	mux.HandleFunc("GET /hello", func(w http.ResponseWriter, r *http.Request) {
		token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
		who, err := logins.Verify(r.Context(), token)
		if err != nil {
			http.Error(w, "Log in first, at /api/auth/login.", http.StatusUnauthorized)
			return
		}
		fmt.Fprintf(w, "Hello, %s.\n", who.User.Username)
	})
	return lib, mux, nil
}
