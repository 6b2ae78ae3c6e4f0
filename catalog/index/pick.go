package index

import (
	"cmp"
	"slices"
	"sort"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/pressmark/pressmark/catalog"
)

// cut returns, in order, at most n slots of the set that come after a
// position.
func (ix *Index) cut(set *roaring.Bitmap, size int, keys []sortKey, after *position, n int) []uint32 {
	if size == 0 {
		return nil
	}
	// Walking meets a member every total/size steps; gathering looks at each
	// member once, which costs about a third of a step. Members may lie close
	// together, far from where the walk begins: so it is bounded.
	total := len(ix.byID.perm)
	if steps := n * (total / size); 3*steps < size || size == total {
		w := walk{ix: ix, set: set, all: size == total, n: n, out: make([]uint32, 0, n), steps: 4*steps + size/2 + 1024}
		w.through(keys, after)
		if w.steps >= 0 {
			return w.out
		}
	}
	return ix.gather(set, keys, after, n)
}

// walk goes through the order of the first sort key from a position on. Where
// many books are equal in it, it goes through the order of the next key for
// those, and so on; a few it sorts.
type walk struct {
	ix    *Index
	set   *roaring.Bitmap
	all   bool // set holds every book
	n     int
	out   []uint32
	steps int // negative: given up

	// What a slot's ranks must be for it to be in the group that an outer
	// key has reached.
	group [maxSortKeys]struct {
		rank []uint32
		is   uint32
	}
	depth int
}

// fewEqual is how many books that are equal in a key are sorted.
const fewEqual = 64

// take appends the slot if it is a member, and reports whether to go on.
func (w *walk) take(slot uint32) bool {
	if w.member(slot) {
		w.out = append(w.out, slot)
	}
	return w.steps >= 0 && len(w.out) < w.n
}

func (w *walk) member(slot uint32) bool {
	w.steps--
	for _, g := range w.group[:w.depth] {
		if g.rank[slot] != g.is {
			return false
		}
	}
	return w.all || w.set.Contains(slot)
}

// through walks and reports whether more is wanted after it.
func (w *walk) through(keys []sortKey, after *position) bool {
	o := keys[0].order
	if keys[0].desc {
		end := o.present
		if after != nil && after.places[0] == missingPlace {
			end = 0
		} else if after != nil {
			end = sort.Search(o.present, func(i int) bool { return placeOf(o.rank[o.perm[i]]) > after.places[0] })
		}
		for end > 0 {
			begin := o.groupBegin(end)
			if !w.equal(keys, o.perm[begin:end], after) {
				return false
			}
			end = begin
		}
		return w.equal(keys, o.perm[o.present:], after)
	}
	begin := 0
	if after != nil {
		begin = sort.Search(len(o.perm), func(i int) bool { return placeOf(o.rank[o.perm[i]]) >= after.places[0] })
	}
	for begin < len(o.perm) {
		end := o.groupEnd(begin)
		if !w.equal(keys, o.perm[begin:end], after) {
			return false
		}
		begin = end
	}
	return true
}

// equal goes through books that are equal in the first key, listed by id.
func (w *walk) equal(keys []sortKey, books []uint32, after *position) bool {
	if len(books) == 0 {
		return true
	}
	first := keys[0].order.rank
	if after != nil && placeOf(first[books[0]]) != after.places[0] {
		after = nil // these all come after it
	}
	switch {
	case len(keys) == 1:
		if after != nil {
			ids := w.ix.ids
			books = books[sort.Search(len(books), func(i int) bool { return ids[books[i]] > after.id }):]
		}
		for _, slot := range books {
			if !w.take(slot) {
				return false
			}
		}
		return true
	case len(books) == 1:
		if after != nil && !w.ix.follows(books[0], keys, after) {
			return true
		}
		return w.take(books[0])
	case len(books) <= fewEqual:
		var few [fewEqual]uint32
		members := few[:0]
		for _, slot := range books {
			if w.member(slot) && (after == nil || w.ix.follows(slot, keys, after)) {
				members = append(members, slot)
			}
		}
		slices.SortFunc(members, func(a, b uint32) int { return w.ix.compare(keys[1:], a, b) })
		w.out = append(w.out, members[:min(len(members), w.n-len(w.out))]...)
		return w.steps >= 0 && len(w.out) < w.n
	}
	if after != nil {
		after = &position{places: after.places[1:], id: after.id}
	}
	w.group[w.depth].rank, w.group[w.depth].is = first, first[books[0]]
	w.depth++
	more := w.through(keys[1:], after)
	w.depth--
	return more
}

