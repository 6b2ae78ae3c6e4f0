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

// OpenSetup returns the set-up that is open.
func (s *Store) OpenSetup(ctx context.Context, at time.Time, n auth.SetupToken) (auth.SetupToken, error) {
	err := s.write(ctx, func(tx *sqldb.Tx) error {
		open, err := s.setup(ctx, tx)
		if err == nil && at.Before(open.Expires) {
			n = open
			return nil
		}
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		if _, err := s.db.Exec(ctx, tx, `DELETE FROM setup`); err != nil {
			return err
		}
		n.Expires = micro(n.Expires)
		_, err = s.db.Exec(ctx, tx, `INSERT INTO setup (id, nonce, hash, expires_at) VALUES (1, $1, $2, $3)`, n.Nonce, n.Hash[:], s.db.Time(n.Expires))
		return err
	})
	if err != nil {
		return auth.SetupToken{}, s.wrap("open set-up", err, "")
	}
	return n, nil
}

// setup reads the set-up. It is ErrNotFound if there are users.
func (s *Store) setup(ctx context.Context, tx *sqldb.Tx) (n auth.SetupToken, err error) {
	var users int
	if err := s.db.In(tx).Row(ctx, []any{&users}, `SELECT count(*) FROM users`); err != nil {
		return n, err
	}
	if users > 0 {
		return n, auth.ErrNotFound
	}
	var hash []byte
	err = s.db.In(tx).Row(ctx, []any{&n.Nonce, &hash, sqldb.At(&n.Expires)}, `SELECT nonce, hash, expires_at FROM setup`)
	copy(n.Hash[:], hash)
	return n, err
}

// FinishSetup makes the first admin.
func (s *Store) FinishSetup(ctx context.Context, at time.Time, hash [32]byte, u auth.User, passwordHash string) (auth.User, error) {
	u.Role, u.Disabled, u.Access = auth.Admin, false, auth.Access{}
	if err := u.Check(); err != nil {
		return auth.User{}, err
	}
	now := micro(s.now())
	u.Generation, u.Created, u.Updated = 1, now, now
	err := s.write(ctx, func(tx *sqldb.Tx) error {
		open, err := s.setup(ctx, tx)
		switch {
		case errors.Is(err, sql.ErrNoRows):
			return auth.ErrNotFound
		case err != nil:
			return err
		case !at.Before(open.Expires) || !bytes.Equal(open.Hash[:], hash[:]):
			return auth.ErrNotFound
		}
		if _, err := s.db.Exec(ctx, tx, `DELETE FROM setup`); err != nil {
			return err
		}
		return s.insert(ctx, tx, &u, passwordHash)
	})
	if err != nil {
		return auth.User{}, s.wrap("finish set-up", err, "")
	}
	return u, nil
}
