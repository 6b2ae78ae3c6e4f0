package httpapi

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/pressmark/pressmark/auth"
)

// setupPage is the page of the link that a server without users prints. It reads
// the token from the fragment, which browsers send to nobody.
//
//go:embed setup.html
var setupPage []byte

// SetupPath is the path of that page, below Options.Prefix. The token stands
// behind "#token=".
const SetupPath = "/setup"

// setupJSON is the body of POST /api/auth/setup, for the document.
type setupJSON struct {
	Token    string `json:"token" doc:"What the server's log shows."`
	Email    string `json:"email" example:"ada@example.com"`
	Username string `json:"username" example:"ada"`
	FullName string `json:"full_name,omitempty" example:"Ada Lovelace"`
	Password string `json:"password" format:"password" minLength:"8"`
}

var (
	errSetup      = &statusError{status: http.StatusForbidden, detail: "The set-up link is not valid, or not any more: it works once, for an hour, while there are no users. The server's log has the current one when it starts."}
	errSetupPlain = &statusError{status: http.StatusForbidden, detail: "Others could read along: set up over HTTPS or from the server's own machine (behind a proxy, TRUSTED_PROXIES has to name it), or run \"pressmark user create\"."}
)

func (a *API) registerSetup() {
	res := a.problems(append(bodyProblems, http.StatusForbidden, http.StatusTooManyRequests, http.StatusNotImplemented, http.StatusServiceUnavailable)...)
	res["200"] = &huma.Response{Description: "The first admin is there, and logged in.", Content: map[string]*huma.MediaType{"application/json": {Schema: a.shape(grantJSON{})}}}
	a.handle(huma.Operation{
		Method: http.MethodPost, Path: "/api/auth/setup", OperationID: "set-up", Tags: []string{"users"},
		Summary:     "Make the first admin",
		Description: "A server without users shows a token when it starts. It is good once, for an hour.",
		RequestBody: a.jsonBody(setupJSON{}), Responses: res,
	}, open, a.serveSetup)

	page := static("text/html; charset=utf-8", setupPage)
	csp := []string{"default-src 'none'; script-src " + hashOf("script") + "; style-src " + hashOf("style") +
		"; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"}
	a.route(huma.Operation{Method: http.MethodGet, Path: SetupPath}, open, func(w http.ResponseWriter, r *http.Request) error {
		w.Header()["Content-Security-Policy"] = csp
		w.Header()["Referrer-Policy"] = noReferrer
		return page(w, r)
	})
}

// hashOf returns the source expression (CSP Level 3, 2.3.1) of the element of
// this name in the page.
func hashOf(element string) string {
	_, text, _ := bytes.Cut(setupPage, []byte("<"+element+">"))
	text, _, _ = bytes.Cut(text, []byte("</"+element+">"))
	sum := sha256.Sum256(text)
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

func (a *API) serveSetup(w http.ResponseWriter, r *http.Request) error {
	if a.opts.Logins == nil {
		return errNoLogins
	}
	if !a.private(r) {
		return errSetupPlain
	}
	var token, password string
	var u auth.User
	err := readMembersOf(w, r, map[string]any{"token": &token, "email": &u.Email, "username": &u.Username, "full_name": &u.FullName, "password": &password})
	if err != nil {
		return err
	}
	g, err := a.opts.Logins.FinishSetup(r.Context(), token, u, password, a.clientOf(r))
	if errors.Is(err, auth.ErrRefused) {
		return errSetup
	}
	return a.sendGrant(w, r, g, false, err)
}
