package sqliteauth

import (
	"context"
	"fmt"
	"time"

	"github.com/pressmark/pressmark/auth"
)

var _ auth.Changes = (*Store)(nil)

// pollChanges is the time between two looks at the table of changes: a look
// takes some 20 µs, and SQLite tells other processes nothing.
const pollChanges = 200 * time.Millisecond

// maxChanges is how many accounts are named, rather than all.
const maxChanges = 1000

// Watch tells of accounts that were changed, also by other processes that have
// the file open.
func (s *Store) Watch(ctx context.Context, listening func(), changed func(auth.UserID)) error {
	seen, err := s.newest(ctx)
	if err != nil {
		return err
	}
	listening()
	tick := time.NewTicker(pollChanges)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return fmt.Errorf("watch accounts: %w", ctx.Err())
		case <-tick.C:
		}
		newest, err := s.newest(ctx)
		if err != nil {
			return err
		}
		if newest == seen {
			continue
		}
		ids, err := s.since(ctx, seen)
		if err != nil {
			return err
		}
		if newest < seen || len(ids) > maxChanges { // an older copy of the file is back
			ids = []auth.UserID{0}
		}
		seen = newest
		for _, id := range ids {
			changed(id)
		}
	}
}

// newest returns the number of the last change.
func (s *Store) newest(ctx context.Context) (seq int64, err error) {
	if err := s.db.Read.QueryRowContext(ctx, `SELECT coalesce(max(seq), 0) FROM changes`).Scan(&seq); err != nil {
		return 0, fmt.Errorf("watch accounts: %w", err)
	}
	return seq, nil
}

// since returns the accounts that were changed after a change, and somewhat more
// than maxChanges at most.
func (s *Store) since(ctx context.Context, seq int64) (ids []auth.UserID, err error) {
	rows, err := s.db.Read.QueryContext(ctx, `SELECT user_id FROM changes WHERE seq > ?1 ORDER BY seq LIMIT ?2`, seq, maxChanges+1)
	if err != nil {
		return nil, fmt.Errorf("watch accounts: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var id auth.UserID
		if err := rows.Scan(&id); err != nil {
			return nil, fmt.Errorf("watch accounts: %w", err)
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}
