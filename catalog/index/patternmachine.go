package index

import (
	"regexp/syntax"
	"sync"
	"unicode/utf8"
)

// machine runs the program of a pattern over a text in lower case, all ways at
// once (Thompson and Pike), in which \b and \B know the letters of all scripts.
type machine struct {
	prog     *syntax.Prog
	anchored bool      // it matches at the beginning of the text alone
	lines    bool      // it asks for the beginnings or ends of lines
	edges    bool      // there is \b or \B in it
	pool     sync.Pool // of *threads
}

func newMachine(prog *syntax.Prog, edges bool) *machine {
	m := &machine{prog: prog, anchored: prog.StartCond()&syntax.EmptyBeginText != 0, edges: edges}
	for i := range prog.Inst {
		if inst := &prog.Inst[i]; inst.Op == syntax.InstEmptyWidth && syntax.EmptyOp(inst.Arg)&(syntax.EmptyBeginLine|syntax.EmptyEndLine) != 0 {
			m.lines = true
		}
	}
	m.pool.New = func() any { return newThreads(len(prog.Inst)) }
	return m
}

// threads are the instructions that a text may stand at: now, and after the
// next character. Each is there once, so that a character costs at most one
// step per instruction.
type threads struct {
	now, next pcSet
	stack     []uint32
}

// pcSet is a sparse set of instructions.
type pcSet struct {
	sparse, dense []uint32
}

func newThreads(n int) *threads {
	return &threads{
		now:  pcSet{make([]uint32, n), make([]uint32, 0, n)},
		next: pcSet{make([]uint32, n), make([]uint32, 0, n)},
	}
}

func (s *pcSet) add(pc uint32) bool {
	if i := s.sparse[pc]; int(i) < len(s.dense) && s.dense[i] == pc {
		return false
	}
	s.sparse[pc] = uint32(len(s.dense))
	s.dense = append(s.dense, pc)
	return true
}

func (m *machine) match(text string) bool {
	t := m.pool.Get().(*threads)
	defer m.pool.Put(t)
	t.now.dense = t.now.dense[:0]
	const none = -1
	before := rune(none)
	r, width := runeAt(text)
	around := m.between(before, r)
	for at := 0; ; {
		if before == none || !m.anchored {
			if t.follow(m.prog, &t.now, uint32(m.prog.Start), around) {
				return true
			}
		}
		if r == none || len(t.now.dense) == 0 && m.anchored {
			return false
		}
		at += width
		after, w := runeAt(text[at:])
		around = m.between(r, after)
		t.next.dense = t.next.dense[:0]
		for _, pc := range t.now.dense {
			i := &m.prog.Inst[pc]
			if takes(i, r) && t.follow(m.prog, &t.next, i.Out, around) {
				return true
			}
		}
		t.now, t.next = t.next, t.now
		before, r, width = r, after, w
	}
}

// runeAt returns the first character of s, -1 at its end.
func runeAt(s string) (rune, int) {
	if s == "" {
		return -1, 0
	}
	return utf8.DecodeRuneInString(s)
}

// takes tells whether an instruction goes on with a character.
func takes(i *syntax.Inst, r rune) bool {
	switch i.Op {
	case syntax.InstRuneAny:
		return true
	case syntax.InstRuneAnyNotNL:
		return r != '\n'
	case syntax.InstRune, syntax.InstRune1:
		return i.MatchRune(r)
	}
	return false
}

// follow adds all instructions to set that are reached from pc without a
// character, and says whether the end is one of them.
func (t *threads) follow(prog *syntax.Prog, set *pcSet, pc uint32, around syntax.EmptyOp) bool {
	t.stack = append(t.stack[:0], pc)
	for len(t.stack) > 0 {
		pc := t.stack[len(t.stack)-1]
		t.stack = t.stack[:len(t.stack)-1]
		if !set.add(pc) {
			continue
		}
		switch i := &prog.Inst[pc]; i.Op {
		case syntax.InstAlt, syntax.InstAltMatch:
			t.stack = append(t.stack, i.Arg, i.Out)
		case syntax.InstCapture, syntax.InstNop:
			t.stack = append(t.stack, i.Out)
		case syntax.InstEmptyWidth:
			if syntax.EmptyOp(i.Arg)&^around == 0 {
				t.stack = append(t.stack, i.Out)
			}
		case syntax.InstMatch:
			return true
		}
	}
	return false
}

// between returns what holds between two characters, of which -1 is none, as
// far as the program asks.
func (m *machine) between(before, after rune) syntax.EmptyOp {
	if !m.edges {
		return between(before, after)
	}
	return between(before, after) | edgeBetween(before, after)
}

// standIn returns a character that may stand for r before others: as far as the
// program asks, the same holds between it and what follows.
func (m *machine) standIn(r rune) rune {
	switch {
	case m.lines && r == '\n':
		return '\n'
	case m.edges && isWord(r):
		return 'a'
	}
	return ' '
}

// between returns what holds between two characters, but for the edges of words.
func between(before, after rune) syntax.EmptyOp {
	var op syntax.EmptyOp
	if before < 0 {
		op |= syntax.EmptyBeginText
	}
	if before < 0 || before == '\n' {
		op |= syntax.EmptyBeginLine
	}
	if after < 0 {
		op |= syntax.EmptyEndText
	}
	if after < 0 || after == '\n' {
		op |= syntax.EmptyEndLine
	}
	return op
}

// edgeBetween tells whether a word begins or ends between two characters.
func edgeBetween(before, after rune) syntax.EmptyOp {
	if (before >= 0 && isWord(before)) != (after >= 0 && isWord(after)) {
		return syntax.EmptyWordBoundary
	}
	return syntax.EmptyNoWordBoundary
}
