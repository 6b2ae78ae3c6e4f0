package httpapi_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pressmark/pressmark/auth"
	"github.com/pressmark/pressmark/auth/memauth"
	"github.com/pressmark/pressmark/cache"
	"github.com/pressmark/pressmark/httpapi"
	"github.com/pressmark/pressmark/readerstate"
	"github.com/pressmark/pressmark/readerstate/memstate"
)

// door is a set of accounts.
type door struct {
	*memauth.Store
	logins    *auth.Logins
	passwords *auth.Passwords
}

func newDoor(tb testing.TB) *door {
	tb.Helper()
	d := &door{Store: new(memauth.Store)}
	var err error
	if d.passwords, err = auth.NewPasswords(auth.PasswordOptions{Memory: 8 << 10, Time: 1}); err != nil {
		tb.Fatal(err)
	}
	tokens, err := auth.NewTokens(auth.TokenOptions{Key: []byte("0123456789abcdef0123456789abcdef")})
	if err != nil {
		tb.Fatal(err)
	}
	accounts, err := cache.NewNamespace(inMemory(), cache.NamespaceOptions[*auth.Account]{
		Name: "user", TTL: 5 * time.Minute, NotFound: auth.ErrNotFound, Feed: auth.Follow(d),
	})
	if err != nil {
		tb.Fatal(err)
	}
	d.logins = auth.NewLogins(auth.LoginOptions{Accounts: accounts, Users: d, Sessions: d, AppPasswords: d, Attempts: d, Audit: d, Setup: d, Passwords: d.passwords, Tokens: tokens})
	return d
}

func (d *door) option(o *httpapi.Options) {
	o.Logins, o.State = d.logins, readerstate.All(new(memstate.Store))
}

const doorPassword = "correct horse"

// create adds a user with a rule for the library main; "" is not restricted.
func (d *door) create(tb testing.TB, name string, rule auth.Rule) auth.User {
	tb.Helper()
	hash, err := d.passwords.Hash(tb.Context(), doorPassword)
	if err != nil {
		tb.Fatal(err)
	}
	u := auth.User{Email: name + "@example.com", Username: name, FullName: "User " + name, Role: auth.Reader}
	if rule.Kind != "" {
		u.Access = auth.Access{Restricted: true, Libraries: map[string]auth.Rule{"main": rule}}
	}
	if u, err = d.Create(tb.Context(), u, hash); err != nil {
		tb.Fatal(err)
	}
	return u
}

// login makes a user and returns an access token.
func (d *door) login(tb testing.TB, rule auth.Rule) string {
	tb.Helper()
	list, err := d.List(tb.Context(), 0, 1000)
	if err != nil {
		tb.Fatal(err)
	}
	name := fmt.Sprint("user", len(list))
	d.create(tb, name, rule)
	g, err := d.logins.Login(tb.Context(), name, doorPassword, auth.Client{})
	if err != nil {
		tb.Fatal(err)
	}
	return g.Access
}

