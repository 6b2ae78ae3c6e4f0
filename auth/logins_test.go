package auth_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/pressmark/pressmark/auth"
	"github.com/pressmark/pressmark/auth/memauth"
	"github.com/pressmark/pressmark/cache"
	"github.com/pressmark/pressmark/cache/memcache"
)

// lab is a set of logins with a clock of its own.
type lab struct {
	*auth.Logins
	store     *memauth.Store
	o         auth.TokenOptions
	now       *atomic.Int64 // microseconds
	passwords *auth.Passwords
	users     *countedUsers
	cache     *cache.Cache
}

// countedUsers counts how often an account is asked for, and can be out of order.
type countedUsers struct {
	auth.Users
	asked atomic.Int64
	down  atomic.Bool
}

var errDown = errors.New("the database is down")

func (u *countedUsers) User(ctx context.Context, id auth.UserID) (auth.User, error) {
	u.asked.Add(1)
	if u.down.Load() {
		return auth.User{}, errDown
	}
	return u.Users.User(ctx, id)
}

func (l *lab) pass(d time.Duration) { l.now.Add(d.Microseconds()) }

var key = []byte("0123456789abcdef0123456789abcdef")

func newLab(t *testing.T, change ...func(*auth.TokenOptions)) *lab {
	t.Helper()
	l := &lab{store: new(memauth.Store), now: new(atomic.Int64)}
	l.users = &countedUsers{Users: l.store}
	l.now.Store(time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC).UnixMicro())
	l.o = auth.TokenOptions{Key: key, Now: func() time.Time { return time.UnixMicro(l.now.Load()) }}
	for _, c := range change {
		c(&l.o)
	}
	var err error
	if l.passwords, err = auth.NewPasswords(auth.PasswordOptions{Memory: 8 << 10, Time: 1}); err != nil {
		t.Fatal(err)
	}
	l.restart(t)
	for _, name := range []string{"ada", "bob"} {
		if _, err := l.Create(t.Context(), 0, auth.User{Email: name + "@example.com", Username: name, Role: auth.Reader}, "password of "+name, auth.Client{}); err != nil {
			t.Fatal(err)
		}
	}
	return l
}

// restart makes logins that remember nothing.
func (l *lab) restart(t *testing.T, change ...func(*auth.LoginOptions)) {
	t.Helper()
	tokens, err := auth.NewTokens(l.o)
	if err != nil {
		t.Fatal(err)
	}
	o := auth.LoginOptions{
		Users: l.users, Sessions: l.store, AppPasswords: l.store, Attempts: l.store, Audit: l.store, Setup: l.store,
		Passwords: l.passwords, Tokens: tokens, Logger: slog.New(slog.DiscardHandler), Accounts: l.accounts(t), Lockouts: l.lockouts(t),
	}
	for _, c := range change {
		c(&o)
	}
	l.Logins = auth.NewLogins(o)
}

