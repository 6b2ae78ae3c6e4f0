package drivetest

import (
	"errors"
	"strings"
	"time"
	"unicode"
)

// errQuery is that a query is not one.
var errQuery = errors.New("drivetest: invalid query")

// maxDepth is how deep parentheses and nots may be within each other.
const maxDepth = 100

// expr is a part of a query.
type expr interface {
	// matches is called with Drive.mu held.
	matches(d *Drive, f *file) bool
	// parents returns ids one of which is the parent of each file that matches. ok is
	// false if it does not say.
	parents() (ids []string, ok bool)
}

type (
	both   struct{ a, b expr }
	either struct{ a, b expr }
	not    struct{ e expr }
	within struct{ parent string }
	text   struct {
		op, value string
		of        func(*file) string
	}
	trashed struct{ is bool }
	moment  struct {
		op   string
		when time.Time
		of   func(*file) time.Time
	}
	constant bool
)

func (e both) matches(d *Drive, f *file) bool   { return e.a.matches(d, f) && e.b.matches(d, f) }
func (e either) matches(d *Drive, f *file) bool { return e.a.matches(d, f) || e.b.matches(d, f) }
func (e not) matches(d *Drive, f *file) bool    { return !e.e.matches(d, f) }
func (e within) matches(d *Drive, f *file) bool { return f.parent == d.alias(e.parent) }
func (e trashed) matches(d *Drive, f *file) bool {
	return d.isTrashed(f) == e.is
}
func (e constant) matches(*Drive, *file) bool { return bool(e) }

func (e text) matches(_ *Drive, f *file) bool {
	switch value := e.of(f); e.op {
	case "=":
		return value == e.value
	case "!=":
		return value != e.value
	default:
		return containsWords(value, e.value)
	}
}

func (e moment) matches(_ *Drive, f *file) bool {
	switch c := e.of(f).Compare(e.when); e.op {
	case "=":
		return c == 0
	case "!=":
		return c != 0
	case "<":
		return c < 0
	case "<=":
		return c <= 0
	case ">":
		return c > 0
	default:
		return c >= 0
	}
}

func (e both) parents() ([]string, bool) {
	if ids, ok := e.a.parents(); ok {
		return ids, true
	}
	return e.b.parents()
}

func (e either) parents() ([]string, bool) {
	a, ok := e.a.parents()
	if !ok {
		return nil, false
	}
	b, ok := e.b.parents()
	return append(a, b...), ok
}
func (e within) parents() ([]string, bool) { return []string{e.parent}, true }
func (not) parents() ([]string, bool)      { return nil, false }
func (text) parents() ([]string, bool)     { return nil, false }
func (trashed) parents() ([]string, bool)  { return nil, false }
func (moment) parents() ([]string, bool)   { return nil, false }
func (constant) parents() ([]string, bool) { return nil, false }

// named returns all parents that a query speaks of.
func named(e expr) []string {
	switch e := e.(type) {
	case within:
		return []string{e.parent}
	case both:
		return append(named(e.a), named(e.b)...)
	case either:
		return append(named(e.a), named(e.b)...)
	case not:
		return named(e.e)
	}
	return nil
}

// containsWords reports whether the words of prefix are in s one after the other,
// the last of them as the beginning of one: Drive finds HelloWorld by Hello, and
// not by World.
func containsWords(s, prefix string) bool {
	s, prefix = strings.ToLower(s), strings.ToLower(strings.TrimSpace(prefix))
	if prefix == "" {
		return true
	}
	for start := range s {
		if start > 0 && isWord(lastRune(s[:start])) && isWord(firstRune(s[start:])) {
			continue
		}
		if strings.HasPrefix(s[start:], prefix) {
			return true
		}
	}
	return false
}

