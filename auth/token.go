package auth

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// TokenOptions are the settings of Tokens. Only Key has to be given.
type TokenOptions struct {
	// Key is the secret of which keys are derived: at least 32 bytes, the same
	// on every replica.
	Key []byte
	// OldKeys are accepted, too, for as long as what they signed lasts.
	OldKeys [][]byte
	// Issuer names the installation: tokens of another are refused. "" means
	// "pressmark".
	Issuer string
	// AccessTTL is how long an access token lasts. 0 means 30 min.
	AccessTTL time.Duration
	// RefreshTTL is how long a session lasts without being used. 0 means 7 days.
	RefreshTTL time.Duration
	// Now is the clock. nil means time.Now.
	Now func() time.Time
}

// Lengths and allowances of tokens.
const (
	minKey     = 32
	maxToken   = 4 << 10
	clockDrift = 5 * time.Second // between replicas
)

// Tokens makes and reads tokens. Access tokens are JWTs (RFC 7519) signed by
// HMAC-SHA-256; who has a valid one need not be looked up to be known. Refresh
// tokens are of a session, and one follows from another by a key that is not in
// the database. App passwords are found by their HMAC. Safe for concurrent use.
type Tokens struct {
	o       TokenOptions
	keys    []tokenKeys // the first signs
	parsers map[purpose]*jwt.Parser
}

// tokenKeys are derived from one secret.
type tokenKeys struct {
	id                          string
	access, refresh, app, setup []byte
}

// purpose is what a signed token is for. One is never taken for the other: it
// is part of the audience.
type purpose string

const (
	forBearer purpose = ""
	forCookie purpose = ":cookie"
	forFile   purpose = ":file"
)

// NewTokens returns an error for a key that is too short.
func NewTokens(o TokenOptions) (*Tokens, error) {
	if o.Issuer == "" {
		o.Issuer = "pressmark"
	}
	if o.AccessTTL == 0 {
		o.AccessTTL = 30 * time.Minute
	}
	if o.RefreshTTL == 0 {
		o.RefreshTTL = 7 * 24 * time.Hour
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	t := &Tokens{o: o}
	for _, secret := range append([][]byte{o.Key}, o.OldKeys...) {
		if len(secret) < minKey {
			return nil, fmt.Errorf("the secret key has %d bytes: at least %d were expected", len(secret), minKey)
		}
		k, err := deriveKeys(secret)
		if err != nil {
			return nil, fmt.Errorf("derive keys: %w", err)
		}
		t.keys = append(t.keys, k)
	}
	t.parsers = map[purpose]*jwt.Parser{}
	for _, p := range []purpose{forBearer, forCookie, forFile} {
		t.parsers[p] = jwt.NewParser(
			jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}), jwt.WithIssuer(o.Issuer), jwt.WithAudience(o.Issuer+string(p)),
			jwt.WithExpirationRequired(), jwt.WithNotBeforeRequired(), jwt.WithStrictDecoding(), jwt.WithLeeway(clockDrift), jwt.WithTimeFunc(o.Now),
		)
	}
	return t, nil
}

func deriveKeys(secret []byte) (k tokenKeys, err error) {
	id, err := hkdf.Key(sha256.New, secret, nil, "pressmark key id", 9)
	if err != nil {
		return k, err
	}
	k.id = base64.RawURLEncoding.EncodeToString(id)
	for name, key := range map[string]*[]byte{"access token": &k.access, "refresh token": &k.refresh, "app password": &k.app, "set-up": &k.setup} {
		if *key, err = hkdf.Key(sha256.New, secret, nil, "pressmark "+name, sha256.Size); err != nil {
			return k, err
		}
	}
	return k, nil
}

// claims are the claims of a signed token, beside the registered ones.
type claims struct {
	jwt.RegisteredClaims
	Session string `json:"sid"`
	// The rest is of tokens for a file.
	Library string `json:"lib,omitempty"`
	Book    int64  `json:"book,omitempty"`
	Format  string `json:"fmt,omitempty"`

	user UserID
}

func (l *Logins) verified(c claims) verified {
	return verified{l.whose(c.user), c.Session, c.IssuedAt.Time, c.ExpiresAt.Time}
}

