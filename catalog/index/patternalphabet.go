package index

import (
	"encoding/binary"
	"regexp/syntax"
	"slices"
	"unicode"
	"unicode/utf8"
)

// maxClasses is how many classes a dfa can have: its rows have one entry for each.
const maxClasses = 1024

// near is how many characters have their class in a table: those of two bytes
// in UTF-8 or less.
const near = 0x800

// class is a set of characters that a program does not tell apart.
type class uint16

// alphabet divides all characters into classes. A character counts as what it
// is in lower case.
type alphabet struct {
	near    [near]class
	begins  []rune  // where ranges of one class begin, ascending, the first at 0
	classes []class // of each range
	sample  []rune  // by class: one of its characters, -1 for those that are none
}

// The first classes are none of the program's.
const (
	endOfText class = iota
	// contextual are characters whose lower case depends on what follows, or is
	// two characters.
	contextual
	firstClass
)

// newAlphabet returns the classes of the characters that m's program takes.
func newAlphabet(m *machine) *alphabet {
	a := &alphabet{sample: []rune{-1, -1}}
	insts := takers(m.prog)
	a.begins = cuts(m, insts)
	known := map[string]class{}
	key := make([]byte, (len(insts)+2+7)/8)
	for _, r := range a.begins {
		clear(key)
		for i, inst := range insts {
			if takes(inst, r) {
				key[i/8] |= 1 << (i % 8)
			}
		}
		if m.lines && r == '\n' {
			key[len(insts)/8] |= 1 << (len(insts) % 8)
		}
		if m.edges && isWord(r) {
			key[(len(insts)+1)/8] |= 1 << ((len(insts) + 1) % 8)
		}
		c, ok := known[string(key)]
		if !ok {
			c = class(len(a.sample))
			known[string(key)] = c
			a.sample = append(a.sample, r)
		}
		a.classes = append(a.classes, c)
	}
	for r := range rune(near) {
		a.near[r] = a.find(r)
	}
	return a
}

// takers returns the instructions that take a character, one of those that take
// the same.
func takers(prog *syntax.Prog) []*syntax.Inst {
	var list []*syntax.Inst
	known := map[string]bool{}
	for i := range prog.Inst {
		inst := &prog.Inst[i]
		if !takesAny(inst) {
			continue
		}
		key := []byte{byte(inst.Op), byte(inst.Arg)}
		for _, r := range inst.Rune {
			key = binary.LittleEndian.AppendUint32(key, uint32(r))
		}
		if !known[string(key)] {
			known[string(key)] = true
			list = append(list, inst)
		}
	}
	return list
}

func takesAny(i *syntax.Inst) bool {
	switch i.Op {
	case syntax.InstRune, syntax.InstRune1, syntax.InstRuneAny, syntax.InstRuneAnyNotNL:
		return true
	}
	return false
}

// cuts returns where ranges of characters begin that the instructions do not
// tell apart.
func cuts(m *machine, insts []*syntax.Inst) []rune {
	list := []rune{0, '\n', '\n' + 1}
	add := func(ranges []rune) {
		for i := 0; i < len(ranges); i += 2 {
			list = append(list, ranges[i], ranges[i+1]+1)
		}
	}
	for _, inst := range insts {
		if len(inst.Rune) == 1 {
			add(appendFolds(nil, inst.Rune[0]))
		} else {
			add(inst.Rune)
		}
	}
	if m.edges {
		add(shorthand('w'))
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// find returns the class of a character.
func (a *alphabet) find(r rune) class {
	switch {
	case r == 'İ':
		return contextual
	case r == 'Σ' && a.find('σ') != a.find('ς'):
		return contextual
	}
	i, found := slices.BinarySearch(a.begins, unicode.ToLower(r))
	if !found {
		i--
	}
	return a.classes[i]
}

// first returns the class of the first character of s, which is not empty, and
// its length.
func (a *alphabet) first(s string) (class, int) {
	r, n := utf8.DecodeRuneInString(s)
	if r < near {
		return a.near[r], n
	}
	return a.find(r), n
}
