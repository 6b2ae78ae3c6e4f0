package auth

import (
	"context"
	"slices"
	"strconv"
	"sync"
	"time"
)

// Account is what tokens and app passwords are held against: an account, and what
// opens it. It does not change.
type Account struct {
	User User
	// View is Identity.View.
	View string
	// Sessions are the IDs of the sessions that have not ended, in order.
	Sessions []string
	// AppPasswords are those of the account.
	AppPasswords []AppPassword
	// Asked is when the database was asked for all that.
	Asked time.Time
}

func (a *Account) hasSession(id string) bool {
	_, ok := slices.BinarySearch(a.Sessions, id)
	return ok
}

// app returns the app password with that hash.
func (a *Account) app(hash [32]byte) (AppPassword, bool) {
	for _, p := range a.AppPasswords {
		if p.Hash == hash {
			return p, true
		}
	}
	return AppPassword{}, false
}

func (a *Account) hasApp(id string) bool {
	return slices.ContainsFunc(a.AppPasswords, func(p AppPassword) bool { return p.ID == id })
}

// AccountCache remembers accounts, by their numbers in decimal. A
// *cache.Namespace[*Account] of package cache is one; its NotFound is ErrNotFound,
// and its Feed what [Follow] returns.
type AccountCache interface {
	// Get returns what is remembered under key, or else what load returns. Who
	// asks after Forget has returned does not get what was loaded before.
	Get(ctx context.Context, key string, load func(context.Context) (*Account, error)) (*Account, error)

	// Forget makes keys be loaded again, in all processes.
	Forget(ctx context.Context, keys ...string)
}

// notRemembered asks each time.
type notRemembered struct{}

func (notRemembered) Get(ctx context.Context, _ string, load func(context.Context) (*Account, error)) (*Account, error) {
	return load(ctx)
}

func (notRemembered) Forget(context.Context, ...string) {}

// Follow returns what tells an AccountCache of accounts that were changed by other
// processes: it calls changed with their keys, "" for all.
func Follow(c Changes) func(ctx context.Context, listening func(), changed func(key string)) error {
	return func(ctx context.Context, listening func(), changed func(key string)) error {
		return c.Watch(ctx, listening, func(id UserID) {
			if id == 0 {
				changed("")
				return
			}
			changed(id.key())
		})
	}
}

// key is the account's key in an AccountCache.
func (id UserID) key() string { return strconv.FormatInt(int64(id), 10) }

// Forget makes an account be asked for again.
func (l *Logins) Forget(ctx context.Context, user UserID) { l.o.Accounts.Forget(ctx, user.key()) }

// account returns what is known of an account.
func (l *Logins) account(ctx context.Context, id UserID) (*Account, error) {
	w := l.whose(id)
	return l.o.Accounts.Get(ctx, w.key, w.ask)
}

// whose is an account as it is asked for with each request, made once.
type whose struct {
	id  UserID
	key string
	ask func(context.Context) (*Account, error)
}

func (l *Logins) whose(id UserID) *whose {
	return &whose{id, id.key(), func(ctx context.Context) (*Account, error) { return l.ask(ctx, id) }}
}

// ask asks for an account.
func (l *Logins) ask(ctx context.Context, id UserID) (*Account, error) {
	now := l.now()
	u, err := l.o.Users.User(ctx, id)
	if err != nil {
		return nil, err
	}
	sessions, err := l.o.Sessions.Sessions(ctx, id, now)
	if err != nil {
		return nil, err
	}
	a := &Account{User: u, View: u.Access.view(), Asked: now}
	for _, s := range sessions {
		a.Sessions = append(a.Sessions, s.ID)
	}
	slices.Sort(a.Sessions)
	if l.o.AppPasswords != nil {
		a.AppPasswords, err = l.o.AppPasswords.AppPasswords(ctx, id)
	}
	return a, err
}

// verified is a token whose signature is right.
type verified struct {
	*whose
	session         string
	issued, expires time.Time
}

// tokenCache remembers tokens whose signature was verified. What their users are
// now is not in it. The zero value is empty.
type tokenCache struct {
	mu         sync.RWMutex
	young, old map[string]verified // old has what was young before the last turn
	turned     time.Time
}

// Tokens are remembered for one to two turns, and at most so many a turn.
const (
	turnTokens   = 30 * time.Second
	maxTurnToken = 20_000
)

func (c *tokenCache) get(token string, now time.Time) (verified, bool) {
	c.mu.RLock()
	v, ok := c.young[token]
	if !ok {
		v, ok = c.old[token]
	}
	turned := c.turned
	c.mu.RUnlock()
	if since := now.Sub(turned); since < 0 || since >= turnTokens {
		return verified{}, false
	}
	return v, ok && now.Before(v.expires)
}

func (c *tokenCache) put(token string, v verified, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if since := now.Sub(c.turned); since < 0 || since >= turnTokens || len(c.young) >= maxTurnToken {
		c.old = c.young
		if since < 0 || since >= 2*turnTokens {
			c.old = nil
		}
		c.young, c.turned = map[string]verified{}, now
	}
	c.young[token] = v
}
