package httpapi_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/pressmark/pressmark/auth"
	"github.com/pressmark/pressmark/catalog"
	"github.com/pressmark/pressmark/httpapi"
)

type listedUser struct {
	ID                    int
	Email, Username, Role string
	Disabled, Restricted  bool
	Libraries             map[string]struct{ Kind, Expression string }
	FullName              string `json:"full_name"`
}

func TestAdminUsers(t *testing.T) {
	d, s := closed(t)
	token := d.admin(t)
	ask := func(method, path, body string) *httptest.ResponseRecorder {
		kind := asJSON
		if body == "" {
			kind = ""
		}
		return send(s.api, method, path, kind, body, bearer(token)...)
	}
	w := ask("POST", "/api/admin/users", `{"email": "bob@example.com", "username": "bob", "full_name": "Bob", "password": "long enough", "libraries": {"main": {"kind": "matching", "expression": "id:<4"}}}`)
	bob := decode[listedUser](t, w)
	if w.Code != 201 || w.Header().Get("Location") != "/api/admin/users/2" || bob.ID != 2 || bob.Role != "reader" || !bob.Restricted || bob.Libraries["main"].Expression != "id:<4" {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	g := granted(t, send(s.api, "POST", "/api/auth/login", asForm, "username=bob&password=long+enough"))
	sees := func() string {
		t.Helper()
		w := get(s.api, "/api/books", bearer(g.AccessToken)...)
		if w.Code != 200 {
			return fmt.Sprint(w.Code)
		}
		return fmt.Sprint(decode[bookPage](t, w).Total)
	}
	if got := sees(); got != "3" {
		t.Errorf("bob sees %s", got)
	}
	for _, c := range []struct {
		body string
		code int
		sees string
	}{
		{`{"libraries": {"main": {"kind": "none"}}}`, 200, "0"},
		{`{"libraries": {"main": {"kind": "all"}}}`, 200, "24"},
		{`{"full_name": "Bob B"}`, 200, "24"},
		{`{"libraries": {}}`, 200, "0"},
		{`{"restricted": false}`, 200, "24"},
		{`{"restricted": true}`, 200, "0"},
		{`{"restricted": false, "libraries": {"main": {"kind": "all"}}}`, 422, "0"},
		{`{"libraries": {"nope": {"kind": "all"}}}`, 422, "0"},
		{`{"libraries": {"main": {"kind": "matching", "expression": "(("}}}`, 422, "0"},
		{`{"libraries": {"main": {"kind": "matching", "expression": "#nope:x"}}}`, 422, "0"},
		{`{"libraries": {"main": {"kind": "matching"}}}`, 422, "0"},
		{`{"libraries": {"main": {"kind": "some"}}}`, 422, "0"},
		{`{"libraries": {"main": {"kind": "all", "x": 1}}}`, 422, "0"},
		{`{"libraries": null}`, 422, "0"},
		{`{"id": 3}`, 422, "0"},
		{`{"password": "another one"}`, 422, "0"},
		{`{"role": "owner"}`, 422, "0"},
		{`{"email": "admin@example.com"}`, 409, "0"},
		{`{"restricted": false}`, 200, "24"},
		{`{"disabled": true}`, 200, "401"},
		{`{"disabled": false}`, 200, "24"},
	} {
		if w := ask("PATCH", "/api/admin/users/2", c.body); w.Code != c.code {
			t.Errorf("%s: %d, want %d: %s", c.body, w.Code, c.code, w.Body)
		}
		if got := sees(); got != c.sees {
			t.Errorf("%s: bob sees %s, want %s", c.body, got, c.sees)
		}
	}
	for _, c := range []struct {
		method, path, body string
		code               int
	}{
		{"GET", "/api/admin/users/2", "", 200},
		{"GET", "/api/admin/users/99", "", 404},
		{"GET", "/api/admin/users/x", "", 422},
		{"GET", "/api/admin/users/+2", "", 422},
		{"PATCH", "/api/admin/users/99", `{"full_name": "x"}`, 404},
		{"PATCH", "/api/admin/users/1", `{"disabled": true}`, 409},
		{"PATCH", "/api/admin/users/1", `{"role": "reader"}`, 409},
		{"DELETE", "/api/admin/users/1", "", 409},
		{"DELETE", "/api/admin/users/99", "", 404},
		{"PUT", "/api/admin/users/99/password", `{"password": "long enough"}`, 404},
		{"PUT", "/api/admin/users/2/password", `{"password": "short"}`, 422},
		{"DELETE", "/api/admin/users/99/sessions", "", 404},
		{"POST", "/api/admin/users", `{"email": "bob@example.com", "username": "other", "password": "long enough"}`, 409},
		{"POST", "/api/admin/users", `{"email": "x", "username": "other", "password": "long enough"}`, 422},
		{"POST", "/api/admin/users", `{"email": "c@example.com", "username": "c"}`, 422},
		{"GET", "/api/admin/users?limit=0", "", 422},
		{"GET", "/api/admin/users?cursor=x", "", 422},
		{"GET", "/api/admin/users?nope=1", "", 422},
		{"GET", "/api/admin/audit?user=0", "", 422},
		{"PUT", "/api/admin/users/2/password", `{"password": "another one"}`, 204},
	} {
		if w := ask(c.method, c.path, c.body); w.Code != c.code {
			t.Errorf("%s %s %s: %d, want %d: %s", c.method, c.path, c.body, w.Code, c.code, w.Body)
		}
	}
	if got := sees(); got != "401" {
		t.Errorf("after the password was set bob sees %s", got)
	}
	g = granted(t, send(s.api, "POST", "/api/auth/login", asForm, "username=bob&password=another+one"))
	if w := ask("DELETE", "/api/admin/users/2/sessions", ""); w.Code != 204 || sees() != "401" {
		t.Errorf("end sessions: %d, bob sees %s", w.Code, sees())
	}
	for i := range 5 {
		if w := ask("POST", "/api/admin/users", fmt.Sprintf(`{"email": "u%d@example.com", "username": "u%[1]d", "password": "long enough", "role": "admin"}`, i)); w.Code != 201 {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
	}
	var ids []int
	path := "/api/admin/users?limit=3"
	for path != "" {
		page := decode[struct {
			Items      []listedUser
			NextCursor *string `json:"next_cursor"`
			Total      int
		}](t, ask("GET", path, ""))
		if page.Total != 7 {
			t.Errorf("%s: %d in all", path, page.Total)
		}
		for _, u := range page.Items {
			ids = append(ids, u.ID)
		}
		path = ""
		if page.NextCursor != nil {
			path = "/api/admin/users?limit=3&cursor=" + *page.NextCursor
		}
	}
	if fmt.Sprint(ids) != "[1 2 3 4 5 6 7]" {
		t.Errorf("pages have %v", ids)
	}
	if w := ask("DELETE", "/api/admin/users/1", ""); w.Code != 204 {
		t.Errorf("an admin who is not the last: %d", w.Code)
	}
	if w := ask("GET", "/api/admin/users", ""); w.Code != 401 {
		t.Errorf("a deleted admin: %d", w.Code)
	}
}

func TestAdminAudit(t *testing.T) {
	d, s := closed(t)
	token := d.admin(t)
	for range 3 {
		send(s.api, "POST", "/api/auth/login", asForm, "username=nobody&password=a+secret+word", "User-Agent", "x")
	}
	type page struct {
		Items []struct {
			ID                      int64
			Action, Address, Detail string
			Actor, User             *int64
		}
		NextCursor *string `json:"next_cursor"`
	}
	var got []string
	for path := "/api/admin/audit?limit=2"; path != ""; {
		w := get(s.api, path, bearer(token)...)
		if strings.Contains(w.Body.String(), "secret") {
			t.Errorf("%s", w.Body)
		}
		p := decode[page](t, w)
		for _, e := range p.Items {
			got = append(got, e.Action)
			if e.Action == "login_failed" && (e.Actor != nil || e.User != nil || e.Address != "192.0.2.1") {
				t.Errorf("%+v", e)
			}
		}
		path = ""
		if p.NextCursor != nil {
			path = "/api/admin/audit?limit=2&cursor=" + *p.NextCursor
		}
	}
	if fmt.Sprint(got) != "[login_failed login_failed login_failed login]" {
		t.Errorf("%v", got)
	}
	if p := decode[page](t, get(s.api, "/api/admin/audit?user=1", bearer(token)...)); len(p.Items) != 1 || *p.Items[0].Actor != 1 {
		t.Errorf("%+v", p)
	}
}

// TestKeptAnswers: answers that are kept ready go to who sees the same, and to
// nobody else, also right after a change.
func TestKeptAnswers(t *testing.T) {
	d, s := closed(t)
	half := auth.Rule{Kind: auth.Matching, Expression: "id:<13"}
	a, b, all := d.login(t, half), d.login(t, half), d.login(t, auth.Rule{Kind: auth.All})
	free := d.login(t, auth.Rule{})
	total := func(token string) string {
		t.Helper()
		w := get(s.api, "/api/books?limit=1", bearer(token)...)
		if w.Code != 200 || w.Header().Get("Cache-Control") != "private, no-cache" {
			t.Errorf("%d, %v", w.Code, w.Header())
		}
		return fmt.Sprint(decode[bookPage](t, w).Total)
	}
	for range 4 {
		if got := total(a) + " " + total(b) + " " + total(all) + " " + total(free); got != "12 12 24 24" {
			t.Errorf("they see %s", got)
		}
		if w := get(s.api, "/api/books?limit=1"); w.Code != 401 {
			t.Errorf("nobody sees %d", w.Code)
		}
	}
	_, err := d.logins.Update(t.Context(), 0, 1, func(u *auth.User) error {
		u.Access.Libraries["main"] = auth.Rule{Kind: auth.Matching, Expression: "id:<5"}
		return nil
	}, auth.Client{})
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if got := total(a) + " " + total(b) + " " + total(free); got != "4 12 24" {
			t.Errorf("they see %s", got)
		}
	}
	s.alter("DELETE FROM books WHERE id = 2")
	s.refresh()
	if got := total(a) + " " + total(b) + " " + total(free); got != "3 11 23" {
		t.Errorf("after a change of the library they see %s", got)
	}
	var me struct{ Restricted bool }
	if err := json.Unmarshal(get(s.api, "/api/me", bearer(a)...).Body.Bytes(), &me); err != nil || !me.Restricted {
		t.Errorf("%+v, %v", me, err)
	}
}

// TestKeptDuringChange: an answer that was made while its user's restriction
// changed is not kept for who sees what the user sees now.
func TestKeptDuringChange(t *testing.T) {
	d := newDoor(t)
	var reader *hooked
	a, _ := newAPI(t, d.option, func(o *httpapi.Options) {
		reader = &hooked{Reader: o.Libraries[0].Catalog}
		o.Libraries[0].Catalog, o.PublicRead = reader, false
	})
	token := d.login(t, auth.Rule{Kind: auth.All})
	restrict := func(kind auth.RuleKind) {
		_, err := d.logins.Update(t.Context(), 0, 1, func(u *auth.User) error {
			u.Access.Libraries["main"] = auth.Rule{Kind: kind}
			return nil
		}, auth.Client{})
		if err != nil {
			t.Error(err)
		}
	}
	for n := range 4 {
		path := fmt.Sprint("/api/books?limit=", n+1)
		total := func() int { return decode[bookPage](t, get(a, path, bearer(token)...)).Total }
		restrict(auth.None)
		if got := total(); got != 0 { // what is asked for again is kept
			t.Errorf("restricted: %d books", got)
		}
		restrict(auth.All)
		reader.hook = func() { restrict(auth.None) }
		if got := total(); got != 60 {
			t.Errorf("asked before the change: %d books", got)
		}
		reader.hook = nil
		for range 3 {
			if got := total(); got != 0 {
				t.Fatalf("after the change: %d books", got)
			}
		}
	}
}

// hooked calls hook before it answers.
type hooked struct {
	catalog.Reader
	hook func()
}

func (h *hooked) Books(ctx context.Context, q catalog.Query) (catalog.Page[catalog.Book], error) {
	if h.hook != nil {
		h.hook()
	}
	return h.Reader.Books(ctx, q)
}

// TestCoversOfCookie: covers that are kept ready go to who sees their books, also
// where everybody may see them and a browser is logged in as somebody who may
// not.
func TestCoversOfCookie(t *testing.T) {
	d := newDoor(t)
	s := newSample(t, d.option)
	d.create(t, "ada", auth.Rule{Kind: auth.Matching, Expression: "id:1"})
	session, _ := cookies(answer(s.api, browse("POST", "/api/auth/login", cookieLogin, "Origin", "https://books.example")))
	if session == "" {
		t.Fatal("no cookie")
	}
	for range 3 {
		for id, code := range map[int]int{1: 200, 2: 404} {
			path := fmt.Sprintf("/api/files/cover/%d?size=thumb", id)
			if w := answer(s.api, browse("GET", path, "")); w.Code != 200 {
				t.Errorf("%s for everybody: %d", path, w.Code)
			}
			if w := answer(s.api, browse("GET", path, "", "Cookie", session)); w.Code != code {
				t.Errorf("%s with the cookie: %d, want %d", path, w.Code, code)
			}
		}
	}
}
