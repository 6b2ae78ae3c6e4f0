package auth

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/sync/singleflight"
)

// LoginOptions are what Logins works with. All but CacheTTL have to be given.
type LoginOptions struct {
	Users     Users
	Sessions  Sessions
	Passwords *Passwords
	Tokens    *Tokens
	// CacheTTL is how long an account is not asked for again. 0 means 5 min;
	// negative asks every time.
	CacheTTL time.Duration
}

// Logins lets users in, and knows them again by their tokens. Changes that are
// made through it take effect at once; of others tell it by Forget. Safe for
// concurrent use.
type Logins struct {
	o LoginOptions

	mu      sync.RWMutex
	known   map[UserID]known
	changes int64 // how often something was forgotten
	asking  singleflight.Group
}

// known is what a token is held against.
type known struct {
	user     User
	sessions map[string]bool
	until    time.Time
}

// maxKnown bounds the accounts that are remembered.
const maxKnown = 10_000

// NewLogins returns logins to accounts.
func NewLogins(o LoginOptions) *Logins {
	if o.CacheTTL == 0 {
		o.CacheTTL = 5 * time.Minute
	}
	return &Logins{o: o, known: map[UserID]known{}}
}

// Client is who logs in or trades a token, for the list of a user's sessions.
type Client struct {
	// Label is what it says of itself, such as a User-Agent. It is cut short.
	Label string
	// Address is its IP address.
	Address string
}

// Grant is a pair of tokens.
type Grant struct {
	Access, Refresh string
	// Expires is how long Access lasts.
	Expires time.Duration
	Identity
}

// Identity is who a request comes from.
type Identity struct {
	User    User
	Session string // its ID
}

// Login begins a session. ErrRefused is the answer to an account that is not
// there, a wrong password and a disabled account alike, and comes as late;
// ErrBusy to too many at once.
func (l *Logins) Login(ctx context.Context, login, password string, c Client) (Grant, error) {
	u, hash, err := l.o.Users.Find(ctx, login)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return Grant{}, err
	}
	ok, weak, err := l.o.Passwords.Verify(ctx, password, hash)
	if err != nil {
		return Grant{}, err
	}
	if !ok || u.Disabled {
		return Grant{}, fmt.Errorf("login: %w", ErrRefused)
	}
	if weak {
		if stronger, err := l.o.Passwords.Hash(ctx, password); err == nil {
			if err := l.o.Users.SetPassword(ctx, u.ID, hash, stronger); err != nil {
				return Grant{}, err
			}
		}
	}
	now := l.o.Tokens.o.Now()
	s := Session{
		ID: rand.Text(), User: u.ID, Label: label(c.Label), Address: label(c.Address),
		Created: now, Used: now, Expires: now.Add(l.o.Tokens.o.RefreshTTL),
	}
	refresh := l.o.Tokens.refresh(s.ID, 0)
	if err := l.o.Sessions.Begin(ctx, s, hashToken(refresh)); err != nil {
		return Grant{}, err
	}
	l.Forget(u.ID)
	return l.grant(u, s.ID, refresh)
}

func (l *Logins) grant(u User, session, refresh string) (Grant, error) {
	access, err := l.o.Tokens.access(u.ID, session)
	if err != nil {
		return Grant{}, fmt.Errorf("sign: %w", err)
	}
	return Grant{access, refresh, l.o.Tokens.o.AccessTTL, Identity{u, session}}, nil
}

// label keeps what a client says of itself to one short line.
func label(s string) string {
	s = strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, s)
	const most = 200
	for len(s) > most {
		_, n := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-n]
	}
	return s
}

// Refresh trades a refresh token for a new pair. A token that was traded before
// can be traded again for some seconds, for the same one; later, its session
// ends, because somebody has stolen it (RFC 9700, 4.14). All that is refused is
// ErrRefused.
func (l *Logins) Refresh(ctx context.Context, token string, c Client) (Grant, error) {
	id, turn, err := l.o.Tokens.readRefresh(token)
	if err != nil {
		return Grant{}, err
	}
	next := l.o.Tokens.refresh(id, turn+1)
	now := l.o.Tokens.o.Now()
	s, err := l.o.Sessions.Trade(ctx, Trade{
		Session: id, Turn: turn, Old: hashToken(token), New: hashToken(next),
		At: now, Expires: now.Add(l.o.Tokens.o.RefreshTTL), Address: label(c.Address),
	})
	switch {
	case errors.Is(err, ErrReused):
		l.forgetAll() // whose it was is not known any more
		return Grant{}, fmt.Errorf("refresh: %w: %w", ErrRefused, err)
	case errors.Is(err, ErrNotFound):
		return Grant{}, fmt.Errorf("refresh: %w: %w", ErrRefused, err)
	case err != nil:
		return Grant{}, err
	}
	u, err := l.o.Users.User(ctx, s.User)
	switch {
	case errors.Is(err, ErrNotFound), err == nil && u.Disabled:
		return Grant{}, fmt.Errorf("refresh: %w", ErrRefused)
	case err != nil:
		return Grant{}, err
	}
	return l.grant(u, s.ID, next)
}

