package server

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/pressmark/pressmark/auth"
	"github.com/pressmark/pressmark/auth/passwordproc"
	"github.com/pressmark/pressmark/auth/pgauth"
	"github.com/pressmark/pressmark/auth/sqliteauth"
	"github.com/pressmark/pressmark/migrations"
	"github.com/pressmark/pressmark/migrations/transfer"
	"github.com/pressmark/pressmark/readerstate"
	"github.com/pressmark/pressmark/readerstate/pgstate"
	"github.com/pressmark/pressmark/readerstate/sqlitestate"
)

// State is what the server keeps of its users, in a database of its own: the
// one that Config.DatabaseURL names, else a file in Config.DataDir.
type State struct {
	Schema       *migrations.Schema
	Users        auth.Users
	Sessions     auth.Sessions
	AppPasswords auth.AppPasswords
	Attempts     auth.Attempts
	Audit        auth.Audit
	Setup        auth.Setup
	Changes      auth.Changes
	Passwords    *auth.Passwords
	// Readers is what users make of the libraries.
	Readers readerstate.Store
	// Tables is how all of it is moved to another database.
	Tables transfer.Database

	database string                      // for people
	ping     func(context.Context) error // bounds its time by itself

	pingEvery time.Duration

	pools  func() []poolStats
	close  func() error
	hasher *passwordproc.Hasher
	config Config
}

// roles is what every adapter of package auth is.
type roles interface {
	auth.Users
	auth.Sessions
	auth.AppPasswords
	auth.Attempts
	auth.Audit
	auth.Setup
	auth.Changes
}

func newState(r roles, readers readerstate.Store, s State) *State {
	s.Readers = readers
	s.Users, s.Sessions, s.AppPasswords, s.Attempts, s.Audit, s.Setup, s.Changes = r, r, r, r, r, r, r
	return &s
}

// Logins returns the logins to the accounts, with the keys and times of the
// Config that OpenState was given. A key is made if there is none. What is
// remembered may be nil.
func (s *State) Logins(accounts auth.AccountCache, lockouts auth.LockoutCache) (*auth.Logins, error) {
	c, err := s.config.withUserDefaults()
	if err != nil {
		return nil, err
	}
	if c.SecretKey == "" { // then it is kept there
		if err := c.openDataDir(); err != nil {
			return nil, err
		}
	}
	key, err := c.secret()
	if err != nil {
		return nil, err
	}
	o := auth.TokenOptions{Key: key, AccessTTL: c.AccessTokenTTL, RefreshTTL: c.RefreshTokenTTL, Now: c.Now}
	for _, old := range c.OldSecretKeys {
		o.OldKeys = append(o.OldKeys, []byte(old))
	}
	tokens, err := auth.NewTokens(o)
	if err != nil {
		return nil, err
	}
	return auth.NewLogins(auth.LoginOptions{
		Users: s.Users, Sessions: s.Sessions, AppPasswords: s.AppPasswords, Attempts: s.Attempts, Audit: s.Audit, Setup: s.Setup,
		Passwords: s.Passwords, Tokens: tokens, Accounts: accounts, Lockouts: lockouts, Observe: c.instruments.login(), Logger: c.Logger,
	}), nil
}

// stateFile is the name of the database in the data folder.
const stateFile = "pressmark.db"

// OpenState opens the database that c names; settings that are not about accounts
// are not looked at. A file is made if
// there is none; the schema is not touched (see State.Schema), and has to be
// the newest before Users is used.
func OpenState(ctx context.Context, c Config) (_ *State, err error) {
	var hasher *passwordproc.Hasher
	if len(c.HashCommand) > 0 {
		hasher = passwordproc.New(passwordproc.Options{Command: c.HashCommand, Logger: c.Logger})
		c.derive = hasher.Derive
	}
	passwords, err := c.passwords()
	if err != nil {
		return nil, err
	}
	if c.DatabaseURL == "" {
		if err := c.openDataDir(); err != nil {
			return nil, err
		}
	}
	s, err := openDatabase(ctx, c, passwords)
	if err == nil {
		s.hasher, s.config = hasher, c
	}
	return s, err
}

// openDataDir makes the data folder, which is the user's if none is named.
func (c *Config) openDataDir() (err error) {
	if c.DataDir == "" {
		if c.DataDir, err = DefaultDataDir(); err != nil {
			return &ConfigError{"DATA_DIR", err.Error()}
		}
	}
	if err := os.MkdirAll(c.DataDir, 0o700); err != nil {
		return fmt.Errorf("make the data folder: %w", err)
	}
	return nil
}

