package index

import (
	"slices"
	"sort"
	"sync"
	"sync/atomic"

	"github.com/RoaringBitmap/roaring/v2"
)

// maxSequences bounds the sequences that an index keeps. Each takes 8 bytes a
// book.
const maxSequences = 16

// sequence is the library as a list of sort keys orders it, descending ones
// included: what a page is cut out of.
type sequence struct {
	perm []uint32 // slots as they are listed
	pos  []uint32 // by slot: where it is in perm
}

// sequences are the sequences that queries asked for, made when they are asked
// for first. Looking one up takes no lock.
type sequences struct {
	made atomic.Pointer[map[string]*sequence]
	mu   sync.Mutex // held while one is made
	keys []string   // of made, oldest first
}

// sequence returns the sequence of the keys.
func (ix *Index) sequence(keys []sortKey) *sequence {
	spec := sortSpec(keys)
	if m := ix.seqs.made.Load(); m != nil {
		if s := (*m)[spec]; s != nil {
			return s
		}
	}
	ix.seqs.mu.Lock()
	defer ix.seqs.mu.Unlock()
	next := map[string]*sequence{}
	if m := ix.seqs.made.Load(); m != nil {
		if s := (*m)[spec]; s != nil { // made while this one waited
			return s
		}
		for k, s := range *m {
			next[k] = s
		}
	}
	s := ix.newSequence(keys)
	next[spec] = s
	if ix.seqs.keys = append(ix.seqs.keys, spec); len(ix.seqs.keys) > maxSequences {
		delete(next, ix.seqs.keys[0])
		ix.seqs.keys = ix.seqs.keys[1:]
	}
	ix.seqs.made.Store(&next)
	return s
}

func (ix *Index) newSequence(keys []sortKey) *sequence {
	o := keys[0].order
	s := &sequence{perm: o.perm, pos: make([]uint32, len(ix.ids))}
	switch {
	case len(keys) > 1:
		s.perm = slices.Clone(o.perm)
		slices.SortFunc(s.perm, func(a, b uint32) int { return ix.compare(keys, a, b) })
	case keys[0].desc:
		s.perm = o.descending()
	}
	for i, slot := range s.perm {
		s.pos[slot] = uint32(i)
	}
	return s
}

// descending returns the order from its greatest value down: what is equal by
// id, missing values last.
func (o *order) descending() []uint32 {
	out := make([]uint32, 0, len(o.perm))
	for end := o.present; end > 0; {
		begin := end - 1
		for begin > 0 && o.rank[o.perm[begin-1]] == o.rank[o.perm[end-1]] {
			begin--
		}
		out = append(out, o.perm[begin:end]...)
		end = begin
	}
	return append(out, o.perm[o.present:]...)
}

// cut returns, in order, at most n slots of the set that come after a
// position.
func (ix *Index) cut(set *roaring.Bitmap, size int, keys []sortKey, after *position, n int) []uint32 {
	if size == 0 {
		return nil
	}
	seq := ix.sequence(keys)
	begin := 0
	if after != nil {
		begin = sort.Search(len(seq.perm), func(i int) bool { return ix.follows(seq.perm[i], keys, after) })
	}
	total := len(seq.perm)
	if size == total {
		return slices.Clone(seq.perm[begin:min(begin+n, total)])
	}
	// Walking meets a member every total/size steps; gathering looks at each
	// member once, which costs about a third of a step. Members may lie close
	// together, far from where the walk begins: so it is bounded.
	if steps := n * (total / size); 3*steps < size {
		if slots, ok := seq.walk(set, begin, n, 4*steps+1024); ok {
			return slots
		}
	}
	return seq.gather(set, uint32(begin), n)
}

// walk goes through the sequence from begin on. It gives up after so many
// steps.
func (s *sequence) walk(set *roaring.Bitmap, begin, n, steps int) ([]uint32, bool) {
	out := make([]uint32, 0, n)
	end := min(len(s.perm), begin+steps)
	for _, slot := range s.perm[begin:end] {
		if set.Contains(slot) {
			if out = append(out, slot); len(out) == n {
				return out, true
			}
		}
	}
	return out, end == len(s.perm)
}

// gather looks at every member of the set and keeps the first n from begin on.
func (s *sequence) gather(set *roaring.Bitmap, begin uint32, n int) []uint32 {
	top := make([]uint32, 0, n) // a heap of places in perm, the last on top
	it := set.ManyIterator()
	var buf [256]uint32
	for m := it.NextMany(buf[:]); m > 0; m = it.NextMany(buf[:]) {
		for _, slot := range buf[:m] {
			switch p := s.pos[slot]; {
			case p < begin || len(top) == n && p >= top[0]:
			case len(top) < n:
				top = append(top, p)
				siftUp(top)
			default:
				top[0] = p
				siftDown(top)
			}
		}
	}
	slices.Sort(top)
	for i, p := range top {
		top[i] = s.perm[p]
	}
	return top
}

// siftUp restores a heap after its last element was added.
func siftUp(h []uint32) {
	for i := len(h) - 1; i > 0; {
		parent := (i - 1) / 2
		if h[parent] >= h[i] {
			return
		}
		h[parent], h[i] = h[i], h[parent]
		i = parent
	}
}

// siftDown restores a heap after its first element was replaced.
func siftDown(h []uint32) {
	for i := 0; ; {
		child := 2*i + 1
		if child >= len(h) {
			return
		}
		if child+1 < len(h) && h[child+1] > h[child] {
			child++
		}
		if h[i] >= h[child] {
			return
		}
		h[i], h[child] = h[child], h[i]
		i = child
	}
}
