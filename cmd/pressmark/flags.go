package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pressmark/pressmark/httpapi/server"
)

// flagSet is the flags of one command, beside those of the settings.
type flagSet struct {
	text, lists, bools []string

	given    map[string]string   // of text
	repeated map[string][]string // of lists
	on       map[string]bool     // of bools
	words    []string            // what is no flag
}

// take takes its own flags and all words from args and returns the rest, which
// are settings: --flag value or --flag=value.
func (f *flagSet) take(args []string) (settings []string, err error) {
	f.given, f.repeated, f.on = map[string]string{}, map[string][]string{}, map[string]bool{}
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		if !strings.HasPrefix(arg, "-") {
			f.words = append(f.words, arg)
			continue
		}
		name, value, hasValue := strings.Cut(strings.TrimLeft(arg, "-"), "=")
		takes := slices.Contains(f.text, name) || slices.Contains(f.lists, name)
		switch {
		case slices.Contains(f.bools, name):
			if hasValue {
				return nil, usageError{fmt.Sprintf("--%s takes no value", name)}
			}
			f.on[name] = true
			continue
		case takes && !hasValue:
			if len(args) == 0 {
				return nil, usageError{fmt.Sprintf("--%s: a value is missing", name)}
			}
			value, args = args[0], args[1:]
		case !takes:
			settings = append(settings, arg)
			if !hasValue && len(args) > 0 && !strings.HasPrefix(args[0], "-") && !server.IsSwitch(name) {
				settings = append(settings, args[0])
				args = args[1:]
			}
			continue
		}
		if slices.Contains(f.lists, name) {
			f.repeated[name] = append(f.repeated[name], value)
			continue
		}
		if _, twice := f.given[name]; twice {
			return nil, usageError{fmt.Sprintf("--%s is given twice", name)}
		}
		f.given[name] = value
	}
	return settings, nil
}
