package httpapi

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/pressmark/pressmark/auth"
	"github.com/pressmark/pressmark/catalog"
)

// userJSON is an account as admins see it.
type userJSON struct {
	ID         int64               `json:"id"`
	Email      string              `json:"email" example:"ada@example.com"`
	Username   string              `json:"username" example:"ada"`
	FullName   string              `json:"full_name" example:"Ada Lovelace"`
	Role       auth.Role           `json:"role" enum:"admin,reader"`
	Disabled   bool                `json:"disabled"`
	Restricted bool                `json:"restricted" doc:"Whether the user sees only what libraries gives, and nothing of other libraries."`
	Libraries  map[string]ruleJSON `json:"libraries" nullable:"false" doc:"By the library's name; empty for users who are not restricted."`
	Created    time.Time           `json:"created"`
	Updated    time.Time           `json:"updated"`
}

type ruleJSON struct {
	Kind       auth.RuleKind `json:"kind" enum:"all,none,matching"`
	Expression string        `json:"expression,omitempty" doc:"For matching: what is seen, in Calibre's search language." example:"tags:fiction"`
}

type userPageJSON struct {
	Items      []userJSON `json:"items" nullable:"false"`
	NextCursor *string    `json:"next_cursor"`
	Total      int        `json:"total"`
}

// eventPageJSON has no total: events are many, and there is no end of them.
type eventPageJSON struct {
	Items      []auditJSON `json:"items" nullable:"false"`
	NextCursor *string     `json:"next_cursor"`
}

type auditJSON struct {
	ID      int64       `json:"id"`
	At      time.Time   `json:"at"`
	Action  auth.Action `json:"action" example:"login_failed"`
	Actor   *int64      `json:"actor" doc:"The account that did it; null if nobody that is known did."`
	User    *int64      `json:"user" doc:"The account that it was done to. Numbers of deleted accounts stay."`
	Address string      `json:"address" doc:"Where it was asked for: an IP address, or command line." example:"192.0.2.1"`
	Detail  string      `json:"detail" example:"role, access"`
}

// The bodies of requests, for the document.
type (
	changeUserJSON struct {
		Email      string              `json:"email,omitempty"`
		Username   string              `json:"username,omitempty"`
		FullName   string              `json:"full_name,omitempty"`
		Role       auth.Role           `json:"role,omitempty" enum:"admin,reader"`
		Disabled   bool                `json:"disabled,omitempty"`
		Restricted bool                `json:"restricted,omitempty"`
		Libraries  map[string]ruleJSON `json:"libraries,omitempty" doc:"Replaces all rules, and sets restricted."`
	}
	createUserJSON struct {
		Email    string `json:"email" example:"ada@example.com"`
		Username string `json:"username" example:"ada"`
		Password string `json:"password" format:"password" minLength:"8"`

		FullName   string              `json:"full_name,omitempty"`
		Role       auth.Role           `json:"role,omitempty" enum:"admin,reader" default:"reader"`
		Disabled   bool                `json:"disabled,omitempty"`
		Restricted bool                `json:"restricted,omitempty"`
		Libraries  map[string]ruleJSON `json:"libraries,omitempty" doc:"Sets restricted."`
	}
	setPasswordJSON struct {
		Password string `json:"password" format:"password" minLength:"8"`
	}
)

func toUser(u auth.User) userJSON {
	libraries := map[string]ruleJSON{}
	for name, r := range u.Access.Libraries {
		libraries[name] = ruleJSON{r.Kind, r.Expression}
	}
	return userJSON{int64(u.ID), u.Email, u.Username, u.FullName, u.Role, u.Disabled, u.Access.Restricted, libraries, u.Created, u.Updated}
}

// userEdit is what a body says of an account.
type userEdit struct {
	email, username, fullName *string
	role                      *auth.Role
	disabled, restricted      *bool
	libraries                 map[string]ruleJSON
}

func (e *userEdit) members() map[string]any {
	return map[string]any{
		"email": &e.email, "username": &e.username, "full_name": &e.fullName, "role": &e.role,
		"disabled": &e.disabled, "restricted": &e.restricted, "libraries": &e.libraries,
	}
}

