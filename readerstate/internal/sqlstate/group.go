package sqlstate

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/pressmark/pressmark/migrations/sqldb"
	rs "github.com/pressmark/pressmark/readerstate"
)

// change is what one caller asks to be done to a user's mark of a book.
type change struct {
	user rs.UserID
	book rs.Book
	how  rs.Write
	// also is asked when the mark is locked.
	also []question
	f    changer

	ctx   context.Context // the caller's, who waits for done
	at    time.Time
	done  chan struct{}
	err   error // the outcome, when done is closed
	mark  row
	made  bool // the mark was made for this change
	named bool // the name of the change was not used before
}

// changer makes a change. It returns an error of the caller's before it writes
// anything, and errNothing if there is nothing to write. repeated tells it that a
// change of this name was made before, so that it only reads. It may be called
// more than once.
type changer func(ctx context.Context, tx *sqldb.Tx, m *row, now time.Time, repeated bool) error

// question is a query that is asked together with others.
type question struct {
	read  func(sqldb.Rows) error
	query string
	args  []any
}

// group makes changes that are asked for at the same time in one transaction:
// each takes its share of a commit, which has to reach the disk, and of the ways
// to a server and back. Whoever asks alone does not wait for others.
type group struct {
	s       *Store
	workers int // transactions at a time
	mu      sync.Mutex
	waiting []*change
	running int
}

// maxTogether is how many changes a transaction makes at most.
const maxTogether = 64

// groupTimeout bounds a transaction, which no single caller can end.
const groupTimeout = 30 * time.Second

// do makes a change, and returns when it is committed.
func (g *group) do(c *change) error {
	c.at, c.done = rs.Stamp(g.s.now()), make(chan struct{})
	g.mu.Lock()
	g.waiting = append(g.waiting, c)
	if g.running < g.workers {
		g.running++
		go g.work()
	}
	g.mu.Unlock()
	select {
	case <-c.done:
		return c.err
	case <-c.ctx.Done():
		return c.ctx.Err() // it may still be made
	}
}

// work makes changes until none waits.
func (g *group) work() {
	for {
		changes := g.take()
		if len(changes) == 0 {
			return
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(changes[0].ctx), groupTimeout)
		err := g.s.together(ctx, changes)
		if err != nil && g.s.db.Down(err) { // whoever waits would learn the same, later
			changes = append(changes, g.rest()...)
		}
		for _, c := range changes {
			switch {
			case err == nil: // c.err is what it came to
			case len(changes) == 1 || g.s.db.Down(err) || ctx.Err() != nil:
				c.err = err
			default: // one of them is at fault
				if err := g.s.together(ctx, []*change{c}); err != nil {
					c.err = err
				}
			}
			close(c.done)
		}
		cancel()
	}
}

// rest returns all that wait.
func (g *group) rest() []*change {
	g.mu.Lock()
	defer g.mu.Unlock()
	changes := g.waiting
	g.waiting = nil
	return changes
}

