package index

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"math"
	"slices"
	"sort"
	"sync"

	"github.com/pressmark/pressmark/catalog"
)

// missingRank is the rank of books that have no value: after all others.
const missingRank = math.MaxUint32

// order is the library sorted by one field, ascending: books that sort alike
// by id, books without a value last.
type order struct {
	perm    []uint32 // slots as they sort
	rank    []uint32 // by slot: equal where the field's values sort alike
	present int      // books that have a value: perm[:present]
	marks   func() [][]uint64
}

// sorter compares the values of one field.
type sorter struct {
	// key is a number that sorts as the value does; false if there is none.
	key func(slot uint32) (uint64, bool)
	// tie compares two books whose keys are equal; nil if they are equal.
	tie func(a, b uint32) int
}

// compare orders two slots by value and then by id, missing values last.
func (s *sorter) compare(ids []catalog.BookID, a, b uint32) int {
	c := s.compareValues(a, b)
	if c == 0 {
		c = cmp.Compare(ids[a], ids[b])
	}
	return c
}

func (s *sorter) compareValues(a, b uint32) int {
	ka, oka := s.key(a)
	kb, okb := s.key(b)
	switch {
	case oka != okb && oka:
		return -1
	case oka != okb:
		return 1
	case !oka:
		return 0
	case ka != kb:
		return cmp.Compare(ka, kb)
	case s.tie != nil:
		return s.tie(a, b)
	}
	return 0
}

// sortAll orders the given slots, which ascend by id.
func (s *sorter) sortAll(slots []uint32, size int) *order {
	type pair struct {
		key  uint64
		slot uint32
		seq  uint32
	}
	pairs := make([]pair, 0, len(slots))
	var missing []uint32
	for i, slot := range slots {
		if k, ok := s.key(slot); ok {
			pairs = append(pairs, pair{k, slot, uint32(i)})
		} else {
			missing = append(missing, slot)
		}
	}
	slices.SortFunc(pairs, func(a, b pair) int {
		if a.key != b.key {
			return cmp.Compare(a.key, b.key)
		}
		if s.tie != nil {
			if c := s.tie(a.slot, b.slot); c != 0 {
				return c
			}
		}
		return cmp.Compare(a.seq, b.seq)
	})
	o := &order{perm: make([]uint32, 0, len(slots)), rank: make([]uint32, size), present: len(pairs)}
	r := uint32(0)
	for i, p := range pairs {
		if i > 0 && (p.key != pairs[i-1].key || s.tie != nil && s.tie(p.slot, pairs[i-1].slot) != 0) {
			r++
		}
		o.perm = append(o.perm, p.slot)
		o.rank[p.slot] = r
	}
	o.perm = append(o.perm, missing...)
	for _, slot := range missing {
		o.rank[slot] = missingRank
	}
	o.marks = sync.OnceValue(o.mark)
	return o
}

// resort returns the order after some books changed. moved tells the slots that
// were changed, added or removed; put are those of them that are to be in the
// order. Where only the rest of a book changed the order stays as it is.
func (s *sorter) resort(prev *order, moved []bool, put []uint32, ids []catalog.BookID) *order {
	kept := make([]uint32, 0, len(prev.perm)+len(put))
	for _, slot := range prev.perm {
		if !moved[slot] {
			kept = append(kept, slot)
		}
	}
	o := &order{rank: make([]uint32, len(ids))}
	o.perm = mergeSorted(kept, put, func(a, b uint32) int { return s.compare(ids, a, b) })
	o.present = sort.Search(len(o.perm), func(i int) bool { _, ok := s.key(o.perm[i]); return !ok })

	r := uint32(0)
	for i, slot := range o.perm[:o.present] {
		if i > 0 {
			before := o.perm[i-1]
			var same bool
			if moved[slot] || moved[before] {
				same = s.compareValues(before, slot) == 0
			} else {
				same = prev.rank[before] == prev.rank[slot]
			}
			if !same {
				r++
			}
		}
		o.rank[slot] = r
	}
	for _, slot := range o.perm[o.present:] {
		o.rank[slot] = missingRank
	}
	o.marks = sync.OnceValue(o.mark)
	return o
}

