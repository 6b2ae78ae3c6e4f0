package index

import (
	"errors"
	"regexp/syntax"
	"strings"
	"unicode/utf8"
)

// firstMark is the first of the characters that stand for classes while an
// expression is parsed. They are for private use.
const firstMark = 0x10f000

// source is the text of a pattern, made ready for package syntax.
type source struct {
	// text has the syntax of package syntax, and a mark in a group for each class
	// with \w, \d or \s in it. In a group it is never merged with what stands
	// beside it.
	text    string
	classes [][]rune // by mark: ranges, lowest and highest in turn
}

// reader reads the text of a pattern.
type patternReader struct {
	source
	out   strings.Builder
	rest  string
	known map[byte][]rune // classes by their letter
}

// shorthand returns the characters of \w, \d, \s or of the capital: all others.
func (r *patternReader) shorthand(c byte) []rune {
	if r.known[c] == nil {
		r.known[c] = shorthand(c)
	}
	return r.known[c]
}

func readPattern(expr string) (source, error) {
	r := patternReader{rest: expr, known: map[byte][]rune{}}
	if !utf8.ValidString(expr) {
		return r.source, errors.New("not valid UTF-8")
	}
	for r.rest != "" {
		if err := r.next(); err != nil {
			return r.source, err
		}
	}
	r.text = r.out.String()
	return r.source, nil
}

// mark writes what stands for a class.
func (r *patternReader) mark(class []rune) {
	r.out.WriteString("(" + string(rune(firstMark+len(r.classes))) + ")")
	r.classes = append(r.classes, class)
}

func (r *patternReader) next() error {
	c, n := utf8.DecodeRuneInString(r.rest)
	switch {
	case c >= firstMark:
		return errors.New("character for private use")
	case c == '[':
		return r.set()
	case c == 'İ': // whose case package syntax does not fold
		r.out.WriteByte('i')
		r.rest = r.rest[n:]
		return nil
	case c == '\\' && len(r.rest) > 1:
		switch e := r.rest[1]; e {
		case 'w', 'W', 'd', 'D', 's', 'S':
			r.mark(r.shorthand(e))
			r.rest = r.rest[2:]
		case 'Z':
			r.out.WriteString(`\z`)
			r.rest = r.rest[2:]
		case 'Q', 'E', 'C':
			return errors.New("invalid escape sequence (" + r.rest[:2] + ")")
		default:
			s, n := escape(r.rest)
			r.out.WriteString(s)
			r.rest = r.rest[n:]
		}
		return nil
	case strings.HasPrefix(r.rest, "{,"):
		digits := len(r.rest[2:]) - len(strings.TrimLeft(r.rest[2:], "0123456789"))
		if digits > 0 && strings.HasPrefix(r.rest[2+digits:], "}") {
			r.out.WriteString("{0")
			r.rest = r.rest[1:]
			return nil
		}
	}
	r.out.WriteString(r.rest[:n])
	r.rest = r.rest[n:]
	return nil
}

// escape returns an escape sequence that stands alike in and outside a set,
// and its length.
func escape(s string) (string, int) {
	c, n := utf8.DecodeRuneInString(s[1:])
	digits := map[rune]int{'u': 4, 'U': 8}[c]
	switch {
	case digits > 0 && len(s) >= 2+digits:
		return `\x{` + s[2:2+digits] + "}", 2 + digits
	case c >= utf8.RuneSelf:
		return s[1 : 1+n], 1 + n
	}
	return s[:1+n], 1 + n
}

// set reads a set in brackets.
func (r *patternReader) set() error {
	begin := r.rest
	i := 1
	negated := strings.HasPrefix(begin[i:], "^")
	if negated {
		i++
	}
	var members strings.Builder // without the classes
	var classes []rune
	for first := true; ; first = false {
		rest := begin[i:]
		switch {
		case rest == "":
			return errors.New("missing closing ]")
		case rest[0] == ']' && !first:
			r.rest = rest[1:]
			return r.endSet(negated, members.String(), classes)
		case strings.HasPrefix(rest, "[:"):
			n := strings.Index(rest, ":]")
			if n < 0 {
				return errors.New("missing closing :]")
			}
			if class := posixClass(rest[2:n]); class != nil {
				classes = append(classes, class...)
			} else {
				members.WriteString(rest[:n+2])
			}
			i += n + 2
		case rest[0] == '[' || strings.HasPrefix(rest, "--") || strings.HasPrefix(rest, "&&") || strings.HasPrefix(rest, "||") || strings.HasPrefix(rest, "~~"):
			return errors.New("operation on sets (" + rest[:min(2, len(rest))] + ")")
		case rest[0] == '\\' && len(rest) > 1 && strings.IndexByte("wWdDsS", rest[1]) >= 0:
			classes = append(classes, r.shorthand(rest[1])...)
			i += 2
		case strings.HasPrefix(rest, `\b`):
			members.WriteString(`\x08`)
			i += 2
		case rest[0] == '\\' && len(rest) > 1:
			s, n := escape(rest)
			members.WriteString(s)
			i += n
		default:
			_, n := utf8.DecodeRuneInString(rest)
			members.WriteString(rest[:n])
			i += n
		}
	}
}

func (r *patternReader) endSet(negated bool, members string, classes []rune) error {
	if classes == nil {
		if negated {
			members = "^" + members
		}
		r.out.WriteString("[" + members + "]")
		return nil
	}
	if members != "" {
		re, err := parsePattern("[" + members + "]")
		if err != nil {
			return err
		}
		if re.Op == syntax.OpLiteral {
			classes = appendFolds(classes, re.Rune[0])
		} else {
			classes = append(classes, re.Rune...)
		}
	}
	classes = union(classes)
	if negated {
		classes = complement(classes)
	}
	r.mark(classes)
	return nil
}

// widen puts the classes in the place of their marks, lets $ match before a
// line break that ends the text, too, and says whether there is \b or \B.
func (s *source) widen(re *syntax.Regexp) (edges bool) {
	for _, sub := range re.Sub {
		edges = s.widen(sub) || edges
	}
	switch {
	case re.Op == syntax.OpWordBoundary || re.Op == syntax.OpNoWordBoundary:
		return true
	case re.Op == syntax.OpCapture && re.Sub[0].Op == syntax.OpLiteral && re.Sub[0].Rune[0] >= firstMark:
		*re = syntax.Regexp{Op: syntax.OpCharClass, Rune: s.classes[re.Sub[0].Rune[0]-firstMark]}
	case re.Op == syntax.OpEndText && re.Flags&syntax.WasDollar != 0:
		line := &syntax.Regexp{Op: syntax.OpQuest, Sub: []*syntax.Regexp{{Op: syntax.OpLiteral, Rune: []rune{'\n'}}}}
		*re = syntax.Regexp{Op: syntax.OpConcat, Sub: []*syntax.Regexp{line, {Op: syntax.OpEndText}}}
	}
	return edges
}
