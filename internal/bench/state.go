package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pressmark/pressmark/catalog"
)

// postgresVariable names a PostgreSQL server, by an account that may create
// databases. Without it the rows of PostgreSQL have no figures.
const postgresVariable = "PRESSMARK_BENCH_POSTGRES_URL"

// What the user has whose state is asked for.
const (
	stateBooks = 20_000
	stateBatch = 50
)

// states is what is found out about the state of readers in one database.
type states struct {
	writes        sample
	recent, batch sample // over all connections
	alone         [2]sample
}

// stateRows are those of one database.
func (l *lab) stateRows(n int) (rows []row) {
	for _, db := range []struct {
		id, name string
		writes   float64
	}{{"sqlite", "SQLite", 1000}, {"postgres", "PostgreSQL", 2000}} {
		figure := func(of func(*states) outcome) func(context.Context) (outcome, error) {
			return func(ctx context.Context) (outcome, error) {
				if db.id == "postgres" && os.Getenv(postgresVariable) == "" {
					return outcome{absent: "set " + postgresVariable}, nil
				}
				s, err := once(l.states[db.id], n, func() (*states, error) { return l.stateOf(ctx, n, db.id == "postgres") })
				if err != nil {
					return outcome{}, err
				}
				return of(s), nil
			}
		}
		reads := func(together func(*states) sample, alone int) func(*states) outcome {
			return func(s *states) outcome {
				busy, one := sumUp([]sample{together(s)}), sumUp([]sample{s.alone[alone]})
				return outcome{
					value: one.P95.Seconds(), unit: seconds, ours: &one,
					note: fmt.Sprintf("p95 of one connection; of %d that ask at once: %s, at %.0f a second", l.opts.conns, format(busy.P95.Seconds(), seconds), busy.PerSecond),
				}
			}
		}
		rows = append(
			rows,
			row{"state-writes-" + db.id, "places written, " + db.name, n, budget{true, db.writes, perSecond}, figure(func(s *states) outcome {
				us := sumUp([]sample{s.writes})
				return outcome{value: us.PerSecond, unit: perSecond, ours: &us}
			})},
			row{
				"state-recent-" + db.id, fmt.Sprintf("%d books read last, of %d, %s", stateBatch, stateBooks, db.name), n, below(5 * time.Millisecond),
				figure(reads(func(s *states) sample { return s.recent }, 0)),
			},
			row{
				"state-batch-" + db.id, fmt.Sprintf("state of %d books, of %d, %s", stateBatch, stateBooks, db.name), n, below(5 * time.Millisecond),
				figure(reads(func(s *states) sample { return s.batch }, 1)),
			},
		)
	}
	return rows
}

// stateOf fills and measures the state of one user in one database.
func (l *lab) stateOf(ctx context.Context, books int, postgres bool) (s *states, err error) {
	lib, err := l.library(ctx, books)
	if err != nil {
		return nil, err
	}
	l.rest()
	env := []string{"LOG_LEVEL=error"}
	if postgres {
		address, drop, err := newDatabase(ctx, os.Getenv(postgresVariable))
		if err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, drop()) }()
		env = append(env, "DATABASE_URL="+address)
	}
	srv, err := l.serve(lib.dir, env...)
	if err != nil {
		return nil, err
	}
	defer srv.stop()
	if _, err := srv.Ready(ctx, "/api/health/ready", readyWait); err != nil {
		return nil, err
	}
	token, err := srv.login(ctx)
	if err != nil {
		return nil, err
	}
	ids := lib.ids[:min(len(lib.ids), stateBooks)]
	uuids, err := readUUIDs(ctx, srv, ids)
	if err != nil {
		return nil, err
	}
	s = &states{}
	l.say("telling a place in each of %d books", len(uuids))
	known := "Authorization: Bearer " + token
	if err := l.fill(ctx, srv, known, uuids); err != nil {
		return nil, err
	}
	l.say("telling places again, and asking for them")
	return s, errors.Join(
		l.timed(ctx, srv, &s.writes, l.opts.conns, func(n int) source { return &placeSource{known, uuids, len(uuids) + n*len(uuids)/l.opts.conns} }),
		l.timed(ctx, srv, &s.recent, l.opts.conns, func(n int) source { return recentSource(known, n) }),
		l.timed(ctx, srv, &s.batch, l.opts.conns, func(n int) source { return batchSource(known, uuids, n) }),
		l.timed(ctx, srv, &s.alone[0], 1, func(n int) source { return recentSource(known, n) }),
		l.timed(ctx, srv, &s.alone[1], 1, func(n int) source { return batchSource(known, uuids, n) }),
	)
}

