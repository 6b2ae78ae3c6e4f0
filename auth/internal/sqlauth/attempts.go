package sqlauth

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"slices"
	"time"

	"github.com/pressmark/pressmark/auth"
	"github.com/pressmark/pressmark/migrations/sqldb"
)

var _ auth.Attempts = (*Store)(nil)

// errRaced ends a transaction that has found that somebody else counted
// meanwhile.
var errRaced = errors.New("raced")

// tally is what is kept of the failures with one key.
type tally struct {
	failures       int
	failed, refuse time.Time
}

// Attempt counts a failure for each limit: it reads what is kept and writes what
// follows, if that has not changed, else it begins anew. So who is refused costs
// no transaction.
func (s *Store) Attempt(ctx context.Context, at time.Time, limits ...auth.Limit) (until time.Time, err error) {
	at = micro(at)
	// In one order everywhere, so that no two wait for each other.
	limits = slices.SortedFunc(slices.Values(limits), func(a, b auth.Limit) int { return cmp.Compare(a.Key, b.Key) })
	for {
		until, err = s.count(ctx, at, limits)
		if !errors.Is(err, errRaced) {
			return until, s.wrap("count an attempt", err, "")
		}
	}
}

func (s *Store) count(ctx context.Context, at time.Time, limits []auth.Limit) (until time.Time, err error) {
	tallies := make([]*tally, len(limits)) // nil: nothing is kept
	for i, l := range limits {
		var t tally
		err := s.db.Reader().Row(ctx, []any{&t.failures, sqldb.At(&t.failed), sqldb.At(&t.refuse)}, `SELECT failures, failed_at, refused_until FROM attempts WHERE key = $1`, l.Key)
		if errors.Is(err, sql.ErrNoRows) {
			continue
		}
		if err != nil {
			return until, err
		}
		// Clocks differ, and so does when a time is taken: without a wait there is
		// nothing to wait for.
		if tallies[i] = &t; t.refuse.After(t.failed) && t.refuse.After(at) && t.refuse.After(until) {
			until = t.refuse
		}
	}
	if !until.IsZero() {
		return until, nil
	}
	return until, s.db.Transact(ctx, func(tx *sqldb.Tx) error {
		for i, l := range limits {
			if err := s.countOne(ctx, tx, at, l, tallies[i]); err != nil {
				return err
			}
		}
		return nil
	})
}

// countOne counts a failure for one limit, of which that was kept.
func (s *Store) countOne(ctx context.Context, tx *sqldb.Tx, at time.Time, l auth.Limit, was *tally) (err error) {
	var n int64
	if was == nil {
		n, err = s.db.Exec(ctx, tx, `INSERT INTO attempts (key, failures, failed_at, refused_until) VALUES ($1, 1, $2, $3) ON CONFLICT (key) DO NOTHING`,
			l.Key, s.db.Time(at), s.db.Time(at.Add(l.Wait(1))))
	} else {
		failures := was.failures + 1
		if at.Sub(was.failed) >= auth.ForgetFailures {
			failures = 1
		}
		n, err = s.db.Exec(ctx, tx, `UPDATE attempts SET failures = $1, failed_at = $2, refused_until = $3
			WHERE key = $4 AND failures = $5 AND failed_at = $6 AND refused_until = $7`,
			failures, s.db.Time(at), s.db.Time(at.Add(l.Wait(failures))), l.Key, was.failures, s.db.Time(was.failed), s.db.Time(was.refuse))
	}
	if err == nil && n == 0 {
		err = errRaced
	}
	return err
}

// Forgive takes back failures.
func (s *Store) Forgive(ctx context.Context, n int, keys ...string) error {
	err := s.db.Transact(ctx, func(tx *sqldb.Tx) error {
		for _, key := range slices.Sorted(slices.Values(keys)) {
			gone, err := s.db.Exec(ctx, tx, `DELETE FROM attempts WHERE key = $1 AND failures <= $2`, key, n)
			if err != nil {
				return err
			}
			if gone > 0 {
				continue
			}
			if _, err := s.db.Exec(ctx, tx, `UPDATE attempts SET failures = failures - $1, refused_until = failed_at WHERE key = $2`, n, key); err != nil {
				return err
			}
		}
		return nil
	})
	return s.wrap("forgive attempts", err, "")
}

// ExpireAttempts removes what would start anew.
func (s *Store) ExpireAttempts(ctx context.Context, at time.Time) error {
	err := s.db.Transact(ctx, func(tx *sqldb.Tx) error {
		_, err := s.db.Exec(ctx, tx, `DELETE FROM attempts WHERE failed_at <= $1`, s.db.Time(micro(at.Add(-auth.ForgetFailures))))
		return err
	})
	return s.wrap("expire attempts at", err, at)
}
