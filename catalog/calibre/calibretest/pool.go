package calibretest

import (
	"math/rand/v2"
	"strings"
)

// term is a value that many books share, such as an author.
type term struct {
	id   int
	word         // name, and its ASCII spelling
	next float64 // the next number in a series
}

// pool draws terms so that a share of the draws are new ones and the rest
// repeats earlier draws, the frequent ones more often: the long tail that
// authors, series and publishers have (H. A. Simon, 1955).
type pool struct {
	fresh  float64 // chance of a new term
	invent func() word
	used   *names
	draws  []*term
}

// draw returns a term, and whether it is new and has to be stored.
func (p *pool) draw(rng *rand.Rand) (t *term, isNew bool) {
	if len(p.draws) == 0 || rng.Float64() < p.fresh {
		t, isNew = &term{word: p.used.unique(p.invent), next: 1}, true
		t.id = p.used.count()
	} else {
		t = pick(rng, p.draws)
	}
	p.draws = append(p.draws, t)
	return t, isNew
}

// names are the values of one table, which Calibre keeps apart regardless of
// case. Several pools may share them.
type names struct{ ids map[string]int }

func newNames() *names { return &names{map[string]int{}} }

func (n *names) count() int { return len(n.ids) }

// id returns the row number of a name, and whether it is new.
func (n *names) id(name string) (id int, isNew bool) {
	key := strings.ToLower(name)
	if id, ok := n.ids[key]; ok {
		return id, false
	}
	id = len(n.ids) + 1
	n.ids[key] = id
	return id, true
}

// unique invents until the name is a new one. Short lists run out of names, so
// a second and further words are put behind those that are taken.
func (n *names) unique(invent func() word) word {
	w := invent()
	for {
		if _, isNew := n.id(w.text); isNew {
			return w
		}
		more := invent()
		w.text, w.ascii = w.text+" "+more.text, w.ascii+" "+more.ascii
	}
}
