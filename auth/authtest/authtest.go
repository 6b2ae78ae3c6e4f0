// Package authtest holds adapters of package auth to what is promised there.
//
//	func TestUsers(t *testing.T) {
//		authtest.Users(t, func(t *testing.T) auth.Users { return mine.New(…) })
//	}
package authtest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/pressmark/pressmark/auth"
)

// Users tests what open returns: accounts of which there are none yet. It is
// called once for each subtest; they run in parallel.
func Users(t *testing.T, open func(t *testing.T) auth.Users) {
	for name, test := range map[string]func(*testing.T, auth.Users){
		"Create": testCreate, "Invalid": testInvalid, "Conflict": testConflict, "Find": testFind, "List": testList,
		"Update": testUpdate, "Access": testAccess, "Password": testPassword, "Delete": testDelete, "LastAdmin": testLastAdmin,
		"Concurrent": testConcurrent, "Context": testContext,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open(t))
		})
	}
}

// user returns an account that can be created.
func user(name string) auth.User {
	return auth.User{Email: name + "@example.com", Username: name, FullName: "User " + name, Role: auth.Reader}
}

func create(t *testing.T, users auth.Users, u auth.User) auth.User {
	t.Helper()
	u, err := users.Create(t.Context(), u, "hash of "+u.Username)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// is fails unless an account is what is kept under its number.
func is(t *testing.T, users auth.Users, want auth.User) {
	t.Helper()
	got, err := users.User(t.Context(), want.ID)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
}

func testCreate(t *testing.T, users auth.Users) {
	before := time.Now().Add(-time.Minute)
	given := user("Ada")
	given.FullName, given.Role, given.Disabled = "Ada ♥ Łovelace", auth.Admin, true
	u := create(t, users, given)
	switch {
	case u.ID < 1, u.Generation < 1, u.Created.Before(before), !u.Created.Equal(u.Updated):
		t.Errorf("created %+v", u)
	case u.Created.Location() != time.UTC, u.Created != u.Created.Truncate(time.Microsecond):
		t.Errorf("created at %v", u.Created)
	}
	given.ID, given.Generation, given.Created, given.Updated = u.ID, u.Generation, u.Created, u.Updated
	if !reflect.DeepEqual(u, given) {
		t.Errorf("created %+v of %+v", u, given)
	}
	is(t, users, u)
	for _, id := range []auth.UserID{0, -1, u.ID + 1} {
		if _, err := users.User(t.Context(), id); !errors.Is(err, auth.ErrNotFound) {
			t.Errorf("user %d: %v", id, err)
		}
	}
}

func testInvalid(t *testing.T, users auth.Users) {
	kept := create(t, users, user("kept"))
	for field, spoil := range map[string]func(*auth.User){
		"email":     func(u *auth.User) { u.Email = "nobody" },
		"username":  func(u *auth.User) { u.Username = "a@b" },
		"full_name": func(u *auth.User) { u.FullName = "line\nline" },
		"role":      func(u *auth.User) { u.Role = "owner" },
		"access":    func(u *auth.User) { u.Access.Libraries = map[string]auth.Rule{"main": {Kind: auth.All}} },
	} {
		bad := user("new")
		spoil(&bad)
		var invalid *auth.InvalidError
		if _, err := users.Create(t.Context(), bad, ""); !errors.As(err, &invalid) || invalid.Field != field {
			t.Errorf("create, %s: %v", field, err)
		}
		_, err := users.Update(t.Context(), kept.ID, func(u *auth.User) error { spoil(u); return nil })
		if !errors.As(err, &invalid) || invalid.Field != field {
			t.Errorf("update, %s: %v", field, err)
		}
	}
	is(t, users, kept)
	if list, err := users.List(t.Context(), 0, 10); err != nil || len(list) != 1 {
		t.Errorf("%+v, %v", list, err)
	}
}

func testConflict(t *testing.T, users auth.Users) {
	first := user("Zoë")
	first.Email = "zoe.Straße@example.com"
	create(t, users, first)
	other := create(t, users, user("other"))
	for field, spoil := range map[string]func(*auth.User){
		"email":    func(u *auth.User) { u.Email = "ZOE.STRASSE@EXAMPLE.COM" },
		"username": func(u *auth.User) { u.Username = "ZOE\u0308" }, // decomposed
	} {
		u := user("third")
		spoil(&u)
		var taken *auth.ConflictError
		if _, err := users.Create(t.Context(), u, ""); !errors.As(err, &taken) || taken.Field != field {
			t.Errorf("create, %s: %v", field, err)
		}
		_, err := users.Update(t.Context(), other.ID, func(u *auth.User) error { spoil(u); return nil })
		if !errors.As(err, &taken) || taken.Field != field {
			t.Errorf("update, %s: %v", field, err)
		}
	}
	is(t, users, other)
}

func testFind(t *testing.T, users auth.Users) {
	want := create(t, users, user("Maren"))
	create(t, users, user("other"))
	for _, login := range []string{"Maren", "maren", "MAREN@example.COM", "ｍaren"} {
		got, hash, err := users.Find(t.Context(), login)
		if err != nil || !reflect.DeepEqual(got, want) || hash != "hash of Maren" {
			t.Errorf("%s: %+v, %q, %v", login, got, hash, err)
		}
	}
	for _, login := range []string{"", "mare", "maren@", "%", "maren' OR '1'='1", "maren\x00"} {
		if _, _, err := users.Find(t.Context(), login); !errors.Is(err, auth.ErrNotFound) {
			t.Errorf("%q: %v", login, err)
		}
	}
}

func testList(t *testing.T, users auth.Users) {
	var want []auth.User
	for i := range 7 {
		u := user(fmt.Sprint("u", i))
		if i%2 == 0 {
			u.Access = auth.Access{Restricted: true, Libraries: map[string]auth.Rule{
				"main": {Kind: auth.Matching, Expression: "tags:fiction"}, "comics": {Kind: auth.All},
			}}
		}
		want = append(want, create(t, users, u))
	}
	var got []auth.User
	for after := auth.UserID(0); ; after = got[len(got)-1].ID {
		page, err := users.List(t.Context(), after, 3)
		if err != nil || len(page) > 3 {
			t.Fatal(page, err)
		}
		if len(page) == 0 {
			break
		}
		got = append(got, page...)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func testUpdate(t *testing.T, users auth.Users) {
	u := create(t, users, user("ada"))
	got, err := users.Update(t.Context(), u.ID, func(x *auth.User) error {
		x.Email, x.FullName, x.Role, x.Disabled = "countess@example.com", "", auth.Admin, true
		x.ID, x.Generation, x.Created = 99, 99, time.Time{}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if got.Generation <= u.Generation || got.Updated.Before(u.Updated) {
		t.Errorf("generation %d at %v, was %d at %v", got.Generation, got.Updated, u.Generation, u.Updated)
	}
	want := u
	want.Email, want.FullName, want.Role, want.Disabled = "countess@example.com", "", auth.Admin, true
	want.Generation, want.Updated = got.Generation, got.Updated
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	is(t, users, want)
	if _, _, err := users.Find(t.Context(), "ada@example.com"); !errors.Is(err, auth.ErrNotFound) {
		t.Errorf("the old address: %v", err)
	}
	if same, err := users.Update(t.Context(), u.ID, func(*auth.User) error { return nil }); err != nil || !reflect.DeepEqual(same, want) {
		t.Errorf("nothing changed: %+v, %v", same, err)
	}
	refused := errors.New("refused")
	if _, err := users.Update(t.Context(), u.ID, func(u *auth.User) error { u.FullName = "x"; return refused }); !errors.Is(err, refused) {
		t.Errorf("refused: %v", err)
	}
	is(t, users, want)
	if _, err := users.Update(t.Context(), u.ID+1, func(*auth.User) error { return nil }); !errors.Is(err, auth.ErrNotFound) {
		t.Errorf("nobody: %v", err)
	}
}

func testAccess(t *testing.T, users auth.Users) {
	u := create(t, users, user("ada"))
	for _, access := range []auth.Access{
		{Restricted: true},
		{Restricted: true, Libraries: map[string]auth.Rule{"main": {Kind: auth.Matching, Expression: `tags:"=日本" or #genre:true`}, "b": {Kind: auth.None}}},
		{Restricted: true, Libraries: map[string]auth.Rule{"b": {Kind: auth.All}}},
		{},
	} {
		got, err := users.Update(t.Context(), u.ID, func(u *auth.User) error { u.Access = access; return nil })
		if err != nil || !reflect.DeepEqual(got.Access, access) {
			t.Errorf("got %+v, %v, want %+v", got.Access, err, access)
		}
		is(t, users, got)
		if len(access.Libraries) > 0 { // what was returned is the caller's
			got.Access.Libraries["b"] = auth.Rule{Kind: auth.Matching, Expression: "x"}
			if kept, err := users.User(t.Context(), u.ID); err != nil || kept.Access.Libraries["b"].Kind == auth.Matching {
				t.Errorf("%+v, %v", kept, err)
			}
		}
	}
}

func testPassword(t *testing.T, users auth.Users) {
	u := create(t, users, user("ada"))
	set := func(old, hash, want string, changed bool) {
		t.Helper()
		before, _, err := users.Find(t.Context(), "ada")
		if err != nil {
			t.Fatal(err)
		}
		if err := users.SetPassword(t.Context(), u.ID, old, hash); err != nil {
			t.Fatal(err)
		}
		after, got, err := users.Find(t.Context(), "ada")
		if err != nil || got != want || (after.Generation > before.Generation) != changed {
			t.Errorf("%q for %q: %q, generation %d after %d, %v", hash, old, got, after.Generation, before.Generation, err)
		}
	}
	set("", "new", "new", true)
	set("new", "stronger", "stronger", false)
	set("new", "late", "stronger", false)
	if err := users.SetPassword(t.Context(), u.ID+1, "", "x"); !errors.Is(err, auth.ErrNotFound) {
		t.Errorf("nobody: %v", err)
	}
}

func testDelete(t *testing.T, users auth.Users) {
	u := user("ada")
	u.Access = auth.Access{Restricted: true, Libraries: map[string]auth.Rule{"main": {Kind: auth.All}}}
	first := create(t, users, u)
	if err := users.Delete(t.Context(), first.ID); err != nil {
		t.Fatal(err)
	}
	if err := users.Delete(t.Context(), first.ID); !errors.Is(err, auth.ErrNotFound) {
		t.Errorf("again: %v", err)
	}
	if _, _, err := users.Find(t.Context(), "ada"); !errors.Is(err, auth.ErrNotFound) {
		t.Errorf("found: %v", err)
	}
	u.Access.Libraries = nil
	second := create(t, users, u)
	if second.ID <= first.ID {
		t.Errorf("number %d was given again after %d", second.ID, first.ID)
	}
	is(t, users, second)
}

func testLastAdmin(t *testing.T, users auth.Users) {
	admin := func(name string) auth.User {
		u := user(name)
		u.Role = auth.Admin
		return create(t, users, u)
	}
	demote := func(u *auth.User) error { u.Role = auth.Reader; return nil }
	disable := func(u *auth.User) error { u.Disabled = true; return nil }
	ada := admin("ada")
	create(t, users, user("reader"))
	for name, f := range map[string]func() error{
		"demote":  func() error { _, err := users.Update(t.Context(), ada.ID, demote); return err },
		"disable": func() error { _, err := users.Update(t.Context(), ada.ID, disable); return err },
		"delete":  func() error { return users.Delete(t.Context(), ada.ID) },
	} {
		if err := f(); !errors.Is(err, auth.ErrLastAdmin) {
			t.Errorf("%s: %v", name, err)
		}
	}
	is(t, users, ada)
	// However many try at once, one stays.
	all := []auth.User{ada}
	for i := range 7 {
		all = append(all, admin(fmt.Sprint("admin", i)))
	}
	var wg sync.WaitGroup
	for i, u := range all {
		wg.Go(func() {
			var err error
			if i%2 == 0 {
				err = users.Delete(t.Context(), u.ID)
			} else {
				_, err = users.Update(t.Context(), u.ID, disable)
			}
			if err != nil && !errors.Is(err, auth.ErrLastAdmin) {
				t.Errorf("%s: %v", u.Username, err)
			}
		})
	}
	wg.Wait()
	list, err := users.List(t.Context(), 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	left := slices.DeleteFunc(list, func(u auth.User) bool { return u.Role != auth.Admin || u.Disabled })
	if len(left) != 1 {
		t.Errorf("%d admins are left: %+v", len(left), left)
	}
}

// testConcurrent: 32 writers at once, of which none fails and none overwrites
// what another has written.
func testConcurrent(t *testing.T, users auth.Users) {
	shared := create(t, users, user("shared"))
	const writers, rounds = 32, 5
	var wg sync.WaitGroup
	for i := range writers {
		wg.Go(func() {
			own, err := users.Create(t.Context(), user(fmt.Sprint("writer", i)), "")
			if err != nil {
				t.Error(err)
				return
			}
			for range rounds {
				_, err := users.Update(t.Context(), shared.ID, func(u *auth.User) error { u.FullName += "x"; return nil })
				if err != nil {
					t.Error(err)
				}
				if _, err := users.User(t.Context(), own.ID); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	got, err := users.User(t.Context(), shared.ID)
	if want := len(shared.FullName) + writers*rounds; err != nil || len(got.FullName) != want {
		t.Errorf("%d of %d changes are left, %v", len(got.FullName), want, err)
	}
}

func testContext(t *testing.T, users auth.Users) {
	u := create(t, users, user("ada"))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for name, f := range map[string]func() error{
		"User":   func() error { _, err := users.User(ctx, u.ID); return err },
		"Find":   func() error { _, _, err := users.Find(ctx, "ada"); return err },
		"List":   func() error { _, err := users.List(ctx, 0, 10); return err },
		"Create": func() error { _, err := users.Create(ctx, user("b"), ""); return err },
		"Update": func() error {
			_, err := users.Update(ctx, u.ID, func(u *auth.User) error { u.FullName = ""; return nil })
			return err
		},
		"SetPassword": func() error { return users.SetPassword(ctx, u.ID, "", "x") },
		"Delete":      func() error { return users.Delete(ctx, u.ID) },
	} {
		if err := f(); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", name, err)
		}
	}
	is(t, users, u)
}
