package drivetest

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"google.golang.org/api/drive/v3"
)

const (
	email = "library@drivetest.iam.gserviceaccount.com"
	keyID = "drivetest"

	// jwtBearer is the grant of RFC 7523.
	jwtBearer = "urn:ietf:params:oauth:grant-type:jwt-bearer"
	// maxAssertion is how long an assertion may be good for, and leeway how wrong a
	// client's clock may be.
	maxAssertion = time.Hour
	leeway       = 5 * time.Minute
)

// token is what was given out.
type token struct {
	expires time.Time
	scopes  []string
}

func newKey() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) }

// Credentials returns the key file of a service account that may read the Drive,
// whose token endpoint is that of the server at base, such as Server.URL.
func (d *Drive) Credentials(base string) []byte {
	key, err := d.key()
	if err != nil {
		return nil // not on a machine that has randomness
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil // it knows RSA
	}
	endpoint := strings.TrimSuffix(base, "/") + "/token"
	d.mu.Lock()
	d.bases[endpoint] = true
	d.mu.Unlock()
	file, err := json.MarshalIndent(map[string]string{
		"type":            "service_account",
		"project_id":      "drivetest",
		"private_key_id":  keyID,
		"private_key":     string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
		"client_email":    email,
		"client_id":       "100000000000000000000",
		"auth_uri":        strings.TrimSuffix(base, "/") + "/auth",
		"token_uri":       endpoint,
		"universe_domain": "googleapis.com",
	}, "", "  ")
	if err != nil {
		return nil // strings can be encoded
	}
	return file
}

// Scopes returns the scopes that tokens were asked for with, each once, in order.
func (d *Drive) Scopes() []string {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return slices.Clone(d.scopes)
}

// ExpireTokens ends all tokens that were given out.
func (d *Drive) ExpireTokens() {
	d.mu.Lock()
	defer d.mu.Unlock()
	clear(d.tokens)
}

// token answers a request to the token endpoint.
func (d *Drive) token(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 1<<20)
	if r.PostFormValue("grant_type") != jwtBearer {
		refuse(w, "unsupported_grant_type", "Invalid grant_type: "+r.PostFormValue("grant_type"))
		return
	}
	scopes, code, why := d.verify(r.PostFormValue("assertion"))
	if code != "" {
		refuse(w, code, why)
		return
	}
	access := "ya29." + rand.Text() + rand.Text()
	d.mu.Lock()
	for _, scope := range scopes {
		if !slices.Contains(d.scopes, scope) {
			d.scopes = append(d.scopes, scope)
		}
	}
	d.tokens[access] = token{d.o.Now().Add(d.o.TokenLifetime), scopes}
	d.mu.Unlock()
	answerToken(w, http.StatusOK, object{
		"access_token": access, "token_type": "Bearer", "expires_in": int64(d.o.TokenLifetime / time.Second),
	})
}

type claims struct {
	Scope string `json:"scope"`
	jwt.RegisteredClaims
}

// verify returns the scopes of an assertion, or the error of OAuth and why.
func (d *Drive) verify(assertion string) (scopes []string, code, why string) {
	const grant = "invalid_grant"
	d.mu.RLock()
	endpoints := slices.Collect(maps.Keys(d.bases))
	d.mu.RUnlock()
	var c claims
	_, err := jwt.ParseWithClaims(assertion, &c, func(*jwt.Token) (any, error) {
		key, err := d.key()
		if err != nil {
			return nil, err
		}
		return &key.PublicKey, nil
	}, jwt.WithValidMethods([]string{"RS256"}), jwt.WithTimeFunc(d.o.Now), jwt.WithLeeway(leeway),
		jwt.WithExpirationRequired(), jwt.WithIssuedAt())
	switch {
	case errors.Is(err, jwt.ErrTokenMalformed):
		return nil, grant, "Invalid JWT: Failed to parse."
	case errors.Is(err, jwt.ErrTokenSignatureInvalid), errors.Is(err, jwt.ErrTokenUnverifiable):
		return nil, grant, "Invalid JWT Signature."
	case err != nil, c.IssuedAt == nil, c.ExpiresAt.Sub(c.IssuedAt.Time) > maxAssertion+leeway:
		return nil, grant, "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your iat and exp values in the JWT claim."
	case c.Issuer != email:
		return nil, grant, "Invalid grant: account not found"
	case !slices.ContainsFunc(endpoints, func(e string) bool { return slices.Contains(c.Audience, e) }):
		return nil, grant, "Invalid JWT: Failed audience check."
	}
	scopes = strings.Fields(c.Scope)
	if len(scopes) == 0 {
		return nil, "invalid_scope", "Invalid OAuth scope or ID token audience provided."
	}
	for _, scope := range scopes {
		if !strings.HasPrefix(scope, "https://www.googleapis.com/auth/") {
			return nil, "invalid_scope", "Invalid OAuth scope or ID token audience provided."
		}
	}
	return scopes, "", ""
}

func refuse(w http.ResponseWriter, code, why string) {
	answerToken(w, http.StatusBadRequest, object{"error": code, "error_description": why})
}

func answerToken(w http.ResponseWriter, status int, o object) {
	raw, err := json.Marshal(o)
	if err != nil {
		raw = nil // strings and numbers can be encoded
	}
	w.Header().Set("Cache-Control", "no-store")
	writeBody(w, status, jsonType, raw)
}

// authorize checks the token of a request.
func (d *Drive) authorize(r *http.Request, op string) error {
	if by, ok := r.Context().Value(trusted{}).(*Drive); ok && by == d {
		return nil
	}
	access, found := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	d.mu.RLock()
	t, known := d.tokens[access]
	d.mu.RUnlock()
	if !found || !known || !d.o.Now().Before(t.expires) {
		return unauthorized()
	}
	if !slices.ContainsFunc(t.scopes, func(scope string) bool { return allows(scope, op) }) {
		return insufficientScope()
	}
	return nil
}

func allows(scope, op string) bool {
	switch scope {
	case drive.DriveScope, drive.DriveReadonlyScope:
		return true
	case drive.DriveMetadataScope, drive.DriveMetadataReadonlyScope:
		return op != OpMedia
	}
	return false
}