// send sends a body of a type.
func send(h http.Handler, method, path, contentType, body string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

const (
	asForm = "application/x-www-form-urlencoded"
	asJSON = "application/json"
)

type grant struct {
	AccessToken  string `json:"access_token"`
	RefreshToken string `json:"refresh_token"`
	TokenType    string `json:"token_type"`
	ExpiresIn    int    `json:"expires_in"`
}

func granted(t *testing.T, w *httptest.ResponseRecorder) grant {
	t.Helper()
	var g grant
	if err := json.Unmarshal(w.Body.Bytes(), &g); err != nil || w.Code != http.StatusOK || g.TokenType != "bearer" || g.ExpiresIn != 1800 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	if c := w.Header().Get("Cache-Control"); c != "no-store" {
		t.Errorf("Cache-Control: %s", c)
	}
	return g
}

func bearer(token string) []string { return []string{"Authorization", "Bearer " + token} }

// closed is an API that answers known users only.
func closed(t *testing.T) (*door, *sample) {
	t.Helper()
	d := newDoor(t)
	return d, newSample(t, d.option, func(o *httpapi.Options) { o.PublicRead = false })
}

func TestLogin(t *testing.T) {
	d, s := closed(t)
	ada := d.create(t, "ada", auth.Rule{})
	for name, w := range map[string]*httptest.ResponseRecorder{
		"form":  send(s.api, "POST", "/api/auth/login", asForm, "grant_type=password&username=ada%40example.com&password=correct+horse"),
		"JSON":  send(s.api, "POST", "/api/auth/login", asJSON+"; charset=utf-8", `{"username": "ADA", "password": "correct horse"}`, "User-Agent", "Reader/1.0"),
		"again": send(s.api, "POST", "/api/auth/login", asForm, "username=ada&password=correct+horse"),
	} {
		g := granted(t, w)
		var me struct {
			ID       int64
			Username string
			Role     string
		}
		if err := json.Unmarshal(get(s.api, "/api/me", bearer(g.AccessToken)...).Body.Bytes(), &me); err != nil || me.ID != int64(ada.ID) || me.Username != "ada" || me.Role != "reader" {
			t.Errorf("%s: %+v, %v", name, me, err)
		}
		if w := get(s.api, "/api/books", bearer(g.AccessToken)...); w.Code != http.StatusOK || w.Header().Get("Cache-Control") != "private, no-cache" {
			t.Errorf("%s: books: %d, %s", name, w.Code, w.Header().Get("Cache-Control"))
		}
	}
	for name, c := range map[string]struct {
		contentType, body, path string
		code                    int
	}{
		"wrong password":   {asForm, "username=ada&password=wrong+horse", "", 401},
		"nobody":           {asForm, "username=eve&password=correct+horse", "", 401},
		"no password":      {asForm, "username=ada", "", 422},
		"empty":            {asJSON, "", "", 400},
		"not an object":    {asJSON, "[1]", "", 422},
		"not text":         {asJSON, `{"username": 1, "password": "x"}`, "", 422},
		"twice":            {asJSON, `{"username": "ada", "username": "bob", "password": "x"}`, "", 422},
		"twice in a form":  {asForm, "username=ada&username=bob&password=x", "", 422},
		"more":             {asJSON, `{"username": "ada", "password": "correct horse", "role": "admin"}`, "", 422},
		"after the end":    {asJSON, `{"username": "ada", "password": "correct horse"} x`, "", 400},
		"type":             {"text/plain", "username=ada&password=correct+horse", "", 415},
		"no type":          {"", "username=ada&password=correct+horse", "", 415},
		"multipart":        {"multipart/form-data; boundary=x", "--x--", "", 415},
		"in the address":   {asForm, "", "?username=ada&password=correct+horse", 422},
		"large":            {asForm, "username=ada&password=" + strings.Repeat("x", 1<<20), "", 413},
		"deep":             {asJSON, `{"username": ` + strings.Repeat("[", 16000), "", 400},
		"a password of 5k": {asForm, "username=ada&password=" + strings.Repeat("x", 5000), "", 401},
	} {
		w := send(s.api, "POST", "/api/auth/login"+c.path, c.contentType, c.body)
		if w.Code != c.code || w.Header().Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: %d, want %d: %s", name, w.Code, c.code, w.Body)
		}
		if strings.Contains(w.Body.String(), "horse") {
			t.Errorf("%s: the password comes back: %s", name, w.Body)
		}
	}
	wrong := send(s.api, "POST", "/api/auth/login", asForm, "username=ada&password=wrong+horse", "X-Request-Id", "same")
	nobody := send(s.api, "POST", "/api/auth/login", asForm, "username=eve&password=wrong+horse", "X-Request-Id", "same")
	if wrong.Body.String() != nobody.Body.String() {
		t.Errorf("%s\nand %s", wrong.Body, nobody.Body)
	}
	if w := get(s.api, "/api/auth/login"); w.Code != http.StatusMethodNotAllowed {
		t.Errorf("GET: %d", w.Code)
	}
}