func isWord(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

func firstRune(s string) rune {
	for _, r := range s {
		return r
	}
	return 0
}

func lastRune(s string) (last rune) {
	for _, r := range s[max(0, len(s)-4):] {
		last = r
	}
	return last
}

// parseQuery reads the q of files.list. and and or bind alike, from the left, as
// Google's guide says ("evaluated from left to right").
func parseQuery(q string) (expr, error) {
	tokens, err := lex(q)
	if err != nil {
		return nil, err
	}
	if len(tokens) == 0 {
		return constant(true), nil
	}
	p := parser{tokens: tokens}
	e, err := p.expression()
	if err != nil {
		return nil, err
	}
	if len(p.tokens) > 0 {
		return nil, errQuery
	}
	return e, nil
}

type lexeme struct {
	text   string
	quoted bool
}

func lex(q string) ([]lexeme, error) {
	var out []lexeme
	for q != "" {
		switch c := q[0]; {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			q = q[1:]
		case c == '\'':
			value, rest, ok := unquote(q[1:])
			if !ok {
				return nil, errQuery
			}
			out, q = append(out, lexeme{value, true}), rest
		case c == '(' || c == ')' || c == '=':
			out, q = append(out, lexeme{text: q[:1]}), q[1:]
		case c == '!' || c == '<' || c == '>':
			n := 1
			if len(q) > 1 && q[1] == '=' {
				n = 2
			}
			out, q = append(out, lexeme{text: q[:n]}), q[n:]
		default:
			n := strings.IndexFunc(q, func(r rune) bool { return r > unicode.MaxASCII || !isWord(r) })
			if n < 0 {
				n = len(q)
			}
			if n == 0 {
				return nil, errQuery
			}
			out, q = append(out, lexeme{text: q[:n]}), q[n:]
		}
	}
	return out, nil
}

// unquote reads up to the quote that ends a string, in which a backslash stands
// before a quote or a backslash.
func unquote(q string) (value, rest string, ok bool) {
	var b strings.Builder
	for i := 0; i < len(q); i++ {
		switch q[i] {
		case '\'':
			return b.String(), q[i+1:], true
		case '\\':
			i++
			if i == len(q) || q[i] != '\'' && q[i] != '\\' {
				return "", "", false
			}
		}
		b.WriteByte(q[i])
	}
	return "", "", false
}

type parser struct {
	tokens []lexeme
	depth  int
}

func (p *parser) next() lexeme {
	if len(p.tokens) == 0 {
		return lexeme{}
	}
	t := p.tokens[0]
	p.tokens = p.tokens[1:]
	return t
}

func (p *parser) word() string {
	if len(p.tokens) == 0 || p.tokens[0].quoted {
		return ""
	}
	return p.tokens[0].text
}

func (p *parser) expression() (expr, error) {
	e, err := p.term()
	for err == nil && (p.word() == "and" || p.word() == "or") {
		op := p.next().text
		var right expr
		if right, err = p.term(); op == "and" {
			e = both{e, right}
		} else {
			e = either{e, right}
		}
	}
	return e, err
}

func (p *parser) term() (expr, error) {
	if p.depth++; p.depth > maxDepth {
		return nil, errQuery
	}
	defer func() { p.depth-- }()
	switch p.word() {
	case "not":
		p.next()
		e, err := p.term()
		return not{e}, err
	case "(":
		p.next()
		e, err := p.expression()
		if err == nil && p.word() != ")" {
			err = errQuery
		}
		p.next()
		return e, err
	}
	return p.comparison()
}

func (p *parser) comparison() (expr, error) {
	left, op, right := p.next(), p.next(), p.next()
	if op.quoted {
		return nil, errQuery
	}
	if left.quoted {
		if op.text == "in" && !right.quoted && right.text == "parents" {
			return within{left.text}, nil
		}
		return nil, errQuery
	}
	switch left.text {
	case "name":
		return textTerm(op, right, func(f *file) string { return f.name })
	case "mimeType":
		return textTerm(op, right, func(f *file) string { return f.mime })
	case "trashed", "starred":
		if right.quoted || right.text != "true" && right.text != "false" || op.text != "=" && op.text != "!=" {
			return nil, errQuery
		}
		is := (right.text == "true") == (op.text == "=")
		if left.text == "starred" {
			return constant(!is), nil // nothing is
		}
		return trashed{is}, nil
	case "modifiedTime":
		return timeTerm(op, right, func(f *file) time.Time { return f.modified })
	case "createdTime":
		return timeTerm(op, right, func(f *file) time.Time { return f.created })
	}
	return nil, errQuery
}

func textTerm(op, right lexeme, of func(*file) string) (expr, error) {
	switch op.text {
	case "=", "!=", "contains":
		if right.quoted {
			return text{op.text, right.text, of}, nil
		}
	}
	return nil, errQuery
}

func timeTerm(op, right lexeme, of func(*file) time.Time) (expr, error) {
	when, err := time.Parse(time.RFC3339, right.text)
	if err != nil { // UTC is meant if no zone is said
		when, err = time.Parse("2006-01-02T15:04:05", right.text)
	}
	if err != nil || !right.quoted {
		return nil, errQuery
	}
	switch op.text {
	case "=", "!=", "<", "<=", ">", ">=":
		return moment{op.text, when, of}, nil
	}
	return nil, errQuery
}
