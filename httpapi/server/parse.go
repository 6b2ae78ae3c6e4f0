package server

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
)

// Parse makes a Config of a command line and an environment. A flag is the
// variable's name in lower case with dashes: --listen-addr=:8000 or
// --listen-addr :8000 is LISTEN_ADDR=:8000, and a flag beats a variable. For
// each variable NAME there is NAME_FILE, the path of a file that holds the
// value. A variable that is empty counts as not set.
//
// Everything that is wrong is reported at once, in an error whose parts are
// *ConfigError: flags that do not exist, values that cannot be read, settings
// whose feature this version does not have. Whether the settings can be used
// together is checked by Open.
//
// For -h and --help the error is [flag.ErrHelp].
func Parse(args []string, getenv func(string) string) (Config, error) {
	var c Config
	all := settings()
	given, errs := parseFlags(args, all)
	if slices.Contains(errs, flag.ErrHelp) {
		return c, flag.ErrHelp
	}
	for _, s := range all {
		v, from, err := lookUp(&s, given, getenv)
		if err == nil && v != "" {
			err = s.set(&c, v)
		}
		if err != nil {
			errs = append(errs, &ConfigError{from, err.Error()})
		}
	}
	missing := later()
	for _, name := range slices.Sorted(maps.Keys(missing)) {
		s := setting{name: name}
		v, from, err := lookUp(&s, given, getenv)
		if err != nil || v != "" && !strings.EqualFold(v, missing[name]) {
			errs = append(errs, &ConfigError{from, "what this sets is not available in this version; remove it"})
		}
	}
	return c, errors.Join(errs...)
}

// lookUp returns the value of a setting, "" if it has none, and where it was
// found, for messages.
func lookUp(s *setting, given map[string]string, getenv func(string) string) (value, from string, err error) {
	if v, ok := given[s.name]; ok {
		return v, "--" + s.flag(), nil
	}
	value = strings.TrimSpace(getenv(s.name))
	path := getenv(s.name + "_FILE")
	if path == "" {
		return value, s.name, nil
	}
	from = s.name + "_FILE"
	if value != "" {
		return "", from, fmt.Errorf("%s is set as well; give one of them", s.name)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return "", from, err
	}
	return strings.TrimSpace(string(content)), from, nil
}

// parseFlags returns the values of flags by the names of their variables.
func parseFlags(args []string, all []setting) (given map[string]string, errs []error) {
	given = map[string]string{}
	byFlag := map[string]setting{}
	for name := range later() {
		s := setting{name: name}
		byFlag[s.flag()] = s
	}
	for _, s := range all {
		byFlag[s.flag()] = s
		if s.short != "" {
			byFlag[s.short] = s
		}
	}
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		name, value, hasValue := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(arg, "-"), "-"), "=")
		s, ok := byFlag[name]
		switch {
		case arg == "-h" || arg == "--help" || arg == "-help":
			return nil, []error{flag.ErrHelp}
		case !strings.HasPrefix(arg, "-"):
			errs = append(errs, &ConfigError{arg, "this is not a flag; flags begin with --"})
			continue
		case !ok:
			errs = append(errs, &ConfigError{"--" + name, "there is no such flag"})
			continue
		case hasValue:
		case s.isBool():
			value = "true"
		case len(args) == 0:
			errs = append(errs, &ConfigError{"--" + name, "a value is missing"})
			continue
		default:
			value, args = args[0], args[1:]
		}
		if _, twice := given[s.name]; twice {
			errs = append(errs, &ConfigError{"--" + name, "it is given twice"})
			continue
		}
		if value == "" {
			errs = append(errs, &ConfigError{"--" + name, "the value is empty"})
			continue
		}
		given[s.name] = value
	}
	return given, errs
}

// WriteHelp writes a list of all settings, for people, to w.
func WriteHelp(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, s := range settings() {
		if s.group != "" {
			fmt.Fprintf(t, "\n%s\n", s.group)
		}
		use := "--" + s.flag() + " " + s.value
		if s.isBool() {
			use = "--" + s.flag()
		}
		if s.short != "" {
			use += ", --" + s.short
		}
		def := s.def
		if def == "" {
			def = "-"
		}
		fmt.Fprintf(t, "  %s\t%s\t%s\n", use, def, s.help)
	}
	return t.Flush()
}

// IsSwitch reports whether a flag, named without dashes, is a setting that needs no
// value, or asks for help. A program with flags of its own has to know.
func IsSwitch(flag string) bool {
	return flag == "h" || flag == "help" || slices.ContainsFunc(settings(), func(s setting) bool {
		return s.isBool() && (s.flag() == flag || s.short == flag)
	})
}
