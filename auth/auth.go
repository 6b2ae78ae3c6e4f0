// Package auth knows who may use the server: accounts, and the passwords that
// open them.
//
// [Users], [Sessions], [AppPasswords], [Attempts], [Audit], [Setup] and [Changes]
// are the roles of what keeps all that. Adapters for all of them are pgauth
// (PostgreSQL), sqliteauth (one file, nothing to set up) and memauth (gone with
// the process); authtest holds any of them, also one of your own, to what is
// promised here. [Logins] puts them together with [Passwords], which hashes
// passwords, and [Tokens].
package auth

import (
	"errors"
	"fmt"
	"time"
)

// ErrNotFound is returned, wrapped, for an account or a session that is not
// there.
var ErrNotFound = errors.New("no such user")

// ErrReused is returned, wrapped, for a refresh token that was traded before:
// somebody else has it. Its session has ended.
var ErrReused = errors.New("refresh token was used before")

// ErrRefused is returned, wrapped, for a login that opens no account, and for a
// token that is none of ours, has expired, or is of an account or session that
// is not there any more. Why is not for the client to know.
var ErrRefused = errors.New("refused")

// ErrLastAdmin is returned, wrapped, where nobody would be left who may manage
// accounts.
var ErrLastAdmin = errors.New("the last enabled admin must stay")

// ErrBusy is returned, wrapped, where so many passwords are being hashed that
// one more would have to wait for too long. Try again in a second.
var ErrBusy = errors.New("too many passwords at a time")

// ErrUnavailable is returned, wrapped, where the database does not answer, or
// cannot write. Nothing is acknowledged then.
var ErrUnavailable = errors.New("the database of accounts is not available")

// LockedError is an attempt that was refused unseen, because too many before it
// have failed.
type LockedError struct {
	// For is how long that goes on.
	For time.Duration
}

func (e *LockedError) Error() string {
	return fmt.Sprintf("too many attempts have failed: try again in %v", e.For.Round(time.Second))
}

// InvalidError is a value that an account cannot have.
type InvalidError struct {
	// Field is the field of User, in lower case with underscores, or "password".
	Field string
	// Reason says what was expected, for the person who gave the value. It never
	// holds a password.
	Reason string
}

func (e *InvalidError) Error() string { return e.Field + ": " + e.Reason }

// ConflictError is a value that another account has.
type ConflictError struct {
	Field string // "email" or "username"
	Value string
}

func (e *ConflictError) Error() string {
	return fmt.Sprintf("%s: %q is taken", e.Field, e.Value)
}
