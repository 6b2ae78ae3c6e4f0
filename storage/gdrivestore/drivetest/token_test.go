package drivetest_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/google"
	"golang.org/x/oauth2/jwt"
	"google.golang.org/api/drive/v3"
	"google.golang.org/api/option"

	"github.com/pressmark/pressmark/storage/gdrivestore/drivetest"
)

// account returns the credentials, and a context whose HTTP client is that of d.
func account(t testing.TB, d *drivetest.Drive, scopes ...string) (context.Context, *jwt.Config) {
	t.Helper()
	c, err := google.JWTConfigFromJSON(d.Credentials("https://drive.example"), scopes...)
	if err != nil {
		t.Fatal(err)
	}
	return context.WithValue(t.Context(), oauth2.HTTPClient, d.Client()), c
}

func authorized(t testing.TB, ctx context.Context, c *http.Client) *drive.Service {
	t.Helper()
	s, err := drive.NewService(ctx, option.WithHTTPClient(c))
	return must(t, s, err)
}

// TestTokens runs where an hour takes no time.
func TestTokens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := drivetest.New(drivetest.Options{TokenLifetime: 10 * time.Minute})
		ctx, conf := account(t, d, drive.DriveReadonlyScope)
		source := conf.TokenSource(ctx)
		token, err := source.Token()
		if err != nil || token.Type() != "Bearer" || time.Until(token.Expiry) != 10*time.Minute {
			t.Fatal(token, err)
		}
		want(t, d.Scopes(), drive.DriveReadonlyScope)
		fixed := authorized(t, ctx, oauth2.NewClient(ctx, oauth2.StaticTokenSource(token)))
		renewed := authorized(t, ctx, oauth2.NewClient(ctx, source))
		start(t, fixed)
		time.Sleep(10*time.Minute - 1)
		start(t, fixed)
		time.Sleep(time.Nanosecond)
		_, err = fixed.Files.List().Do()
		check(t, err, 401, "authError")
		start(t, renewed)
		if c := d.Calls(); c.Token != 2 || c.StartPageToken != 3 {
			t.Errorf("%+v", c)
		}
		d.ExpireTokens()
		_, err = renewed.Files.List().Do()
		if e := check(t, err, 401, "authError"); !strings.HasPrefix(e.Header.Get("WWW-Authenticate"), "Bearer") {
			t.Error(e.Header)
		}
	})
}

func TestUnknownTokens(t *testing.T) {
	d := drivetest.New(drivetest.Options{})
	url := d.Start(t)
	for _, header := range []string{"", "Bearer x", "Bearer ", "Basic x"} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/files", nil)
		if err != nil {
			t.Fatal(err)
		}
		if header != "" {
			r.Header.Set("Authorization", header)
		}
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != http.StatusUnauthorized {
			t.Error(header, res.Status)
		}
	}
	other := drivetest.New(drivetest.Options{})
	ctx, conf := account(t, other, drive.DriveReadonlyScope)
	token, err := conf.TokenSource(ctx).Token()
	_, err = authorized(t, t.Context(), &http.Client{Transport: &oauth2.Transport{
		Source: oauth2.StaticTokenSource(must(t, token, err)), Base: d.Transport(),
	}}).Files.List().Do()
	check(t, err, 401, "authError")
}

func TestScopes(t *testing.T) {
	d := drivetest.New(drivetest.Options{})
	f := d.Put("f", []byte("x"))
	for scope, may := range map[string]struct{ list, media bool }{
		drive.DriveReadonlyScope:         {true, true},
		drive.DriveScope:                 {true, true},
		drive.DriveMetadataReadonlyScope: {true, false},
		drive.DriveScriptsScope:          {false, false},
	} {
		ctx, conf := account(t, d, scope)
		s := authorized(t, ctx, conf.Client(ctx))
		if _, err := s.Files.List().Do(); err != nil || !may.list {
			check(t, err, 403, "insufficientPermissions")
		}
		if _, _, err := download(t, s, f, ""); err != nil || !may.media {
			check(t, err, 403, "insufficientPermissions")
		}
	}
	if len(d.Scopes()) != 4 {
		t.Error(d.Scopes())
	}
}

func TestAssertions(t *testing.T) {
	d := drivetest.New(drivetest.Options{})
	ctx, good := account(t, d, drive.DriveReadonlyScope)
	if _, err := good.TokenSource(ctx).Token(); err != nil {
		t.Fatal(err)
	}
	_, stranger := account(t, drivetest.New(drivetest.Options{}), drive.DriveReadonlyScope)
	for name, c := range map[string]struct {
		change func(*jwt.Config)
		code   string
		why    string
	}{
		"key":      {func(c *jwt.Config) { c.PrivateKey = stranger.PrivateKey }, "invalid_grant", "Invalid JWT Signature."},
		"issuer":   {func(c *jwt.Config) { c.Email = "else@example.com" }, "invalid_grant", "account not found"},
		"audience": {func(c *jwt.Config) { c.Audience = "https://else.example/token" }, "invalid_grant", "audience"},
		"lifetime": {func(c *jwt.Config) { c.Expires = 3 * time.Hour }, "invalid_grant", "short-lived"},
		"no scope": {func(c *jwt.Config) { c.Scopes = nil }, "invalid_scope", "scope"},
		"scope":    {func(c *jwt.Config) { c.Scopes = []string{"read"} }, "invalid_scope", "scope"},
	} {
		bad := *good
		c.change(&bad)
		_, err := bad.TokenSource(ctx).Token()
		refused(t, name, err, c.code, c.why)
	}
	late := drivetest.New(drivetest.Options{Now: func() time.Time { return time.Now().Add(2 * time.Hour) }})
	ctx, conf := account(t, late, drive.DriveReadonlyScope)
	_, err := conf.TokenSource(ctx).Token()
	refused(t, "expired", err, "invalid_grant", "short-lived")

	for _, form := range []url.Values{
		{"grant_type": {"urn:ietf:params:oauth:grant-type:jwt-bearer"}, "assertion": {"nonsense"}},
		{"grant_type": {"urn:ietf:params:oauth:grant-type:jwt-bearer"}, "assertion": {"eyJhbGciOiJub25lIn0.e30."}}, // alg none
		{"grant_type": {"password"}},
	} {
		res, err := d.Client().PostForm("https://drive.example/token", form)
		if err != nil {
			t.Fatal(err)
		}
		var body struct {
			Error string
		}
		if err := json.NewDecoder(res.Body).Decode(&body); err != nil || res.StatusCode != http.StatusBadRequest || body.Error == "" {
			t.Error(form, res.Status, body, err)
		}
		res.Body.Close()
	}
}

func refused(t *testing.T, name string, err error, code, why string) {
	t.Helper()
	e, ok := errors.AsType[*oauth2.RetrieveError](err)
	if !ok || e.Response.StatusCode != http.StatusBadRequest || !strings.Contains(string(e.Body), `"`+code+`"`) || !strings.Contains(string(e.Body), why) {
		t.Errorf("%s: %v", name, err)
	}
}
