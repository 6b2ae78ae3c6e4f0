package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"golang.org/x/term"

	"github.com/pressmark/pressmark/auth"
	"github.com/pressmark/pressmark/httpapi/server"
)

const aboutUser = `Usage: pressmark user COMMAND [flags] [settings]

  create --email ADDRESS --username NAME [--full-name NAME] [--admin] [--library NAME=RULE …]
  list [--json]
  disable WHO | enable WHO    WHO is an e-mail address or a user name
  passwd WHO                  all sessions end
  delete WHO --yes            with all that is kept of them
  token WHO [--json]          prints an access token, for scripts; a new session begins

Running servers see what is changed within a second.

--library restricts what is seen of a library to what RULE says: all, none, or
an expression in Calibre's search language. Of libraries without a rule a
restricted user sees nothing.

Passwords are read from PRESSMARK_PASSWORD, or asked for on a terminal, or else
read from the first line of the standard input.

Settings say where accounts are: --database-url, or else --data-dir. The key that
tokens are signed with has to be the one of the server: --secret-key, or else that
in --data-dir.
`

// user manages accounts.
func user(ctx context.Context, args []string, con console) error {
	if len(args) == 0 {
		return usageError{aboutUser}
	}
	commands := map[string]struct {
		flags flagSet
		who   bool // an account is named
		run   func(context.Context, *server.State, *flagSet, console) error
	}{
		"create":  {flagSet{text: []string{"email", "username", "full-name"}, lists: []string{"library"}, bools: []string{"admin"}}, false, createUser},
		"list":    {flagSet{bools: []string{"json"}}, false, listUsers},
		"disable": {flagSet{}, true, disableUser(true)},
		"enable":  {flagSet{}, true, disableUser(false)},
		"passwd":  {flagSet{}, true, setPassword},
		"delete":  {flagSet{bools: []string{"yes"}}, true, deleteUser},
		"token":   {flagSet{bools: []string{"json"}}, true, issueToken},
	}
	name := args[0]
	if name == "help" || name == "-h" || name == "--help" {
		_, err := io.WriteString(con.stdout, aboutUser)
		return err
	}
	c, ok := commands[name]
	if !ok {
		return usageError{fmt.Sprintf("there is no command \"user %s\"\n\n%s", name, aboutUser)}
	}
	rest, err := c.flags.take(args[1:])
	if err != nil {
		return err
	}
	if c.who != (len(c.flags.words) == 1) || len(c.flags.words) > 1 {
		return usageError{fmt.Sprintf("user %s: %s\n\n%s", name, map[bool]string{true: "one account was expected", false: "there is a word too many"}[c.who], aboutUser)}
	}
	return withState(ctx, aboutUser, rest, con, func(s *server.State) error {
		if _, err := s.Schema.Up(ctx); err != nil {
			return err
		}
		return c.run(ctx, s, &c.flags, con)
	})
}

// withState calls f with the database that settings name.
func withState(ctx context.Context, about string, settings []string, con console, f func(*server.State) error) (err error) {
	c, helped, err := parse(about, settings, con.getenv, con.stdout)
	if err != nil || helped {
		return err
	}
	s, err := server.OpenState(ctx, c)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	return f(s)
}

func createUser(ctx context.Context, s *server.State, f *flagSet, con console) error {
	u := auth.User{Email: f.given["email"], Username: f.given["username"], FullName: f.given["full-name"], Role: auth.Reader}
	if f.on["admin"] {
		u.Role = auth.Admin
	}
	for _, rule := range f.repeated["library"] {
		library, text, ok := strings.Cut(rule, "=")
		if !ok {
			return usageError{fmt.Sprintf("--library %s: NAME=all, NAME=none or NAME=expression was expected", rule)}
		}
		r := auth.Rule{Kind: auth.RuleKind(text)}
		if r.Kind != auth.All && r.Kind != auth.None {
			r = auth.Rule{Kind: auth.Matching, Expression: text}
		}
		if u.Access.Libraries == nil {
			u.Access = auth.Access{Restricted: true, Libraries: map[string]auth.Rule{}}
		}
		u.Access.Libraries[library] = r
	}
	if err := u.Check(); err != nil { // before anybody types a password
		return asUsage(err)
	}
	hash, err := con.newHash(ctx, s)
	if err != nil {
		return err
	}
	u, err = s.Users.Create(ctx, u, hash)
	if err != nil {
		return err
	}
	if err := record(ctx, s, auth.DidCreateUser, u, u.Username); err != nil {
		return err
	}
	_, err = fmt.Fprintf(con.stdout, "Created %s %d: %s <%s>\n", u.Role, u.ID, u.Username, u.Email)
	return err
}