func TestRefreshAndLogout(t *testing.T) {
	d, s := closed(t)
	d.create(t, "ada", auth.Rule{})
	login := func() grant {
		return granted(t, send(s.api, "POST", "/api/auth/login", asForm, "username=ada&password=correct+horse", "User-Agent", "Reader/1.0"))
	}
	refresh := func(token string) *httptest.ResponseRecorder {
		return send(s.api, "POST", "/api/auth/refresh", asJSON, `{"refresh_token": "`+token+`"}`)
	}
	first := login()
	second := granted(t, refresh(first.RefreshToken))
	if again := granted(t, send(s.api, "POST", "/api/auth/refresh", asForm, url.Values{"refresh_token": {first.RefreshToken}}.Encode())); again.RefreshToken != second.RefreshToken {
		t.Errorf("another successor: %q and %q", again.RefreshToken, second.RefreshToken)
	}
	for _, token := range []string{"x", second.AccessToken} {
		if w := refresh(token); w.Code != http.StatusUnauthorized {
			t.Errorf("%s: %d", token, w.Code)
		}
	}
	other := login()
	type sessions struct {
		Items []struct {
			ID, Label, Address string
			Current            bool
		}
		Total int
	}
	list := func(g grant) (l sessions) {
		t.Helper()
		if err := json.Unmarshal(get(s.api, "/api/me/sessions", bearer(g.AccessToken)...).Body.Bytes(), &l); err != nil {
			t.Fatal(err)
		}
		return l
	}
	l := list(other)
	if l.Total != 2 || len(l.Items) != 2 || l.Items[0].Label != "Reader/1.0" || l.Items[0].Address != "192.0.2.1" || l.Items[0].Current == l.Items[1].Current {
		t.Errorf("%+v", l)
	}
	in := func(g grant) bool { return get(s.api, "/api/books", bearer(g.AccessToken)...).Code == http.StatusOK }
	i := slices.IndexFunc(l.Items, func(x struct {
		ID, Label, Address string
		Current            bool
	},
	) bool {
		return !x.Current
	})
	end := "/api/me/sessions/" + l.Items[i].ID
	if w := send(s.api, "DELETE", end, "", "", bearer(other.AccessToken)...); w.Code != http.StatusNoContent || in(second) || !in(other) {
		t.Errorf("end the other: %d, in %v and %v", w.Code, in(second), in(other))
	}
	if w := send(s.api, "DELETE", end, "", "", bearer(other.AccessToken)...); w.Code != http.StatusNotFound {
		t.Errorf("again: %d", w.Code)
	}
	if w := refresh(second.RefreshToken); w.Code != http.StatusUnauthorized {
		t.Errorf("refresh of what has ended: %d", w.Code)
	}
	third := login()
	if w := send(s.api, "POST", "/api/auth/logout", "", "", bearer(other.AccessToken)...); w.Code != http.StatusNoContent || in(other) || !in(third) {
		t.Errorf("logout: %d, in %v and %v", w.Code, in(other), in(third))
	}
	fourth := login()
	if w := send(s.api, "DELETE", "/api/me/sessions", "", "", bearer(third.AccessToken)...); w.Code != http.StatusNoContent || in(third) || in(fourth) {
		t.Errorf("logout everywhere: %d, in %v and %v", w.Code, in(third), in(fourth))
	}
}

// TestDefaultDeny asks every route of the document without a token, with bad
// ones, and with one that is good.
func TestDefaultDeny(t *testing.T) {
	d, s := closed(t)
	token := d.login(t, auth.Rule{})
	var doc struct {
		Paths map[string]map[string]struct{ Security *[]map[string][]string }
	}
	if err := json.Unmarshal(get(s.api, "/openapi.json").Body.Bytes(), &doc); err != nil {
		t.Fatal(err)
	}
	open, all := 0, 0
	for path, methods := range doc.Paths {
		for method, op := range methods {
			method = strings.ToUpper(method)
			all++
			path := strings.NewReplacer("{id}", "1", "{format}", "epub", "{field}", "tags", "{uuid}", "x", "{book}", "1", "{list}", "00000000-0000-4000-8000-000000000000").Replace(path)
			if op.Security != nil && len(*op.Security) == 1 && len((*op.Security)[0]) == 0 {
				open++
				if !strings.HasPrefix(path, "/api/health") && !strings.HasPrefix(path, "/api/auth/") && path != "/api/c/{ticket}/download" {
					t.Errorf("%s answers everybody", path)
				}
				continue
			}
			for _, header := range [][]string{
				nil,
				{"Authorization", ""},
				{"Authorization", "Bearer"},
				{"Authorization", "Bearer x"},
				{"Authorization", token},
				{"Authorization", "Basic " + token},
				{"Cookie", "access_token=" + token},
				{"X-Forwarded-User", "user0"},
				{"Authorization", "Bearer " + token + "x"},
			} {
				w := do(s.api, method, path, header...)
				if w.Code != http.StatusUnauthorized || !strings.HasPrefix(w.Header().Get("WWW-Authenticate"), "Bearer ") {
					t.Errorf("%s %s with %q: %d", method, path, header, w.Code)
				}
			}
			if w := do(s.api, method, path+"?access_token="+token+"&token="+token); w.Code != http.StatusUnauthorized {
				t.Errorf("%s %s with a token in the address: %d", method, path, w.Code)
			}
		}
	}
	if open != 7 || all < 40 {
		t.Errorf("%d of %d operations are open", open, all)
	}
	if w := get(s.api, "/api/books", "Authorization", "bearer  "+token); w.Code != http.StatusOK {
		t.Errorf("the scheme in lower case: %d", w.Code)
	}
	r := httptest.NewRequest(http.MethodGet, "/api/books", nil)
	r.Header["Authorization"] = []string{"Bearer " + token, "Bearer x"}
	w := httptest.NewRecorder()
	if s.api.ServeHTTP(w, r); w.Code != http.StatusUnauthorized {
		t.Errorf("two tokens: %d", w.Code)
	}
}

