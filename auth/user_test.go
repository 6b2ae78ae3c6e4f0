package auth

import (
	"errors"
	"strings"
	"testing"
)

func TestKey(t *testing.T) {
	for a, b := range map[string]string{
		"Ada": "aDA", "zoë": "ZOE\u0308", "straße": "STRASSE", "ﬁne": "FINE", "ΣΟΦΟΣ": "σοφος", "１": "1", "K\u212a": "kk",
	} {
		if Key(a) != Key(b) {
			t.Errorf("%q is %q, %q is %q", a, Key(a), b, Key(b))
		}
	}
	for a, b := range map[string]string{"ada": "adá", "i": "ı", "и": "й"} {
		if Key(a) == Key(b) {
			t.Errorf("%q and %q are both %q", a, b, Key(a))
		}
	}
}

func TestCheck(t *testing.T) {
	good := User{Email: "ada@example.com", Username: "ada", FullName: "Ada", Role: Reader}
	for _, change := range []func(*User){
		func(*User) {},
		func(u *User) { u.Username = "Зимний.читатель_1" },
		func(u *User) { u.FullName = "" },
		func(u *User) { u.Email = "ada+books@mail.example.co.uk" },
		func(u *User) { u.Role = Admin },
		func(u *User) { u.Access = Access{Restricted: true} },
		func(u *User) {
			u.Access = Access{Restricted: true, Libraries: map[string]Rule{"main": {Matching, "tags:x"}, "b": {None, ""}, "c": {All, ""}}}
		},
	} {
		u := good
		change(&u)
		if err := u.Check(); err != nil {
			t.Errorf("%+v: %v", u, err)
		}
	}
	for _, c := range []struct {
		field  string
		change func(*User)
	}{
		{"email", func(u *User) { u.Email = "" }},
		{"email", func(u *User) { u.Email = "Ada <ada@example.com>" }},
		{"email", func(u *User) { u.Email = "ada@example.com\r\nBcc: x@example.com" }},
		{"email", func(u *User) { u.Email = strings.Repeat("a", 250) + "@example.com" }},
		{"username", func(u *User) { u.Username = "" }},
		{"username", func(u *User) { u.Username = "a b" }},
		{"username", func(u *User) { u.Username = "a:b" }},
		{"username", func(u *User) { u.Username = "ada＠example.com" }}, // @ in NFKC
		{"username", func(u *User) { u.Username = "a\u202eb" }},
		{"username", func(u *User) { u.Username = "a\u200bb" }},
		{"username", func(u *User) { u.Username = strings.Repeat("a", 65) }},
		{"username", func(u *User) { u.Username = "\xff" }},
		{"full_name", func(u *User) { u.FullName = "a\x00b" }},
		{"role", func(u *User) { u.Role = "" }},
		{"access", func(u *User) { u.Access = Access{Restricted: true, Libraries: map[string]Rule{"": {All, ""}}} }},
		{"access", func(u *User) { u.Access = Access{Restricted: true, Libraries: map[string]Rule{"a": {Matching, " "}}} }},
		{"access", func(u *User) { u.Access = Access{Restricted: true, Libraries: map[string]Rule{"a": {All, "x"}}} }},
		{"access", func(u *User) { u.Access = Access{Restricted: true, Libraries: map[string]Rule{"a": {"some", ""}}} }},
	} {
		u := good
		c.change(&u)
		var invalid *InvalidError
		if err := u.Check(); !errors.As(err, &invalid) || invalid.Field != c.field {
			t.Errorf("%+v: %v", u, err)
		}
	}
}

func TestAccess(t *testing.T) {
	a := Access{Restricted: true, Libraries: map[string]Rule{"main": {Matching, "tags:x"}}}
	if got := a.For("main"); got != (Rule{Matching, "tags:x"}) {
		t.Error(got)
	}
	if got := a.For("new"); got.Kind != None {
		t.Error("a restricted user sees a new library:", got)
	}
	if got := (Access{}).For("new"); got.Kind != All {
		t.Error(got)
	}
}
