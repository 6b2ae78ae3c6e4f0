package httpapi

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pressmark/pressmark/auth"
)

// maxLoginBody bounds the body of a request about a login.
const maxLoginBody = 16 << 10

// grantJSON is the answer to a login (RFC 6749, 5.1).
type grantJSON struct {
	AccessToken  string  `json:"access_token" doc:"Goes into the Authorization header: Bearer, a space, and this."`
	RefreshToken *string `json:"refresh_token" doc:"Buys the next pair, once. Keep it secret. null where it is in a cookie."`
	TokenType    string  `json:"token_type" enum:"bearer"`
	ExpiresIn    int64   `json:"expires_in" doc:"Seconds for which access_token is good." example:"1800"`
}

// loginJSON and refreshJSON are bodies, in JSON or as a form.
type loginJSON struct {
	Username string `json:"username" doc:"An e-mail address or a user name." example:"ada@example.com"`
	Password string `json:"password" format:"password"`
	Cookies  bool   `json:"cookies,omitempty" doc:"For web pages of this server: the refresh token goes into a cookie that scripts cannot read, and covers, files and events are served to the browser by another."`
}

type refreshJSON struct {
	RefreshToken string `json:"refresh_token,omitempty" doc:"Without a body it is taken from the cookie, if a page of this server asks."`
}

// meJSON is who a request comes from.
type meJSON struct {
	ID         int64     `json:"id"`
	Email      string    `json:"email" example:"ada@example.com"`
	Username   string    `json:"username" example:"ada"`
	FullName   string    `json:"full_name" example:"Ada Lovelace"`
	Role       string    `json:"role" enum:"admin,reader"`
	Restricted bool      `json:"restricted" doc:"Whether parts of the libraries are hidden."`
	Created    time.Time `json:"created"`
}

type sessionJSON struct {
	ID       string    `json:"id"`
	Label    string    `json:"label" doc:"What the client said of itself."`
	Address  string    `json:"address" doc:"Where it was seen last."`
	Created  time.Time `json:"created"`
	LastUsed time.Time `json:"last_used" doc:"When its refresh token was traded last."`
	Expires  time.Time `json:"expires" doc:"When it ends unless it is used."`
	Current  bool      `json:"current" doc:"Whether it is the one that asks."`
}

type sessionPageJSON struct {
	Items      []sessionJSON `json:"items" nullable:"false"`
	NextCursor *string       `json:"next_cursor"`
	Total      int           `json:"total"`
}

func (a *API) serveLogin(w http.ResponseWriter, r *http.Request) error {
	if a.opts.Logins == nil {
		return errNoLogins
	}
	given, err := readFields(w, r, []string{"username", "password"}, "cookies")
	if err != nil {
		return err
	}
	cookies, err := a.wantsCookies(r, given["cookies"])
	if err != nil {
		return err
	}
	g, err := a.opts.Logins.Login(r.Context(), given["username"], given["password"], a.clientOf(r))
	if errors.Is(err, auth.ErrRefused) {
		return errLogin
	}
	return a.sendGrant(w, r, g, cookies, err)
}

// wantsCookies reads the member cookies of a login.
func (a *API) wantsCookies(r *http.Request, given string) (bool, error) {
	switch given {
	case "", "false":
		return false, nil
	case "true":
		return true, a.mayHaveCookies(r)
	}
	return false, invalid("body.cookies", given, "true or false was expected, not")
}

func (a *API) serveRefresh(w http.ResponseWriter, r *http.Request) error {
	if a.opts.Logins == nil {
		return errNoLogins
	}
	token, cookies, err := a.refreshTokenOf(w, r)
	if err != nil {
		return err
	}
	g, err := a.opts.Logins.Refresh(r.Context(), token, a.clientOf(r))
	if errors.Is(err, auth.ErrRefused) {
		if cookies {
			a.clearCookies(w)
		}
		return errRefresh
	}
	return a.sendGrant(w, r, g, cookies, err)
}

// refreshTokenOf returns the refresh token of a request: from its body, else from
// the cookie.
func (a *API) refreshTokenOf(w http.ResponseWriter, r *http.Request) (token string, cookies bool, err error) {
	if given := r.CookiesNamed(refreshCookie); len(given) == 1 && r.ContentLength == 0 {
		if !a.sameOrigin(r) {
			return "", false, errOrigin
		}
		return given[0].Value, true, a.mayHaveCookies(r)
	}
	given, err := readFields(w, r, []string{"refresh_token"})
	return given["refresh_token"], false, err
}

var (
	errNoLogins = &statusError{status: http.StatusNotImplemented, detail: "This server has no accounts."}
	errLogin    = &statusError{status: http.StatusUnauthorized, detail: "There is no account with this name and password that may log in."}
	errNoQuery  = &statusError{status: http.StatusUnprocessableEntity, detail: "This is asked for in the body; the address has no parameters."}
	errRefresh  = &statusError{status: http.StatusUnauthorized, detail: "The refresh token is not valid, or not any more. Log in."}
)

func (a *API) sendGrant(w http.ResponseWriter, r *http.Request, g auth.Grant, cookies bool, err error) error {
	if err != nil {
		return err
	}
	refresh := &g.Refresh
	if cookies {
		a.setCookies(w, g)
		refresh = nil
	}
	return a.sendJSON(w, r, grantJSON{g.Access, refresh, "bearer", int64(g.Expires / time.Second)})
}

// sendJSON sends what is for one user and once.
func (a *API) sendJSON(w http.ResponseWriter, r *http.Request, v any) error {
	return a.sendStatus(w, r, http.StatusOK, v)
}

