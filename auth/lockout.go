package auth

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// How many failures are free, and for how long attempts are refused at most.
const (
	// One account from one network: somebody who mistypes.
	freePair, mostPair = 5, 15 * time.Minute
	// One network, whatever the account: somebody who tries one password on many.
	freeNetwork, mostNetwork = 20, 15 * time.Minute
	// One account from all networks but those that it is used from: many who try
	// one. It is short, so that nobody can keep a user out who travels.
	freeAccount, mostAccount = 20, time.Minute
	// One app password that is wrong: a program that was not told of its end.
	freeApp, mostApp = 3, 15 * time.Minute
)

// network returns what addresses of one household have in common: an IPv4
// address, or the first 64 bits of an IPv6 address.
func network(address string) string {
	a, err := netip.ParseAddr(address)
	if err != nil {
		return "unknown"
	}
	a = a.Unmap().WithZone("")
	bits := a.BitLen()
	if a.Is6() {
		bits = 64
	}
	p, _ := a.Prefix(bits) // the bits are there
	return p.String()
}

// loginLimits returns what an attempt to log in counts for. It does the same
// work for accounts that are not there, whose number is 0.
func (l *Logins) loginLimits(ctx context.Context, user UserID, login string, c Client) ([]Limit, error) {
	if l.o.Attempts == nil {
		return nil, nil
	}
	sessions, err := l.o.Sessions.Sessions(ctx, user, l.now())
	if err != nil {
		return nil, err
	}
	account, net := "user:"+strconv.FormatInt(int64(user), 10), network(c.Address)
	if user == 0 {
		account = "name:" + digest(Key(login)) // some type their password there
	}
	limits := []Limit{networkLimit(net), {account + " from " + net, freePair, mostPair}}
	for _, s := range sessions {
		if network(s.Address) == net {
			return limits, nil
		}
	}
	return append(limits, Limit{account, freeAccount, mostAccount}), nil
}

func networkLimit(net string) Limit { return Limit{"net:" + net, freeNetwork, mostNetwork} }

// digest names a value that is not to be kept.
func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:16])
}

// LockoutCache remembers until when attempts are refused, so that who goes on
// trying does not keep the database busy. It should forget after
// [LockoutTTL]: what was counted for somebody who then turned out to be right is
// taken back. A *cache.Namespace[time.Time] of package cache that is Unchanging is
// one.
type LockoutCache interface {
	Peek(key string) (until time.Time, ok bool)
	Put(key string, until time.Time)
}

// LockoutTTL is how long a LockoutCache should remember.
const LockoutTTL = 2 * time.Second

func (l *Logins) lockout(key string) (time.Time, bool) {
	if l.o.Lockouts == nil {
		return time.Time{}, false
	}
	return l.o.Lockouts.Peek(key)
}

// limitsKey names limits: they differ where one of them does.
func limitsKey(limits []Limit) string {
	keys := make([]string, len(limits))
	for i, limit := range limits {
		keys[i] = limit.Key
	}
	return strings.Join(keys, "\x00")
}

// attempt runs prove, which tells whether somebody is who they say, unless too
// many have failed before. Only ErrRefused is a failure. who is of whom and from
// where a lockout is recorded.
func (l *Logins) attempt(ctx context.Context, who Event, limits []Limit, prove func() error) (err error) {
	if l.o.Attempts == nil {
		return prove()
	}
	now := l.now()
	key := limitsKey(limits)
	defer func() { l.recordLockout(ctx, who, now, err) }()
	if until, ok := l.lockout(key); ok && now.Before(until) {
		return &LockedError{until.Sub(now)}
	}
	until, err := l.o.Attempts.Attempt(ctx, now, limits...)
	if err != nil {
		return err
	}
	if !until.IsZero() {
		if l.o.Lockouts != nil {
			l.o.Lockouts.Put(key, until)
		}
		return &LockedError{until.Sub(now)}
	}
	err = prove()
	if errors.Is(err, ErrRefused) {
		return err
	}
	keys := make([]string, len(limits))
	for i, limit := range limits {
		keys[i] = limit.Key
	}
	return errors.Join(err, l.o.Attempts.Forgive(context.WithoutCancel(ctx), 1, keys...))
}
