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
// of a text can cost as many steps. maxLarge is how many large sets of characters
// package regexp is given: it takes milliseconds to compile each of them where
// case does not count.
const (
	maxProgram = 2000
	maxLarge   = 2
)

// pattern is a regular expression as catalog.Pattern has it: case does not
// count, and \w, \d, \s and \b know Unicode, where package regexp keeps them to
// ASCII. It takes time in proportion to the text. Safe for concurrent use. Of
// what Calibre's expressions find, it does not find one letter that is two in the
// other case: ss is not ß.
//
// There are quicker and slower ways to find it, made when they are needed.
type pattern struct {
	// machine answers for all texts.
	machine *machine
	// plain, which may be nil, answers for texts in ASCII, and for others where
	// there is no \w, \d, \s or \b.
	plain func() *regexp.Regexp
	ascii bool // plain is for ASCII alone
	// quick does what plain does for texts without the characters in special. It
	// does not have to fold cases, which takes most of the time.
	quick   func() *regexp.Regexp
	special []string
	// words, if there are any, answer for all texts without special characters.
	words []word
	// literals are bare texts of which the bare form of any text that matches
	// contains one of each list.
	literals [][]string
	// cost is about how many steps a character of text takes; 0 for words.
	cost int
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
	size := programSize(tree)
	if size > maxProgram {
		return nil, errors.New("too large")
	}
	prog, err := syntax.Compile(tree.Simplify())
	if err != nil {
		return nil, err
	}
	p := &pattern{
		machine:  &machine{prog: prog, edges: edges, pool: sync.Pool{New: func() any { return newThreads(len(prog.Inst)) }}},
		ascii:    edges || len(src.classes) > 0,
		literals: newLiterals().required(tree), cost: size,
	}
	simple, err := parsePattern(src.plain)
	if err != nil {
		return nil, err
	}
	src.widen(simple)
	if largeSets(tree) <= maxLarge {
		p.plain = compiled(simple)
		if simple, err = parsePattern(src.plain); err != nil {
			return nil, err
		}
		src.widen(simple)
		p.quick = compiled(simple)
	}
	p.special = unfold(simple, nil)
	if p.words = wordsOf(simple); p.words != nil {
		p.cost = 0
	}
	return p, nil
}

// compiled returns what compiles an expression when it is called first; nil if
// that is not possible after all.
func compiled(re *syntax.Regexp) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp {
		r, err := regexp.Compile(re.String())
		if err != nil {
			return nil
		}
		return r
	})
}

// largeSets counts the sets of very many characters in an expression.
func largeSets(re *syntax.Regexp) int {
	n := 0
	for _, sub := range re.Sub {
		n += largeSets(sub)
	}
	if re.Op == syntax.OpCharClass {
		members := 0
		for i := 0; i < len(re.Rune); i += 2 {
			members += int(re.Rune[i+1]-re.Rune[i]) + 1
		}
		if members > 1000 {
			n++
		}
	}
	return n
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
	special := slices.ContainsFunc(p.special, func(s string) bool { return strings.Contains(text, s) })
	if p.words != nil && !special {
		return slices.ContainsFunc(p.words, func(w word) bool { return w.in(text) })
	}
	find := p.quick
	if special {
		find = p.plain
	}
	if find != nil && (!p.ascii || isASCII(text)) {
		if re := find(); re != nil {
			return re.MatchString(text)
		}
	}
	return p.machine.match(text)
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