// take returns changes of different marks that wait, in the order in which all
// lock them. If there are none the worker has ended.
func (g *group) take() []*change {
	type key struct {
		user       rs.UserID
		book, name string
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	var changes, later []*change
	taken := map[key]bool{}
	for _, c := range g.waiting {
		mark, name := key{c.user, string(c.book), ""}, key{c.user, "", c.how.ID}
		switch {
		case c.ctx.Err() != nil: // its caller has gone
			continue
		case taken[mark] || c.how.ID != "" && taken[name] || len(changes) == maxTogether:
			later = append(later, c)
		default:
			changes = append(changes, c)
		}
		taken[mark], taken[name] = true, true // what was asked for first comes first
	}
	g.waiting = later
	if len(changes) == 0 {
		g.running--
	}
	slices.SortFunc(changes, func(a, b *change) int { return cmp.Or(cmp.Compare(a.user, b.user), cmp.Compare(a.book, b.book)) })
	return changes
}

// together makes changes of different marks in one transaction. An error is that
// of the transaction; what each change came to is in it.
func (s *Store) together(ctx context.Context, changes []*change) error {
	err := s.db.Transact(ctx, func(tx *sqldb.Tx) error {
		if err := s.lock(ctx, tx, changes); err != nil {
			return err
		}
		wrote := false
		for _, c := range changes {
			c.err = c.f(ctx, tx, &c.mark, c.at, !c.named)
			if c.err == nil || errors.Is(c.err, errNothing) && c.how.ID != "" && c.named {
				c.err = nil
				wrote = true
				continue
			}
			if !callers(c.err) {
				return c.err
			}
			if len(changes) == 1 {
				return errNothing
			}
			if err := s.undo(ctx, tx, c); err != nil {
				return err
			}
		}
		if !wrote {
			return errNothing
		}
		return nil
	})
	if errors.Is(err, errNothing) {
		err = nil
	}
	for _, c := range changes {
		if errors.Is(c.err, errNothing) {
			c.err = nil
		}
	}
	return err
}

// callers tells whether an error of a change is the caller's, so that others are
// made all the same.
func callers(err error) bool {
	var invalid *rs.InvalidError
	var conflict *rs.ConflictError
	return errors.Is(err, errNothing) || errors.Is(err, rs.ErrNotFound) || errors.As(err, &invalid) || errors.As(err, &conflict)
}

// lock fills in the marks of changes, which nobody else changes until the
// transaction ends, and asks what else has to be known then. It makes those that
// are not there, because such a one cannot be locked.
func (s *Store) lock(ctx context.Context, tx *sqldb.Tx, changes []*change) error {
	for _, c := range changes {
		c.made, c.named = false, true
		if c.how.ID == "" {
			continue
		}
		c.named = false
		read := func(rows sqldb.Rows) error { c.named = rows.Next(); return nil }
		if err := s.db.Ask(ctx, tx, read, `INSERT INTO state_writes (user_id, id, at) VALUES ($1, $2, $3) ON CONFLICT (user_id, id) DO NOTHING RETURNING id`,
			c.user, c.how.ID, s.db.Time(c.at)); err != nil {
			return err
		}
	}
	for range 3 {
		var missing []*change
		found := make([][]row, len(changes))
		for i, c := range changes {
			find := question{
				read:  func(rows sqldb.Rows) (err error) { found[i], err = scanRows(rows); return err },
				query: `SELECT ` + markColumns + ` FROM marks WHERE user_id = $1 AND book = $2` + s.db.ForUpdate(),
				args:  []any{c.user, c.book},
			}
			for _, q := range append([]question{find}, c.also...) {
				if err := s.db.Ask(ctx, tx, q.read, q.query, q.args...); err != nil {
					return err
				}
			}
		}
		if err := s.db.Flush(ctx, tx); err != nil {
			return err
		}
		for i, c := range changes {
			if len(found[i]) > 0 {
				c.mark = found[i][0]
				continue
			}
			missing = append(missing, c)
			read := func(rows sqldb.Rows) error { c.made = rows.Next() || c.made; return nil }
			if err := s.db.Ask(ctx, tx, read, `INSERT INTO marks (user_id, book) VALUES ($1, $2) ON CONFLICT (user_id, book) DO NOTHING RETURNING book`, c.user, c.book); err != nil {
				return err
			}
		}
		if changes = missing; len(changes) == 0 {
			return nil
		}
	}
	return sql.ErrNoRows // others remove it again and again
}

// undo takes back what lock has written for a change that is not made.
func (s *Store) undo(ctx context.Context, tx *sqldb.Tx, c *change) error {
	if c.made {
		if err := s.db.Later(ctx, tx, `DELETE FROM marks WHERE user_id = $1 AND book = $2`, c.user, c.book); err != nil {
			return err
		}
	}
	if c.how.ID != "" && c.named {
		return s.db.Later(ctx, tx, `DELETE FROM state_writes WHERE user_id = $1 AND id = $2`, c.user, c.how.ID)
	}
	return nil
}