func openDatabase(ctx context.Context, c Config, passwords *auth.Passwords) (*State, error) {
	if c.DatabaseURL != "" {
		return openPostgres(ctx, c, passwords)
	}
	path := filepath.Join(c.DataDir, stateFile)
	db, err := migrations.OpenSQLite(path)
	if err != nil {
		return nil, err
	}
	schema, err := migrations.New(db.Write, migrations.SQLite)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return newState(sqliteauth.New(db, sqliteauth.Options{Now: c.Now}), readerstate.All(sqlitestate.New(db, sqlitestate.Options{Now: c.Now})), State{
		Schema: schema, Passwords: passwords, database: "SQLite " + path, close: db.Close,
		Tables:    transfer.Database{DB: db.Write, Dialect: migrations.SQLite, Schema: schema},
		pools:     func() []poolStats { return []poolStats{sqlStats("read", db.Read), sqlStats("write", db.Write)} },
		pingEvery: pulseEvery,
		ping: func(ctx context.Context) error {
			ctx, cancel := context.WithTimeout(ctx, pulseTime)
			defer cancel()
			var one int
			return db.Read.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_schema").Scan(&one)
		},
	}), nil
}

func openPostgres(ctx context.Context, c Config, passwords *auth.Passwords) (*State, error) {
	config, err := postgresConfig(c.DatabaseURL)
	if err != nil {
		return nil, &ConfigError{"DATABASE_URL", err.Error()}
	}
	guard := guardPool(config)
	config.ConnConfig.Tracer = c.instruments.queryTracer()
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("open PostgreSQL: %w", err)
	}
	if err := pool.Ping(ctx); err != nil {
		pool.Close()
		return nil, fmt.Errorf("reach PostgreSQL: %w", err)
	}
	db := stdlib.OpenDBFromPool(pool)
	schema, err := migrations.New(db, migrations.Postgres)
	if err != nil {
		pool.Close()
		return nil, err
	}
	name := fmt.Sprintf("PostgreSQL %s:%d/%s", config.ConnConfig.Host, config.ConnConfig.Port, config.ConnConfig.Database)
	store, readers := pgauth.New(pool, pgauth.Options{Now: c.Now}), pgstate.New(pool, pgstate.Options{Now: c.Now})
	return newState(store, readerstate.All(readers), State{
		Schema: schema, Passwords: passwords, database: name, ping: guard.ask, pingEvery: guardEvery,
		Tables: transfer.Database{DB: db, Dialect: migrations.Postgres, Schema: schema},
		pools:  func() []poolStats { return []poolStats{pgxStats(pool)} },
		close: func() error {
			defer guard.close()
			defer pool.Close()
			return db.Close()
		},
	}), nil
}

// postgresConfig reads an address. Also understood are the scheme that Python
// programs write, and the names that they have for the size of the pool.
// The size of the pool, if nothing is said of it, is [defaultPool].
func postgresConfig(address string) (*pgxpool.Config, error) {
	const expected = "an address such as postgres://user:password@host:5432/database was expected"
	u, err := url.Parse(address)
	if err != nil {
		return nil, errors.New(expected) // the error repeats the password
	}
	if scheme, driver, _ := strings.Cut(u.Scheme, "+"); scheme != "postgres" && scheme != "postgresql" || driver != "" && driver != "asyncpg" || u.Host == "" {
		return nil, errors.New(expected)
	}
	u.Scheme = "postgres"
	q := u.Query()
	for theirs, ours := range map[string]string{"min_size": "pool_min_conns", "max_size": "pool_max_conns"} {
		if v := q.Get(theirs); v != "" {
			q.Set(ours, v)
		}
		q.Del(theirs)
	}
	if !q.Has("pool_max_conns") {
		q.Set("pool_max_conns", strconv.Itoa(defaultPool))
	}
	u.RawQuery = q.Encode()
	return pgxpool.ParseConfig(u.String())
}

// defaultPool is how many connections one server has to PostgreSQL at most. pgx
// would have as many as there are processors, which is few: they wait for the
// disk of another machine. PostgreSQL takes 100 by default, of all servers.
const defaultPool = 10

func (c *Config) passwords() (*auth.Passwords, error) {
	p, err := auth.NewPasswords(auth.PasswordOptions{Memory: uint32(c.Argon2Memory >> 10), Time: uint32(c.Argon2Time), Derive: c.derive})
	if err != nil {
		return nil, &ConfigError{"ARGON2_MEMORY, ARGON2_TIME", err.Error()}
	}
	return p, nil
}

// Database says which database it is, for people; without its password.
func (s *State) Database() string { return s.database }

// Close closes the database, and ends the process that hashes passwords.
func (s *State) Close() error {
	if s.hasher == nil {
		return s.close()
	}
	return errors.Join(s.hasher.Close(), s.close())
}
