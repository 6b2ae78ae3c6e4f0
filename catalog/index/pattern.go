package index

import (
	"errors"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"sync"
	"unicode"

	"github.com/pressmark/pressmark/catalog"
)

// maxProgram is how many instructions a pattern may compile to: each character
// of a text can cost as many steps.
const maxProgram = 2000

// pattern is a regular expression as catalog.Pattern has it: case does not
// count, and \w, \d, \s and \b know Unicode, where package regexp keeps them to
// ASCII. It takes time in proportion to the text. Safe for concurrent use.
type pattern struct {
	// quick answers for texts that have no character of special in them. It
	// does not have to fold cases, which takes most of the time.
	quick   *regexp.Regexp
	special []string
	// plain is all there is to an expression without \w, \d, \s and \b, and
	// answers for texts in ASCII of those that have them.
	plain *regexp.Regexp
	// wide answers for other texts; nil where plain does.
	wide *machine
	// literals are bare texts of which the bare form of any text that matches
	// contains one of each list.
	literals [][]string
}

// newPattern returns an InvalidError if expr is not a pattern.
func newPattern(expr string) (*pattern, error) {
	p, err := compilePattern(expr)
	if err != nil {
		reason := err.Error()
		var syn *syntax.Error
		if errors.As(err, &syn) {
			reason = syn.Code.String()
			if syn.Expr != "" && syn.Expr != expr {
				reason += " (" + syn.Expr + ")"
			}
		}
		return nil, catalog.Invalid("q", expr, "not a regular expression in the syntax of RE2: "+reason+":")
	}
	return p, nil
}

func compilePattern(expr string) (*pattern, error) {
	src, err := readPattern(expr)
	if err != nil {
		return nil, err
	}
	tree, err := parsePattern(src.marked)
	if err != nil {
		return nil, err
	}
	edges := src.widen(tree)
	if programSize(tree) > maxProgram {
		return nil, errors.New("too large")
	}
	p := &pattern{literals: newLiterals().required(tree)}
	if edges || len(src.classes) > 0 {
		prog, err := syntax.Compile(tree.Simplify())
		if err != nil {
			return nil, err
		}
		p.wide = &machine{prog: prog, pool: sync.Pool{New: func() any { return newThreads(len(prog.Inst)) }}}
		if tree, err = parsePattern(src.plain); err != nil {
			return nil, err
		}
		src.widen(tree)
	}
	if p.plain, err = regexp.Compile(tree.String()); err != nil {
		return nil, err
	}
	p.special = unfold(tree, nil)
	p.quick, err = regexp.Compile(tree.String())
	return p, err
}

// unfold makes an expression one of lower case, and returns the characters in
// lower case that it does not match any more: those that are another one's in
// upper case alone, as ſ and s are.
func unfold(re *syntax.Regexp, special []string) []string {
	for _, sub := range re.Sub {
		special = unfold(sub, special)
	}
	if re.Op != syntax.OpLiteral || re.Flags&syntax.FoldCase == 0 {
		return special
	}
	re.Flags &^= syntax.FoldCase
	for i, r := range re.Rune {
		low := unicode.ToLower(r)
		re.Rune[i] = low
		for c := unicode.SimpleFold(low); c != low; c = unicode.SimpleFold(c) {
			if s := string(c); unicode.ToLower(c) == c && !slices.Contains(special, s) {
				special = append(special, s)
			}
		}
	}
	return special
}

func parsePattern(expr string) (*syntax.Regexp, error) {
	return syntax.Parse(expr, syntax.Perl|syntax.FoldCase)
}

// match tells whether the pattern is found in a text in lower case.
func (p *pattern) match(text string) bool {
	if p.wide != nil && !isASCII(text) {
		return p.wide.match(text)
	}
	for _, s := range p.special {
		if strings.Contains(text, s) {
			return p.plain.MatchString(text)
		}
	}
	return p.quick.MatchString(text)
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// programSize returns about how many instructions an expression compiles to.
// It is counted before it is compiled: repetitions of repetitions are short to
// write and take for ever to compile.
func programSize(re *syntax.Regexp) int {
	n := 1
	for _, sub := range re.Sub {
		n += programSize(sub)
	}
	switch re.Op {
	case syntax.OpLiteral:
		n = len(re.Rune)
	case syntax.OpRepeat:
		n *= max(re.Min, re.Max, 1) // Max is -1 for no end
	}
	return min(n, maxProgram+1)
}
