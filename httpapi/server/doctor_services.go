package server

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"

	"github.com/pressmark/pressmark/cache/rediscache"
	"github.com/pressmark/pressmark/migrations"
)

// mostSkew is how far two clocks may be apart.
const mostSkew = 5 * time.Second

// checkSkew compares a clock with this machine's, and reports whether they agree.
func (e *examination) checkSkew(r *findings, whose string, then time.Time) bool {
	skew := e.now().Sub(then)
	if skew.Abs() <= mostSkew {
		return true
	}
	r.warn("let both machines set their clocks by NTP (timedatectl set-ntp true)", "this machine's clock and that of %s are %v apart", whose, skew.Abs().Round(time.Second))
	return false
}

// withoutAddress returns an error's text without the address that it was about,
// which may have a password in it.
func withoutAddress(err error, address string) string {
	text := err.Error()
	if u, parseErr := url.Parse(address); parseErr == nil && u.User != nil {
		if password, ok := u.User.Password(); ok && password != "" {
			text = strings.ReplaceAll(text, password, hidden)
		}
	}
	return text
}

// checkDatabase looks at the database of accounts.
func (e *examination) checkDatabase(ctx context.Context, r *findings) {
	if e.config.DatabaseURL != "" {
		e.checkPostgres(ctx, r)
		return
	}
	path := filepath.Join(e.config.DataDir, stateFile)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		r.ok("there is no database of accounts yet; the server makes %s", path)
		return
	}
	s, err := OpenState(ctx, e.config)
	if err != nil {
		r.fault("restore it from a backup (\"pressmark state backup\" makes them), or move it away to begin anew", "%s cannot be opened: %v", path, err)
		return
	}
	defer s.Close()
	var found string
	if err := s.Tables.DB.QueryRowContext(ctx, "PRAGMA quick_check(3)").Scan(&found); err != nil || found != "ok" {
		if err != nil {
			found = err.Error()
		}
		r.fault("stop the server and restore it from a backup (\"pressmark state backup\" makes them)", "%s is damaged: %s", path, found)
		return
	}
	tx, err := s.Tables.DB.BeginTx(ctx, nil) // takes the lock for writing
	if err != nil {
		r.fault("end what keeps it locked, or give the user that runs the server the right to write it and its folder", "%s cannot be written: %v", path, err)
		return
	}
	_ = tx.Rollback() // nothing was written
	if e.checkSchema(ctx, r, s) {
		r.ok("%s is sound, and its schema is the newest", s.Database())
	}
}

// checkSchema reports whether the schema is the newest, or is not there yet.
func (e *examination) checkSchema(ctx context.Context, r *findings, s *State) bool {
	var version *migrations.VersionError
	err := s.Schema.Check(ctx)
	switch {
	case err == nil:
		return true
	case !errors.As(err, &version):
		r.fault("see what the database says, and that the user of DATABASE_URL may read all tables", "%s: the schema cannot be read: %v", s.Database(), err)
	case version.Database > version.Known:
		r.fault("run the newer version of pressmark, or take the changes back with its \"pressmark migrate down\"", "%s was changed by a newer version (schema %d, this version knows %d)", s.Database(), version.Database, version.Known)
	case version.Database == 0:
		r.ok("%s is empty; the server makes its tables", s.Database())
	default:
		r.warn("start the server, or run \"pressmark migrate up\"; make a backup first", "%s has the schema of an older version (%d of %d)", s.Database(), version.Database, version.Known)
	}
	return false
}

