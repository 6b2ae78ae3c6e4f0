package auth

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// LoginOptions are what Logins works with. Users, Sessions, Passwords and Tokens
// have to be given.
type LoginOptions struct {
	Users     Users
	Sessions  Sessions
	Passwords *Passwords
	Tokens    *Tokens
	// AppPasswords are accepted by VerifyApp. nil: there are none.
	AppPasswords AppPasswords
	// Attempts bounds how often passwords can be tried. nil: there is no bound.
	Attempts Attempts
	// Lockouts remembers for a moment what Attempts has refused. nil: it is asked
	// each time.
	Lockouts LockoutCache
	// Audit gets what happens. nil: nothing is kept.
	Audit Audit
	// Setup lets the first admin be made. nil: by other means only.
	Setup Setup
	// Accounts remembers accounts. nil: the database is asked for each request.
	Accounts AccountCache
	// Observe is told how each proof of who somebody is has turned out: nil is that
	// they are in, other errors are those of the method. It has to be quick. View is
	// not told of. nil tells nobody.
	Observe func(Proof, error)
	// Logger gets what operators have to know. nil is slog.Default.
	Logger *slog.Logger
}

// Logins lets users in, and knows them again by their tokens. Changes that are
// made through it take effect at once; of others its AccountCache has to hear (see
// [Follow]). Safe for concurrent use.
type Logins struct {
	o      LoginOptions
	log    *slog.Logger
	now    func() time.Time
	tokens tokenCache
	apps   appCache
	locked lockoutLog
}

// NewLogins returns logins to accounts.
func NewLogins(o LoginOptions) *Logins {
	if o.Accounts == nil {
		o.Accounts = notRemembered{}
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.Observe == nil {
		o.Observe = func(Proof, error) {}
	}
	l := &Logins{o: o, log: o.Logger.With("component", "auth"), now: o.Tokens.o.Now}
	return l
}

// Client is who asks for something, for the list of a user's sessions and for
// the audit log.
type Client struct {
	// Label is what it says of itself, such as a User-Agent. It is cut short.
	Label string
	// Address is its IP address.
	Address string
}

// Grant is a pair of tokens.
type Grant struct {
	Access, Refresh string
	// Cookie is a token for VerifyCookie. It lasts as long as Access.
	Cookie string
	// Expires is how long Access lasts, RefreshExpires how long Refresh does.
	Expires, RefreshExpires time.Duration
	Identity
}

// Login begins a session. ErrRefused is the answer to an account that is not
// there, a wrong password and a disabled account alike, and comes as late;
// LockedError to an account or a network where too many have failed; ErrBusy to
// too many at once.
func (l *Logins) Login(ctx context.Context, login, password string, c Client) (g Grant, err error) {
	defer func() { l.o.Observe(ByPassword, err) }()
	u, hash, err := l.o.Users.Find(ctx, login)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return Grant{}, err
	}
	if err := l.prove(ctx, login, u, hash, password, c); err != nil {
		return Grant{}, err
	}
	g, err = l.begin(ctx, u, c)
	if err == nil {
		l.record(ctx, Event{Action: DidLogIn, Actor: u.ID, User: u.ID, Address: c.Address, Detail: g.Session})
	}
	return g, err
}

// prove tells whether password is that of an account, which may not be there:
// its number is 0 then.
func (l *Logins) prove(ctx context.Context, login string, u User, hash, password string, c Client) error {
	limits, err := l.loginLimits(ctx, u.ID, login, c)
	if err != nil {
		return err
	}
	return l.attempt(ctx, Event{User: u.ID, Address: c.Address}, limits, func() error {
		ok, weak, err := l.o.Passwords.Verify(ctx, password, hash)
		if err != nil {
			return err
		}
		if !ok || u.Disabled {
			l.record(ctx, Event{Action: FailedLogIn, User: u.ID, Address: c.Address})
			return fmt.Errorf("login: %w", ErrRefused)
		}
		if weak {
			if stronger, err := l.o.Passwords.Hash(ctx, password); err == nil {
				return l.o.Users.SetPassword(ctx, u.ID, hash, stronger)
			}
		}
		return nil
	})
}

