package search

import (
	"strings"
	"unicode"
)

// Node is an expression as it is written: one of And, Or, Not and Term. What
// the names in it mean is left to a Language.
type Node interface {
	// String returns text that Parse makes the same tree of, positions apart,
	// if it knows the same locations.
	String() string
	node()
}

type (
	// And is what all of its members are asked of. It has at least two, and
	// none of them is an And.
	And []Node
	// Or is what one of its members is asked of at least. It has at least two,
	// and none of them is an Or.
	Or []Node
	// Not is the opposite of X.
	Not struct{ X Node }
	// Term is a value to look for.
	Term struct {
		// Field is the location before the colon in lower case, empty where
		// there is none or it is "all".
		Field string
		// Value is the text after the colon, without quotes and escapes.
		Value string
		// Pos and ValuePos are where the term and its value begin, in
		// characters (code points) from 0.
		Pos, ValuePos int
	}
)

func (And) node()  {}
func (Or) node()   {}
func (Not) node()  {}
func (Term) node() {}

// String implements Node.
func (n And) String() string { return join(n, " and ") }

// String implements Node.
func (n Or) String() string { return join(n, " or ") }

// String implements Node.
func (n Not) String() string { return "not " + operand(n.X) }

// String implements Node.
func (n Term) String() string {
	switch {
	case strings.HasPrefix(n.Field, "@"):
		return writtenName(n.Field) + ":" + unquoted(n.Value)
	case n.Field != "":
		if isPlain(n.Value) {
			return writtenName(n.Field) + ":" + n.Value
		}
		return writtenName(n.Field) + ":" + quoted(n.Value)
	case isKeyword(n.Value):
		return "all:" + quoted(n.Value)
	case isPlain(n.Value):
		return n.Value
	}
	return quoted(n.Value)
}

// join always writes the operator: what follows one is never an operator, so
// that no word can be taken for one.
func join(list []Node, operator string) string {
	var b strings.Builder
	for i, n := range list {
		if i > 0 {
			b.WriteString(operator)
		}
		b.WriteString(operand(n))
	}
	return b.String()
}

// operand puts what binds less tightly than "not" in parentheses. An And in an
// Or needs none, but is easier to read with them.
func operand(n Node) string {
	switch n.(type) {
	case And, Or:
		return "(" + n.String() + ")"
	}
	return n.String()
}

// isKeyword reports whether text is an operator where one may stand.
func isKeyword(text string) bool {
	switch lower(text) {
	case "and", "or", "not":
		return true
	}
	return false
}

// isPlain reports whether text stands for itself without quotes.
func isPlain(text string) bool {
	for _, r := range text {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("-_.=<>~^*+/'&!?;,", r) {
			return false
		}
	}
	return text != ""
}

// quoted writes text in quotes. No three quotes ever stand side by side: they
// would begin raw text.
func quoted(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text) + `"`
}

// unquoted writes text so that it is part of a word: user categories cannot be
// followed by quotes. White space is written raw, and where there is any, so
// that no quote stands before it that would belong to the raw text, quotes are
// written as the control character that stands for them.
func unquoted(text string) string {
	quote := `\"`
	if strings.ContainsFunc(text, isSpace) {
		quote = "\x02"
	}
	var b strings.Builder
	for _, r := range text {
		switch {
		case r == '"':
			b.WriteString(quote)
		case r == '\\', r == '(', r == ')':
			b.WriteByte('\\')
			b.WriteRune(r)
		case isSpace(r):
			b.WriteString(`"""`)
			b.WriteRune(r)
			b.WriteString(`"""`)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// writtenName writes the name before a colon. That of a user category may have
// anything in it but a colon.
func writtenName(name string) string {
	if strings.HasPrefix(name, "@") {
		return strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(name)
	}
	return unquoted(name)
}
