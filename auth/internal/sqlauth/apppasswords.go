package sqlauth

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/pressmark/pressmark/auth"
	"github.com/pressmark/pressmark/migrations/sqldb"
)

var _ auth.AppPasswords = (*Store)(nil)

// AddAppPassword adds an app password.
func (s *Store) AddAppPassword(ctx context.Context, p auth.AppPassword) error {
	if err := p.Check(); err != nil {
		return err
	}
	err := s.write(ctx, func(tx *sqldb.Tx) error {
		if _, err := s.user(ctx, s.db.In(tx), p.User); err != nil {
			return err
		}
		var n int
		if err := s.db.In(tx).Row(ctx, []any{&n}, `SELECT count(*) FROM app_passwords WHERE user_id = $1`, p.User); err != nil {
			return err
		}
		if n >= auth.MaxAppPasswords {
			return &auth.InvalidError{Field: "app_passwords", Reason: fmt.Sprintf("there are %d already: remove one", n)}
		}
		scopes := make([]string, len(p.Scopes))
		for i, scope := range p.Scopes {
			scopes[i] = string(scope)
		}
		_, err := s.db.Exec(ctx, tx, `INSERT INTO app_passwords (id, user_id, label, scopes, hash, created_at, used_at, address) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
			p.ID, p.User, p.Label, strings.Join(scopes, " "), p.Hash[:], s.db.Time(micro(p.Created)), s.db.OptionalTime(p.Used), p.Address)
		if err != nil {
			return err
		}
		return s.changed(ctx, tx, p.User)
	})
	return s.wrap("add app password of user", err, p.User)
}

const selectAppPasswords = `SELECT id, user_id, label, scopes, hash, created_at, used_at, address FROM app_passwords `

func (s *Store) appPasswords(ctx context.Context, query string, args ...any) ([]auth.AppPassword, error) {
	rows, err := s.db.Reader().Query(ctx, selectAppPasswords+query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []auth.AppPassword
	for rows.Next() {
		var p auth.AppPassword
		var scopes string
		var hash []byte
		if err := rows.Scan(&p.ID, &p.User, &p.Label, &scopes, &hash, sqldb.At(&p.Created), sqldb.At(&p.Used), &p.Address); err != nil {
			return nil, err
		}
		if copy(p.Hash[:], hash) < len(p.Hash) {
			return nil, errors.New("the hash of an app password is too short")
		}
		for _, scope := range strings.Fields(scopes) {
			p.Scopes = append(p.Scopes, auth.Scope(scope))
		}
		list = append(list, p)
	}
	return list, rows.Err()
}

// FindAppPassword returns the app password with that hash.
func (s *Store) FindAppPassword(ctx context.Context, hash [32]byte) (auth.AppPassword, error) {
	list, err := s.appPasswords(ctx, `WHERE hash = $1`, hash[:])
	if err == nil && len(list) == 0 {
		err = auth.ErrNotFound
	}
	if err != nil {
		return auth.AppPassword{}, s.wrap("find app password", err, "")
	}
	return list[0], nil
}

// AppPasswords returns those of a user.
func (s *Store) AppPasswords(ctx context.Context, user auth.UserID) ([]auth.AppPassword, error) {
	list, err := s.appPasswords(ctx, `WHERE user_id = $1 ORDER BY created_at, id`, user)
	return list, s.wrap("app passwords of user", err, user)
}

// UseAppPassword notes that one was used.
func (s *Store) UseAppPassword(ctx context.Context, id string, hash [32]byte, at time.Time, address string) error {
	if !sqldb.Storable(id) {
		return s.wrap("use app password", auth.ErrNotFound, id)
	}
	err := s.db.Transact(ctx, func(tx *sqldb.Tx) error {
		n, err := s.db.Exec(ctx, tx, `UPDATE app_passwords SET hash = $1, used_at = $2, address = $3 WHERE id = $4`, hash[:], s.db.Time(micro(at)), address, id)
		if err == nil && n == 0 {
			err = auth.ErrNotFound
		}
		return err
	})
	return s.wrap("use app password", err, id)
}

// RemoveAppPassword removes one of a user.
func (s *Store) RemoveAppPassword(ctx context.Context, user auth.UserID, id string) error {
	if !sqldb.Storable(id) {
		return s.wrap("remove app password", auth.ErrNotFound, id)
	}
	err := s.write(ctx, func(tx *sqldb.Tx) error {
		n, err := s.db.Exec(ctx, tx, `DELETE FROM app_passwords WHERE id = $1 AND user_id = $2`, id, user)
		if err == nil && n == 0 {
			err = auth.ErrNotFound
		}
		if err != nil {
			return err
		}
		return s.changed(ctx, tx, user)
	})
	return s.wrap("remove app password", err, id)
}
