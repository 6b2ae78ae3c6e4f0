// Package readerstate keeps what readers make of a library: favorites, what they
// have read and how they liked it, the place in each book, lists, preferences.
//
// It belongs to people, and to books by [Book], which survives a library that is
// rebuilt. Books that vanish keep their state, and it is there when they come
// back.
//
// [Marks], [Places], [Lists], [ListBooks], [Profiles] and [Keeper] are the roles
// of what keeps it; [Store] has them all. Adapters are pgstate (PostgreSQL),
// sqlitestate (one file) and memstate (gone with the process); statetest holds
// any of them, also one of your own, to what is promised here.
//
// Times are in UTC, truncated to milliseconds. Each record has a version: 0 where
// nothing was ever written, and one more with every change.
package readerstate

import (
	"errors"
	"fmt"
	"time"
)

// UserID names a reader. Whoever has the accounts gives it.
type UserID int64

// Write says how a change is asked for. The zero value changes whatever is there.
type Write struct {
	// ID names the change, up to 100 bytes that the client chose. One whose ID
	// the user has used before, not longer than ExpireWrites lets it be, changes
	// nothing and returns what is there: so a client that got no answer may ask
	// again. Empty is no name.
	ID string
	// If is the version that the record must have; otherwise nothing changes, and
	// the error is a ConflictError. nil is any.
	If *int64
}

// IfVersion returns a Write that needs the record to have that version.
func IfVersion(v int64) Write { return Write{If: &v} }

// MaxWriteID is how long a Write.ID may be, in bytes.
const MaxWriteID = 100

// Check returns an InvalidError for a Write that cannot be.
func (w Write) Check() error {
	if len(w.ID) > MaxWriteID || !printable(w.ID, false) {
		return &InvalidError{"id", fmt.Sprintf("at most %d bytes of text were expected", MaxWriteID)}
	}
	return nil
}

// allows returns a ConflictError unless a record may be changed, that has that
// version.
func (w Write) allows(version int64, stored any) error {
	if w.If != nil && *w.If != version {
		return &ConflictError{version, stored}
	}
	return nil
}

// ErrNotFound is returned, wrapped, for what is not there, or not for this user.
var ErrNotFound = errors.New("not found")

// ErrTaken is returned, wrapped, for the id of a list that somebody has, or that
// was deleted.
var ErrTaken = errors.New("the id is taken")

// ErrUnavailable is returned, wrapped, where the database does not answer, or
// cannot write. Nothing is acknowledged then.
var ErrUnavailable = errors.New("the database of readers' state is not available")

// InvalidError is a value that cannot be kept.
type InvalidError struct {
	// Field is what it was for: "locator", "name", …
	Field string
	// Reason says what was expected, for the person who gave the value.
	Reason string
}

func (e *InvalidError) Error() string { return e.Field + ": " + e.Reason }

// ConflictError is a change that needed another version than the stored one.
type ConflictError struct {
	Version int64
	// Stored is what is there: a Favorite, Reading, Rating, Place, List or
	// Preferences.
	Stored any
}

func (e *ConflictError) Error() string {
	return fmt.Sprintf("the stored version is %d, and another was expected", e.Version)
}

// Stamp brings a time into the form in which it is kept.
func Stamp(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC().Truncate(time.Millisecond)
}