func (e *examination) checkPostgres(ctx context.Context, r *findings) {
	address := e.config.DatabaseURL
	config, err := postgresConfig(address)
	if err != nil {
		return // the check of the settings says so
	}
	conn, err := pgx.ConnectConfig(ctx, config.ConnConfig.Copy())
	if err != nil {
		r.fault("see that PostgreSQL runs at the host and port of DATABASE_URL and lets this user in (pg_hba.conf), and that the password is right", "PostgreSQL cannot be reached: %s", withoutAddress(err, address))
		return
	}
	defer conn.Close(context.WithoutCancel(ctx))
	var (
		number, room int32
		now          time.Time
		recovery     bool
		create       bool
		denied       []string
	)
	err = conn.QueryRow(ctx, `SELECT current_setting('server_version_num')::int, current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int,
		clock_timestamp(), pg_is_in_recovery() OR current_setting('transaction_read_only')::bool, coalesce(has_schema_privilege(current_schema(), 'CREATE'), false)`).Scan(&number, &room, &now, &recovery, &create)
	if err == nil {
		err = conn.QueryRow(ctx, `SELECT coalesce(array_agg(c.relname::text ORDER BY c.relname), '{}') FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
			WHERE n.nspname = current_schema() AND c.relkind = 'r' 
			AND NOT (has_table_privilege(c.oid, 'SELECT') AND has_table_privilege(c.oid, 'INSERT') AND has_table_privilege(c.oid, 'UPDATE') AND has_table_privilege(c.oid, 'DELETE'))`).Scan(&denied)
	}
	if err != nil {
		r.fault("see the log of PostgreSQL", "PostgreSQL does not answer as it should: %v", err)
		return
	}
	fine := e.checkSkew(r, "PostgreSQL", now)
	fault := func(cure, format string, args ...any) {
		fine = false
		r.fault(cure, format, args...)
	}
	const oldest = 130000
	if number < oldest {
		fine = false
		r.warn("upgrade PostgreSQL", "PostgreSQL %d is not maintained any more", number/10000)
	}
	if recovery {
		fault("let DATABASE_URL lead to the primary (target_session_attrs=read-write)", "the database can only be read: it is a standby, or was made read-only")
	}
	if !create {
		fault("GRANT CREATE, USAGE ON SCHEMA public TO the user of DATABASE_URL", "the user may not make tables, which upgrades need")
	}
	if len(denied) > 0 {
		fault("GRANT SELECT, INSERT, UPDATE, DELETE on all tables to the user of DATABASE_URL, or make it their owner", "the user may not write the tables %s", strings.Join(denied, ", "))
	}
	if config.MaxConns > room {
		fault(fmt.Sprintf("set pool_max_conns in DATABASE_URL to at most %d divided by the number of servers, or raise max_connections", room), "the pool may take %d connections (pool_max_conns), and PostgreSQL gives %d in all", config.MaxConns, room)
	}
	s, err := OpenState(ctx, e.config)
	if err != nil {
		fault("see the log of PostgreSQL", "PostgreSQL: %s", withoutAddress(err, address))
		return
	}
	defer s.Close()
	if e.checkSchema(ctx, r, s) && fine {
		r.ok("%s, version %d, answers; the schema is the newest", s.Database(), number/10000)
	}
}

// checkRedis looks at Redis, by the calls that the server makes.
func (e *examination) checkRedis(ctx context.Context, r *findings) {
	address := e.config.RedisURL
	o, err := rediscache.ParseURL(address)
	if err != nil {
		return // the check of the settings says so
	}
	// Time-outs are those of a busy server; here a slow answer is one, too.
	o.DialTimeout, o.ReadTimeout, o.WriteTimeout = askLimit/3, askLimit/3, askLimit/3
	client := redis.NewUniversalClient(o)
	defer client.Close()
	const wrong = "everything works without Redis, less fast: "
	if err := client.Ping(ctx).Err(); err != nil {
		r.fault("see that Redis runs at the address of REDIS_URL and that user and password are right, or remove REDIS_URL", wrong+"it does not answer: %s", withoutAddress(err, address))
		return
	}
	fine := true
	if now, err := client.Time(ctx).Result(); err == nil {
		fine = e.checkSkew(r, "Redis", now)
	}
	store := rediscache.New(client, rediscache.Options{Prefix: e.config.RedisPrefix + "doctor:"})
	if err := roundTrip(ctx, store); err != nil {
		fine = false
		r.fault("let the user of REDIS_URL do it: ACL SETUSER name ~"+e.config.RedisPrefix+"* &"+e.config.RedisPrefix+"* +@read +@write +@pubsub +@connection +@scripting; and see that Redis has memory left", wrong+"it refuses what the server does: %v", err)
	}
	if info, err := client.Info(ctx, "memory").Result(); err == nil {
		limited := !strings.Contains(info, "\r\nmaxmemory:0\r\n")
		if limited && strings.Contains(info, "maxmemory_policy:noeviction") {
			fine = false
			r.warn("start Redis with --maxmemory-policy allkeys-lru", "Redis refuses what is new when its memory is full (maxmemory-policy noeviction)")
		}
	}
	if fine {
		r.ok("Redis answers, and passes messages on")
	}
}

// roundTrip writes, reads and deletes a value, and passes a message on.
func roundTrip(ctx context.Context, store *rediscache.Store) error {
	key, value := rand.Text(), []byte(rand.Text())
	if err := store.Set(ctx, key, value, time.Minute); err != nil {
		return err
	}
	got, err := store.Get(ctx, key)
	if err := errors.Join(err, store.Delete(ctx, key)); err != nil {
		return err
	}
	if len(got) != 1 || !bytes.Equal(got[0], value) {
		return errors.New("a value did not come back as it was written")
	}
	ctx, cancel := context.WithTimeout(ctx, askLimit/3)
	defer cancel()
	var published error
	came := false
	err = store.Subscribe(ctx, func() {
		if published = store.Publish(ctx, value); published != nil {
			cancel()
		}
	}, func(message []byte) {
		if bytes.Equal(message, value) {
			came = true
			cancel()
		}
	})
	switch {
	case came:
		return nil
	case published != nil:
		return published
	case errors.Is(err, context.DeadlineExceeded):
		return errors.New("a message that was published did not arrive")
	}
	return err
}
