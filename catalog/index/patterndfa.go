package index

import (
	"encoding/binary"
	"slices"
	"unicode/utf8"
)

const (
	// maxStates and maxEntries bound the states of a dfa, each of which takes some
	// microseconds to make, and the entries in their rows.
	maxStates  = 4096
	maxEntries = 1 << 20
	// minUse is how many bytes of text each state has to be good for, for it to
	// be worth making them.
	minUse = 16
)

// dfa runs the program of a pattern with one look-up in a table for each
// character. A state is where the machine may stand in the program: it is made
// when a text first leads to it, as RE2 does it, because most never are. Not
// safe for concurrent use.
type dfa struct {
	machine *machine
	abc     *alphabet
	threads *threads

	// next has a row for each state, of one entry for each class: where the row
	// of the next state begins, or one of the verdicts. The first row is none.
	next   []int32
	states []dfaState
	byKey  map[string]int32
	used   int // bytes of text since there were no states
	key    []byte
}

// dfaState is what a text may be in the middle of.
type dfaState struct {
	pcs    []uint32 // instructions to follow, ascending
	before rune     // stands for the character before
}

// verdict is an entry of dfa.next that is no state.
type verdict = int32

const (
	unknown verdict = -iota // nobody has got there yet
	matched
	failed
	undecided // the machine has to decide
)

func newDFA(m *machine, abc *alphabet) *dfa {
	d := &dfa{machine: m, abc: abc, threads: newThreads(len(m.prog.Inst))}
	d.reset()
	return d
}

func (d *dfa) reset() {
	d.next = append(d.next[:0], make([]int32, len(d.abc.sample))...)
	d.states = append(d.states[:0], dfaState{})
	d.byKey = map[string]int32{}
	d.used = 0
	d.state([]uint32{uint32(d.machine.prog.Start)}, -1)
}

// state returns where the row of a state begins. It takes pcs over only if the
// state is new.
func (d *dfa) state(pcs []uint32, before rune) int32 {
	d.key = binary.LittleEndian.AppendUint32(d.key[:0], uint32(before))
	for _, pc := range pcs {
		d.key = binary.LittleEndian.AppendUint32(d.key, pc)
	}
	if at, ok := d.byKey[string(d.key)]; ok {
		return at
	}
	at := int32(len(d.next))
	d.byKey[string(d.key)] = at
	d.states = append(d.states, dfaState{slices.Clone(pcs), before})
	d.next = append(d.next, make([]int32, len(d.abc.sample))...)
	d.next[at+int32(contextual)] = undecided
	return at
}

// match tells whether the pattern is found in a text, or that it is undecided.
func (d *dfa) match(text string) verdict {
	d.used += len(text)
	at := int32(len(d.abc.sample)) // the first state is where every text begins
	next, near := d.next, &d.abc.near
	for i := 0; i < len(text); {
		c, n := near[text[i]], 1
		if text[i] >= utf8.RuneSelf {
			c, n = d.abc.first(text[i:])
		}
		i += n
		to := next[at+int32(c)]
		if to <= 0 {
			if to == unknown {
				to = d.step(at, c)
				next = d.next
			}
			if c == contextual && text[i-n:i] == "İ" {
				to = d.dotted(at)
				next = d.next
			}
			if to < 0 {
				return to
			}
		}
		at = to
	}
	if to := next[at+int32(endOfText)]; to != unknown {
		return to
	}
	return d.step(at, endOfText)
}

// dotted returns where İ leads to from a state: it is two characters in lower
// case, wherever it stands.
func (d *dfa) dotted(at int32) int32 {
	for _, r := range [...]rune{'i', 0x307} {
		c := d.abc.find(r)
		to := d.next[at+int32(c)]
		if to == unknown {
			to = d.step(at, c)
		}
		if to < 0 {
			return to
		}
		at = to
	}
	return at
}

// full tells whether there is no room for more states.
func (d *dfa) full() bool { return len(d.states) >= maxStates || len(d.next) >= maxEntries }

// step finds out where a class of characters leads to from a state.
func (d *dfa) step(from int32, c class) int32 {
	if d.full() {
		return undecided
	}
	to := d.follow(d.states[from/int32(len(d.abc.sample))], c)
	d.next[from+int32(c)] = to
	return to
}

func (d *dfa) follow(s dfaState, c class) int32 {
	m, t := d.machine, d.threads
	r := d.abc.sample[c]
	around := m.between(s.before, r)
	t.now.dense = t.now.dense[:0]
	for _, pc := range s.pcs {
		if t.follow(m.prog, &t.now, pc, around) {
			return matched
		}
	}
	if c == endOfText {
		return failed
	}
	t.next.dense = t.next.dense[:0]
	if !m.anchored {
		t.next.add(uint32(m.prog.Start))
	}
	for _, pc := range t.now.dense {
		if i := &m.prog.Inst[pc]; takes(i, r) {
			t.next.add(i.Out)
		}
	}
	if len(t.next.dense) == 0 {
		return failed
	}
	slices.Sort(t.next.dense)
	return d.state(t.next.dense, m.standIn(r))
}

// worthwhile says whether there is still use in the states, and makes room if
// there are too many of them.
func (d *dfa) worthwhile() bool {
	if !d.full() {
		return true
	}
	if d.used < minUse*len(d.states) {
		return false
	}
	d.reset()
	return true
}