// TestOpenWithUsers: an open catalogue answers everybody, but a bad token is
// refused, and a restricted user stays restricted.
func TestOpenWithUsers(t *testing.T) {
	d := newDoor(t)
	s := newSample(t, d.option)
	token := d.login(t, auth.Rule{Kind: auth.None})
	for range 3 { // the answer to everybody is kept
		if w := get(s.api, "/api/books"); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `"total":24`) {
			t.Errorf("everybody: %d", w.Code)
		}
		if w := get(s.api, "/api/books", bearer("x")...); w.Code != http.StatusUnauthorized {
			t.Errorf("a bad token: %d", w.Code)
		}
		if w := get(s.api, "/api/books", bearer(token)...); !strings.Contains(w.Body.String(), `"total":0`) || w.Header().Get("Cache-Control") != "private, no-cache" {
			t.Errorf("a user who sees nothing: %d %.200s", w.Code, w.Body)
		}
	}
	if w := get(s.api, "/api/me"); w.Code != http.StatusUnauthorized {
		t.Errorf("me, without a token: %d", w.Code)
	}
}

func TestRestricted(t *testing.T) {
	d, s := closed(t)
	for expr, want := range map[string]string{
		"id:<13": `"total":12`, "#nope:true": `"total":0`, "((": `"total":0`, "template:x": `"total":0`, "vl:Half and id:<3": `"total":2`, "vl:Nobody": `"total":0`,
	} {
		token := d.login(t, auth.Rule{Kind: auth.Matching, Expression: expr})
		if w := get(s.api, "/api/books", bearer(token)...); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s: %d %.300s", expr, w.Code, w.Body)
		}
		if w := get(s.api, "/api/books?view=Whole", bearer(token)...); !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s, with a view of everything: %.300s", expr, w.Body)
		}
	}
	// Entity tags tell apart who sees what.
	half, other := d.login(t, auth.Rule{Kind: auth.Matching, Expression: "id:<13"}), d.login(t, auth.Rule{Kind: auth.Matching, Expression: "id:<12"})
	all := d.login(t, auth.Rule{Kind: auth.All})
	tags := map[string]bool{}
	for _, token := range []string{half, other, all} {
		tags[get(s.api, "/api/books", bearer(token)...).Header().Get("ETag")] = true
	}
	if len(tags) != 3 {
		t.Errorf("entity tags %v", tags)
	}
	tag := get(s.api, "/api/books", bearer(all)...).Header().Get("ETag")
	if w := get(s.api, "/api/books", append(bearer(half), "If-None-Match", tag)...); w.Code != http.StatusOK {
		t.Errorf("with the tag of who sees everything: %d", w.Code)
	}
}

// TestEventsOfUser: a restricted user hears of what they see, and a stream ends
// when its user changes.
func TestEventsOfUser(t *testing.T) {
	d, s := closed(t)
	token := d.login(t, auth.Rule{Kind: auth.Matching, Expression: "vl:Half"})
	srv := httptest.NewServer(s.api)
	defer srv.Close()
	defer s.api.Close()
	listen := func(path string) *bufio.Reader {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, srv.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+token)
		res, err := srv.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { res.Body.Close() })
		r := bufio.NewReader(res.Body)
		if line, err := r.ReadString('\n'); err != nil || line != ": stream of catalog changes\n" {
			t.Fatalf("%q, %v", line, err)
		}
		return r
	}
	streams := []*bufio.Reader{listen("/api/events"), listen("/api/events?library=main"), listen("/api/events?view=Whole")}
	s.alter(`UPDATE books SET title = title || '!', last_modified = '2026-01-01 00:00:00+00:00' WHERE id IN (1, 2, 13, 14)`)
	s.refresh()
	for i, r := range streams {
		if e := nextEvent(t, r); !slices.Equal(e.Changed, []int64{1, 2}) || e.More {
			t.Errorf("stream %d: %+v", i, e)
		}
	}
	if _, err := d.Update(t.Context(), 1, func(u *auth.User) error { u.Access.Libraries["main"] = auth.Rule{Kind: auth.None}; return nil }); err != nil {
		t.Fatal(err)
	}
	d.logins.Forget(t.Context(), 1)
	s.alter(`UPDATE books SET title = title || '!', last_modified = '2026-01-02 00:00:00+00:00' WHERE id IN (1, 15)`)
	s.refresh()
	for i, r := range streams {
		if rest, err := io.ReadAll(r); err != nil || strings.Contains(string(rest), "event:") {
			t.Errorf("stream %d goes on: %q, %v", i, rest, err)
		}
	}
}
