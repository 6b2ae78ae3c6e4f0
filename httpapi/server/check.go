package server

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Check reports every setting of c that cannot be used, or not together with
// others, in an error whose parts are [*ConfigError]. It looks at no file but
// whether DataDir is inside a library, and reaches nothing.
func (c Config) Check() error {
	c, err := c.withDefaults()
	errs := []error{err}
	for _, l := range c.Libraries {
		if l.Path != "" && c.DataDir != "" && inside(c.DataDir, l.Path) {
			errs = append(errs, insideLibrary(c.DataDir, l.Name))
		}
	}
	return errors.Join(errs...)
}

func insideLibrary(dataDir, library string) *ConfigError {
	return &ConfigError{"DATA_DIR", fmt.Sprintf("%s is inside library %q, where nothing is ever written; name a folder elsewhere", dataDir, library)}
}

// ParseAll is [Parse] and [Config.Check] in one: it reports what cannot be read
// and what cannot be used, all at once. The Config has what could be read.
func ParseAll(args []string, getenv func(string) string) (Config, error) {
	c, err := Parse(args, getenv)
	unread := ConfigErrors(err)
	if err != nil && len(unread) == 0 { // the user wants help
		return c, err
	}
	errs := make([]error, 0, len(unread))
	for _, e := range unread {
		errs = append(errs, e)
	}
	for _, e := range ConfigErrors(c.Check()) {
		// What could not be read is not also missing.
		if !slices.ContainsFunc(unread, func(u *ConfigError) bool { return variable(u.Setting) == variable(e.Setting) }) {
			errs = append(errs, e)
		}
	}
	return c, errors.Join(errs...)
}

// variable is the name of the variable of a setting that is named as a flag, or
// as a variable for a file.
func variable(setting string) string {
	name := strings.ToUpper(strings.ReplaceAll(strings.TrimLeft(setting, "-"), "-", "_"))
	for _, s := range settings() {
		if s.name == name || s.short != "" && s.short == strings.TrimLeft(setting, "-") {
			return s.name
		}
	}
	return strings.TrimSuffix(name, "_FILE")
}

// ConfigErrors returns all errors in err's tree that are about settings.
func ConfigErrors(err error) []*ConfigError {
	switch e := err.(type) { //nolint:errorlint // the tree itself is walked
	case nil:
		return nil
	case *ConfigError:
		return []*ConfigError{e}
	case interface{ Unwrap() []error }:
		var all []*ConfigError
		for _, part := range e.Unwrap() {
			all = append(all, ConfigErrors(part)...)
		}
		return all
	case interface{ Unwrap() error }:
		return ConfigErrors(e.Unwrap())
	}
	return nil
}

// Value is a setting as it is in effect.
type Value struct {
	// Name is the variable's.
	Name string `json:"name"`
	// Value is what it is set to, or its default, as a user would write it. What is
	// secret in it is replaced by ***. Empty is nothing.
	Value string `json:"value"`
	// From is where the value was found: "default", or the name of a flag, of a
	// variable, or of the variable that names a file.
	From string `json:"from"`
	// File is the path of the file that has the value, empty if none has.
	File string `json:"file,omitempty"`
}

// Values returns every setting, in the order of help, as [Parse] would read it.
// Its error is that of parts that cannot be read; the others are returned all
// the same.
func Values(args []string, getenv func(string) string) ([]Value, error) {
	values, err := valuesOf(args, getenv)
	for i := range values {
		values[i].Value = masked(values[i].Name, values[i].Value)
	}
	return values, err
}

// valuesOf is Values with what is secret.
func valuesOf(args []string, getenv func(string) string) ([]Value, error) {
	all := settings()
	given, errs := parseFlags(args, all)
	values := make([]Value, 0, len(all))
	for _, s := range all {
		v, from, err := lookUp(&s, given, getenv)
		if err != nil {
			errs = append(errs, &ConfigError{from, err.Error()})
		}
		value := Value{Name: s.name, Value: v, From: from}
		if from == s.name+"_FILE" {
			value.File = getenv(from)
		}
		if v == "" && err == nil {
			value.Value, value.From = s.def, "default"
			if s.name == "DATA_DIR" {
				dir, err := DefaultDataDir()
				if err != nil {
					errs = append(errs, &ConfigError{s.name, err.Error()})
				}
				value.Value = cmp.Or(dir, s.def)
			}
		}
		values = append(values, value)
	}
	return values, errors.Join(errs...)
}

// hidden stands for what is secret.
const hidden = "***"

// masked returns the value of a setting without what is secret in it: all of it,
// or the password and what is like one in an address.
func masked(name, value string) string {
	if value == "" {
		return ""
	}
	for _, word := range []string{"SECRET", "PASSWORD", "_HEADERS", "_TOKEN"} {
		// ACCESS_TOKEN_TTL is about tokens, and none.
		if strings.Contains(name, word) && !strings.HasSuffix(name, "_TTL") {
			return hidden
		}
	}
	if strings.Contains(value, "://") || strings.Contains(value, "@") {
		return maskedAddress(value)
	}
	if strings.HasSuffix(name, "_URL") && strings.Contains(value, "=") { // words that libpq takes, password=… among them
		return hidden
	}
	return value
}

// maskedAddress hides passwords also in what is no address, as that may be one
// with a slip in it.
func maskedAddress(s string) string {
	parameters := regexp.MustCompile(`(?i)([?&;][^=&;]*(?:pass|pwd|secret|token|sig|key)[^=&;]*=)[^&;]*`)
	scheme, rest, found := strings.Cut(s, "://")
	if !found {
		scheme, rest = "", s
	} else {
		scheme += "://"
	}
	// A password may hold an @ that should have been written %40.
	if at := strings.LastIndexByte(rest, '@'); at >= 0 {
		user, _, secret := strings.Cut(rest[:at], ":")
		if secret {
			user += ":" + hidden
		}
		rest = user + rest[at:]
	}
	return scheme + parameters.ReplaceAllString(rest, "${1}"+hidden)
}
