package memauth

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/pressmark/pressmark/auth"
)

var (
	_ auth.AppPasswords = (*Store)(nil)
	_ auth.Attempts     = (*Store)(nil)
	_ auth.Audit        = (*Store)(nil)
	_ auth.Setup        = (*Store)(nil)
)

// AddAppPassword adds an app password.
func (s *Store) AddAppPassword(ctx context.Context, p auth.AppPassword) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := p.Check(); err != nil {
		return err
	}
	if _, err := s.find(p.User); err != nil {
		return err
	}
	n := 0
	for _, other := range s.apps {
		if other.ID == p.ID || other.Hash == p.Hash {
			return fmt.Errorf("add app password: %s is there already", p.ID)
		}
		if other.User == p.User {
			n++
		}
	}
	if n >= auth.MaxAppPasswords {
		return &auth.InvalidError{Field: "app_passwords", Reason: fmt.Sprintf("there are %d already: remove one", n)}
	}
	p.Scopes = slices.Clone(p.Scopes)
	p.Created = micro(p.Created)
	if !p.Used.IsZero() {
		p.Used = micro(p.Used)
	}
	s.apps = append(s.apps, &p)
	s.tell(p.User)
	return nil
}

func copiedApp(p *auth.AppPassword) auth.AppPassword {
	c := *p
	c.Scopes = slices.Clone(p.Scopes)
	return c
}

func noApp(what any) error { return fmt.Errorf("app password %v: %w", what, auth.ErrNotFound) }

// FindAppPassword returns the app password with that hash.
func (s *Store) FindAppPassword(ctx context.Context, hash [32]byte) (auth.AppPassword, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return auth.AppPassword{}, err
	}
	for _, p := range s.apps {
		if p.Hash == hash {
			return copiedApp(p), nil
		}
	}
	return auth.AppPassword{}, noApp("")
}

// AppPasswords returns those of a user.
func (s *Store) AppPasswords(ctx context.Context, user auth.UserID) ([]auth.AppPassword, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var list []auth.AppPassword
	for _, p := range s.apps {
		if p.User == user {
			list = append(list, copiedApp(p))
		}
	}
	slices.SortFunc(list, func(a, b auth.AppPassword) int {
		return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(a.ID, b.ID))
	})
	return list, nil
}

// UseAppPassword notes that one was used.
func (s *Store) UseAppPassword(ctx context.Context, id string, hash [32]byte, at time.Time, address string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	for _, p := range s.apps {
		if p.ID == id {
			p.Hash, p.Used, p.Address = hash, micro(at), address
			return nil
		}
	}
	return noApp(id)
}

// RemoveAppPassword removes one of a user.
func (s *Store) RemoveAppPassword(ctx context.Context, user auth.UserID, id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	n := len(s.apps)
	s.apps = slices.DeleteFunc(s.apps, func(p *auth.AppPassword) bool { return p.ID == id && p.User == user })
	if len(s.apps) == n {
		return noApp(id)
	}
	s.tell(user)
	return nil
}

// tally is what is kept of the failures with one key.
type tally struct {
	failures       int
	failed, refuse time.Time
}

// Attempt counts a failure for each limit.
func (s *Store) Attempt(ctx context.Context, at time.Time, limits ...auth.Limit) (until time.Time, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return until, err
	}
	at = micro(at)
	for _, l := range limits {
		if t := s.tallies[l.Key]; t.refuse.After(t.failed) && t.refuse.After(at) && t.refuse.After(until) {
			until = t.refuse
		}
	}
	if !until.IsZero() {
		return until, nil
	}
	if s.tallies == nil {
		s.tallies = map[string]tally{}
	}
	for _, l := range limits {
		t := s.tallies[l.Key]
		if at.Sub(t.failed) >= auth.ForgetFailures {
			t.failures = 0
		}
		t.failures++
		t.failed, t.refuse = at, at.Add(l.Wait(t.failures))
		s.tallies[l.Key] = t
	}
	return until, nil
}

// Forgive takes back failures.
func (s *Store) Forgive(ctx context.Context, n int, keys ...string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	for _, key := range keys {
		t, ok := s.tallies[key]
		if !ok {
			continue
		}
		t.failures -= n
		t.refuse = t.failed
		if s.tallies[key] = t; t.failures <= 0 {
			delete(s.tallies, key)
		}
	}
	return nil
}

// ExpireAttempts removes what would start anew.
func (s *Store) ExpireAttempts(ctx context.Context, at time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	for key, t := range s.tallies {
		if at.Sub(t.failed) >= auth.ForgetFailures {
			delete(s.tallies, key)
		}
	}
	return nil
}

// Record adds an event.
func (s *Store) Record(ctx context.Context, e auth.Event) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	s.lastEvent++
	e.ID, e.At = s.lastEvent, micro(e.At)
	s.events = append(s.events, e)
	return nil
}

// Events returns events, the newest first.
func (s *Store) Events(ctx context.Context, user auth.UserID, before int64, limit int) ([]auth.Event, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	limit = min(max(limit, 1), 1000)
	var list []auth.Event
	for _, e := range slices.Backward(s.events) {
		if (before <= 0 || e.ID < before) && (user == 0 || e.Actor == user || e.User == user) && len(list) < limit {
			list = append(list, e)
		}
	}
	return list, nil
}

// ExpireEvents removes old events.
func (s *Store) ExpireEvents(ctx context.Context, at time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	s.events = slices.DeleteFunc(s.events, func(e auth.Event) bool { return e.At.Before(micro(at)) })
	return nil
}

// OpenSetup returns the set-up that is open.
func (s *Store) OpenSetup(ctx context.Context, at time.Time, n auth.SetupToken) (auth.SetupToken, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return auth.SetupToken{}, err
	}
	if len(s.users) > 0 {
		return auth.SetupToken{}, fmt.Errorf("open set-up: %w", auth.ErrNotFound)
	}
	if s.setup == nil || !at.Before(s.setup.Expires) {
		n.Expires = micro(n.Expires)
		s.setup = &n
	}
	return *s.setup, nil
}

// FinishSetup makes the first admin.
func (s *Store) FinishSetup(ctx context.Context, at time.Time, hash [32]byte, u auth.User, passwordHash string) (auth.User, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return auth.User{}, err
	}
	u.Role, u.Disabled, u.Access = auth.Admin, false, auth.Access{}
	if err := u.Check(); err != nil {
		return auth.User{}, err
	}
	if len(s.users) > 0 || s.setup == nil || !at.Before(s.setup.Expires) || s.setup.Hash != hash {
		return auth.User{}, fmt.Errorf("finish set-up: %w", auth.ErrNotFound)
	}
	s.setup = nil
	return s.insert(u, passwordHash), nil
}
