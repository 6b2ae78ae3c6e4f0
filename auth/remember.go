package auth

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
)

// Bounds of what is remembered of accounts.
const (
	maxKnown = 10_000
	// maxUnheard is how long an account is trusted while nobody would tell of a
	// change.
	maxUnheard = 10 * time.Second
	// maxAsk bounds one look at an account, and maxPatience how long a request
	// waits for it if it could do with what was known before.
	maxAsk, maxPatience = 10 * time.Second, time.Second
	// retryAsk is the time between two looks while they fail.
	retryAsk = 5 * time.Second
)

// accounts are the accounts that are remembered.
type accounts struct {
	mu        sync.RWMutex
	byID      map[UserID]*account
	changes   int64 // how often something was forgotten
	listening bool  // whether changes are told
	asking    singleflight.Group
}

// account is what a token is held against. It does not change.
type account struct {
	user     User
	view     string
	sessions map[string]bool
	apps     map[[32]byte]AppPassword
	asked    time.Time
	// fresh is until when it is not asked for again, until how long it will do if
	// nobody answers.
	fresh, until time.Time
}

func (k *account) hasApp(id string) bool {
	for _, p := range k.apps {
		if p.ID == id {
			return true
		}
	}
	return false
}

// Forget makes an account be asked for again.
func (l *Logins) Forget(user UserID) {
	k := &l.known
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.byID, user)
	k.changes++
}

func (l *Logins) forgetAll() {
	k := &l.known
	k.mu.Lock()
	defer k.mu.Unlock()
	clear(k.byID)
	k.changes++
}

// account returns what is known of an account, and asks if that is nothing or
// old. Many who ask at once ask once.
func (l *Logins) account(ctx context.Context, id UserID, now time.Time) (*account, error) {
	l.known.mu.RLock()
	k := l.known.byID[id]
	change := l.known.changes
	l.known.mu.RUnlock()
	if k != nil && now.Before(k.fresh) {
		return k, nil
	}
	var patience <-chan time.Time
	if k != nil && now.Before(k.until) {
		t := time.NewTimer(maxPatience)
		defer t.Stop()
		patience = t.C
	} else {
		k = nil
	}
	// Who gives up does not fail the others; who comes after a change does not
	// get what was asked for before it.
	got := l.known.asking.DoChan(fmt.Sprint(id, " ", change), func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), maxAsk)
		defer cancel()
		asked, err := l.ask(ctx, id, now)
		if err == nil {
			l.remember(asked, change)
		}
		return asked, err
	})
	select {
	case r := <-got:
		if r.Err == nil || errors.Is(r.Err, ErrNotFound) || k == nil {
			return r.Val.(*account), r.Err
		}
		l.postpone(k, change, r.Err)
		return k, nil
	case <-patience:
		l.postpone(k, change, context.DeadlineExceeded)
		return k, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// ask asks for an account.
func (l *Logins) ask(ctx context.Context, id UserID, now time.Time) (*account, error) {
	u, err := l.o.Users.User(ctx, id)
	if err != nil {
		return nil, err
	}
	sessions, err := l.o.Sessions.Sessions(ctx, id, now)
	if err != nil {
		return nil, err
	}
	k := &account{user: u, view: u.Access.view(), sessions: map[string]bool{}, asked: now, until: now.Add(l.o.CacheTTL)}
	for _, s := range sessions {
		k.sessions[s.ID] = true
	}
	if l.o.AppPasswords == nil {
		return k, nil
	}
	apps, err := l.o.AppPasswords.AppPasswords(ctx, id)
	if err != nil {
		return nil, err
	}
	k.apps = map[[32]byte]AppPassword{}
	for _, p := range apps {
		k.apps[p.Hash] = p
	}
	return k, nil
}

// remember keeps what was asked for, unless something has changed since.
func (l *Logins) remember(k *account, change int64) {
	a := &l.known
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.changes != change || l.o.CacheTTL < 0 {
		return
	}
	k.fresh = k.until
	if !a.listening {
		k.fresh = earlier(k.until, k.asked.Add(maxUnheard))
	}
	for id := range a.byID {
		if len(a.byID) < maxKnown {
			break
		}
		delete(a.byID, id)
	}
	a.byID[k.user.ID] = k
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// postpone does with what was known of an account, because nobody answers.
func (l *Logins) postpone(k *account, change int64, why error) {
	a := &l.known
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.changes != change || a.byID[k.user.ID] != k {
		return
	}
	old := *k
	old.fresh = earlier(l.now().Add(retryAsk), k.until)
	a.byID[k.user.ID] = &old
	l.log.Warn("Accounts cannot be asked for; what is known of them is used", "until", k.until, "err", why)
}

// Follow makes changes of accounts by other processes take effect at once. It
// returns ctx.Err() when ctx ends. While nobody tells of changes, accounts are
// asked for every 10 s.
func (l *Logins) Follow(ctx context.Context) error {
	if l.o.Changes == nil {
		<-ctx.Done()
		return ctx.Err()
	}
	const shortest, longest = 500 * time.Millisecond, 10 * time.Second
	wait := shortest
	for {
		err := l.o.Changes.Watch(ctx, func() {
			wait = shortest
			l.hear(true)
		}, func(id UserID) {
			if id == 0 {
				l.forgetAll()
				return
			}
			l.Forget(id)
		})
		l.hear(false)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		l.log.Warn("Nobody tells of changed accounts; they are asked for every 10 s", "err", err)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
		wait = min(2*wait, longest)
	}
}

// hear notes whether changes are told from now on. What was known when it begins
// may have changed before; when it ends, it is trusted for a short while.
func (l *Logins) hear(listening bool) {
	a := &l.known
	a.mu.Lock()
	defer a.mu.Unlock()
	a.listening = listening
	if listening {
		clear(a.byID)
		a.changes++
		return
	}
	soon := l.now().Add(maxUnheard)
	for id, k := range maps.Clone(a.byID) {
		if soon.Before(k.fresh) {
			old := *k
			old.fresh = soon
			a.byID[id] = &old
		}
	}
}

// verified is a token whose signature is right.
type verified struct {
	user            UserID
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
