package sqlauth

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"slices"
	"time"

	"github.com/pressmark/pressmark/auth"
)

var _ auth.Attempts = (*Store)(nil)

// errRefused ends a transaction that has found that an attempt is refused.
var errRefused = errors.New("refused")

// tally is what is kept of the failures with one key.
type tally struct {
	failures       int
	failed, refuse time.Time
}

// Attempt counts a failure for each limit.
func (s *Store) Attempt(ctx context.Context, at time.Time, limits ...auth.Limit) (until time.Time, err error) {
	at = micro(at)
	// Who is refused costs no transaction.
	for _, l := range limits {
		var t tally
		row := s.d.Read.QueryRowContext(ctx, s.d.Query(`SELECT refused_until FROM attempts WHERE key = $1`), l.Key)
		if err := row.Scan(stamp{&t.refuse}); err != nil && !errors.Is(err, sql.ErrNoRows) {
			return until, wrap("count an attempt", err, l.Key)
		}
		until = later(until, t.refuse, at)
	}
	if !until.IsZero() {
		return until, nil
	}
	// In one order everywhere, so that no two wait for each other.
	limits = slices.SortedFunc(slices.Values(limits), func(a, b auth.Limit) int { return cmp.Compare(a.Key, b.Key) })
	err = s.transact(ctx, func(tx *sql.Tx) error {
		until = time.Time{}
		tallies := make([]tally, len(limits))
		for i, l := range limits {
			t := &tallies[i]
			// The row is locked from here on.
			row := tx.QueryRowContext(ctx, s.d.Query(`INSERT INTO attempts (key, failures, failed_at, refused_until) VALUES ($1, 0, $2, $3)
				ON CONFLICT (key) DO UPDATE SET failures = attempts.failures RETURNING failures, failed_at, refused_until`), l.Key, s.d.Time(at), s.d.Time(at))
			if err := row.Scan(&t.failures, stamp{&t.failed}, stamp{&t.refuse}); err != nil {
				return err
			}
			until = later(until, t.refuse, at)
		}
		if !until.IsZero() {
			return errRefused
		}
		for i, l := range limits {
			t := &tallies[i]
			if at.Sub(t.failed) >= auth.ForgetFailures {
				t.failures = 0
			}
			t.failures++
			_, err := s.exec(ctx, tx, `UPDATE attempts SET failures = $1, failed_at = $2, refused_until = $3 WHERE key = $4`,
				t.failures, s.d.Time(at), s.d.Time(at.Add(l.Wait(t.failures))), l.Key)
			if err != nil {
				return err
			}
		}
		return nil
	})
	if errors.Is(err, errRefused) {
		return until, nil
	}
	return time.Time{}, wrap("count an attempt", err, "")
}

// later returns the later of until and t, if t is not over at that time.
func later(until, t, at time.Time) time.Time {
	if t.After(at) && t.After(until) {
		return t
	}
	return until
}

// Forgive takes back failures.
func (s *Store) Forgive(ctx context.Context, n int, keys ...string) error {
	err := s.transact(ctx, func(tx *sql.Tx) error {
		for _, key := range slices.Sorted(slices.Values(keys)) {
			if _, err := s.exec(ctx, tx, `UPDATE attempts SET failures = failures - $1, refused_until = failed_at WHERE key = $2`, n, key); err != nil {
				return err
			}
			if _, err := s.exec(ctx, tx, `DELETE FROM attempts WHERE key = $1 AND failures <= 0`, key); err != nil {
				return err
			}
		}
		return nil
	})
	return wrap("forgive attempts", err, "")
}

// ExpireAttempts removes what would start anew.
func (s *Store) ExpireAttempts(ctx context.Context, at time.Time) error {
	err := s.transact(ctx, func(tx *sql.Tx) error {
		_, err := s.exec(ctx, tx, `DELETE FROM attempts WHERE failed_at <= $1`, s.d.Time(micro(at.Add(-auth.ForgetFailures))))
		return err
	})
	return wrap("expire attempts at", err, at)
}
