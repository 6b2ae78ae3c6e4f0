package auth

import (
	"fmt"
	"net/mail"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// UserID numbers accounts from 1. A number is never given to a second account.
type UserID int64

// Role says what a user may do beside reading.
type Role string

// The roles.
const (
	// Reader may read what Access shows, and keep state of their own.
	Reader Role = "reader"
	// Admin may also manage accounts.
	Admin Role = "admin"
)

// User is an account.
type User struct {
	ID UserID
	// Email is an address, Username a name to log in with. No two accounts have
	// the same one, whatever its case and Unicode form, and what is one's e-mail
	// address is never another's name.
	Email, Username string
	// FullName is how the user wants to be called. It may be empty.
	FullName string
	Role     Role
	// Disabled accounts are refused like those that are not there.
	Disabled bool
	// Access says what of each library the user sees.
	Access Access
	// Generation grows with every change of the account, its password included:
	// what was known of an account with a lower one is out of date.
	Generation int64
	// Created and Updated are set by Users, to the microsecond, in UTC.
	Created, Updated time.Time
}

// Access says what a user sees. The zero value sees everything, also of
// libraries that come later.
type Access struct {
	// Restricted users see what Libraries gives them, and nothing of a library
	// that is not in it.
	Restricted bool
	// Libraries are the rules of restricted users, by the name of the library.
	// It is nil for others.
	Libraries map[string]Rule
}

// RuleKind says how a rule decides.
type RuleKind string

// The kinds of rules. The zero value is None.
const (
	None     RuleKind = "none"
	All      RuleKind = "all"
	Matching RuleKind = "matching" // what Expression selects
)

// Rule says what is seen of one library.
type Rule struct {
	Kind RuleKind
	// Expression is one in Calibre's search language (package catalog/search),
	// for Matching alone. One that does not evaluate, because a column was
	// deleted, shows nothing.
	Expression string
}

// For returns the rule for a library.
func (a Access) For(library string) Rule {
	if !a.Restricted {
		return Rule{Kind: All}
	}
	r, ok := a.Libraries[library]
	if !ok || r.Kind == "" {
		return Rule{Kind: None}
	}
	return r
}

// The longest values, in bytes.
const (
	maxEmail      = 254 // RFC 5321 leaves no room for more
	maxUsername   = 64
	maxFullName   = 200
	maxExpression = 16 << 10
	maxLibraries  = 1000
)

// Key returns the form in which e-mail addresses and names are compared:
// without case, in one Unicode form (NFKC, RFC 8265).
func Key(s string) string {
	return norm.NFKC.String(cases.Fold().String(norm.NFKC.String(s)))
}

// Check returns an InvalidError if an account cannot be like that. Adapters call
// it before they write; ID, Generation and times are not looked at.
func (u *User) Check() error {
	if err := checkEmail(u.Email); err != nil {
		return err
	}
	if err := checkUsername(u.Username); err != nil {
		return err
	}
	if len(u.FullName) > maxFullName || !printable(u.FullName) {
		return &InvalidError{"full_name", fmt.Sprintf("at most %d bytes of text without control characters were expected", maxFullName)}
	}
	if u.Role != Reader && u.Role != Admin {
		return &InvalidError{"role", fmt.Sprintf("reader or admin was expected, not %q", u.Role)}
	}
	return u.Access.check()
}

func (a Access) check() error {
	switch {
	case !a.Restricted && len(a.Libraries) > 0:
		return &InvalidError{"access", "rules are for restricted users alone"}
	case len(a.Libraries) > maxLibraries:
		return &InvalidError{"access", fmt.Sprintf("at most %d libraries were expected", maxLibraries)}
	}
	for library, r := range a.Libraries {
		switch {
		case library == "" || !printable(library):
			return &InvalidError{"access", "the name of a library was expected"}
		case r.Kind != All && r.Kind != None && r.Kind != Matching:
			return &InvalidError{"access", fmt.Sprintf("%s: all, none or matching was expected, not %q", library, r.Kind)}
		case (r.Kind == Matching) != (strings.TrimSpace(r.Expression) != ""):
			return &InvalidError{"access", library + ": an expression goes with matching, and only with it"}
		case len(r.Expression) > maxExpression || !utf8.ValidString(r.Expression) || strings.ContainsRune(r.Expression, 0):
			return &InvalidError{"access", fmt.Sprintf("%s: an expression of at most %d bytes was expected", library, maxExpression)}
		}
	}
	return nil
}

func checkEmail(s string) error {
	a, err := mail.ParseAddress(s)
	if err != nil || a.Address != s || a.Name != "" || len(s) > maxEmail || !printable(s) {
		return &InvalidError{"email", "an e-mail address such as ada@example.com was expected"}
	}
	return nil
}

func checkUsername(s string) error {
	// @ is what tells an e-mail address from a name; a colon ends the name in
	// HTTP Basic (RFC 7617). Some characters become one of these in a key.
	bad := func(r rune) bool { return unicode.IsSpace(r) || r == '@' || r == ':' }
	key := Key(s)
	if key == "" || len(s) > maxUsername || !printable(s) || strings.ContainsFunc(s, bad) || strings.ContainsFunc(key, bad) {
		return &InvalidError{"username", fmt.Sprintf("1 to %d bytes without spaces, @ and : were expected", maxUsername)}
	}
	return nil
}

// printable tells whether s is text without control characters and such as
// change the direction of writing.
func printable(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool {
		return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co, unicode.Cs) || r == unicode.ReplacementChar
	})
}
