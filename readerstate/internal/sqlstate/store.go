// Package sqlstate is the roles of package readerstate in SQL, for the adapters.
package sqlstate

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/pressmark/pressmark/migrations/sqldb"
	rs "github.com/pressmark/pressmark/readerstate"
)

// Store keeps the state of readers.
type Store struct {
	db    *sqldb.DB
	now   func() time.Time
	group group // of changes of marks
}

var (
	_ rs.Marks     = (*Store)(nil)
	_ rs.Places    = (*Store)(nil)
	_ rs.Lists     = (*Store)(nil)
	_ rs.ListBooks = (*Store)(nil)
	_ rs.Profiles  = (*Store)(nil)
	_ rs.Keeper    = (*Store)(nil)
)

// New returns the state in a database. A now that is nil is the clock.
func New(db *sqldb.DB, now func() time.Time) *Store {
	if now == nil {
		now = time.Now
	}
	s := &Store{db: db, now: now}
	s.group = group{s: s, workers: 1}
	if db.Postgres {
		s.group.workers = 2
	}
	return s
}

// wrap adds the operation to an error, and that it is for another time. What the
// caller did wrong comes back as it is.
func (s *Store) wrap(op string, err error) error {
	var invalid *rs.InvalidError
	var conflict *rs.ConflictError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &invalid):
		return invalid
	case errors.As(err, &conflict):
		return conflict
	case s.db.Down(err):
		return fmt.Errorf("%s: %w: %w", op, rs.ErrUnavailable, err)
	}
	return fmt.Errorf("%s: %w", op, err)
}

// errNothing ends a transaction that has nothing to write.
var errNothing = errors.New("nothing to write")

// write runs f in a transaction, with the time of the change. repeated tells it
// that a change of this name was made before, so that it only reads.
func (s *Store) write(ctx context.Context, op string, user rs.UserID, w rs.Write, f func(tx *sqldb.Tx, now time.Time, repeated bool) error) error {
	if err := w.Check(); err != nil {
		return err
	}
	now := rs.Stamp(s.now())
	err := s.db.Transact(ctx, func(tx *sqldb.Tx) error {
		repeated := false
		if w.ID != "" {
			n, err := s.db.Exec(ctx, tx, `INSERT INTO state_writes (user_id, id, at) VALUES ($1, $2, $3) ON CONFLICT (user_id, id) DO NOTHING`, user, w.ID, s.db.Time(now))
			if err != nil {
				return err
			}
			repeated = n == 0
		}
		err := f(tx, now, repeated)
		if errors.Is(err, errNothing) && w.ID != "" && !repeated {
			err = nil // the name has to be kept
		}
		return err
	})
	if errors.Is(err, errNothing) {
		err = nil
	}
	return s.wrap(op, err)
}

// Preferences returns a user's preferences.
func (s *Store) Preferences(ctx context.Context, user rs.UserID) (rs.Preferences, error) {
	p, err := s.preferences(ctx, s.db.Reader(), user)
	return p, s.wrap("preferences", err)
}

func (s *Store) preferences(ctx context.Context, q sqldb.Querier, user rs.UserID) (p rs.Preferences, err error) {
	var object string
	err = q.Row(ctx, []any{&object, sqldb.At(&p.Changed), &p.Version}, `SELECT object, changed_at, version FROM preferences WHERE user_id = $1`, user)
	if errors.Is(err, sql.ErrNoRows) {
		return rs.Preferences{}, nil
	}
	if p.JSON = json.RawMessage(object); p.Version == 0 {
		p.JSON = nil // a row that only was locked
	}
	return p, err
}

// SetPreferences replaces a user's preferences.
func (s *Store) SetPreferences(ctx context.Context, user rs.UserID, object json.RawMessage, w rs.Write) (p rs.Preferences, err error) {
	err = s.write(ctx, "set preferences", user, w, func(tx *sqldb.Tx, now time.Time, repeated bool) error {
		// The row is made first: one that is not there cannot be locked.
		_, err := s.db.Exec(ctx, tx, `INSERT INTO preferences (user_id, object, changed_at, version) VALUES ($1, '', $2, 0)
			ON CONFLICT (user_id) DO UPDATE SET version = preferences.version`, user, s.db.Time(now))
		if err != nil {
			return err
		}
		if p, err = s.preferences(ctx, s.db.In(tx), user); err != nil {
			return err
		}
		next, err := p.Set(object, w, now)
		if repeated || err == nil && next.Version == p.Version {
			return errNothing
		}
		if err != nil {
			return err
		}
		p = next
		_, err = s.db.Exec(ctx, tx, `UPDATE preferences SET object = $1, changed_at = $2, version = $3 WHERE user_id = $4`, string(p.JSON), s.db.Time(p.Changed), p.Version, user)
		return err
	})
	if err != nil {
		return rs.Preferences{}, err
	}
	return p, nil
}
