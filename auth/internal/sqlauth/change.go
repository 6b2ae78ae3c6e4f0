package sqlauth

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/pressmark/pressmark/auth"
	"github.com/pressmark/pressmark/migrations/sqldb"
)

// Create adds an account.
func (s *Store) Create(ctx context.Context, u auth.User, hash string) (auth.User, error) {
	if err := u.Check(); err != nil {
		return auth.User{}, err
	}
	now := s.now().UTC().Truncate(time.Microsecond)
	u.Access.Libraries = maps.Clone(u.Access.Libraries)
	u.Generation, u.Created, u.Updated = 1, now, now
	err := s.write(ctx, func(tx *sqldb.Tx) error { return s.insert(ctx, tx, &u, hash) })
	if err != nil {
		return auth.User{}, s.wrap("create user", err, u.Username)
	}
	return u, nil
}

// insert adds an account and sets its number.
func (s *Store) insert(ctx context.Context, tx *sqldb.Tx, u *auth.User, hash string) error {
	err := s.db.In(tx).Row(ctx, []any{&u.ID}, `INSERT INTO users
		(email, email_key, username, username_key, full_name, role, disabled, restricted, password_hash, generation, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) RETURNING id`,
		u.Email, auth.Key(u.Email), u.Username, auth.Key(u.Username), u.FullName, u.Role, u.Disabled, u.Access.Restricted, hash, u.Generation, s.db.Time(u.Created), s.db.Time(u.Updated))
	if err != nil {
		return s.conflict(err, u)
	}
	if err := s.setAccess(ctx, tx, u.ID, u.Access); err != nil {
		return err
	}
	return s.changed(ctx, tx, u.ID)
}

// conflict turns the error of a value that is taken into a ConflictError.
func (s *Store) conflict(err error, u *auth.User) error {
	switch s.db.Taken(err) {
	case "users.email_key":
		return &auth.ConflictError{Field: "email", Value: u.Email}
	case "users.username_key":
		return &auth.ConflictError{Field: "username", Value: u.Username}
	}
	return err
}

func (s *Store) setAccess(ctx context.Context, tx *sqldb.Tx, id auth.UserID, a auth.Access) error {
	for _, library := range slices.Sorted(maps.Keys(a.Libraries)) {
		r := a.Libraries[library]
		_, err := s.db.Exec(ctx, tx, `INSERT INTO user_access (user_id, library, kind, expression) VALUES ($1, $2, $3, $4)`, id, library, r.Kind, r.Expression)
		if err != nil {
			return err
		}
	}
	return nil
}

// Update changes an account.
func (s *Store) Update(ctx context.Context, id auth.UserID, change func(*auth.User) error) (auth.User, error) {
	var u auth.User
	var refused error
	err := s.write(ctx, func(tx *sqldb.Tx) error {
		was, err := s.user(ctx, s.db.In(tx), id)
		if err != nil {
			return err
		}
		u = was.User
		u.Access.Libraries = maps.Clone(was.Access.Libraries)
		if refused = change(&u); refused != nil {
			return refused
		}
		u.ID, u.Generation, u.Created, u.Updated = was.ID, was.Generation, was.Created, was.Updated
		if len(u.Access.Libraries) == 0 {
			u.Access.Libraries = nil
		}
		if err := u.Check(); err != nil || same(u, was.User) {
			return err
		}
		if manages(was.User) && !manages(u) {
			if err := s.anotherAdmin(ctx, tx, id); err != nil {
				return err
			}
		}
		u.Generation++
		u.Updated = s.now().UTC().Truncate(time.Microsecond)
		_, err = s.db.Exec(ctx, tx, `UPDATE users SET email = $1, email_key = $2, username = $3, username_key = $4, full_name = $5,
			role = $6, disabled = $7, restricted = $8, generation = $9, updated_at = $10 WHERE id = $11`,
			u.Email, auth.Key(u.Email), u.Username, auth.Key(u.Username), u.FullName, u.Role, u.Disabled, u.Access.Restricted, u.Generation, s.db.Time(u.Updated), id)
		if err != nil {
			return s.conflict(err, &u)
		}
		if _, err := s.db.Exec(ctx, tx, `DELETE FROM user_access WHERE user_id = $1`, id); err != nil {
			return err
		}
		if err := s.setAccess(ctx, tx, id, u.Access); err != nil {
			return err
		}
		return s.changed(ctx, tx, id)
	})
	switch {
	case refused != nil:
		return auth.User{}, refused
	case err != nil:
		return auth.User{}, s.wrap("change user", err, id)
	}
	return u, nil
}

// manages tells whether an account may manage others.
func manages(u auth.User) bool { return u.Role == auth.Admin && !u.Disabled }

// anotherAdmin returns ErrLastAdmin if no other account manages.
func (s *Store) anotherAdmin(ctx context.Context, tx *sqldb.Tx, id auth.UserID) error {
	var n int
	if err := s.db.In(tx).Row(ctx, []any{&n}, `SELECT count(*) FROM users WHERE role = 'admin' AND NOT disabled AND id <> $1`, id); err != nil {
		return err
	}
	if n == 0 {
		return auth.ErrLastAdmin
	}
	return nil
}

// SetPassword replaces the hash of a password.
func (s *Store) SetPassword(ctx context.Context, id auth.UserID, old, hash string) error {
	err := s.write(ctx, func(tx *sqldb.Tx) error {
		if old != "" {
			_, err := s.db.Exec(ctx, tx, `UPDATE users SET password_hash = $1 WHERE id = $2 AND password_hash = $3`, hash, id, old)
			return err
		}
		n, err := s.db.Exec(ctx, tx, `UPDATE users SET password_hash = $1, generation = generation + 1, updated_at = $2 WHERE id = $3`,
			hash, s.db.Time(s.now().UTC().Truncate(time.Microsecond)), id)
		if err == nil && n == 0 {
			err = auth.ErrNotFound
		}
		if err != nil {
			return err
		}
		return s.changed(ctx, tx, id)
	})
	return s.wrap("set the password of user", err, id)
}

// Delete removes an account.
func (s *Store) Delete(ctx context.Context, id auth.UserID) error {
	err := s.write(ctx, func(tx *sqldb.Tx) error {
		was, err := s.user(ctx, s.db.In(tx), id)
		if err != nil {
			return err
		}
		if manages(was.User) {
			if err := s.anotherAdmin(ctx, tx, id); err != nil {
				return err
			}
		}
		if _, err := s.db.Exec(ctx, tx, `DELETE FROM users WHERE id = $1`, id); err != nil {
			return err
		}
		return s.changed(ctx, tx, id)
	})
	return s.wrap("delete user", err, id)
}
