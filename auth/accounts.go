package auth

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Create adds an account with a password. Errors are those of Users.Create and
// Passwords.Hash.
func (l *Logins) Create(ctx context.Context, by UserID, u User, password string, c Client) (User, error) {
	if err := u.Check(); err != nil {
		return User{}, err
	}
	hash, err := l.o.Passwords.Hash(ctx, password)
	if err != nil {
		return User{}, err
	}
	if u, err = l.o.Users.Create(ctx, u, hash); err != nil {
		return User{}, err
	}
	l.record(ctx, Event{Action: DidCreateUser, Actor: by, User: u.ID, Address: c.Address, Detail: u.Username})
	return u, nil
}

// Update changes an account as Users.Update does.
func (l *Logins) Update(ctx context.Context, by, id UserID, change func(*User) error, c Client) (User, error) {
	var was User
	u, err := l.o.Users.Update(ctx, id, func(u *User) error {
		was = *u
		return change(u)
	})
	l.Forget(ctx, id)
	if err == nil && u.Generation != was.Generation {
		l.record(ctx, Event{Action: DidChangeUser, Actor: by, User: id, Address: c.Address, Detail: changedFields(was, u)})
	}
	return u, err
}

// changedFields lists what differs between two accounts.
func changedFields(a, b User) string {
	var fields []string
	for name, differs := range map[string]bool{
		"email": a.Email != b.Email, "username": a.Username != b.Username, "full_name": a.FullName != b.FullName,
		"role=" + string(b.Role): a.Role != b.Role, "disabled=" + strconv.FormatBool(b.Disabled): a.Disabled != b.Disabled, "access": !reflect.DeepEqual(a.Access, b.Access),
	} {
		if differs {
			fields = append(fields, name)
		}
	}
	return strings.Join(slices.Sorted(slices.Values(fields)), ", ")
}

// Delete removes an account with all that is kept of it.
func (l *Logins) Delete(ctx context.Context, by, id UserID, c Client) error {
	err := l.o.Users.Delete(ctx, id)
	l.Forget(ctx, id)
	if err == nil {
		l.record(ctx, Event{Action: DidDeleteUser, Actor: by, User: id, Address: c.Address})
	}
	return err
}

// SetPassword gives an account another password, and ends its sessions.
func (l *Logins) SetPassword(ctx context.Context, by, id UserID, password string, c Client) error {
	hash, err := l.o.Passwords.Hash(ctx, password)
	if err != nil {
		return err
	}
	return l.setPassword(ctx, by, id, hash, "", c)
}

// ChangePassword gives the user of a session another password, who has to know
// the current one; ErrRefused and LockedError are as at a login. The other
// sessions end. App passwords stay.
func (l *Logins) ChangePassword(ctx context.Context, i Identity, current, password string, c Client) error {
	if err := CheckPassword(password); err != nil {
		return err
	}
	if err := l.Prove(ctx, i, current, c); err != nil {
		return err
	}
	hash, err := l.o.Passwords.Hash(ctx, password)
	if err != nil {
		return err
	}
	return l.setPassword(ctx, i.User.ID, i.User.ID, hash, i.Session, c)
}

// Prove tells whether a password is the one of an identity's user: ErrRefused and
// LockedError are as at a login.
func (l *Logins) Prove(ctx context.Context, i Identity, password string, c Client) (err error) {
	defer func() { l.o.Observe(ByPassword, err) }()
	u, hash, err := l.o.Users.Find(ctx, i.User.Username)
	if errors.Is(err, ErrNotFound) || err == nil && u.ID != i.User.ID {
		return fmt.Errorf("user %d: %w", i.User.ID, ErrRefused) // renamed or deleted a moment ago
	}
	if err != nil {
		return err
	}
	return l.prove(ctx, "", u, hash, password, c)
}