// record keeps in the audit log what a command has done.
func record(ctx context.Context, s *server.State, a auth.Action, u auth.User, detail string) error {
	return s.Audit.Record(ctx, auth.Event{At: time.Now(), Action: a, User: u.ID, Address: commandLine, Detail: detail})
}

// commandLine stands for an address in the audit log and in lists of sessions.
const commandLine = "command line"

// asUsage makes values that cannot be what they are errors of the command line.
func asUsage(err error) error {
	var invalid *auth.InvalidError
	if errors.As(err, &invalid) {
		return usageError{strings.ReplaceAll(invalid.Error(), "full_name", "full-name")}
	}
	return err
}

// userJSON is an account as "user list --json" shows it.
type userJSON struct {
	ID         auth.UserID         `json:"id"`
	Email      string              `json:"email"`
	Username   string              `json:"username"`
	FullName   string              `json:"full_name"`
	Role       auth.Role           `json:"role"`
	Disabled   bool                `json:"disabled"`
	Restricted bool                `json:"restricted"`
	Libraries  map[string]ruleJSON `json:"libraries"`
	Created    time.Time           `json:"created"`
}

type ruleJSON struct {
	Kind       auth.RuleKind `json:"kind"`
	Expression string        `json:"expression"`
}

// listUsers prints all accounts: one line each, or one JSON object each.
func listUsers(ctx context.Context, s *server.State, f *flagSet, con console) error {
	table := tabwriter.NewWriter(con.stdout, 0, 0, 2, ' ', 0)
	enc := json.NewEncoder(con.stdout)
	if !f.on["json"] {
		fmt.Fprintln(table, "ID\tUSERNAME\tE-MAIL\tROLE\tNAME\tNOTES")
	}
	for after := auth.UserID(0); ; {
		page, err := s.Users.List(ctx, after, 500)
		if err != nil {
			return err
		}
		if len(page) == 0 {
			return table.Flush()
		}
		for _, u := range page {
			after = u.ID
			if !f.on["json"] {
				fmt.Fprintf(table, "%d\t%s\t%s\t%s\t%s\t%s\n", u.ID, u.Username, u.Email, u.Role, u.FullName, notes(u))
				continue
			}
			libraries := map[string]ruleJSON{}
			for name, r := range u.Access.Libraries {
				libraries[name] = ruleJSON{r.Kind, r.Expression}
			}
			if err := enc.Encode(userJSON{u.ID, u.Email, u.Username, u.FullName, u.Role, u.Disabled, u.Access.Restricted, libraries, u.Created}); err != nil {
				return err
			}
		}
	}
}

func notes(u auth.User) string {
	var all []string
	if u.Disabled {
		all = append(all, "disabled")
	}
	if u.Access.Restricted {
		all = append(all, "restricted")
	}
	return strings.Join(all, ", ")
}

// find returns the account that the command names.
func find(ctx context.Context, s *server.State, f *flagSet) (auth.User, error) {
	u, _, err := s.Users.Find(ctx, f.words[0])
	return u, err
}

func disableUser(disabled bool) func(context.Context, *server.State, *flagSet, console) error {
	return func(ctx context.Context, s *server.State, f *flagSet, con console) error {
		u, err := find(ctx, s, f)
		if err != nil {
			return err
		}
		u, err = s.Users.Update(ctx, u.ID, func(u *auth.User) error {
			u.Disabled = disabled
			return nil
		})
		if err != nil {
			return err
		}
		if err := record(ctx, s, auth.DidChangeUser, u, fmt.Sprintf("disabled=%v", disabled)); err != nil {
			return err
		}
		_, err = fmt.Fprintf(con.stdout, "%s <%s> is %s\n", u.Username, u.Email, map[bool]string{true: "disabled", false: "enabled"}[u.Disabled])
		return err
	}
}