// accounts makes a cache of accounts, which follows changes while l.cache runs.
func (l *lab) accounts(t *testing.T) auth.AccountCache {
	t.Helper()
	l.cache = cache.New(cache.Options{
		Local: memcache.NewLocal(memcache.Options{Now: l.o.Now}), Now: l.o.Now, Logger: slog.New(slog.DiscardHandler),
	})
	n, err := cache.NewNamespace(l.cache, cache.NamespaceOptions[*auth.Account]{
		Name: "user", TTL: 5 * time.Minute, NotFound: auth.ErrNotFound, Feed: auth.Follow(l.store),
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// lockouts makes a cache of lockouts in l.cache.
func (l *lab) lockouts(t *testing.T) auth.LockoutCache {
	t.Helper()
	n, err := cache.NewNamespace(l.cache, cache.NamespaceOptions[time.Time]{Name: "lockout", TTL: auth.LockoutTTL, Unchanging: true})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func (l *lab) login(t *testing.T, name string) auth.Grant {
	t.Helper()
	g, err := l.Login(t.Context(), name, "password of "+name, auth.Client{Label: "Reader\n1.0", Address: "192.0.2.1"})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// in tells whether an access token opens the door; any error but ErrRefused
// fails.
func (l *lab) in(t *testing.T, token string) bool {
	t.Helper()
	_, err := l.Verify(t.Context(), token)
	if err != nil && !errors.Is(err, auth.ErrRefused) {
		t.Error(err)
	}
	return err == nil
}

func TestLogin(t *testing.T) {
	l := newLab(t)
	g := l.login(t, "ada")
	if g.Expires != 30*time.Minute || g.User.Username != "ada" || g.Access == "" || g.Refresh == "" {
		t.Errorf("%+v", g)
	}
	i, err := l.Verify(t.Context(), g.Access)
	if err != nil || i.User.ID != g.User.ID || i.Session != g.Session {
		t.Errorf("%+v, %v", i, err)
	}
	sessions, err := l.store.Sessions(t.Context(), g.User.ID, time.UnixMicro(l.now.Load()))
	if err != nil || len(sessions) != 1 || sessions[0].Label != "Reader1.0" || sessions[0].Address != "192.0.2.1" {
		t.Errorf("%+v, %v", sessions, err)
	}
	if _, err := l.store.Update(t.Context(), 2, func(u *auth.User) error { u.Disabled = true; return nil }); err != nil {
		t.Fatal(err)
	}
	var texts []string
	for name, c := range map[string][2]string{
		"wrong": {"ada", "password of bob"}, "unknown": {"eve", "password of ada"}, "disabled": {"bob", "password of bob"}, "empty": {"ada", ""}, "no name": {"", ""},
	} {
		_, err := l.Login(t.Context(), c[0], c[1], auth.Client{})
		if !errors.Is(err, auth.ErrRefused) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		texts = append(texts, err.Error())
	}
	for _, text := range texts {
		if text != texts[0] {
			t.Errorf("the reason shows: %q", texts)
		}
	}
}

func TestLoginStrengthens(t *testing.T) {
	l := newLab(t)
	_, before, err := l.store.Find(t.Context(), "ada")
	if err != nil {
		t.Fatal(err)
	}
	if l.passwords, err = auth.NewPasswords(auth.PasswordOptions{Memory: 9 << 10, Time: 1}); err != nil {
		t.Fatal(err)
	}
	l.restart(t)
	l.login(t, "ada")
	_, after, err := l.store.Find(t.Context(), "ada")
	if err != nil || after == before || !strings.Contains(after, "m=9216") {
		t.Errorf("%s became %s, %v", before, after, err)
	}
	l.login(t, "ada")
}

func TestRefresh(t *testing.T) {
	l := newLab(t)
	g := l.login(t, "ada")
	for range 3 {
		l.pass(time.Hour)
		if l.in(t, g.Access) {
			t.Error("an access token lasts for an hour")
		}
		next, err := l.Refresh(t.Context(), g.Refresh, auth.Client{})
		if err != nil || next.Refresh == g.Refresh || !l.in(t, next.Access) || next.Session != g.Session {
			t.Fatalf("%+v, %v", next, err)
		}
		l.pass(9 * time.Second) // two windows, or an answer that was lost
		again, err := l.Refresh(t.Context(), g.Refresh, auth.Client{})
		if err != nil || again.Refresh != next.Refresh || !l.in(t, again.Access) {
			t.Errorf("%+v, %v", again, err)
		}
		g = next
	}
	l.pass(7 * 24 * time.Hour)
	if _, err := l.Refresh(t.Context(), g.Refresh, auth.Client{}); !errors.Is(err, auth.ErrRefused) {
		t.Errorf("after a week: %v", err)
	}
}

func TestRefreshStolen(t *testing.T) {
	l := newLab(t)
	first := l.login(t, "ada")
	other := l.login(t, "ada")
	second, err := l.Refresh(t.Context(), first.Refresh, auth.Client{})
	if err != nil {
		t.Fatal(err)
	}
	l.pass(auth.TradeAgain + time.Second)
	if _, err := l.Refresh(t.Context(), first.Refresh, auth.Client{}); !errors.Is(err, auth.ErrRefused) {
		t.Errorf("used twice: %v", err)
	}
	if _, err := l.Refresh(t.Context(), second.Refresh, auth.Client{}); !errors.Is(err, auth.ErrRefused) {
		t.Errorf("the thief goes on: %v", err)
	}
	if l.in(t, second.Access) {
		t.Error("the access token of the session that has ended is good")
	}
	if !l.in(t, other.Access) {
		t.Error("another session has ended")
	}
}

func TestRefreshRace(t *testing.T) {
	l := newLab(t)
	g := l.login(t, "ada")
	var wg sync.WaitGroup
	var got [16]string
	for i := range got {
		wg.Go(func() {
			next, err := l.Refresh(t.Context(), g.Refresh, auth.Client{})
			if err != nil {
				t.Error(err)
			}
			got[i] = next.Refresh
		})
	}
	wg.Wait()
	for _, token := range got {
		if token != got[0] {
			t.Errorf("different successors: %q", got)
		}
	}
}

func TestRefreshForged(t *testing.T) {
	l := newLab(t)
	g := l.login(t, "ada")
	parts := strings.Split(g.Refresh, ".")
	for _, token := range []string{
		"", ".", "..", g.Access, g.Session, g.Session + ".0.", g.Session + ".0." + strings.Repeat("A", 43),
		parts[0] + ".1." + parts[2], parts[0] + ".00." + parts[2], parts[0] + ".-1." + parts[2], "X" + g.Refresh, g.Refresh + "=", g.Refresh + "." + parts[2], strings.Repeat("a.", 1<<20),
	} {
		if _, err := l.Refresh(t.Context(), token, auth.Client{}); !errors.Is(err, auth.ErrRefused) {
			t.Errorf("%.60q: %v", token, err)
		}
	}
	if _, err := l.Refresh(t.Context(), g.Refresh, auth.Client{}); err != nil {
		t.Errorf("a forged token has ended the session: %v", err)
	}
}

func TestLogout(t *testing.T) {
	l := newLab(t)
	a, b, bob := l.login(t, "ada"), l.login(t, "ada"), l.login(t, "bob")
	if !l.in(t, a.Access) || !l.in(t, b.Access) {
		t.Fatal("not in")
	}
	if err := l.Logout(t.Context(), a.Identity, auth.Client{}); err != nil {
		t.Fatal(err)
	}
	if l.in(t, a.Access) || !l.in(t, b.Access) {
		t.Error("logout has ended the wrong session")
	}
	if _, err := l.Refresh(t.Context(), a.Refresh, auth.Client{}); !errors.Is(err, auth.ErrRefused) {
		t.Errorf("refresh after logout: %v", err)
	}
	if err := l.Logout(t.Context(), a.Identity, auth.Client{}); err != nil {
		t.Errorf("again: %v", err)
	}
	if err := l.EndAll(t.Context(), b.User.ID, b.User.ID, "", auth.Client{}); err != nil {
		t.Fatal(err)
	}
	if l.in(t, b.Access) || !l.in(t, bob.Access) {
		t.Error("logout everywhere has ended the wrong sessions")
	}
}

// TestChange: what is changed and told takes effect at once.
func TestChange(t *testing.T) {
	l := newLab(t)
	g := l.login(t, "ada")
	if !l.in(t, g.Access) {
		t.Fatal("not in")
	}
	i, err := l.Verify(t.Context(), g.Access)
	if err != nil {
		t.Fatal(err)
	}
	if ok, err := l.Current(t.Context(), i); !ok || err != nil {
		t.Errorf("current: %v, %v", ok, err)
	}
	set := func(change func(*auth.User)) {
		t.Helper()
		if _, err := l.Update(t.Context(), 0, g.User.ID, func(u *auth.User) error { change(u); return nil }, auth.Client{}); err != nil {
			t.Fatal(err)
		}
	}
	set(func(u *auth.User) { u.Access.Restricted = true })
	if ok, err := l.Current(t.Context(), i); ok || err != nil {
		t.Errorf("current after a restriction: %v, %v", ok, err)
	}
	if i, err := l.Verify(t.Context(), g.Access); err != nil || !i.User.Access.Restricted {
		t.Errorf("%+v, %v", i, err)
	}
	set(func(u *auth.User) { u.Disabled = true })
	if l.in(t, g.Access) {
		t.Error("a disabled account is in")
	}
	if _, err := l.Refresh(t.Context(), g.Refresh, auth.Client{}); !errors.Is(err, auth.ErrRefused) {
		t.Errorf("a disabled account refreshes: %v", err)
	}
	if err := l.Delete(t.Context(), 0, g.User.ID, auth.Client{}); err != nil {
		t.Fatal(err)
	}
	if l.in(t, g.Access) {
		t.Error("a deleted account is in")
	}
}

// TestVerifyAsksOnce: a thousand requests of one user at once ask for the
// account once, and after the time for which it is remembered once more.
func TestVerifyAsksOnce(t *testing.T) {
	l := newLab(t)
	g := l.login(t, "ada")
	for round := range int64(2) {
		var wg sync.WaitGroup
		for range 1000 {
			wg.Go(func() {
				if _, err := l.Verify(t.Context(), g.Access); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if n := l.users.asked.Load(); n < round+1 || n > 3 {
			t.Errorf("asked %d times", n)
		}
		l.pass(5*time.Minute + time.Second)
	}
}

// TestVerifyForged tries what is known to be tried on JWTs.
func TestVerifyForged(t *testing.T) {
	l := newLab(t)
	g := l.login(t, "ada")
	var header map[string]any
	var claims jwt.MapClaims
	parts := strings.Split(g.Access, ".")
	for i, v := range []any{&header, &claims} {
		b, err := base64.RawURLEncoding.DecodeString(parts[i])
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(b, v); err != nil {
			t.Fatal(err)
		}
	}
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	sign := func(method jwt.SigningMethod, kid, key any, change func(c jwt.MapClaims)) string {
		c := jwt.MapClaims{}
		for k, v := range claims {
			c[k] = v
		}
		if change != nil {
			change(c)
		}
		token := jwt.NewWithClaims(method, c)
		token.Header["kid"] = kid
		s, err := token.SignedString(key)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	kid := header["kid"]
	for name, token := range map[string]string{
		"none":              sign(jwt.SigningMethodNone, kid, jwt.UnsafeAllowNoneSignatureType, nil),
		"no signature":      parts[0] + "." + parts[1] + ".",
		"RS256":             sign(jwt.SigningMethodRS256, kid, private, nil),
		"HS512":             sign(jwt.SigningMethodHS512, kid, key, nil),
		"the secret itself": sign(jwt.SigningMethodHS256, kid, key, nil),
		"empty key":         sign(jwt.SigningMethodHS256, kid, []byte{}, nil),
		"public key":        sign(jwt.SigningMethodHS256, kid, private.N.Bytes(), nil),
		"key of a file":     sign(jwt.SigningMethodHS256, "../../../../dev/null", []byte{}, nil),
		"no key id":         sign(jwt.SigningMethodHS256, nil, key, nil),
		"key id of a type":  sign(jwt.SigningMethodHS256, []string{"a"}, key, nil),
		"refresh token":     g.Refresh,
		"another's claims":  parts[0] + "." + base64.RawURLEncoding.EncodeToString([]byte(`{"sub":"2","iss":"pressmark","aud":["pressmark"]}`)) + "." + parts[2],
		"cut":               g.Access[:len(g.Access)-1], "longer": g.Access + "A", "padded": g.Access + "==", "doubled": g.Access + "." + parts[2], "empty": "", "dots": "..", "huge": strings.Repeat("a", 1<<20),
	} {
		if l.in(t, token) {
			t.Errorf("%s: %s", name, token)
		}
	}
	// The same, signed by somebody who has the key, to see that what is signed
	// is looked at.
	for name, change := range map[string]func(*auth.TokenOptions){
		"another installation": func(o *auth.TokenOptions) { o.Issuer = "other" },
		"another key":          func(o *auth.TokenOptions) { o.Key = []byte("another key of thirty-two bytes!") },
	} {
		other := newLab(t, change)
		other.store = l.store
		if l.in(t, other.login(t, "ada").Access) {
			t.Error(name)
		}
	}
	future := newLab(t)
	future.pass(time.Minute)
	if l.in(t, future.login(t, "ada").Access) {
		t.Error("from the future")
	}
	if !l.in(t, g.Access) {
		t.Error("the real one is refused")
	}
	l.pass(30*time.Minute + 6*time.Second)
	if l.in(t, g.Access) {
		t.Error("expired")
	}
}

// TestKeyChange: tokens of the key before are good for as long as they last.
func TestKeyChange(t *testing.T) {
	l := newLab(t)
	g := l.login(t, "ada")
	l.o.Key, l.o.OldKeys = []byte("the new key has 32 bytes as well"), [][]byte{key}
	l.restart(t)
	if !l.in(t, g.Access) {
		t.Error("the old access token is refused")
	}
	next, err := l.Refresh(t.Context(), g.Refresh, auth.Client{})
	if err != nil || !l.in(t, next.Access) {
		t.Fatal(err)
	}
	if next, err = l.Refresh(t.Context(), next.Refresh, auth.Client{}); err != nil || !l.in(t, next.Access) {
		t.Error(err)
	}
	l.o.OldKeys = nil
	l.restart(t)
	if l.in(t, g.Access) || !l.in(t, next.Access) {
		t.Error("without the old key")
	}
	if _, err := auth.NewTokens(auth.TokenOptions{Key: key[:31]}); err == nil {
		t.Error("a key of 31 bytes: no error")
	}
}