func (a *API) sendStatus(w http.ResponseWriter, r *http.Request, status int, v any) error {
	var body []byte
	if e, ok := v.(selfEncoder); ok {
		body = e.appendJSON(nil)
	} else {
		var err error
		if body, err = json.Marshal(v); err != nil {
			return err
		}
	}
	h := w.Header()
	h["Content-Type"], h["Cache-Control"], h["Content-Length"] = jsonType, noStore, []string{strconv.Itoa(len(body))}
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		w.Write(body) // a client that went away is not our fault
	}
	return nil
}

func (a *API) serveMe(w http.ResponseWriter, r *http.Request) error {
	i, _ := identityOf(r.Context())
	return a.sendMe(w, r, i.User)
}

func (a *API) sendMe(w http.ResponseWriter, r *http.Request, u auth.User) error {
	return a.sendJSON(w, r, toMe(u))
}

func toMe(u auth.User) meJSON {
	return meJSON{int64(u.ID), u.Email, u.Username, u.FullName, string(u.Role), u.Access.Restricted, u.Created}
}

func (a *API) serveSessions(w http.ResponseWriter, r *http.Request) error {
	i, _ := identityOf(r.Context())
	list, err := a.opts.Logins.Sessions(r.Context(), i.User.ID)
	if err != nil {
		return err
	}
	page := sessionPageJSON{Items: []sessionJSON{}, Total: len(list)}
	for _, s := range list {
		page.Items = append(page.Items, toSession(s, i.Session))
	}
	return a.sendJSON(w, r, page)
}

func toSession(s auth.Session, current string) sessionJSON {
	return sessionJSON{s.ID, s.Label, s.Address, s.Created, s.Used, s.Expires, s.ID == current}
}

// serveLogout ends the session that asks.
func (a *API) serveLogout(w http.ResponseWriter, r *http.Request) error {
	i, _ := identityOf(r.Context())
	a.clearCookies(w)
	return noContent(w, a.opts.Logins.Logout(r.Context(), i, a.clientOf(r)))
}

// serveEndSessions ends all sessions of the user.
func (a *API) serveEndSessions(w http.ResponseWriter, r *http.Request) error {
	i, _ := identityOf(r.Context())
	return noContent(w, a.opts.Logins.EndAll(r.Context(), i.User.ID, i.User.ID, "", a.clientOf(r)))
}

func (a *API) serveEndSession(w http.ResponseWriter, r *http.Request) error {
	i, _ := identityOf(r.Context())
	id := r.PathValue("id")
	err := a.opts.Logins.End(r.Context(), i.User.ID, i.User.ID, id, a.clientOf(r))
	if errors.Is(err, auth.ErrNotFound) {
		return notFound("path.id", id, "you have no session")
	}
	return noContent(w, err)
}

func noContent(w http.ResponseWriter, err error) error {
	if err == nil {
		w.Header()["Cache-Control"] = noStore
		w.WriteHeader(http.StatusNoContent)
	}
	return err
}

// readFields reads a body that has these members of text, as JSON or as a form:
// all that are needed, and no others but the optional ones.
func readFields(w http.ResponseWriter, r *http.Request, needed []string, optional ...string) (map[string]string, error) {
	if r.URL.RawQuery != "" { // a secret there would be in logs
		return nil, errNoQuery
	}
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" && kind != "application/x-www-form-urlencoded" {
		return nil, atFault(http.StatusUnsupportedMediaType, "header.Content-Type", r.Header.Get("Content-Type"), "the body must be application/json or application/x-www-form-urlencoded, not")
	}
	body, err := readBody(w, r, maxLoginBody)
	if err != nil {
		return nil, err
	}
	given := map[string]string{}
	if kind == "application/json" {
		err = readMembers(body, given)
	} else {
		err = readForm(body, given)
	}
	if err != nil {
		return nil, err
	}
	for _, name := range needed {
		if given[name] == "" {
			return nil, invalid("body."+name, "", "a value was expected")
		}
	}
	for name := range given {
		if !slices.Contains(needed, name) && !slices.Contains(optional, name) && !slices.Contains(oauthMembers, name) {
			return nil, invalid("body."+name, name, "unknown member")
		}
	}
	return given, nil
}

// oauthMembers is what OAuth clients send beside what is asked for (RFC 6749,
// 4.3.2). It says nothing that is not known.
var oauthMembers = []string{"grant_type", "scope", "client_id", "client_secret"}

// readBody reads a body of at most that many bytes.
func readBody(w http.ResponseWriter, r *http.Request, most int64) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, most))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		err = &statusError{status: http.StatusRequestTimeout, detail: "The body took too long to come."}
	case err != nil && !errors.As(err, &tooLarge):
		err = &statusError{status: http.StatusBadRequest, detail: "The body ended before it was complete."}
	}
	return body, err
}

func readMembers(body []byte, given map[string]string) error {
	return readObject(body, func(d *json.Decoder, name string) error {
		var value any
		if err := d.Decode(&value); err != nil {
			return err
		}
		text, ok := value.(string)
		if on, isBool := value.(bool); isBool && name == "cookies" {
			text, ok = strconv.FormatBool(on), true
		}
		if !ok {
			return invalid("body."+name, "", "text was expected")
		}
		given[name] = text
		return nil
	})
}

func readForm(body []byte, given map[string]string) error {
	form, err := url.ParseQuery(strings.TrimSpace(string(body)))
	if err != nil {
		return &statusError{status: http.StatusBadRequest, detail: "The body is not a form."}
	}
	for name, values := range form {
		if len(values) > 1 {
			return invalid("body."+name, "", "it is given twice")
		}
		given[name] = values[0]
	}
	return nil
}