// Logout ends a session.
func (l *Logins) Logout(ctx context.Context, i Identity) error {
	err := l.o.Sessions.End(ctx, i.User.ID, i.Session)
	l.Forget(i.User.ID)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	return err
}

// LogoutAll ends all sessions of a user.
func (l *Logins) LogoutAll(ctx context.Context, user UserID) error {
	err := l.o.Sessions.EndAll(ctx, user, "")
	l.Forget(user)
	return err
}

// Verify returns who an access token is of. It asks nobody, as a rule: an
// account is remembered. ErrRefused is the answer to a token that is none of
// ours or has expired, of a session that has ended, or of an account that is
// disabled or not there.
func (l *Logins) Verify(ctx context.Context, token string) (Identity, error) {
	id, session, err := l.o.Tokens.readAccess(token)
	if err != nil {
		return Identity{}, err
	}
	k, err := l.account(ctx, id)
	switch {
	case errors.Is(err, ErrNotFound):
		return Identity{}, fmt.Errorf("access token: %w", ErrRefused)
	case err != nil:
		return Identity{}, err
	case k.user.Disabled || !k.sessions[session]:
		return Identity{}, fmt.Errorf("access token: %w", ErrRefused)
	}
	return Identity{k.user, session}, nil
}

// Current tells whether a user is still who they were: for what goes on for
// long. Errors are those of who keeps accounts.
func (l *Logins) Current(ctx context.Context, i Identity) (bool, error) {
	k, err := l.account(ctx, i.User.ID)
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	return err == nil && k.user.Generation == i.User.Generation && !k.user.Disabled && k.sessions[i.Session], err
}

// Forget makes an account be asked for again.
func (l *Logins) Forget(user UserID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.known, user)
	l.changes++
}

func (l *Logins) forgetAll() {
	l.mu.Lock()
	defer l.mu.Unlock()
	clear(l.known)
	l.changes++
}

// account returns what is known of an account, and asks if that is nothing.
// Many who ask at once ask once.
func (l *Logins) account(ctx context.Context, id UserID) (known, error) {
	now := l.o.Tokens.o.Now()
	l.mu.RLock()
	k, ok := l.known[id]
	change := l.changes
	l.mu.RUnlock()
	if ok && now.Before(k.until) {
		return k, nil
	}
	// Who gives up does not fail the others; who comes after a change does not
	// get what was asked for before it.
	got := l.asking.DoChan(fmt.Sprint(id, " ", change), func() (any, error) {
		ctx := context.WithoutCancel(ctx)
		u, err := l.o.Users.User(ctx, id)
		if err != nil {
			return known{}, err
		}
		sessions, err := l.o.Sessions.Sessions(ctx, id, now)
		if err != nil {
			return known{}, err
		}
		k := known{u, map[string]bool{}, now.Add(l.o.CacheTTL)}
		for _, s := range sessions {
			k.sessions[s.ID] = true
		}
		l.remember(k, change)
		return k, nil
	})
	select {
	case r := <-got:
		return r.Val.(known), r.Err
	case <-ctx.Done():
		return known{}, ctx.Err()
	}
}

// remember keeps what was asked for, unless something has changed since.
func (l *Logins) remember(k known, change int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.changes != change || l.o.CacheTTL < 0 {
		return
	}
	for id := range l.known {
		if len(l.known) < maxKnown {
			break
		}
		delete(l.known, id)
	}
	l.known[k.user.ID] = k
}

// Sessions returns a user's sessions, the one that was used last first.
func (l *Logins) Sessions(ctx context.Context, user UserID) ([]Session, error) {
	return l.o.Sessions.Sessions(ctx, user, l.o.Tokens.o.Now())
}

// End ends a session of a user, or returns ErrNotFound.
func (l *Logins) End(ctx context.Context, user UserID, session string) error {
	err := l.o.Sessions.End(ctx, user, session)
	l.Forget(user)
	return err
}