// apply changes u.
func (e *userEdit) apply(u *auth.User) {
	set(&u.Email, e.email)
	set(&u.Username, e.username)
	set(&u.FullName, e.fullName)
	set(&u.Role, e.role)
	set(&u.Disabled, e.disabled)
	if e.libraries != nil {
		u.Access = auth.Access{Restricted: true, Libraries: map[string]auth.Rule{}}
		for name, r := range e.libraries {
			u.Access.Libraries[name] = auth.Rule{Kind: r.Kind, Expression: r.Expression}
		}
	}
	if set(&u.Access.Restricted, e.restricted); !u.Access.Restricted && e.libraries == nil {
		u.Access.Libraries = nil
	}
}

func set[T any](field, given *T) {
	if given != nil {
		*field = *given
	}
}

// check refuses rules for libraries that are not served, and expressions that
// their libraries do not understand now: they would show nothing.
func (e *userEdit) check(ctx context.Context, a *API) error {
	for _, name := range slices.Sorted(maps.Keys(e.libraries)) {
		lib := a.byName[name]
		if lib == nil {
			return invalid("body.libraries", name, "no library of this name")
		}
		s, ok := catalog.As[catalog.Searcher](catalog.Snapshot(lib.Catalog))
		if r := e.libraries[name]; ok && r.Kind == auth.Matching {
			_, err := s.Parse(ctx, r.Expression)
			var bad *catalog.InvalidError
			if errors.As(err, &bad) {
				problem := atFault(http.StatusUnprocessableEntity, "body.libraries", r.Expression, name+": "+bad.Reason)
				problem.position, problem.expected = bad.Position, bad.Expected
				return problem
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// userOf returns the account that the path names.
func (a *API) userOf(r *http.Request) (auth.UserID, error) {
	n, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil || n < 1 || r.PathValue("id")[0] == '+' {
		return 0, invalid("path.id", r.PathValue("id"), "not the id of an account:")
	}
	return auth.UserID(n), nil
}

// noUser makes the answer to what was done to an account that is not there.
func noUser(r *http.Request, err error) error {
	if errors.Is(err, auth.ErrNotFound) {
		return notFound("path.id", r.PathValue("id"), "there is no account")
	}
	return err
}

// pageParams reads limit, cursor, and what else there may be.
func pageParams(r *http.Request, more ...string) (limit int, cursor int64, given map[string]string, err error) {
	params, err := parseParams(nil, r.URL.RawQuery)
	if err != nil {
		return 0, 0, nil, err
	}
	limit, given = catalog.DefaultLimit, map[string]string{}
	for _, p := range params {
		if _, twice := given[p.name]; twice {
			return 0, 0, nil, invalid("query."+p.name, p.value, "given more than once:")
		}
		given[p.name] = p.value
		switch {
		case p.name == "limit":
			limit, err = parseLimit(p.value)
		case p.name == "cursor":
			if cursor, err = strconv.ParseInt(p.value, 10, 64); err != nil || cursor < 1 {
				err = invalid("query.cursor", p.value, "not a cursor of this list:")
			}
		case !slices.Contains(more, p.name):
			err = unknown(p)
		}
		if err != nil {
			return 0, 0, nil, err
		}
	}
	return limit, cursor, given, nil
}

// next returns the cursor behind the last of a page, if there is more.
func next(more bool, last int64) *string {
	if !more {
		return nil
	}
	s := strconv.FormatInt(last, 10)
	return &s
}

func (a *API) serveUsers(w http.ResponseWriter, r *http.Request) error {
	limit, cursor, _, err := pageParams(r)
	if err != nil {
		return err
	}
	page := userPageJSON{Items: []userJSON{}}
	// Accounts are counted by reading them: they are some hundreds at most.
	var behind auth.UserID
	for {
		list, err := a.opts.Logins.Users(r.Context(), behind, 1000)
		if err != nil {
			return err
		}
		for _, u := range list {
			if behind = u.ID; int64(u.ID) > cursor && len(page.Items) <= limit {
				page.Items = append(page.Items, toUser(u))
			}
		}
		if page.Total += len(list); len(list) < 1000 {
			break
		}
	}
	if more := len(page.Items) > limit; more {
		page.Items = page.Items[:limit]
		page.NextCursor = next(more, page.Items[limit-1].ID)
	}
	return a.sendJSON(w, r, page)
}

func (a *API) serveUser(w http.ResponseWriter, r *http.Request) error {
	id, err := a.userOf(r)
	if err != nil {
		return err
	}
	u, err := a.opts.Logins.User(r.Context(), id)
	if err != nil {
		return noUser(r, err)
	}
	return a.sendJSON(w, r, toUser(u))
}

func (a *API) serveCreateUser(w http.ResponseWriter, r *http.Request) error {
	i, _ := identityOf(r.Context())
	var e userEdit
	var password string
	members := e.members()
	members["password"] = &password
	if err := readMembersOf(w, r, members); err != nil {
		return err
	}
	if err := e.check(r.Context(), a); err != nil {
		return err
	}
	u := auth.User{Role: auth.Reader}
	e.apply(&u)
	u, err := a.opts.Logins.Create(r.Context(), i.User.ID, u, password, a.clientOf(r))
	if err != nil {
		return err
	}
	w.Header()["Location"] = []string{a.opts.Prefix + "/api/admin/users/" + strconv.FormatInt(int64(u.ID), 10)}
	return a.sendStatus(w, r, http.StatusCreated, toUser(u))
}

func (a *API) serveChangeUser(w http.ResponseWriter, r *http.Request) error {
	i, _ := identityOf(r.Context())
	id, err := a.userOf(r)
	if err != nil {
		return err
	}
	var e userEdit
	if err := readMembersOf(w, r, e.members()); err != nil {
		return err
	}
	if err := e.check(r.Context(), a); err != nil {
		return err
	}
	u, err := a.opts.Logins.Update(r.Context(), i.User.ID, id, func(u *auth.User) error {
		e.apply(u)
		return nil
	}, a.clientOf(r))
	if err != nil {
		return noUser(r, err)
	}
	return a.sendJSON(w, r, toUser(u))
}

func (a *API) serveDeleteUser(w http.ResponseWriter, r *http.Request) error {
	i, _ := identityOf(r.Context())
	id, err := a.userOf(r)
	if err != nil {
		return err
	}
	return noContent(w, noUser(r, a.opts.Logins.Delete(r.Context(), i.User.ID, id, a.clientOf(r))))
}

func (a *API) serveSetPassword(w http.ResponseWriter, r *http.Request) error {
	i, _ := identityOf(r.Context())
	id, err := a.userOf(r)
	if err != nil {
		return err
	}
	var password string
	if err := readMembersOf(w, r, map[string]any{"password": &password}); err != nil {
		return err
	}
	return noContent(w, noUser(r, a.opts.Logins.SetPassword(r.Context(), i.User.ID, id, password, a.clientOf(r))))
}

func (a *API) serveEndUserSessions(w http.ResponseWriter, r *http.Request) error {
	i, _ := identityOf(r.Context())
	id, err := a.userOf(r)
	if err != nil {
		return err
	}
	if _, err := a.opts.Logins.User(r.Context(), id); err != nil {
		return noUser(r, err)
	}
	return noContent(w, a.opts.Logins.EndAll(r.Context(), i.User.ID, id, "", a.clientOf(r)))
}

func (a *API) serveAudit(w http.ResponseWriter, r *http.Request) error {
	limit, cursor, given, err := pageParams(r, "user")
	if err != nil {
		return err
	}
	var user int64
	if text, ok := given["user"]; ok {
		if user, err = strconv.ParseInt(text, 10, 64); err != nil || user < 1 {
			return invalid("query.user", text, "not the id of an account:")
		}
	}
	list, err := a.opts.Logins.Events(r.Context(), auth.UserID(user), cursor, limit+1)
	if err != nil {
		return err
	}
	page := eventPageJSON{Items: []auditJSON{}}
	if more := len(list) > limit; more {
		list = list[:limit]
		page.NextCursor = next(more, list[limit-1].ID)
	}
	for _, e := range list {
		page.Items = append(page.Items, toAudit(e))
	}
	return a.sendJSON(w, r, page)
}

func toAudit(e auth.Event) auditJSON {
	known := func(id auth.UserID) *int64 {
		if id == 0 {
			return nil
		}
		n := int64(id)
		return &n
	}
	return auditJSON{e.ID, e.At, e.Action, known(e.Actor), known(e.User), e.Address, e.Detail}
}
