package auth

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// maxApps bounds the app passwords that are remembered.
const maxApps = 10_000

// noteAppUse is the time between two notes of when an app password was used.
const noteAppUse = 5 * time.Minute

// appCache remembers whose an app password is, by its hash. Whether it still is
// says the account. The zero value is empty.
type appCache struct {
	mu   sync.Mutex
	seen map[[32]byte]appUse
}

type appUse struct {
	user  UserID
	noted time.Time
}

// get returns whose an app password is, unless its use has to be noted again.
func (c *appCache) get(hash [32]byte, now time.Time) (UserID, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	u, ok := c.seen[hash]
	return u.user, ok && now.Sub(u.noted) < noteAppUse && !now.Before(u.noted)
}

func (c *appCache) put(hash [32]byte, user UserID, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.seen == nil || len(c.seen) >= maxApps {
		c.seen = map[[32]byte]appUse{}
	}
	c.seen[hash] = appUse{user, now}
}

// RemembersApp reports whether VerifyApp knows an app password without asking the
// database.
func (l *Logins) RemembersApp(password string) bool {
	hashes := l.o.Tokens.appHashes(password)
	if len(hashes) == 0 {
		return false
	}
	_, ok := l.apps.get(hashes[0], l.now())
	return ok
}

// VerifyApp returns who an app password is of, that came with the user's name or
// e-mail address. ErrRefused is the answer to one that is none of theirs, and to
// accounts that are disabled; LockedError where too many have failed, from one
// network or with one password. An account is never locked by it.
func (l *Logins) VerifyApp(ctx context.Context, login, password string, c Client) (_ Identity, err error) {
	defer func() { l.o.Observe(ByAppPassword, err) }()
	hashes := l.o.Tokens.appHashes(password)
	now := l.now()
	if len(hashes) > 0 {
		if id, ok := l.apps.get(hashes[0], now); ok {
			if i, err := l.app(ctx, id, hashes[0], login); !errors.Is(err, ErrRefused) {
				return i, err
			}
		}
	}
	if l.o.AppPasswords == nil {
		return Identity{}, fmt.Errorf("app password: %w", ErrRefused)
	}
	var i Identity
	limits := []Limit{networkLimit(network(c.Address)), {"app:" + digest(password), freeApp, mostApp}}
	err = l.attempt(ctx, Event{Address: c.Address, Detail: "app password"}, limits, func() (err error) {
		i, err = l.findApp(ctx, hashes, login, c)
		if errors.Is(err, ErrRefused) {
			l.record(ctx, Event{Action: FailedLogIn, User: i.User.ID, Address: c.Address, Detail: "app password"})
		}
		return err
	})
	if err != nil {
		return Identity{}, err
	}
	return i, nil
}

// app returns who an app password is of, from what is known of the account.
func (l *Logins) app(ctx context.Context, id UserID, hash [32]byte, login string) (Identity, error) {
	k, err := l.account(ctx, id)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return Identity{}, err
	}
	if err == nil && !k.User.Disabled {
		name := Key(login)
		if p, ok := k.app(hash); ok && (name == Key(k.User.Username) || name == Key(k.User.Email)) {
			return Identity{User: k.User, App: p.ID, Scopes: p.Scopes, View: k.View}, nil
		}
	}
	return Identity{}, fmt.Errorf("app password: %w", ErrRefused)
}

// findApp looks an app password up, and notes that it was used.
func (l *Logins) findApp(ctx context.Context, hashes [][32]byte, login string, c Client) (Identity, error) {
	for _, hash := range hashes {
		p, err := l.o.AppPasswords.FindAppPassword(ctx, hash)
		if errors.Is(err, ErrNotFound) {
			continue
		}
		if err != nil {
			return Identity{}, err
		}
		now := l.now()
		// One that was hashed with an old key is kept with the current one.
		if err := l.o.AppPasswords.UseAppPassword(ctx, p.ID, hashes[0], now, oneLine(c.Address)); err != nil && !errors.Is(err, ErrNotFound) {
			return Identity{}, err
		}
		i, err := l.app(ctx, p.User, hashes[0], login)
		if errors.Is(err, ErrRefused) { // it may be newer than what is known of the account
			l.Forget(ctx, p.User)
			i, err = l.app(ctx, p.User, hashes[0], login)
		}
		if err == nil {
			l.apps.put(hashes[0], p.User, now)
		}
		return i, err
	}
	return Identity{}, fmt.Errorf("app password: %w", ErrRefused)
}

// AppPasswords returns those of a user, the oldest first.
func (l *Logins) AppPasswords(ctx context.Context, user UserID) ([]AppPassword, error) {
	if l.o.AppPasswords == nil {
		return nil, nil
	}
	return l.o.AppPasswords.AppPasswords(ctx, user)
}

// AddAppPassword makes an app password and returns it with its text, which
// nobody can find out later.
func (l *Logins) AddAppPassword(ctx context.Context, user UserID, label string, scopes []Scope, c Client) (p AppPassword, text string, err error) {
	if l.o.AppPasswords == nil {
		return p, "", fmt.Errorf("app passwords: %w", errors.ErrUnsupported)
	}
	text = newAppPassword()
	p = AppPassword{
		ID: rand.Text(), User: user, Label: label, Scopes: slices.Compact(slices.Sorted(slices.Values(scopes))),
		Hash: l.o.Tokens.appHashes(text)[0], Created: l.now().UTC().Truncate(time.Microsecond),
	}
	err = l.o.AppPasswords.AddAppPassword(ctx, p)
	l.Forget(ctx, user)
	if err != nil {
		return AppPassword{}, "", err
	}
	l.record(ctx, Event{Action: DidAddAppPassword, Actor: user, User: user, Address: c.Address, Detail: fmt.Sprint(p.ID, " ", p.Scopes)})
	return p, text, nil
}

// RemoveAppPassword removes one of a user, or returns ErrNotFound. by is who
// asks for it.
func (l *Logins) RemoveAppPassword(ctx context.Context, by, user UserID, id string, c Client) error {
	if l.o.AppPasswords == nil {
		return fmt.Errorf("app password: %w", ErrNotFound)
	}
	err := l.o.AppPasswords.RemoveAppPassword(ctx, user, id)
	l.Forget(ctx, user)
	if err == nil {
		l.record(ctx, Event{Action: DidRemoveAppPassword, Actor: by, User: user, Address: c.Address, Detail: id})
	}
	return err
}
