package auth

import (
	"context"
	"time"
)

// Setup lets the first admin be made without a login, once, by who has a token
// that the server's operator was shown. Implementations are safe for concurrent
// use.
type Setup interface {
	// OpenSetup returns the set-up that is open at that time. If there is none, or
	// it has ended, it is the given one from now on. Where there are users it is
	// ErrNotFound: nothing has to be set up.
	OpenSetup(ctx context.Context, at time.Time, s SetupToken) (SetupToken, error)

	// FinishSetup makes the first admin and closes the set-up, both or neither.
	// A hash that is not the open one's, a set-up that has ended, and one where
	// there are users already, are ErrNotFound. Errors are also those of
	// Users.Create.
	FinishSetup(ctx context.Context, at time.Time, hash [32]byte, u User, passwordHash string) (User, error)
}

// SetupToken is what is kept of a set-up: the token itself follows from Nonce by
// a key that is not in the database, so that every replica can show it.
type SetupToken struct {
	Nonce   string
	Hash    [32]byte
	Expires time.Time
}