// newDatabase makes an empty database, and returns its address.
func newDatabase(ctx context.Context, server string) (address string, drop func() error, err error) {
	u, err := url.Parse(server)
	if err != nil || u.Host == "" {
		return "", nil, fmt.Errorf("%s: an address such as postgres://user:password@host:5432/database was expected", postgresVariable)
	}
	conn, err := pgx.Connect(ctx, server)
	if err != nil {
		return "", nil, err
	}
	name := "bench_" + strings.ToLower(rand.Text())
	if _, err := conn.Exec(ctx, "CREATE DATABASE "+name); err != nil {
		return "", nil, errors.Join(err, conn.Close(ctx))
	}
	drop = func() error {
		ctx := context.WithoutCancel(ctx)
		_, err := conn.Exec(ctx, "DROP DATABASE "+name+" WITH (FORCE)")
		return errors.Join(err, conn.Close(ctx))
	}
	u.Path = "/" + name
	return u.String(), drop, nil
}

// readUUIDs returns those of books.
func readUUIDs(ctx context.Context, srv *process, ids []catalog.BookID) ([]string, error) {
	var uuids []string
	for part := range slices.Chunk(ids, 500) {
		var text []string
		for _, id := range part {
			text = append(text, strconv.FormatInt(int64(id), 10))
		}
		var page struct{ Items []struct{ UUID string } }
		if err := fetchJSON(ctx, srv, "/api/books?limit=500&ids="+strings.Join(text, ","), &page); err != nil {
			return nil, err
		}
		for _, b := range page.Items {
			uuids = append(uuids, b.UUID)
		}
	}
	if len(uuids) != len(ids) {
		return nil, fmt.Errorf("%d of %d books have a UUID", len(uuids), len(ids))
	}
	return uuids, nil
}

// fill tells a place in each book once.
func (l *lab) fill(ctx context.Context, srv *process, known string, uuids []string) error {
	place := &placeSource{known, uuids, 0}
	list := make([]ask, len(uuids))
	for i := range list {
		list[i] = ask{expression: "a place in " + uuids[i], request: place.next(nil, answer{})}
	}
	_, err := roundOf(ctx, srv, l.opts.conns, list)
	return err
}

// timed asks over some connections for the time of a row.
func (l *lab) timed(ctx context.Context, srv *process, into *sample, conns int, of func(n int) source) error {
	var sources []source
	for n := range conns {
		sources = append(sources, of(n))
	}
	load, err := newLoad(srv.Addr, http.StatusOK, sources)
	if err != nil {
		return err
	}
	defer load.close()
	if _, err := load.run(ctx, l.opts.duration/10); err != nil {
		return err
	}
	*into, err = side{load, srv.PID()}.slice(ctx, l.opts.duration)
	return err
}

// placeSource tells places, in one book after another, and never one again.
type placeSource struct {
	known string
	uuids []string
	n     int
}

func (s *placeSource) next(dst []byte, _ answer) []byte {
	s.n++
	body := fmt.Sprintf(`{"locator_type":"cfi","locator":"epubcfi(/6/%d!/4/2/%d:0)","progression":%.4f,"device":"Bench"}`, s.n%60*2, s.n, float64(s.n%9000)/10000)
	return append(request(dst, http.MethodPut, "/api/me/books/"+s.uuids[s.n%len(s.uuids)]+"/progress", s.known,
		"Content-Type: application/json", "Content-Length: "+strconv.Itoa(len(body))), body...)
}

// recentSource asks for pages of what was read last: one in four is the first.
func recentSource(known string, n int) source { return &recentPages{known: known, n: n} }

type recentPages struct {
	known string
	n     int
}

func (p *recentPages) next(dst []byte, before answer) []byte {
	p.n++
	path := "/api/me/recent?limit=" + strconv.Itoa(stateBatch)
	if cursor := nextCursor(before.body); p.n%4 != 0 && cursor != "" {
		path += "&cursor=" + cursor
	}
	return get(dst, path, p.known)
}

// batchSource asks for the state of some books, others each time.
func batchSource(known string, uuids []string, n int) source {
	var list [][]byte
	for i := range 200 {
		at := (n*7919 + i*stateBatch) % cmp.Or(len(uuids)-stateBatch, 1)
		list = append(list, get(nil, "/api/me/books?books="+strings.Join(uuids[at:at+stateBatch], ","), known))
	}
	return &cycle{requests: list}
}
