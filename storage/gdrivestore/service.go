package gdrivestore

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/google"
	"google.golang.org/api/drive/v3"
	"google.golang.org/api/option"
)

// NewService returns a client of the Drive API that reads as the account whose
// credentials are given: the key of a service account, or what "gcloud auth
// application-default login" leaves, both as JSON. nil is for what the machine has
// (Application Default Credentials: the file that GOOGLE_APPLICATION_CREDENTIALS
// names, or the account of a machine at Google).
//
// A token that Drive does not accept any more is replaced before its time. The
// options come last, and can give another endpoint. It does no I/O, except for
// looking for what the machine has.
func NewService(ctx context.Context, credentials []byte, o ...option.ClientOption) (*drive.Service, error) {
	return NewServiceOver(ctx, credentials, nil, o...)
}

// NewServiceOver is NewService with something around the transport that requests
// of the API take, such as what traces them; the first is outermost. Credentials
// are added below it, and tokens asked for beside it.
func NewServiceOver(ctx context.Context, credentials []byte, wrap []func(http.RoundTripper) http.RoundTripper, o ...option.ClientOption) (*drive.Service, error) {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConnsPerHost = maxIdle
	t.ResponseHeaderTimeout = callTimeout
	t.DialContext = (&net.Dialer{Timeout: dialTimeout, KeepAlive: 30 * time.Second}).DialContext
	// Tokens are asked for as long as the service is used.
	ctx = context.WithValue(context.WithoutCancel(ctx), oauth2.HTTPClient, &http.Client{Transport: t, Timeout: callTimeout})
	source, err := tokens(ctx, credentials)
	if err != nil {
		return nil, err
	}
	client := &http.Client{Transport: &authorized{base: t, source: source}}
	for _, w := range slices.Backward(wrap) {
		client.Transport = w(client.Transport)
	}
	return drive.NewService(ctx, append([]option.ClientOption{option.WithHTTPClient(client)}, o...)...)
}

const (
	maxIdle     = 32
	dialTimeout = 5 * time.Second
)

// tokens returns what makes sources of tokens, none of which has one yet.
func tokens(ctx context.Context, credentials []byte) (func() (oauth2.TokenSource, error), error) {
	make := func() (*google.Credentials, error) {
		return google.FindDefaultCredentials(ctx, drive.DriveReadonlyScope)
	}
	if credentials != nil {
		var kind struct {
			Type       google.CredentialsType `json:"type"`
			PrivateKey string                 `json:"private_key"`
			Email      string                 `json:"client_email"`
		}
		if err := json.Unmarshal(credentials, &kind); err != nil {
			return nil, fmt.Errorf("the credentials are not JSON: %w", err)
		}
		if kind.Type != google.ServiceAccount && kind.Type != google.AuthorizedUser {
			return nil, fmt.Errorf("the credentials have the type %q; the key of a service account was expected", kind.Type)
		}
		if block, _ := pem.Decode([]byte(kind.PrivateKey)); kind.Type == google.ServiceAccount && (block == nil || kind.Email == "") {
			return nil, errors.New("the credentials lack client_email, or private_key in PEM form; the key of a service account has both")
		}
		make = func() (*google.Credentials, error) {
			return google.CredentialsFromJSONWithType(ctx, credentials, kind.Type, drive.DriveReadonlyScope)
		}
	}
	source := func() (oauth2.TokenSource, error) {
		c, err := make()
		if err != nil {
			return nil, err
		}
		return c.TokenSource, nil
	}
	_, err := source()
	return source, err
}

// authorized adds a token to requests.
type authorized struct {
	base   http.RoundTripper
	source func() (oauth2.TokenSource, error)

	mu  sync.Mutex
	now oauth2.TokenSource
}

// RoundTrip sends a request, and again with another token if the first one is not
// accepted. It is for requests without a body.
func (a *authorized) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil && r.Body != http.NoBody {
		return nil, errors.New("gdrivestore only reads")
	}
	for first := true; ; first = false {
		source, err := a.current()
		if err != nil {
			return nil, err
		}
		token, err := tokenOf(r.Context(), source)
		if err != nil {
			return nil, err
		}
		out := r.Clone(r.Context())
		token.SetAuthHeader(out)
		res, err := a.base.RoundTrip(out)
		if err != nil || res.StatusCode != http.StatusUnauthorized || !first {
			return res, err
		}
		res.Body.Close()
		a.drop(source)
	}
}

// tokenOf returns a token of a source, which does not know contexts: one that is
// asked for goes on, for those who come later.
func tokenOf(ctx context.Context, source oauth2.TokenSource) (*oauth2.Token, error) {
	type answer struct {
		token *oauth2.Token
		err   error
	}
	c := make(chan answer, 1)
	go func() {
		t, err := source.Token()
		c <- answer{t, err}
	}()
	select {
	case a := <-c:
		return a.token, a.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (a *authorized) current() (_ oauth2.TokenSource, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.now == nil {
		a.now, err = a.source()
	}
	return a.now, err
}

// drop forgets the token of a source, if it is still in use.
func (a *authorized) drop(source oauth2.TokenSource) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.now == source {
		a.now = nil
	}
}
