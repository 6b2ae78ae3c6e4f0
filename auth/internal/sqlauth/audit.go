package sqlauth

import (
	"context"
	"math"
	"time"

	"github.com/pressmark/pressmark/auth"
	"github.com/pressmark/pressmark/migrations/sqldb"
)

var (
	_ auth.Audit = (*Store)(nil)
	_ auth.Setup = (*Store)(nil)
)

// Record adds an event.
func (s *Store) Record(ctx context.Context, e auth.Event) error {
	err := s.db.Transact(ctx, func(tx *sqldb.Tx) error {
		_, err := s.db.Exec(ctx, tx, `INSERT INTO events (at, action, actor, user_id, address, detail) VALUES ($1, $2, $3, $4, $5, $6)`,
			s.db.Time(micro(e.At)), e.Action, e.Actor, e.User, e.Address, e.Detail)
		return err
	})
	return s.wrap("record", err, e.Action)
}

// Events returns events, the newest first.
func (s *Store) Events(ctx context.Context, user auth.UserID, before int64, limit int) ([]auth.Event, error) {
	if before <= 0 {
		before = math.MaxInt64
	}
	limit = min(max(limit, 1), 1000)
	query, args := `WHERE id < $1 ORDER BY id DESC LIMIT $2`, []any{before, limit}
	if user != 0 {
		query, args = `WHERE id < $1 AND (actor = $2 OR user_id = $3) ORDER BY id DESC LIMIT $4`, []any{before, user, user, limit}
	}
	list, err := s.events(ctx, query, args...)
	return list, s.wrap("events before", err, before)
}

func (s *Store) events(ctx context.Context, query string, args ...any) ([]auth.Event, error) {
	rows, err := s.db.Reader().Query(ctx, `SELECT id, at, action, actor, user_id, address, detail FROM events `+query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []auth.Event
	for rows.Next() {
		var e auth.Event
		if err := rows.Scan(&e.ID, sqldb.At(&e.At), &e.Action, &e.Actor, &e.User, &e.Address, &e.Detail); err != nil {
			return nil, err
		}
		list = append(list, e)
	}
	return list, rows.Err()
}

// ExpireEvents removes old events.
func (s *Store) ExpireEvents(ctx context.Context, at time.Time) error {
	err := s.db.Transact(ctx, func(tx *sqldb.Tx) error {
		_, err := s.db.Exec(ctx, tx, `DELETE FROM events WHERE at < $1`, s.db.Time(micro(at)))
		return err
	})
	return s.wrap("expire events before", err, at)
}