func setPassword(ctx context.Context, s *server.State, f *flagSet, con console) error {
	u, err := find(ctx, s, f)
	if err != nil {
		return err
	}
	hash, err := con.newHash(ctx, s)
	if err != nil {
		return err
	}
	if err := s.Users.SetPassword(ctx, u.ID, "", hash); err != nil {
		return err
	}
	if err := s.Sessions.EndAll(ctx, u.ID, ""); err != nil {
		return fmt.Errorf("the password is set, but sessions go on: %w", err)
	}
	if err := record(ctx, s, auth.DidSetPassword, u, ""); err != nil {
		return err
	}
	_, err = fmt.Fprintf(con.stdout, "%s <%s> has a new password; all sessions have ended\n", u.Username, u.Email)
	return err
}

func deleteUser(ctx context.Context, s *server.State, f *flagSet, con console) error {
	u, err := find(ctx, s, f)
	if err != nil {
		return err
	}
	if !f.on["yes"] {
		return usageError{fmt.Sprintf("this deletes %s <%s> and all that is kept of them; add --yes", u.Username, u.Email)}
	}
	if err := s.Users.Delete(ctx, u.ID); err != nil {
		return err
	}
	if err := record(ctx, s, auth.DidDeleteUser, u, u.Username); err != nil {
		return err
	}
	_, err = fmt.Fprintf(con.stdout, "Deleted %s <%s>\n", u.Username, u.Email)
	return err
}

// tokenJSON is what "user token --json" prints, as a login answers.
type tokenJSON struct {
	AccessToken  string `json:"access_token"`
	RefreshToken string `json:"refresh_token"`
	TokenType    string `json:"token_type"`
	ExpiresIn    int64  `json:"expires_in"`
}

// issueToken prints an access token of an account, for scripts.
func issueToken(ctx context.Context, s *server.State, f *flagSet, con console) error {
	u, err := find(ctx, s, f)
	if err != nil {
		return err
	}
	logins, err := s.Logins(nil, nil)
	if err != nil {
		return err
	}
	g, err := logins.Issue(ctx, u.ID, auth.Client{Label: "pressmark user token", Address: commandLine})
	if err != nil {
		return err
	}
	if f.on["json"] {
		return json.NewEncoder(con.stdout).Encode(tokenJSON{g.Access, g.Refresh, "bearer", int64(g.Expires.Seconds())})
	}
	_, err = fmt.Fprintln(con.stdout, g.Access)
	return err
}

// newHash reads a new password and returns its hash.
func (con console) newHash(ctx context.Context, s *server.State) (string, error) {
	password, err := con.password()
	if err != nil {
		return "", err
	}
	hash, err := s.Passwords.Hash(ctx, password)
	return hash, asUsage(err)
}

// password reads a new password, twice from a terminal.
func (con console) password() (string, error) {
	if p := con.getenv("PRESSMARK_PASSWORD"); p != "" {
		return p, nil
	}
	if f, ok := con.stdin.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		return con.ask(int(f.Fd()))
	}
	line, err := bufio.NewReader(con.stdin).ReadString('\n')
	if line = strings.TrimRight(line, "\r\n"); line == "" {
		if err == nil || errors.Is(err, io.EOF) {
			err = usageError{"there is no password: set PRESSMARK_PASSWORD, or write it to the standard input"}
		}
		return "", err
	}
	return line, nil
}

// ask reads from a terminal, which does not show what is typed.
func (con console) ask(fd int) (string, error) {
	read := func(prompt string) (string, error) {
		fmt.Fprint(con.stderr, prompt)
		defer fmt.Fprintln(con.stderr)
		p, err := term.ReadPassword(fd)
		return string(p), err
	}
	first, err := read("Password: ")
	if err != nil {
		return "", err
	}
	second, err := read("The same again: ")
	if err == nil && first != second {
		err = usageError{"the two passwords differ"}
	}
	return first, err
}
