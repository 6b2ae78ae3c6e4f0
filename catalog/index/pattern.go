package index

import (
	"errors"
	"regexp/syntax"
	"sync"
	"sync/atomic"

	"github.com/pressmark/pressmark/catalog"
)

// maxProgram is how many instructions a pattern may compile to: each character
// of a text can cost as many steps.
const maxProgram = 2000

// What one pattern may spend on all texts together, in bytes of text that a dfa
// reads, which takes some nanoseconds; machineSteps as much is a byte that the
// machine reads, for each instruction.
const (
	maxSteps     = 512 << 20
	machineSteps = 16
)

// pattern is a regular expression as catalog.Pattern has it: case does not
// count, and \w, \d, \s and \b know Unicode, where package regexp keeps them to
// ASCII. It takes time in proportion to the text. Safe for concurrent use. Of
// what Calibre's expressions find, it does not find one letter that is two in the
// other case: ss is not ß.
type pattern struct {
	machine *machine
	size    int // about how many instructions it has
	abc     func() *alphabet
	dfas    sync.Pool // of *dfa
	// costly is set when a dfa is not worth making.
	costly atomic.Bool
	spent  atomic.Int64
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
	tree, err := parsePattern(src.text)
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
	p := &pattern{machine: newMachine(prog, edges), size: size, literals: newLiterals().required(tree)}
	p.abc = sync.OnceValue(func() *alphabet { return newAlphabet(p.machine) })
	return p, nil
}

func parsePattern(expr string) (*syntax.Regexp, error) {
	return syntax.Parse(expr, syntax.Perl|syntax.FoldCase)
}

// match tells whether the pattern is found in a text. It never is when too much
// was spent on texts before.
func (p *pattern) match(f *folder, text string) bool {
	if p.exhausted() {
		return false
	}
	if d := p.dfa(); d != nil {
		p.spent.Add(int64(len(text)))
		got := d.match(text)
		if d.worthwhile() {
			p.dfas.Put(d)
		} else {
			p.costly.Store(true)
		}
		if got != undecided {
			return got == matched
		}
	}
	p.spent.Add(machineSteps * int64(len(text)) * int64(p.size))
	return p.machine.match(f.lower(text))
}

// dfa returns a dfa that nobody else uses, nil if it is not worth it.
func (p *pattern) dfa() *dfa {
	if p.costly.Load() {
		return nil
	}
	if d, ok := p.dfas.Get().(*dfa); ok {
		return d
	}
	abc := p.abc()
	if len(abc.sample) > maxClasses {
		p.costly.Store(true)
		return nil
	}
	return newDFA(p.machine, abc)
}

// exhausted tells whether so much was spent that no text is looked at any more.
func (p *pattern) exhausted() bool { return p.spent.Load() > maxSteps }

// tooMuchText is the error when a pattern is exhausted.
func tooMuchText() error {
	return catalog.Invalid("q", "", "a regular expression that is found so slowly in so much text needs a word of three letters or more "+
		"that must be there, a rarer one than it has, or other conditions that leave fewer books")
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
