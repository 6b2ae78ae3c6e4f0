package auth

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Identity is who a request comes from.
type Identity struct {
	User User
	// Session is the ID of the session; empty for an app password.
	Session string
	// App is the ID of the app password, and Scopes what it is good for; empty
	// for a session, which is good for all.
	App    string
	Scopes []Scope
	// View names what the user sees: users whose views are equal see the same.
	// Empty is everything.
	View string
}

// Allows tells whether an app password is good for one of these; a session is
// for all.
func (i *Identity) Allows(scopes ...Scope) bool {
	if i.App == "" {
		return true
	}
	return slices.ContainsFunc(scopes, func(s Scope) bool { return slices.Contains(i.Scopes, s) })
}

// view returns Identity.View.
func (a Access) view() string {
	if !a.Restricted {
		return ""
	}
	text, err := json.Marshal(a.Libraries) // with its keys in order
	if err != nil {
		return err.Error() // maps of text cannot fail
	}
	sum := sha256.Sum256(text)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// Verify returns who an access token is of. It asks nobody, as a rule: accounts
// are remembered, and tokens that were verified for a minute. ErrRefused is the
// answer to a token that is none of ours or has expired, of a session that has
// ended, or of an account that is disabled or not there.
func (l *Logins) Verify(ctx context.Context, token string) (Identity, error) {
	k, v, err := l.verify(ctx, token)
	l.o.Observe(ByToken, err)
	if err != nil {
		return Identity{}, err
	}
	return Identity{User: k.User, Session: v.session, View: k.View}, nil
}

// View is Verify for the user's ID and Identity.View alone.
func (l *Logins) View(ctx context.Context, token string) (UserID, string, error) {
	k, _, err := l.verify(ctx, token)
	if err != nil {
		return 0, "", err
	}
	return k.User.ID, k.View, nil
}

func (l *Logins) verify(ctx context.Context, token string) (*Account, verified, error) {
	now := l.now()
	v, ok := l.tokens.get(token, now)
	if !ok {
		c, err := l.o.Tokens.read(forBearer, token)
		if err != nil {
			return nil, v, err
		}
		v = l.verified(c)
		l.tokens.put(token, v, now)
	}
	k, err := l.of(ctx, v)
	return k, v, err
}

// VerifyCookie is Verify for Grant.Cookie.
func (l *Logins) VerifyCookie(ctx context.Context, token string) (_ Identity, err error) {
	defer func() { l.o.Observe(ByCookie, err) }()
	c, err := l.o.Tokens.read(forCookie, token)
	if err != nil {
		return Identity{}, err
	}
	return l.identity(ctx, c)
}

// identity returns who a token is of whose signature is right.
func (l *Logins) identity(ctx context.Context, c claims) (Identity, error) {
	k, err := l.of(ctx, l.verified(c))
	if err != nil {
		return Identity{}, err
	}
	return Identity{User: k.User, Session: c.Session, View: k.View}, nil
}

// of returns the account that a token is of, if its session goes on.
func (l *Logins) of(ctx context.Context, v verified) (*Account, error) {
	k, err := l.o.Accounts.Get(ctx, v.key, v.ask)
	if err == nil && !k.hasSession(v.session) && !k.Asked.After(v.issued.Add(clockDrift+time.Second)) {
		// The session may have begun after the account was asked for, elsewhere.
		l.Forget(ctx, v.id)
		k, err = l.o.Accounts.Get(ctx, v.key, v.ask)
	}
	switch {
	case errors.Is(err, ErrNotFound):
		return nil, fmt.Errorf("access token: %w", ErrRefused)
	case err != nil:
		return nil, err
	case k.User.Disabled || !k.hasSession(v.session):
		return nil, fmt.Errorf("access token: %w", ErrRefused)
	}
	return k, nil
}

// Current tells whether a user is still who they were: for what goes on for
// long. Errors are those of who keeps accounts.
func (l *Logins) Current(ctx context.Context, i Identity) (bool, error) {
	k, err := l.account(ctx, i.User.ID)
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	if err != nil || k.User.Generation != i.User.Generation || k.User.Disabled {
		return false, err
	}
	if i.App != "" {
		return k.hasApp(i.App), nil
	}
	return k.hasSession(i.Session), nil
}

// File is one file of a book.
type File struct {
	Library string // its name
	Book    int64
	Format  string
}

// ticketTTL is how long a ticket lasts: as long as one may read without a word
// to the server.
const ticketTTL = time.Hour

// Ticket returns a token that opens one file, for addresses that a program
// without credentials follows. It ends with the session.
func (l *Logins) Ticket(i Identity, f File) (token string, expires time.Duration, err error) {
	if i.Session == "" {
		return "", 0, fmt.Errorf("ticket: %w: a session is needed", ErrRefused)
	}
	token, err = l.o.Tokens.sign(forFile, i.User.ID, claims{Session: i.Session, Library: f.Library, Book: f.Book, Format: f.Format}, ticketTTL)
	return token, ticketTTL, err
}

// VerifyTicket returns who a ticket is of, and the one file that it opens.
func (l *Logins) VerifyTicket(ctx context.Context, token string) (_ Identity, _ File, err error) {
	defer func() { l.o.Observe(ByTicket, err) }()
	c, err := l.o.Tokens.read(forFile, token)
	if err != nil {
		return Identity{}, File{}, err
	}
	i, err := l.identity(ctx, c)
	return i, File{c.Library, c.Book, c.Format}, err
}