func (l *Logins) setPassword(ctx context.Context, by, id UserID, hash, keep string, c Client) error {
	err := l.o.Users.SetPassword(ctx, id, "", hash)
	if err == nil {
		err = l.o.Sessions.EndAll(ctx, id, keep)
	}
	l.Forget(ctx, id)
	if err == nil {
		l.record(ctx, Event{Action: DidSetPassword, Actor: by, User: id, Address: c.Address})
	}
	return err
}

// User returns an account, or ErrNotFound.
func (l *Logins) User(ctx context.Context, id UserID) (User, error) { return l.o.Users.User(ctx, id) }

// Users returns accounts as Users.List does.
func (l *Logins) Users(ctx context.Context, after UserID, limit int) ([]User, error) {
	return l.o.Users.List(ctx, after, limit)
}

// Exported records that a user was given all that is kept of them.
func (l *Logins) Exported(ctx context.Context, user UserID, c Client) {
	l.record(ctx, Event{Action: DidExport, Actor: user, User: user, Address: c.Address})
}

// Events returns what happened, as Audit.Events does.
func (l *Logins) Events(ctx context.Context, user UserID, before int64, limit int) ([]Event, error) {
	if l.o.Audit == nil {
		return nil, nil
	}
	return l.o.Audit.Events(ctx, user, before, limit)
}

// Issue begins a session of a user without a login, for who has the secret key.
func (l *Logins) Issue(ctx context.Context, id UserID, c Client) (Grant, error) {
	u, err := l.o.Users.User(ctx, id)
	if err != nil {
		return Grant{}, err
	}
	if u.Disabled {
		return Grant{}, fmt.Errorf("user %d is disabled: %w", id, ErrRefused)
	}
	g, err := l.begin(ctx, u, c)
	if err == nil {
		l.record(ctx, Event{Action: DidIssueToken, User: id, Address: c.Address, Detail: g.Session})
	}
	return g, err
}

// setupTTL is how long the first admin can be made.
const setupTTL = time.Hour

// OpenSetup returns the token with which the first admin can be made, and until
// when. It is ErrNotFound where there are users. All who have the same key and
// database return the same.
func (l *Logins) OpenSetup(ctx context.Context) (token string, expires time.Time, err error) {
	if l.o.Setup == nil {
		return "", time.Time{}, fmt.Errorf("set-up: %w", ErrNotFound)
	}
	now := l.now()
	nonce := rand.Text()
	s, err := l.o.Setup.OpenSetup(ctx, now, SetupToken{Nonce: nonce, Hash: hashToken(l.o.Tokens.setup(nonce)), Expires: now.Add(setupTTL)})
	if err != nil {
		return "", time.Time{}, err
	}
	return l.o.Tokens.setup(s.Nonce), s.Expires, nil
}

// FinishSetup makes the first admin and logs them in. ErrRefused is the answer to
// a token that is not, or not any more, the one of OpenSetup.
func (l *Logins) FinishSetup(ctx context.Context, token string, u User, password string, c Client) (g Grant, err error) {
	if l.o.Setup == nil {
		return Grant{}, fmt.Errorf("set-up: %w", ErrRefused)
	}
	u.Role = Admin
	if err := u.Check(); err != nil {
		return Grant{}, err
	}
	if err := CheckPassword(password); err != nil {
		return Grant{}, err
	}
	defer func() { l.o.Observe(BySetup, err) }()
	err = l.attempt(ctx, Event{Address: c.Address, Detail: "set-up"}, []Limit{networkLimit(network(c.Address))}, func() error {
		hash, err := l.o.Passwords.Hash(ctx, password)
		if err != nil {
			return err
		}
		u, err = l.o.Setup.FinishSetup(ctx, l.now(), hashToken(token), u, hash)
		if errors.Is(err, ErrNotFound) {
			return fmt.Errorf("set-up: %w: %w", ErrRefused, err)
		}
		return err
	})
	if err != nil {
		return Grant{}, err
	}
	l.record(ctx, Event{Action: DidSetUp, Actor: u.ID, User: u.ID, Address: c.Address, Detail: u.Username})
	return l.begin(ctx, u, c)
}