// sign returns a token for a user's session that lasts for a while.
func (t *Tokens) sign(p purpose, user UserID, c claims, ttl time.Duration) (string, error) {
	now := t.o.Now()
	c.RegisteredClaims = jwt.RegisteredClaims{
		Issuer: t.o.Issuer, Audience: jwt.ClaimStrings{t.o.Issuer + string(p)}, Subject: strconv.FormatInt(int64(user), 10),
		IssuedAt: jwt.NewNumericDate(now), NotBefore: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(now.Add(ttl)),
		ID: rand.Text(),
	}
	token := jwt.NewWithClaims(jwt.SigningMethodHS256, c)
	token.Header["kid"] = t.keys[0].id
	return token.SignedString(t.keys[0].access)
}

// read returns what a token says that was signed for a purpose. Errors wrap
// ErrRefused, and never hold the token.
func (t *Tokens) read(p purpose, token string) (c claims, err error) {
	if len(token) > maxToken {
		return c, fmt.Errorf("token of %d bytes: %w", len(token), ErrRefused)
	}
	_, err = t.parsers[p].ParseWithClaims(token, &c, func(token *jwt.Token) (any, error) {
		id, _ := token.Header["kid"].(string)
		for _, k := range t.keys {
			if k.id == id {
				return k.access, nil
			}
		}
		return nil, errors.New("unknown key")
	})
	if err != nil {
		return c, fmt.Errorf("token: %w: %w", ErrRefused, err)
	}
	n, err := strconv.ParseInt(c.Subject, 10, 64)
	if err != nil || c.Session == "" || c.IssuedAt == nil || c.ExpiresAt == nil {
		return c, fmt.Errorf("token: %w: of no session", ErrRefused)
	}
	c.user = UserID(n)
	return c, nil
}

// refresh returns the token of a session that comes after so many trades.
func (t *Tokens) refresh(session string, turn int64) string {
	return refreshToken(t.keys[0], session, turn)
}

func refreshToken(k tokenKeys, session string, turn int64) string {
	text := session + "." + strconv.FormatInt(turn, 36)
	mac := hmac.New(sha256.New, k.refresh)
	mac.Write([]byte(text))
	return text + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// readRefresh returns which token of which session it is.
func (t *Tokens) readRefresh(token string) (session string, turn int64, err error) {
	parts := strings.Split(token, ".")
	if len(token) <= maxToken && len(parts) == 3 {
		turn, err := strconv.ParseInt(parts[1], 36, 64)
		for _, k := range t.keys {
			if err == nil && hmac.Equal([]byte(refreshToken(k, parts[0], turn)), []byte(token)) {
				return parts[0], turn, nil
			}
		}
	}
	return "", 0, fmt.Errorf("refresh token: %w", ErrRefused)
}

func hashToken(token string) [sha256.Size]byte { return sha256.Sum256([]byte(token)) }

// appPasswordLen is the length of an app password without its dashes: letters
// and digits of base32, which hold 130 random bits.
const appPasswordLen = 26

// newAppPassword returns a password that can be typed: k3xq4-….
func newAppPassword() string {
	text := strings.ToLower(rand.Text())
	const group = 5
	var parts []string
	for len(text) > group+1 {
		parts = append(parts, text[:group])
		text = text[group:]
	}
	return strings.Join(append(parts, text), "-")
}

// appHashes returns the hashes under which an app password may be kept, the one
// of the current key first; none if it cannot be one. Dashes, spaces and case
// are for people.
func (t *Tokens) appHashes(password string) [][sha256.Size]byte {
	if len(password) > maxPassword {
		return nil
	}
	text := strings.ToLower(strings.NewReplacer("-", "", " ", "").Replace(password))
	if len(text) != appPasswordLen {
		return nil
	}
	hashes := make([][sha256.Size]byte, len(t.keys))
	for i, k := range t.keys {
		mac := hmac.New(sha256.New, k.app)
		mac.Write([]byte(text))
		mac.Sum(hashes[i][:0])
	}
	return hashes
}

// setup returns the token of a set-up.
func (t *Tokens) setup(nonce string) string {
	mac := hmac.New(sha256.New, t.keys[0].setup)
	mac.Write([]byte(nonce))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}
