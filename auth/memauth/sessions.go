package memauth

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/pressmark/pressmark/auth"
)

var _ auth.Sessions = (*Store)(nil)

type session struct {
	auth.Session
	turn   int64
	hash   [32]byte
	traded time.Time
}

func micro(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

func noSession(id string) error { return fmt.Errorf("session %v: %w", id, auth.ErrNotFound) }

// Begin adds a session.
func (s *Store) Begin(ctx context.Context, n auth.Session, hash [32]byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	if _, err := s.find(n.User); err != nil {
		return err
	}
	if s.sessions == nil {
		s.sessions = map[string]*session{}
	}
	if s.sessions[n.ID] != nil {
		return fmt.Errorf("begin session: %s is there already", n.ID)
	}
	n.Created, n.Used, n.Expires = micro(n.Created), micro(n.Used), micro(n.Expires)
	s.sessions[n.ID] = &session{Session: n, hash: hash, traded: n.Created}
	s.endOldest(n.User)
	return nil
}

// endOldest ends the sessions that are too many.
func (s *Store) endOldest(user auth.UserID) {
	var own []*session
	for _, n := range s.sessions {
		if n.User == user {
			own = append(own, n)
		}
	}
	if len(own) <= auth.MaxSessions {
		return
	}
	slices.SortFunc(own, func(a, b *session) int { return cmp.Or(b.Used.Compare(a.Used), cmp.Compare(a.ID, b.ID)) })
	for _, n := range own[auth.MaxSessions:] {
		delete(s.sessions, n.ID)
	}
	s.tell(user)
}

// Trade makes the next token the one that is good.
func (s *Store) Trade(ctx context.Context, t auth.Trade) (auth.Session, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return auth.Session{}, err
	}
	n := s.sessions[t.Session]
	if n == nil || !t.At.Before(n.Expires) {
		return auth.Session{}, noSession(t.Session)
	}
	switch {
	case t.Turn == n.turn && t.Old == n.hash:
		n.turn++
		n.hash, n.traded = t.New, micro(t.At)
		n.Used, n.Expires, n.Address = n.traded, micro(t.Expires), t.Address
	case t.Turn == n.turn-1 && t.New == n.hash && t.At.Sub(n.traded) <= auth.TradeAgain:
	case t.Turn < n.turn:
		delete(s.sessions, n.ID)
		s.tell(n.User)
		return n.Session, fmt.Errorf("session %v: %w", n.ID, auth.ErrReused)
	default:
		return auth.Session{}, noSession(t.Session)
	}
	return n.Session, nil
}

// Sessions returns a user's sessions.
func (s *Store) Sessions(ctx context.Context, user auth.UserID, at time.Time) ([]auth.Session, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var list []auth.Session
	for _, n := range s.sessions {
		if n.User == user && at.Before(n.Expires) {
			list = append(list, n.Session)
		}
	}
	slices.SortFunc(list, func(a, b auth.Session) int { return cmp.Or(b.Used.Compare(a.Used), cmp.Compare(a.ID, b.ID)) })
	return list, nil
}

// End ends a session.
func (s *Store) End(ctx context.Context, user auth.UserID, id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	if n := s.sessions[id]; n == nil || n.User != user {
		return noSession(id)
	}
	delete(s.sessions, id)
	s.tell(user)
	return nil
}

// end removes the sessions that match.
func (s *Store) end(ctx context.Context, match func(*session) bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	for id, n := range s.sessions {
		if match(n) {
			delete(s.sessions, id)
		}
	}
	return nil
}

// EndAll ends all sessions of a user but one.
func (s *Store) EndAll(ctx context.Context, user auth.UserID, keep string) error {
	err := s.end(ctx, func(n *session) bool { return n.User == user && n.ID != keep })
	if err == nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.tell(user)
	}
	return err
}

// Expire removes sessions that have expired.
func (s *Store) Expire(ctx context.Context, at time.Time) error {
	return s.end(ctx, func(n *session) bool { return !at.Before(n.Expires) })
}
