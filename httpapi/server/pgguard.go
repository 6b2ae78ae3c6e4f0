package server

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// guardEvery is the time between two questions to PostgreSQL, guardWait how long
// it may take to answer one, or to let us connect.
const (
	guardEvery = time.Second
	guardWait  = 2 * time.Second
)

// pgGuard keeps requests from waiting for a PostgreSQL that does not answer: one
// that is frozen, or behind a network that drops everything, takes what is sent
// to it and is silent. It is asked on a connection that is nobody else's. When
// no answer comes, all connections of the pool are broken off, which ends what
// waits on them, and none is handed out until there is an answer again.
type pgGuard struct {
	own  *pgx.ConnConfig // of the connection that it asks on
	conn *pgx.Conn       // used by ask alone; nil: none yet

	mu    sync.Mutex
	away  bool
	conns map[*guardedConn]struct{}
	life  context.Context // of connecting; ends when PostgreSQL is away
	end   context.CancelFunc
}

// guardPool has the connections of a pool that is yet to be made guarded.
func guardPool(config *pgxpool.Config) *pgGuard {
	g := &pgGuard{own: config.ConnConfig.Copy(), conns: map[*guardedConn]struct{}{}}
	g.own.ConnectTimeout = guardWait
	g.life, g.end = context.WithCancel(context.Background())
	dial := config.ConnConfig.DialFunc
	config.ConnConfig.DialFunc = func(ctx context.Context, network, addr string) (net.Conn, error) {
		return g.dial(ctx, network, addr, dial)
	}
	config.BeforeConnect = func(context.Context, *pgx.ConnConfig) error { return g.closed() }
	config.PrepareConn = func(context.Context, *pgx.Conn) (bool, error) { err := g.closed(); return err == nil, err }
	return g
}

// awayError says that PostgreSQL does not answer. It is a net.Error, by which
// package sqldb knows that the database is down.
type awayError struct{}

func (awayError) Error() string   { return "PostgreSQL does not answer" }
func (awayError) Timeout() bool   { return true }
func (awayError) Temporary() bool { return true }

func (g *pgGuard) closed() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.away {
		return awayError{}
	}
	return nil
}

// dial connects for the pool, as long as PostgreSQL is not away.
func (g *pgGuard) dial(ctx context.Context, network, addr string, dial pgconn.DialFunc) (net.Conn, error) {
	g.mu.Lock()
	life := g.life
	g.mu.Unlock()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(life, cancel)()
	conn, err := dial(ctx, network, addr)
	if err != nil && life.Err() != nil {
		return nil, awayError{} // and not that somebody has canceled it
	}
	if err != nil {
		return nil, err
	}
	c := &guardedConn{Conn: conn, guard: g}
	g.mu.Lock()
	defer g.mu.Unlock()
	if life.Err() != nil {
		return nil, errors.Join(awayError{}, conn.Close())
	}
	g.conns[c] = struct{}{}
	return c, nil
}

// guardedConn is a connection that the guard can break off.
type guardedConn struct {
	net.Conn
	guard *pgGuard
}

func (c *guardedConn) Close() error {
	c.guard.mu.Lock()
	delete(c.guard.conns, c)
	c.guard.mu.Unlock()
	return c.Conn.Close()
}

// ask asks PostgreSQL for a sign of life. Its calls must not overlap.
func (g *pgGuard) ask(ctx context.Context) error {
	err := g.ping(ctx)
	if err != nil && ctx.Err() == nil {
		err = g.connect(ctx) // it may have been the connection
	}
	if ctx.Err() != nil {
		return err
	}
	var said *pgconn.PgError // whatever it said, it has spoken
	g.set(err != nil && !errors.As(err, &said))
	return err
}

// errNoConnection says that there is none yet.
var errNoConnection = errors.New("not connected")

// ping asks on the connection that there is.
func (g *pgGuard) ping(ctx context.Context) error {
	if g.conn == nil || g.conn.IsClosed() {
		return errNoConnection
	}
	ctx, cancel := context.WithTimeout(ctx, guardWait)
	defer cancel()
	err := g.conn.Ping(ctx)
	if err != nil {
		g.hangUp()
	}
	return err
}

// connect connects anew. Of several hosts, or addresses of one, those that are
// silent must not take the time of those that are not: each has guardWait.
func (g *pgGuard) connect(ctx context.Context) (err error) {
	ctx, cancel := context.WithTimeout(ctx, guardWait*time.Duration(2*(1+len(g.own.Fallbacks))))
	defer cancel()
	g.conn, err = pgx.ConnectConfig(ctx, g.own)
	return err
}

// hangUp closes the connection that ask has.
func (g *pgGuard) hangUp() {
	if g.conn == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), guardWait/2)
	defer cancel()
	_ = g.conn.Close(ctx) // one that is broken cannot say good-bye
	g.conn = nil
}

// close ends what the guard has. ask must not be called any more.
func (g *pgGuard) close() {
	g.hangUp()
	g.mu.Lock()
	defer g.mu.Unlock()
	g.end()
}

// set notes whether PostgreSQL is away.
func (g *pgGuard) set(away bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if away == g.away {
		return
	}
	if g.away = away; !away {
		g.life, g.end = context.WithCancel(context.Background())
		return
	}
	g.end()
	for c := range g.conns {
		_ = c.Conn.Close() // what waits on it learns of it
	}
	clear(g.conns)
}
