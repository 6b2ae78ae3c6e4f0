package auth

import (
	"context"
	"time"
)

// Session is a login on one device. It lives for as long as its refresh token is
// traded for a new one in time.
type Session struct {
	// ID is 26 letters and digits, made at random. Access tokens have it.
	ID   string
	User UserID
	// Label is what the client said of itself, Address where it was last seen.
	Label, Address string
	// Created and Used, the last trade, are to the microsecond, in UTC.
	Created, Used time.Time
	// Expires is when the session ends unless it is used.
	Expires time.Time
}

// Trade gives up a refresh token for the next one of its session.
type Trade struct {
	Session string
	// Turn counts the trades before this one.
	Turn int64
	// Old and New are hashes of the token that is given up and of the next.
	// The next follows from the old one: it is the same whenever that is traded.
	Old, New [32]byte
	At       time.Time
	// Expires is when the session will end unless it is used again.
	Expires time.Time
	// Address is where the client is.
	Address string
}

// TradeAgain is how long a token that was traded may be traded again, for the
// same successor: an answer was lost, or two windows asked at once.
const TradeAgain = 10 * time.Second

// MaxSessions is how many sessions one user may have.
const MaxSessions = 200

// Sessions keeps sessions. Implementations are safe for concurrent use, and what
// they acknowledge is kept. Sessions of an account that is deleted end.
type Sessions interface {
	// Begin adds a session, whose token has that hash and was traded never. Its
	// times are truncated to microseconds. A user that is not there is
	// ErrNotFound. Of a user with more than MaxSessions the one that was used
	// longest ago ends.
	Begin(ctx context.Context, s Session, hash [32]byte) error

	// Trade makes the next token the one that is good, and returns the session.
	// The token that was good last may be traded again for TradeAgain, which
	// changes nothing. Any other that was good once has been stolen, from the
	// client or by it: the session ends, and is returned with ErrReused. A session
	// that is not there, or has expired, and a token that it never had, are
	// ErrNotFound.
	Trade(ctx context.Context, t Trade) (Session, error)

	// Sessions returns a user's sessions that have not expired at that time, the
	// one that was used last first.
	Sessions(ctx context.Context, user UserID, at time.Time) ([]Session, error)

	// End ends a session of a user, or returns ErrNotFound.
	End(ctx context.Context, user UserID, id string) error

	// EndAll ends all sessions of a user but the one that keep names; "" keeps
	// none.
	EndAll(ctx context.Context, user UserID, keep string) error

	// Expire removes sessions that have expired at that time.
	Expire(ctx context.Context, at time.Time) error
}