// begin begins a session of a user who has shown who they are.
func (l *Logins) begin(ctx context.Context, u User, c Client) (Grant, error) {
	now := l.now()
	s := Session{
		ID: rand.Text(), User: u.ID, Label: oneLine(c.Label), Address: oneLine(c.Address),
		Created: now, Used: now, Expires: now.Add(l.o.Tokens.o.RefreshTTL),
	}
	refresh := l.o.Tokens.refresh(s.ID, 0)
	if err := l.o.Sessions.Begin(ctx, s, hashToken(refresh)); err != nil {
		return Grant{}, err
	}
	return l.grant(u, s.ID, refresh)
}

func (l *Logins) grant(u User, session, refresh string) (Grant, error) {
	t := l.o.Tokens
	access, err := t.sign(forBearer, u.ID, claims{Session: session}, t.o.AccessTTL)
	if err != nil {
		return Grant{}, fmt.Errorf("sign: %w", err)
	}
	cookie, err := t.sign(forCookie, u.ID, claims{Session: session}, t.o.AccessTTL)
	if err != nil {
		return Grant{}, fmt.Errorf("sign: %w", err)
	}
	return Grant{access, refresh, cookie, t.o.AccessTTL, t.o.RefreshTTL, Identity{User: u, Session: session, View: u.Access.view()}}, nil
}

// oneLine keeps what a client says of itself to one short line.
func oneLine(s string) string {
	s = strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, s)
	for len(s) > maxLabel {
		_, n := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-n]
	}
	return s
}

// Refresh trades a refresh token for a new pair. A token that was traded before
// can be traded again for some seconds, for the same one; later, its session
// ends, because somebody has stolen it (RFC 9700, 4.14). All that is refused is
// ErrRefused.
func (l *Logins) Refresh(ctx context.Context, token string, c Client) (_ Grant, err error) {
	defer func() { l.o.Observe(ByRefresh, err) }()
	id, turn, err := l.o.Tokens.readRefresh(token)
	if err != nil {
		return Grant{}, err
	}
	next := l.o.Tokens.refresh(id, turn+1)
	now := l.now()
	s, err := l.o.Sessions.Trade(ctx, Trade{
		Session: id, Turn: turn, Old: hashToken(token), New: hashToken(next),
		At: now, Expires: now.Add(l.o.Tokens.o.RefreshTTL), Address: oneLine(c.Address),
	})
	switch {
	case errors.Is(err, ErrReused):
		l.Forget(ctx, s.User)
		l.record(ctx, Event{Action: DidReuseToken, User: s.User, Address: c.Address, Detail: id})
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
func (l *Logins) Logout(ctx context.Context, i Identity, c Client) error {
	err := l.end(ctx, i.User.ID, i.Session)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err == nil {
		l.record(ctx, Event{Action: DidLogOut, Actor: i.User.ID, User: i.User.ID, Address: c.Address, Detail: i.Session})
	}
	return err
}

// EndAll ends all sessions of a user but the one that keep names; "" keeps none.
// by is who asks for it.
func (l *Logins) EndAll(ctx context.Context, by, user UserID, keep string, c Client) error {
	err := l.o.Sessions.EndAll(ctx, user, keep)
	l.Forget(ctx, user)
	if err == nil {
		l.record(ctx, Event{Action: DidEndSessions, Actor: by, User: user, Address: c.Address})
	}
	return err
}

// Sessions returns a user's sessions, the one that was used last first.
func (l *Logins) Sessions(ctx context.Context, user UserID) ([]Session, error) {
	return l.o.Sessions.Sessions(ctx, user, l.now())
}

// End ends a session of a user, or returns ErrNotFound. by is who asks for it.
func (l *Logins) End(ctx context.Context, by, user UserID, session string, c Client) error {
	err := l.end(ctx, user, session)
	if err == nil {
		l.record(ctx, Event{Action: DidEndSession, Actor: by, User: user, Address: c.Address, Detail: session})
	}
	return err
}

func (l *Logins) end(ctx context.Context, user UserID, session string) error {
	err := l.o.Sessions.End(ctx, user, session)
	l.Forget(ctx, user)
	return err
}

// record keeps an event. What it tells of has happened, so that who asked for it
// does not get an error.
func (l *Logins) record(ctx context.Context, e Event) {
	if l.o.Audit == nil {
		return
	}
	e.At, e.Address, e.Detail = l.now(), oneLine(e.Address), oneLine(e.Detail)
	if err := l.o.Audit.Record(context.WithoutCancel(ctx), e); err != nil {
		l.log.ErrorContext(ctx, "An event is missing in the audit log", "action", e.Action, "actor", e.Actor, "user", e.User, "address", e.Address, "err", err)
	}
}
