package httpapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"mime"
	"net/http"
	"time"

	"github.com/pressmark/pressmark/auth"
)

// appPasswordJSON is an app password without its text.
type appPasswordJSON struct {
	ID       string       `json:"id"`
	Label    string       `json:"label" doc:"What its owner calls it." example:"KOReader on the sofa"`
	Scopes   []auth.Scope `json:"scopes" nullable:"false" enum:"opds,kosync,api:read,api" doc:"What it is good for. opds: feeds, covers and downloads; kosync: progress of KOReader; api:read: reading requests to the API; api: all but accounts."`
	Created  time.Time    `json:"created"`
	LastUsed *time.Time   `json:"last_used" doc:"May lie some minutes back; null if it was never used."`
	Address  string       `json:"address" doc:"Where it was used last."`
}

type appPasswordPageJSON struct {
	Items      []appPasswordJSON `json:"items" nullable:"false"`
	NextCursor *string           `json:"next_cursor"`
	Total      int               `json:"total"`
}

// newAppPasswordJSON is an app password that was made just now, with its text,
// which is shown once.
type newAppPasswordJSON struct {
	ID       string       `json:"id"`
	Label    string       `json:"label"`
	Scopes   []auth.Scope `json:"scopes" nullable:"false" enum:"opds,kosync,api:read,api"`
	Created  time.Time    `json:"created"`
	Password string       `json:"password" doc:"Nobody can find it out later. Dashes and case do not matter."`
}

func toAppPassword(p auth.AppPassword) appPasswordJSON {
	j := appPasswordJSON{p.ID, p.Label, p.Scopes, p.Created, nil, p.Address}
	if !p.Used.IsZero() {
		j.LastUsed = &p.Used
	}
	return j
}

// The bodies of requests, for the document.
type (
	changeMeJSON struct {
		FullName        string `json:"full_name,omitempty" example:"Ada Lovelace"`
		Email           string `json:"email,omitempty" example:"ada@example.com"`
		Username        string `json:"username,omitempty" example:"ada"`
		CurrentPassword string `json:"current_password,omitempty" format:"password" doc:"Needed for email and username."`
	}
	changePasswordJSON struct {
		CurrentPassword string `json:"current_password" format:"password"`
		NewPassword     string `json:"new_password" format:"password" minLength:"8" doc:"At least 8 characters, at most 1,024 bytes."`
	}
	addAppPasswordJSON struct {
		Label  string       `json:"label" example:"KOReader on the sofa"`
		Scopes []auth.Scope `json:"scopes" nullable:"false" minItems:"1" enum:"opds,kosync,api:read,api"`
	}
)

// errCurrent does not tell a disabled account from a wrong password.
var errCurrent = atFault(http.StatusUnprocessableEntity, "body.current_password", "", "this is not your current password")

func (a *API) serveChangeMe(w http.ResponseWriter, r *http.Request) error {
	i, _ := identityOf(r.Context())
	var fullName, email, username *string
	var password string
	err := readMembersOf(w, r, map[string]any{"full_name": &fullName, "email": &email, "username": &username, "current_password": &password})
	if err != nil {
		return err
	}
	if email != nil || username != nil { // what one logs in with
		if password == "" {
			return invalid("body.current_password", "", "it is needed to change the e-mail address or the user name")
		}
		if err := a.prove(r, i, password); err != nil {
			return err
		}
	}
	u, err := a.opts.Logins.Update(r.Context(), i.User.ID, i.User.ID, func(u *auth.User) error {
		for field, given := range map[*string]*string{&u.FullName: fullName, &u.Email: email, &u.Username: username} {
			if given != nil {
				*field = *given
			}
		}
		return nil
	}, a.clientOf(r))
	if err != nil {
		return err
	}
	return a.sendMe(w, r, u)
}

func (a *API) prove(r *http.Request, i auth.Identity, password string) error {
	err := a.opts.Logins.Prove(r.Context(), i, password, a.clientOf(r))
	if errors.Is(err, auth.ErrRefused) {
		return errCurrent
	}
	return err
}

func (a *API) serveChangePassword(w http.ResponseWriter, r *http.Request) error {
	i, _ := identityOf(r.Context())
	var current, password string
	if err := readMembersOf(w, r, map[string]any{"current_password": &current, "new_password": &password}); err != nil {
		return err
	}
	err := a.opts.Logins.ChangePassword(r.Context(), i, current, password, a.clientOf(r))
	if errors.Is(err, auth.ErrRefused) {
		err = errCurrent
	}
	var unfit *auth.InvalidError
	if errors.As(err, &unfit) && unfit.Field == "password" {
		err = &auth.InvalidError{Field: "new_password", Reason: unfit.Reason}
	}
	return noContent(w, err)
}

func (a *API) serveAppPasswords(w http.ResponseWriter, r *http.Request) error {
	i, _ := identityOf(r.Context())
	list, err := a.opts.Logins.AppPasswords(r.Context(), i.User.ID)
	if err != nil {
		return err
	}
	page := appPasswordPageJSON{Items: []appPasswordJSON{}, Total: len(list)}
	for _, p := range list {
		page.Items = append(page.Items, toAppPassword(p))
	}
	return a.sendJSON(w, r, page)
}

func (a *API) serveAddAppPassword(w http.ResponseWriter, r *http.Request) error {
	i, _ := identityOf(r.Context())
	var label string
	var scopes []auth.Scope
	if err := readMembersOf(w, r, map[string]any{"label": &label, "scopes": &scopes}); err != nil {
		return err
	}
	p, text, err := a.opts.Logins.AddAppPassword(r.Context(), i.User.ID, label, scopes, a.clientOf(r))
	if err != nil {
		return err
	}
	return a.sendStatus(w, r, http.StatusCreated, newAppPasswordJSON{p.ID, p.Label, p.Scopes, p.Created, text})
}

func (a *API) serveRemoveAppPassword(w http.ResponseWriter, r *http.Request) error {
	i, _ := identityOf(r.Context())
	id := r.PathValue("id")
	err := a.opts.Logins.RemoveAppPassword(r.Context(), i.User.ID, i.User.ID, id, a.clientOf(r))
	if errors.Is(err, auth.ErrNotFound) {
		return notFound("path.id", id, "you have no app password")
	}
	return noContent(w, err)
}

// readMembersOf reads a body that is one JSON object into what its members point
// to. Others than these are refused, and so is null.
func readMembersOf(w http.ResponseWriter, r *http.Request, members map[string]any) error {
	if r.URL.RawQuery != "" {
		return errNoQuery
	}
	return readJSON(w, r, maxLoginBody, members)
}

// readJSON is readMembersOf for a body of at most that many bytes, and addresses
// with parameters.
func readJSON(w http.ResponseWriter, r *http.Request, most int64, members map[string]any) error {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return atFault(http.StatusUnsupportedMediaType, "header.Content-Type", r.Header.Get("Content-Type"), "the body must be application/json, not")
	}
	body, err := readBody(w, r, most)
	if err != nil {
		return err
	}
	return readObject(body, func(d *json.Decoder, name string) error {
		into, ok := members[name]
		if !ok {
			return invalid("body."+name, name, "unknown member")
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return err
		}
		strict := json.NewDecoder(bytes.NewReader(value))
		strict.DisallowUnknownFields()
		if err := strict.Decode(into); err != nil || string(value) == "null" {
			return invalid("body."+name, "", "a value of another kind was expected")
		}
		return nil
	})
}
