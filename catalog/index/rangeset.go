package index

import (
	"slices"
	"sort"

	"github.com/RoaringBitmap/roaring/v2"
)

// maxMarks bounds the marks of an order, minMark how close they stand. Together
// they take at most 4 bytes a book.
const (
	maxMarks = 32
	minMark  = 1024
)

// mark makes the marks of an order: the sets of the books before every n-th
// one, as bits by slot. With them the set of a range of values takes a few
// thousand steps, however many books are in it. They are made when a range is
// asked for first.
func (o *order) mark() [][]uint64 {
	var marks [][]uint64
	words := make([]uint64, (len(o.rank)+63)/64)
	step := o.markStep()
	for i, slot := range o.perm[:o.present] {
		if i%step == 0 {
			marks = append(marks, slices.Clone(words))
		}
		words[slot/64] |= 1 << (slot % 64)
	}
	return append(marks, words)
}

func (o *order) markStep() int { return max(minMark, o.present/maxMarks) }

// before returns the set of the first n books of the order, made from the mark
// that is nearest.
func (o *order) before(n int) []uint64 {
	marks, step := o.marks(), o.markStep()
	m := min((n+step/2)/step, len(marks)-1)
	at := m * step
	if m == len(marks)-1 {
		at = o.present // the last mark is the set of all
	}
	words := slices.Clone(marks[m])
	for _, slot := range o.perm[min(at, n):n] {
		words[slot/64] |= 1 << (slot % 64)
	}
	for _, slot := range o.perm[n:max(at, n)] {
		words[slot/64] &^= 1 << (slot % 64)
	}
	return words
}

// set returns the books with values from the first for which begun is true up
// to the first for which over is true.
func (o *order) set(begun, over func(slot uint32) bool) *roaring.Bitmap {
	present := o.perm[:o.present]
	from := sort.Search(len(present), func(i int) bool { return begun(present[i]) })
	to := from + sort.Search(len(present)-from, func(i int) bool { return over(present[from+i]) })
	var words []uint64
	if to-from < minMark {
		words = make([]uint64, (len(o.rank)+63)/64)
		for _, slot := range present[from:to] {
			words[slot/64] |= 1 << (slot % 64)
		}
		return roaring.FromDense(words, false)
	}
	words = o.before(to)
	if from > 0 {
		for i, w := range o.before(from) {
			words[i] &^= w
		}
	}
	return roaring.FromDense(words, false)
}
