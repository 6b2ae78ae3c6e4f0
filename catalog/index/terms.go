package index

import (
	"cmp"
	"hash/maphash"
	"slices"
	"sort"
	"strings"
	"sync"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/pressmark/pressmark/catalog"
)

// bigTerm is from how many books on a term's books are also kept as a bitmap.
const bigTerm = 512

// dictionary holds the distinct values of one field. It only grows, and is
// shared by the generations of an index: each takes the part that existed when
// it was made. A value that no book has any more stays until the next full
// build.
type dictionary struct {
	mu     sync.Mutex
	seed   maphash.Seed
	list   []term
	bare   textColumn        // by term: its name as substrings are looked for in it
	lookup map[uint64]uint32 // hash of the item, or the next free one → list
}

// term is a distinct value. Two items that differ in anything are two terms.
type term struct {
	catalog.Item
	folded string // folded Name
}

func newDictionary() *dictionary {
	return &dictionary{seed: maphash.MakeSeed(), bare: newTextColumn(), lookup: map[uint64]uint32{}}
}

// add returns the number of it in the dictionary, adding it when it is new.
func (d *dictionary) add(it catalog.Item, f *folder) uint32 {
	if it.Sort == "" {
		it.Sort = it.Name
	}
	h := maphash.Comparable(d.seed, it)
	for ; ; h++ {
		t, ok := d.lookup[h]
		if !ok {
			break
		}
		if d.list[t].Item == it {
			return t
		}
	}
	// The strings may be parts of something large.
	name := strings.Clone(it.Name)
	if it.Sort == it.Name {
		it.Sort = name
	} else {
		it.Sort = strings.Clone(it.Sort)
	}
	it.Name, it.Link = name, strings.Clone(it.Link)
	t := uint32(len(d.list))
	d.list = append(d.list, term{Item: it, folded: f.fold(it.Name)})
	d.bare.add(f.bare(it.Name))
	d.lookup[h] = t
	return t
}

// termColumn holds which books have which values of one field.
type termColumn struct {
	dict *dictionary
	list []term     // dict.list as of this generation
	bare textColumn // dict.bare as of this generation

	// Which values a book has, in its own order: by slot.
	off  []uint32 // vals[off[slot]:off[slot+1]]
	vals []uint32

	// Which books a value has, by slot, ascending: by term.
	postOff []uint32
	posts   []uint32
	big     map[uint32]*roaring.Bitmap

	rank   []uint32 // by term: place in order
	order  []uint32 // terms as they sort
	byFold []uint32 // terms by folded name, then number

	// Terms that have books, as they sort, and by descending count.
	listed, byCount []uint32
}

func (c *termColumn) of(slot uint32) []uint32 { return c.vals[c.off[slot]:c.off[slot+1]] }

func (c *termColumn) books(t uint32) []uint32 { return c.posts[c.postOff[t]:c.postOff[t+1]] }

func (c *termColumn) count(t uint32) int { return int(c.postOff[t+1] - c.postOff[t]) }

// sorted orders all terms of a new column.
func (c *termColumn) sorted(col *collator) {
	keys := make([]string, len(c.list))
	c.order = make([]uint32, len(c.list))
	c.byFold = make([]uint32, len(c.list))
	for t := range c.list {
		keys[t] = string(col.key(c.list[t].Sort))
		c.order[t], c.byFold[t] = uint32(t), uint32(t)
	}
	slices.SortFunc(c.order, func(a, b uint32) int {
		return cmp.Or(strings.Compare(keys[a], keys[b]), compareItems(&c.list[a].Item, &c.list[b].Item))
	})
	slices.SortFunc(c.byFold, func(a, b uint32) int {
		return cmp.Or(strings.Compare(c.list[a].folded, c.list[b].folded), cmp.Compare(a, b))
	})
	c.ranked()
}

// renumber numbers the terms of a new column as they sort and puts their text
// in one place in that order: a page of terms then lies together in memory,
// where it would be spread over all of it.
func (c *termColumn) renumber() {
	var text strings.Builder
	size := 0
	for i := range c.list {
		t := &c.list[i]
		size += len(t.Name) + len(t.Sort) + len(t.Link) + len(t.folded)
	}
	text.Grow(size)
	keep := func(s string) string {
		n := text.Len()
		text.WriteString(s) // never grows, so that what was kept stays
		return text.String()[n:]
	}
	list := make([]term, len(c.list))
	for r, t := range c.order {
		old, it := &c.list[t], &list[r]
		it.ID = old.ID
		it.Name = keep(old.Name)
		it.Sort, it.folded = it.Name, it.Name
		if old.Sort != old.Name {
			it.Sort = keep(old.Sort)
		}
		if old.folded != old.Name {
			it.folded = keep(old.folded)
		}
		it.Link = keep(old.Link)
	}
	bare := newTextColumn()
	for _, t := range c.order {
		bare.add(string(c.bare.of(t)))
	}
	for h, t := range c.dict.lookup {
		c.dict.lookup[h] = c.rank[t]
	}
	for i, t := range c.vals {
		c.vals[i] = c.rank[t]
	}
	for i, t := range c.byFold {
		c.byFold[i] = c.rank[t]
	}
	for r := range c.order {
		c.order[r], c.rank[r] = uint32(r), uint32(r)
	}
	c.dict.list, c.list = list, list
	c.dict.bare, c.bare = bare, bare
}

