package auth

import (
	"context"
	"fmt"
)

// Users keeps accounts. Implementations are safe for concurrent use, and what
// they acknowledge is kept. Calls end early, with the context's error, when ctx
// does; whether a change took place is open then.
type Users interface {
	// Create adds an account and returns it with its number. It must pass
	// User.Check; ID, Generation and times of u are not looked at. hash is what
	// Passwords.Hash made, or "" for an account that no password opens. A value
	// that is taken is a ConflictError, and nothing is added.
	Create(ctx context.Context, u User, hash string) (User, error)

	// User returns an account, or ErrNotFound.
	User(ctx context.Context, id UserID) (User, error)

	// Find returns the account with this e-mail address or name, whatever its
	// case and Unicode form, and the hash of its password; or ErrNotFound.
	// Disabled accounts are found, too.
	Find(ctx context.Context, login string) (u User, hash string, err error)

	// List returns accounts ordered by number, from behind after on, at most
	// limit of them, 1 to 1,000.
	List(ctx context.Context, after UserID, limit int) ([]User, error)

	// Update changes an account. It calls change with the account as it is and
	// writes what that leaves; if change fails, nothing is written and its error
	// comes back as it is. Between the two nobody else changes the account.
	// change may be called again, with what somebody else left meanwhile, and
	// must not call Users. ID, Generation and times cannot be changed. Errors
	// are those of User and Create.
	//
	// The last enabled admin stays one: what would leave none is ErrLastAdmin.
	Update(ctx context.Context, id UserID, change func(u *User) error) (User, error)

	// SetPassword replaces the hash of an account's password; Generation grows.
	// An account that is not there is ErrNotFound. A new hash of the same
	// password is given with the old one: it is written only if that is still
	// there, Generation stays, and otherwise nothing happens.
	SetPassword(ctx context.Context, id UserID, old, hash string) error

	// Delete removes an account with all that is kept of it. One that is not
	// there is ErrNotFound, the last enabled admin ErrLastAdmin.
	Delete(ctx context.Context, id UserID) error
}

// AnyRestricted reports whether there is an account that may not see everything,
// whether it is enabled or not.
func AnyRestricted(ctx context.Context, users Users) (bool, error) {
	const page = 1000
	for after := UserID(0); ; {
		list, err := users.List(ctx, after, page)
		if err != nil {
			return false, fmt.Errorf("look for restricted users: %w", err)
		}
		for i := range list {
			if list[i].Access.Restricted {
				return true, nil
			}
			after = list[i].ID
		}
		if len(list) < page {
			return false, nil
		}
	}
}
