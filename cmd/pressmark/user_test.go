package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/pressmark/pressmark/auth"
	"github.com/pressmark/pressmark/httpapi/server"
)

// TestUser manages accounts in one database, step by step.
func TestUser(t *testing.T) {
	env := environment{"DATA_DIR": t.TempDir(), "ARGON2_MEMORY": "8MiB", "ARGON2_TIME": "1"}
	for _, c := range []struct {
		args  string // between "|"
		stdin string
		code  int
		want  string // part of what is printed
	}{
		{args: "user", code: 2, want: "Usage: pressmark user"},
		{args: "user|help", want: "Usage: pressmark user"},
		{args: "user|invent", code: 2, want: `"user invent"`},
		{args: "user|create", code: 2, want: "email: "},
		{args: "user|create|--email=ada@example.com|--username=ada|--nope=1", stdin: "long enough\n", code: 2, want: "--nope"},
		{args: "user|create|--email=ada@example.com|--username=ada", code: 2, want: "PRESSMARK_PASSWORD"},
		{args: "user|create|--email=ada@example.com|--username=ada", stdin: "short\n", code: 2, want: "password: at least 8"},
		{args: "user|create|--email=ada@example.com|--username|ada|--full-name=Ada L|--admin", stdin: "long enough\r\n", want: "Created admin 1: ada <ada@example.com>"},
		{args: "user|create|--email=ADA@example.com|--username=other", stdin: "long enough", code: 1, want: `email: "ADA@example.com" is taken`},
		{args: "user|create|--email=bob@example.com|--username=bob|--library=main=tags:fiction|--library|b=all", stdin: "long enough", want: "Created reader 2"},
		{args: "user|create|--email=c@example.com|--username=c|--library=main", stdin: "long enough", code: 2, want: "--library main"},
		{args: "user|list", want: "2   bob       bob@example.com  reader         restricted"},
		{args: "user|disable|BOB", want: "bob <bob@example.com> is disabled"},
		{args: "user|list", want: "disabled, restricted"},
		{args: "user|enable|bob@example.com", want: "is enabled"},
		{args: "user|disable|ada", code: 1, want: "the last enabled admin must stay"},
		{args: "user|disable", code: 2, want: "one account was expected"},
		{args: "user|list|bob", code: 2, want: "a word too many"},
		{args: "user|passwd|nobody", stdin: "long enough", code: 1, want: "no such user"},
		{args: "user|passwd|bob", stdin: "another password\n", want: "bob <bob@example.com> has a new password; all sessions have ended"},
		{args: "user|token|bob", want: "eyJ"},
		{args: "user|token|bob|--json", want: `"token_type":"bearer"`},
		{args: "user|token|nobody", code: 1, want: "no such user"},
		{args: "user|token|bob|--secret-key=short", code: 2, want: "SECRET_KEY: "},
		{args: "user|delete|bob", code: 2, want: "add --yes"},
		{args: "user|delete|bob|--yes", want: "Deleted bob"},
		{args: "user|list|--json", want: `"username":"ada"`},
		{args: "migrate", code: 2, want: "Usage: pressmark migrate"},
		{args: "migrate|sideways", code: 2, want: `"migrate sideways"`},
		{args: "migrate|up", want: "nothing was missing"},
		{args: "migrate|down", want: "took back 00004_reader_state.sql"},
		{args: "migrate|down", want: "took back 00003_access.sql"},
		{args: "migrate|down", want: "took back 00002_sessions.sql"},
		{args: "migrate|status", want: "missing"},
		{args: "migrate|down", want: "took back 00001_users.sql"},
		{args: "migrate|down", want: "nothing to take back"},
		{args: "migrate|up", want: "applied 00001_users.sql"},
		{args: "user|list|--database-url=mysql://x", code: 2, want: "DATABASE_URL: an address such as postgres://"},
	} {
		var out strings.Builder
		code := console{env.get, strings.NewReader(c.stdin), &out, &out, ""}.run(t.Context(), strings.Split(c.args, "|"))
		if code != c.code || !strings.Contains(out.String(), c.want) {
			t.Errorf("%s: exit code %d, want %d, and %q in:\n%s", c.args, code, c.code, c.want, out.String())
		}
		if strings.Contains(out.String(), "long enough") {
			t.Errorf("%s: the password is shown:\n%s", c.args, out.String())
		}
	}
}

// TestUserPassword logs in with what the commands have stored.
func TestUserPassword(t *testing.T) {
	env := environment{"DATA_DIR": t.TempDir(), "ARGON2_MEMORY": "8MiB", "PRESSMARK_PASSWORD": "correct horse"}
	var out strings.Builder
	if code := (console{env.get, nil, &out, &out, ""}).run(t.Context(), []string{"user", "create", "--email=a@example.com", "--username=a"}); code != 0 {
		t.Fatal(out.String())
	}
	out.Reset()
	if code := (console{env.get, nil, &out, &out, ""}).run(t.Context(), []string{"user", "list", "--json"}); code != 0 {
		t.Fatal(out.String())
	}
	var listed userJSON
	if err := json.Unmarshal([]byte(out.String()), &listed); err != nil || listed.Role != auth.Reader || listed.Restricted {
		t.Errorf("%+v, %v", listed, err)
	}
	s, err := server.OpenState(t.Context(), server.Config{DataDir: env["DATA_DIR"]})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	_, hash, err := s.Users.Find(t.Context(), "A@EXAMPLE.COM")
	if err != nil {
		t.Fatal(err)
	}
	if ok, weak, err := s.Passwords.Verify(t.Context(), "correct horse", hash); err != nil || !ok || !weak {
		t.Errorf("right password: %v, weak %v, %v", ok, weak, err)
	}
	if ok, _, err := s.Passwords.Verify(t.Context(), "wrong horse", hash); err != nil || ok {
		t.Errorf("wrong password: %v, %v", ok, err)
	}
}