// compareItems orders what sorts alike, by what it is and not by when it was
// seen, so that every replica has the same order.
func compareItems(x, y *catalog.Item) int {
	return cmp.Or(strings.Compare(x.Sort, y.Sort), strings.Compare(x.Name, y.Name),
		cmp.Compare(x.ID, y.ID), strings.Compare(x.Link, y.Link))
}

// sortedAfter orders terms of which all but the new ones are ordered in prev.
func (c *termColumn) sortedAfter(prev *termColumn, col *collator) {
	if len(c.list) == len(prev.list) {
		c.order, c.byFold, c.rank = prev.order, prev.byFold, prev.rank
		return
	}
	var added []uint32
	for t := len(prev.list); t < len(c.list); t++ {
		added = append(added, uint32(t))
	}
	keys := make(map[uint32]string, 16*len(added))
	key := func(t uint32) string {
		k, ok := keys[t]
		if !ok {
			k = string(col.key(c.list[t].Sort))
			keys[t] = k
		}
		return k
	}
	c.order = mergeSorted(prev.order, added, func(a, b uint32) int {
		return cmp.Or(strings.Compare(key(a), key(b)), compareItems(&c.list[a].Item, &c.list[b].Item))
	})
	c.byFold = mergeSorted(prev.byFold, added, func(a, b uint32) int {
		return cmp.Or(strings.Compare(c.list[a].folded, c.list[b].folded), cmp.Compare(a, b))
	})
	c.ranked()
}

func (c *termColumn) ranked() {
	c.rank = make([]uint32, len(c.order))
	for r, t := range c.order {
		c.rank[t] = uint32(r)
	}
}

// mergeSorted returns base, which is sorted, with the values of add put in.
// It compares only as often as binary search needs.
func mergeSorted[T any](base, add []T, compare func(a, b T) int) []T {
	add = slices.Clone(add)
	slices.SortFunc(add, compare)
	out := make([]T, 0, len(base)+len(add))
	for _, v := range add {
		n := sort.Search(len(base), func(i int) bool { return compare(base[i], v) > 0 })
		out = append(out, base[:n]...)
		out = append(out, v)
		base = base[n:]
	}
	return append(out, base...)
}

// posted computes the books of each term from the terms of each book. Where
// prev is given, bitmaps of terms not in touched are taken from it.
func (c *termColumn) posted(prev *termColumn, touched map[uint32]bool) {
	c.postOff = make([]uint32, len(c.list)+1)
	for _, t := range c.vals {
		c.postOff[t+1]++
	}
	for t := range c.list {
		c.postOff[t+1] += c.postOff[t]
	}
	c.posts = make([]uint32, len(c.vals))
	next := slices.Clone(c.postOff)
	for slot := range len(c.off) - 1 {
		for _, t := range c.of(uint32(slot)) {
			c.posts[next[t]] = uint32(slot)
			next[t]++
		}
	}
	c.listUsed()
	c.big = map[uint32]*roaring.Bitmap{}
	for t := range uint32(len(c.list)) {
		if c.count(t) < bigTerm {
			continue
		}
		if prev != nil && !touched[t] {
			if b := prev.big[t]; b != nil {
				c.big[t] = b
				continue
			}
		}
		c.big[t] = roaring.BitmapOf(c.books(t)...)
	}
}

// exact returns the terms whose folded name is folded.
func (c *termColumn) exact(folded string) []uint32 {
	from := c.searchFold(folded)
	to := from
	for to < len(c.byFold) && c.list[c.byFold[to]].folded == folded {
		to++
	}
	return c.byFold[from:to]
}

func (c *termColumn) searchFold(folded string) int {
	return sort.Search(len(c.byFold), func(i int) bool { return c.list[c.byFold[i]].folded >= folded })
}

// listUsed makes the lists of terms that have books.
func (c *termColumn) listUsed() {
	c.listed = make([]uint32, 0, len(c.order))
	for _, t := range c.order {
		if c.count(t) > 0 {
			c.listed = append(c.listed, t)
		}
	}
	c.byCount = slices.Clone(c.listed)
	c.sortByCount(c.byCount, c.count)
}

// sortByCount orders terms by descending count, then as they sort.
func (c *termColumn) sortByCount(terms []uint32, count func(uint32) int) {
	slices.SortFunc(terms, func(a, b uint32) int {
		return cmp.Or(cmp.Compare(count(b), count(a)), cmp.Compare(c.rank[a], c.rank[b]))
	})
}
