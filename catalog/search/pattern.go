package search

import (
	"errors"
	"regexp"
	"regexp/syntax"
	"strings"

	"github.com/pressmark/pressmark/catalog"
)

// Bounds of a regular expression.
const (
	maxPattern      = 1000 // bytes
	maxInstructions = 2000 // of the program that it is compiled to
)

// checkPattern reports why a regular expression is refused. Calibre's are those
// of Python's module regex; where one would mean something else in RE2 it is an
// error, too.
func checkPattern(pattern string) error {
	const expected = "a regular expression in RE2 syntax"
	if len(pattern) > maxPattern {
		return wrong(pattern, "the regular expression is longer than 1,000 bytes:", "a shorter one")
	}
	if odd := otherwiseInPython(pattern); odd != "" {
		return wrong(pattern, "the regular expression has "+odd+", which RE2 has not:", expected)
	}
	re, err := syntax.Parse(pattern, syntax.Perl|syntax.FoldCase)
	if err != nil {
		var bad *syntax.Error
		if errors.As(err, &bad) {
			return wrong(pattern, "not a regular expression ("+bad.Code.String()+"):", expected)
		}
		return wrong(pattern, "not a regular expression:", expected)
	}
	if instructions(re) > maxInstructions {
		return wrong(pattern, "the regular expression is too large:", "fewer repetitions")
	}
	return nil
}

// instructions returns about how long the program of an expression is. It is not
// compiled to find out: repetitions can make it a thousand times as long as the
// text.
func instructions(re *syntax.Regexp) int {
	n := max(1, len(re.Rune))
	if re.Op == syntax.OpCharClass {
		n = 1
	}
	for _, sub := range re.Sub {
		n += instructions(sub) + 1
	}
	if re.Op == syntax.OpRepeat {
		n *= max(1, re.Min, re.Max)
	}
	return n
}

// otherwiseInPython names what a pattern has that RE2 would take for something
// else: sets in sets and their operators, repetitions up to a number, and
// approximate matches.
func otherwiseInPython(pattern string) string {
	inSet := false
	for i := 0; i < len(pattern); i++ {
		rest := pattern[i:]
		switch {
		case rest[0] == '\\':
			i++
			if len(rest) > 2 && rest[2] == '{' { // \p{Greek}, \x{3b1}
				i += max(0, strings.IndexByte(rest[2:], '}'))
			}
		case inSet && rest[0] == ']':
			inSet = false
		case inSet && strings.HasPrefix(rest, "[:"):
			if end := strings.Index(rest, ":]"); end > 0 {
				i += end + 1
			}
		case inSet && rest[0] == '[':
			return "a set in a set"
		case inSet && (strings.HasPrefix(rest, "--") || strings.HasPrefix(rest, "&&") ||
			strings.HasPrefix(rest, "||") || strings.HasPrefix(rest, "~~")):
			return "an operator of sets"
		case inSet:
		case rest[0] == '[':
			inSet = true
			if strings.HasPrefix(rest, "[^") {
				i++
			}
			if strings.HasPrefix(pattern[i+1:], "]") { // stands for itself
				i++
			}
		case rest[0] == '{':
			inside, _, closed := strings.Cut(rest[1:], "}")
			if !closed {
				continue
			}
			if strings.HasPrefix(inside, ",") && strings.Trim(inside[1:], "0123456789") == "" {
				return "a repetition without a lower bound"
			}
			if strings.ContainsAny(inside, "ides") && strings.Trim(inside, "idesc0123456789<=+, ") == "" {
				return "an approximate match"
			}
		}
	}
	return ""
}

// matchesEmpty reports whether a value of no characters matches.
func matchesEmpty(t catalog.Text) bool {
	switch t.Kind {
	case catalog.Below:
		return t.Value == ""
	case catalog.Pattern:
		re, err := regexp.Compile("(?i)" + t.Value)
		return err == nil && re.MatchString("")
	}
	return false
}