// sorter returns how column c sorts in the index ix, nil if it does not.
func (ix *Index) sorter(c *column) *sorter {
	switch {
	case c.field.Key == catalog.FieldID:
		return &sorter{key: func(s uint32) (uint64, bool) { return orderedInt(int64(ix.ids[s])), true }}
	case c.sortsAs(catalog.FieldTitle):
		return keySorter(ix.titleKey)
	case c.sortsAs(catalog.FieldAuthorSort):
		return keySorter(ix.authorKey)
	case c.terms != nil && c.field.Type == catalog.TypeSeries:
		return seriesSorter(c.terms, ix.seriesIndex(c))
	case c.field.Key == catalog.FieldSeriesIndex:
		series := ix.columns[catalog.FieldSeries]
		return &sorter{key: func(s uint32) (uint64, bool) {
			return orderedFloat(c.nums[s]), series != nil && len(series.terms.of(s)) > 0
		}}
	case c.nums != nil:
		return &sorter{key: func(s uint32) (uint64, bool) {
			return orderedFloat(c.nums[s]), !math.IsNaN(c.nums[s])
		}}
	case c.times != nil:
		return &sorter{key: func(s uint32) (uint64, bool) { return orderedInt(c.times[s]), c.times[s] != noTime }}
	case c.terms != nil:
		return termSorter(c.terms)
	}
	return nil
}

// seriesIndex returns the column of indices that belongs to a series.
func (ix *Index) seriesIndex(c *column) []float64 {
	if c.custom >= 0 {
		return c.nums
	}
	return ix.columns[catalog.FieldSeriesIndex].nums
}

// keySorter sorts by collation keys that lie in the bulk.
func keySorter(full func(slot uint32) []byte) *sorter {
	return &sorter{
		key: func(s uint32) (uint64, bool) {
			k := full(s)
			if len(k) >= 8 {
				return binary.BigEndian.Uint64(k), true
			}
			var b [8]byte
			copy(b[:], k)
			return binary.BigEndian.Uint64(b[:]), true
		},
		tie: func(a, b uint32) int { return bytes.Compare(full(a), full(b)) },
	}
}

func seriesSorter(t *termColumn, index []float64) *sorter {
	return &sorter{
		key: func(s uint32) (uint64, bool) {
			v := t.of(s)
			if len(v) == 0 {
				return 0, false
			}
			return uint64(t.rank[v[0]]), true
		},
		tie: func(a, b uint32) int { return cmp.Compare(index[a], index[b]) },
	}
}

// termSorter sorts by the values in the order in which they themselves sort:
// by a book's first one, then by its second, and so on.
func termSorter(t *termColumn) *sorter {
	ranks := func(s uint32, buf []uint32) []uint32 {
		for _, v := range t.of(s) {
			buf = append(buf, t.rank[v])
		}
		slices.Sort(buf)
		return buf
	}
	return &sorter{
		key: func(s uint32) (uint64, bool) {
			v := t.of(s)
			switch len(v) {
			case 0:
				return 0, false
			case 1:
				return uint64(t.rank[v[0]]) << 32, true
			}
			var buf [16]uint32
			r := ranks(s, buf[:0])
			return uint64(r[0])<<32 | uint64(r[1]) + 1, true
		},
		tie: func(a, b uint32) int {
			if len(t.of(a)) < 3 && len(t.of(b)) < 3 {
				return 0
			}
			var x, y [16]uint32
			return slices.Compare(ranks(a, x[:0]), ranks(b, y[:0]))
		},
	}
}

// orderedInt maps v to a number that sorts as v does.
func orderedInt(v int64) uint64 { return uint64(v) ^ 1<<63 }

// orderedFloat maps v to a number that sorts as v does.
func orderedFloat(v float64) uint64 {
	if v == 0 {
		v = 0 // −0 sorts as 0
	}
	b := math.Float64bits(v)
	if b>>63 != 0 {
		return ^b
	}
	return b | 1<<63
}