// groupEnd returns where the books end that are equal to the one at begin.
func (o *order) groupEnd(begin int) int {
	r, jump := o.rank[o.perm[begin]], 1
	for begin+jump < len(o.perm) && o.rank[o.perm[begin+jump]] == r {
		jump *= 2
	}
	from := begin + jump/2
	return from + sort.Search(min(begin+jump, len(o.perm))-from, func(i int) bool { return o.rank[o.perm[from+i]] != r })
}

// groupBegin returns where the books begin that are equal to the one before
// end.
func (o *order) groupBegin(end int) int {
	r, jump := o.rank[o.perm[end-1]], 1
	for end-1-jump >= 0 && o.rank[o.perm[end-1-jump]] == r {
		jump *= 2
	}
	from := max(end-1-jump, -1) + 1
	return from + sort.Search(end-1-from, func(i int) bool { return o.rank[o.perm[from+i]] == r })
}

// candidate is a slot with the ranks of its first two keys, or of its first
// key and its id.
type candidate struct {
	key  uint64
	slot uint32
}

// gather looks at every member of the set and keeps the first n.
func (ix *Index) gather(set *roaring.Bitmap, keys []sortKey, after *position, n int) []uint32 {
	second := sortKey{column: ix.columns[catalog.FieldID]}
	if len(keys) > 1 {
		second = keys[1]
	}
	compare := func(a, b candidate) int {
		if a.key != b.key || len(keys) == 1 {
			return cmp.Compare(a.key, b.key)
		}
		return ix.compare(keys[min(2, len(keys)):], a.slot, b.slot)
	}
	top := make([]candidate, 0, n) // a heap with the one that sorts last on top
	it := set.ManyIterator()
	var buf [256]uint32
	for m := it.NextMany(buf[:]); m > 0; m = it.NextMany(buf[:]) {
		for _, slot := range buf[:m] {
			c := candidate{uint64(keys[0].directed(slot))<<32 | uint64(second.directed(slot)), slot}
			if len(top) == n && compare(c, top[0]) >= 0 || after != nil && !ix.follows(slot, keys, after) {
				continue
			}
			if len(top) < n {
				top = append(top, c)
				siftUp(top, compare)
			} else {
				top[0] = c
				siftDown(top, compare)
			}
		}
	}
	slices.SortFunc(top, compare)
	slots := make([]uint32, len(top))
	for i, c := range top {
		slots[i] = c.slot
	}
	return slots
}

// directed returns the rank of a slot in the direction of the key.
func (k *sortKey) directed(slot uint32) uint32 {
	r := k.order.rank[slot]
	if k.desc && r != missingRank {
		return missingRank - 1 - r
	}
	return r
}

// siftUp restores a heap after its last element was added.
func siftUp(h []candidate, compare func(a, b candidate) int) {
	for i := len(h) - 1; i > 0; {
		parent := (i - 1) / 2
		if compare(h[parent], h[i]) >= 0 {
			return
		}
		h[parent], h[i] = h[i], h[parent]
		i = parent
	}
}

// siftDown restores a heap after its first element was replaced.
func siftDown(h []candidate, compare func(a, b candidate) int) {
	for i := 0; ; {
		child := 2*i + 1
		if child >= len(h) {
			return
		}
		if child+1 < len(h) && compare(h[child+1], h[child]) > 0 {
			child++
		}
		if compare(h[i], h[child]) >= 0 {
			return
		}
		h[i], h[child] = h[child], h[i]
		i = child
	}
}
