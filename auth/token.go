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
// the database. Safe for concurrent use.
type Tokens struct {
	o      TokenOptions
	keys   []tokenKeys // the first signs
	parser *jwt.Parser
}

// tokenKeys are derived from one secret.
type tokenKeys struct {
	id              string
	access, refresh []byte
}

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
	t.parser = jwt.NewParser(
		jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}), jwt.WithIssuer(o.Issuer), jwt.WithAudience(o.Issuer),
		jwt.WithExpirationRequired(), jwt.WithNotBeforeRequired(), jwt.WithStrictDecoding(), jwt.WithLeeway(clockDrift), jwt.WithTimeFunc(o.Now),
	)
	return t, nil
}

func deriveKeys(secret []byte) (k tokenKeys, err error) {
	id, err := hkdf.Key(sha256.New, secret, nil, "pressmark key id", 9)
	if err != nil {
		return k, err
	}
	k.id = base64.RawURLEncoding.EncodeToString(id)
	if k.access, err = hkdf.Key(sha256.New, secret, nil, "pressmark access token", sha256.Size); err != nil {
		return k, err
	}
	k.refresh, err = hkdf.Key(sha256.New, secret, nil, "pressmark refresh token", sha256.Size)
	return k, err
}

// accessClaims are the claims of an access token, beside the registered ones.
type accessClaims struct {
	jwt.RegisteredClaims
	Session string `json:"sid"`
}

// access returns an access token for a user's session.
func (t *Tokens) access(user UserID, session string) (string, error) {
	now := t.o.Now()
	token := jwt.NewWithClaims(jwt.SigningMethodHS256, accessClaims{
		RegisteredClaims: jwt.RegisteredClaims{
			Issuer: t.o.Issuer, Audience: jwt.ClaimStrings{t.o.Issuer}, Subject: strconv.FormatInt(int64(user), 10),
			IssuedAt: jwt.NewNumericDate(now), NotBefore: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(now.Add(t.o.AccessTTL)),
			ID: rand.Text(),
		},
		Session: session,
	})
	token.Header["kid"] = t.keys[0].id
	return token.SignedString(t.keys[0].access)
}

// readAccess returns whose access token it is. Errors wrap ErrRefused, and never
// hold the token.
func (t *Tokens) readAccess(token string) (user UserID, session string, err error) {
	if len(token) > maxToken {
		return 0, "", fmt.Errorf("access token of %d bytes: %w", len(token), ErrRefused)
	}
	var claims accessClaims
	_, err = t.parser.ParseWithClaims(token, &claims, func(token *jwt.Token) (any, error) {
		id, _ := token.Header["kid"].(string)
		for _, k := range t.keys {
			if k.id == id {
				return k.access, nil
			}
		}
		return nil, errors.New("unknown key")
	})
	if err != nil {
		return 0, "", fmt.Errorf("access token: %w: %w", ErrRefused, err)
	}
	n, err := strconv.ParseInt(claims.Subject, 10, 64)
	if err != nil || claims.Session == "" {
		return 0, "", fmt.Errorf("access token: %w: of no session", ErrRefused)
	}
	return UserID(n), claims.Session, nil
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
