// Package memauth keeps accounts, and what belongs to them, in memory, for tests
// and for programs that have no other use for them than now.
package memauth

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"sync"
	"time"

	"github.com/pressmark/pressmark/auth"
)

// Store is all roles of package auth. The zero value is empty and ready. Safe for
// concurrent use.
type Store struct {
	// Now is the clock. nil means time.Now. It must not be changed while the
	// store is used.
	Now func() time.Time

	mu       sync.Mutex
	users    map[auth.UserID]*account
	last     auth.UserID
	sessions map[string]*session
	apps     []*auth.AppPassword
	tallies  map[string]tally
	events   []auth.Event
	setup    *auth.SetupToken
	watchers map[*watcher]bool

	lastEvent int64
}

type account struct {
	auth.User
	hash string
}

var _ auth.Users = (*Store)(nil)

func (s *Store) now() time.Time {
	now := s.Now
	if now == nil {
		now = time.Now
	}
	return now().UTC().Truncate(time.Microsecond)
}

// copied returns a user that shares nothing with u.
func copied(u auth.User) auth.User {
	u.Access.Libraries = maps.Clone(u.Access.Libraries)
	if len(u.Access.Libraries) == 0 {
		u.Access.Libraries = nil
	}
	return u
}

// taken returns the error for a value that another account has.
func (s *Store) taken(u *auth.User) error {
	for _, other := range s.users {
		switch {
		case other.ID == u.ID:
		case auth.Key(other.Email) == auth.Key(u.Email):
			return &auth.ConflictError{Field: "email", Value: u.Email}
		case auth.Key(other.Username) == auth.Key(u.Username):
			return &auth.ConflictError{Field: "username", Value: u.Username}
		}
	}
	return nil
}

func (s *Store) find(id auth.UserID) (*account, error) {
	if a := s.users[id]; a != nil {
		return a, nil
	}
	return nil, fmt.Errorf("user %v: %w", id, auth.ErrNotFound)
}

// Create adds an account.
func (s *Store) Create(ctx context.Context, u auth.User, hash string) (auth.User, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return auth.User{}, err
	}
	if err := u.Check(); err != nil {
		return auth.User{}, err
	}
	u.ID = 0
	if err := s.taken(&u); err != nil {
		return auth.User{}, err
	}
	return s.insert(u, hash), nil
}

// insert adds an account that may be added.
func (s *Store) insert(u auth.User, hash string) auth.User {
	u = copied(u)
	s.last++
	now := s.now()
	u.ID, u.Generation, u.Created, u.Updated = s.last, 1, now, now
	if s.users == nil {
		s.users = map[auth.UserID]*account{}
	}
	s.users[u.ID] = &account{u, hash}
	s.tell(u.ID)
	return copied(u)
}

// User returns an account.
func (s *Store) User(ctx context.Context, id auth.UserID) (auth.User, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return auth.User{}, err
	}
	a, err := s.find(id)
	if err != nil {
		return auth.User{}, err
	}
	return copied(a.User), nil
}

// Find returns an account by e-mail address or name.
func (s *Store) Find(ctx context.Context, login string) (auth.User, string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return auth.User{}, "", err
	}
	key := auth.Key(login)
	for _, a := range s.users {
		if auth.Key(a.Email) == key || auth.Key(a.Username) == key {
			return copied(a.User), a.hash, nil
		}
	}
	return auth.User{}, "", fmt.Errorf("find user %v: %w", login, auth.ErrNotFound)
}

// List returns accounts by number.
func (s *Store) List(ctx context.Context, after auth.UserID, limit int) ([]auth.User, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	limit = min(max(limit, 1), 1000)
	var list []auth.User
	for _, id := range slices.Sorted(maps.Keys(s.users)) {
		if id > after && len(list) < limit {
			list = append(list, copied(s.users[id].User))
		}
	}
	return list, nil
}

// Update changes an account.
func (s *Store) Update(ctx context.Context, id auth.UserID, change func(*auth.User) error) (auth.User, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return auth.User{}, err
	}
	a, err := s.find(id)
	if err != nil {
		return auth.User{}, err
	}
	u := copied(a.User)
	if err := change(&u); err != nil {
		return auth.User{}, err
	}
	u = copied(u)
	u.ID, u.Generation, u.Created, u.Updated = a.ID, a.Generation, a.Created, a.Updated
	if err := u.Check(); err != nil {
		return auth.User{}, err
	}
	if reflect.DeepEqual(u, a.User) {
		return u, nil
	}
	if err := s.taken(&u); err != nil {
		return auth.User{}, err
	}
	if manages(a.User) && !manages(u) && !s.anotherAdmin(id) {
		return auth.User{}, fmt.Errorf("change user %v: %w", id, auth.ErrLastAdmin)
	}
	u.Generation++
	u.Updated = s.now()
	a.User = u
	s.tell(id)
	return copied(u), nil
}

func manages(u auth.User) bool { return u.Role == auth.Admin && !u.Disabled }

func (s *Store) anotherAdmin(id auth.UserID) bool {
	for _, a := range s.users {
		if a.ID != id && manages(a.User) {
			return true
		}
	}
	return false
}

// SetPassword replaces the hash of a password.
func (s *Store) SetPassword(ctx context.Context, id auth.UserID, old, hash string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	a, err := s.find(id)
	switch {
	case old != "":
		if err == nil && a.hash == old {
			a.hash = hash
		}
		return nil
	case err != nil:
		return err
	}
	a.hash = hash
	a.Generation++
	a.Updated = s.now()
	s.tell(id)
	return nil
}

// Delete removes an account.
func (s *Store) Delete(ctx context.Context, id auth.UserID) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	a, err := s.find(id)
	if err != nil {
		return err
	}
	if manages(a.User) && !s.anotherAdmin(id) {
		return fmt.Errorf("delete user %v: %w", id, auth.ErrLastAdmin)
	}
	delete(s.users, id)
	for key, n := range s.sessions {
		if n.User == id {
			delete(s.sessions, key)
		}
	}
	s.apps = slices.DeleteFunc(s.apps, func(p *auth.AppPassword) bool { return p.User == id })
	s.tell(id)
	return nil
}
