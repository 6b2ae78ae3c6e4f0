package sqlauth

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/pressmark/pressmark/auth"
	"github.com/pressmark/pressmark/migrations/sqldb"
)

var _ auth.Sessions = (*Store)(nil)

// micro is a time as it is kept.
func micro(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

// Begin adds a session.
func (s *Store) Begin(ctx context.Context, n auth.Session, hash [32]byte) error {
	err := s.write(ctx, func(tx *sqldb.Tx) error {
		added, err := s.db.Exec(ctx, tx, `INSERT INTO sessions (id, user_id, label, address, turn, token_hash, created_at, used_at, traded_at, expires_at)
			SELECT $1, id, $2, $3, 0, $4, $5, $6, $7, $8 FROM users WHERE id = $9`,
			n.ID, n.Label, n.Address, hash[:], s.db.Time(micro(n.Created)), s.db.Time(micro(n.Used)), s.db.Time(micro(n.Created)), s.db.Time(micro(n.Expires)), n.User)
		if err == nil && added == 0 {
			err = auth.ErrNotFound
		}
		if err != nil {
			return err
		}
		return s.endOldest(ctx, tx, n.User)
	})
	return s.wrap("begin session of user", err, n.User)
}

// endOldest ends the sessions that are too many.
func (s *Store) endOldest(ctx context.Context, tx *sqldb.Tx, user auth.UserID) error {
	var n int
	if err := s.db.In(tx).Row(ctx, []any{&n}, `SELECT count(*) FROM sessions WHERE user_id = $1`, user); err != nil || n <= auth.MaxSessions {
		return err
	}
	_, err := s.db.Exec(ctx, tx, `DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE user_id = $1 ORDER BY used_at, id DESC LIMIT $2)`, user, n-auth.MaxSessions)
	if err != nil {
		return err
	}
	return s.changed(ctx, tx, user)
}

const sessionColumns = `id, user_id, label, address, created_at, used_at, expires_at`

func sessionFields(n *auth.Session) []any {
	return []any{&n.ID, &n.User, &n.Label, &n.Address, sqldb.At(&n.Created), sqldb.At(&n.Used), sqldb.At(&n.Expires)}
}

// Trade makes the next token the one that is good.
func (s *Store) Trade(ctx context.Context, t auth.Trade) (auth.Session, error) {
	if !sqldb.Storable(t.Session) {
		return auth.Session{}, s.wrap("session", auth.ErrNotFound, t.Session)
	}
	var n auth.Session
	reused := false
	err := s.write(ctx, func(tx *sqldb.Tx) error {
		var turn int64
		var hash []byte
		var traded time.Time
		err := s.db.In(tx).Row(ctx, append(sessionFields(&n), &turn, &hash, sqldb.At(&traded)), `SELECT `+sessionColumns+`, turn, token_hash, traded_at FROM sessions WHERE id = $1`, t.Session)
		if errors.Is(err, sql.ErrNoRows) || err == nil && !t.At.Before(n.Expires) {
			return auth.ErrNotFound
		}
		if err != nil {
			return err
		}
		switch {
		case t.Turn == turn && bytes.Equal(t.Old[:], hash):
			n.Used, n.Expires, n.Address = micro(t.At), micro(t.Expires), t.Address
			_, err = s.db.Exec(ctx, tx, `UPDATE sessions SET turn = turn + 1, token_hash = $1, used_at = $2, traded_at = $3, expires_at = $4, address = $5 WHERE id = $6`,
				t.New[:], s.db.Time(n.Used), s.db.Time(n.Used), s.db.Time(n.Expires), n.Address, n.ID)
			return err
		case t.Turn == turn-1 && bytes.Equal(t.New[:], hash) && t.At.Sub(traded) <= auth.TradeAgain:
			return nil
		case t.Turn < turn:
			reused = true
			if _, err := s.db.Exec(ctx, tx, `DELETE FROM sessions WHERE id = $1`, n.ID); err != nil {
				return err
			}
			return s.changed(ctx, tx, n.User)
		}
		return auth.ErrNotFound
	})
	if err != nil {
		return auth.Session{}, s.wrap("session", err, t.Session)
	}
	if reused {
		return n, s.wrap("session", auth.ErrReused, t.Session)
	}
	return n, nil
}

// Sessions returns a user's sessions.
func (s *Store) Sessions(ctx context.Context, user auth.UserID, at time.Time) ([]auth.Session, error) {
	list, err := s.sessions(ctx, user, at)
	return list, s.wrap("sessions of user", err, user)
}

func (s *Store) sessions(ctx context.Context, user auth.UserID, at time.Time) ([]auth.Session, error) {
	rows, err := s.db.Reader().Query(ctx, `SELECT `+sessionColumns+` FROM sessions WHERE user_id = $1 AND expires_at > $2 ORDER BY used_at DESC, id`, user, s.db.Time(micro(at)))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []auth.Session
	for rows.Next() {
		var n auth.Session
		if err := rows.Scan(sessionFields(&n)...); err != nil {
			return nil, err
		}
		list = append(list, n)
	}
	return list, rows.Err()
}

// End ends a session.
func (s *Store) End(ctx context.Context, user auth.UserID, id string) error {
	if !sqldb.Storable(id) {
		return s.wrap("end session", auth.ErrNotFound, id)
	}
	err := s.write(ctx, func(tx *sqldb.Tx) error {
		n, err := s.db.Exec(ctx, tx, `DELETE FROM sessions WHERE id = $1 AND user_id = $2`, id, user)
		if err == nil && n == 0 {
			err = auth.ErrNotFound
		}
		if err != nil {
			return err
		}
		return s.changed(ctx, tx, user)
	})
	return s.wrap("end session", err, id)
}

// EndAll ends all sessions of a user but one.
func (s *Store) EndAll(ctx context.Context, user auth.UserID, keep string) error {
	err := s.write(ctx, func(tx *sqldb.Tx) error {
		_, err := s.db.Exec(ctx, tx, `DELETE FROM sessions WHERE user_id = $1 AND id <> $2`, user, keep)
		if err != nil {
			return err
		}
		return s.changed(ctx, tx, user)
	})
	return s.wrap("end sessions of user", err, user)
}

// Expire removes sessions that have expired.
func (s *Store) Expire(ctx context.Context, at time.Time) error {
	err := s.write(ctx, func(tx *sqldb.Tx) error {
		_, err := s.db.Exec(ctx, tx, `DELETE FROM sessions WHERE expires_at <= $1`, s.db.Time(micro(at)))
		return err
	})
	return s.wrap("expire sessions at", err, at)
}
