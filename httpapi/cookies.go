package httpapi

import (
	"errors"
	"net/http"
	"time"

	"github.com/pressmark/pressmark/auth"
)

// The cookies of a browser that has logged in with them (RFC 6265bis, 4.1.3:
// what the prefixes promise). What a page does itself it does with the access
// token, which is in its memory.
const (
	// sessionCookie goes with every request, and is looked at where access has
	// fetched, for GET and HEAD.
	sessionCookie = "__Host-pressmark"
	// refreshCookie goes to one path alone.
	refreshCookie = "__Secure-pressmark-refresh"
)

func (a *API) refreshPath() string { return a.opts.Prefix + "/api/auth/refresh" }

// cookie returns who the session cookie is of. One that is not good, or not any
// more, is as none: the browser sends it whether its user wants that or not.
func (a *API) cookie(r *http.Request, acc access) (i auth.Identity, known bool, err error) {
	if acc&fetched == 0 || r.Header["Cookie"] == nil || r.Method != http.MethodGet && r.Method != http.MethodHead {
		return i, false, nil
	}
	given := r.CookiesNamed(sessionCookie)
	if len(given) != 1 {
		return i, false, nil
	}
	i, err = a.opts.Logins.VerifyCookie(r.Context(), given[0].Value)
	if errors.Is(err, auth.ErrRefused) {
		return auth.Identity{}, false, nil
	}
	return i, true, err
}

// setCookies gives a browser the cookies of a login.
func (a *API) setCookies(w http.ResponseWriter, g auth.Grant) {
	a.setCookie(w, sessionCookie, "/", g.Cookie, g.Expires)
	a.setCookie(w, refreshCookie, a.refreshPath(), g.Refresh, g.RefreshExpires)
}

// clearCookies takes them back.
func (a *API) clearCookies(w http.ResponseWriter) {
	a.setCookie(w, sessionCookie, "/", "", -time.Second)
	a.setCookie(w, refreshCookie, a.refreshPath(), "", -time.Second)
}

func (a *API) setCookie(w http.ResponseWriter, name, path, value string, life time.Duration) {
	http.SetCookie(w, &http.Cookie{
		Name: name, Value: value, Path: path, MaxAge: int(life / time.Second),
		Secure: true, HttpOnly: true, SameSite: http.SameSiteStrictMode,
	})
}

// mayHaveCookies returns why a request cannot have cookies set.
func (a *API) mayHaveCookies(r *http.Request) error {
	switch {
	case !a.private(r):
		return invalid("body.cookies", "true", "cookies need HTTPS, or a connection that does not leave this machine, not")
	case !a.sameOrigin(r):
		return errOrigin
	}
	return nil
}

var errOrigin = &statusError{status: http.StatusForbidden, detail: "Cookies are for pages of this server: the Origin header names another one, or is missing."}
