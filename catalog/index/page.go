package index

import (
	"cmp"
	"context"
	"errors"
	"runtime"
	"slices"
	"sort"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/pressmark/pressmark/catalog"
)

// Books implements catalog.Reader.
func (ix *Index) Books(_ context.Context, q catalog.Query) (catalog.Page[catalog.Book], error) {
	defer runtime.KeepAlive(ix)
	slots, page, err := ix.page(q)
	if err != nil {
		return page, err
	}
	page.Items = make([]catalog.Book, len(slots))
	for i, slot := range slots {
		page.Items[i] = ix.book(slot, q.Comments)
	}
	return page, nil
}

// AppendBooks implements catalog.Appender. It is errors.ErrUnsupported where
// Options.Encode was nil or q asks for comments.
func (ix *Index) AppendBooks(_ context.Context, dst []byte, q catalog.Query) ([]byte, catalog.Page[catalog.Book], error) {
	defer runtime.KeepAlive(ix)
	if ix.options.Encode == nil || q.Comments {
		return dst, catalog.Page[catalog.Book]{}, errors.ErrUnsupported
	}
	slots, page, err := ix.page(q)
	if err != nil {
		return dst, page, err
	}
	for i, slot := range slots {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, ix.card(slot)...)
	}
	return dst, page, nil
}

// page finds the slots of the page that q asks for. The page's Items are left
// to the caller.
func (ix *Index) page(q catalog.Query) ([]uint32, catalog.Page[catalog.Book], error) {
	var page catalog.Page[catalog.Book]
	limit, err := pageLimit(q.Limit)
	if err != nil {
		return nil, page, err
	}
	keys, err := ix.sortKeys(q.Sort)
	if err != nil {
		return nil, page, err
	}
	var after *position
	if q.After != "" {
		if after, err = ix.position(q.After, keys); err != nil {
			return nil, page, err
		}
	}
	set, err := ix.eval(q.Where)
	if err != nil {
		return nil, page, err
	}
	page.Total = int(set.GetCardinality())
	slots := ix.cut(set, page.Total, keys, after, limit+1)
	if len(slots) > limit {
		slots = slots[:limit]
		page.Next = ix.cursor(keys, slots[limit-1])
	}
	return slots, page, nil
}

func pageLimit(n int) (int, error) {
	switch {
	case n == 0:
		return catalog.DefaultLimit, nil
	case n < 0 || n > catalog.MaxLimit:
		return 0, catalog.Invalid("limit", "", "a number from 1 to 500 was expected")
	}
	return n, nil
}

// sortKey is one key of an order, with the order of its field.
type sortKey struct {
	*column
	desc bool
}

// sortKeys finds the orders that sort names. Without any it is by id.
func (ix *Index) sortKeys(keys []catalog.SortKey) ([]sortKey, error) {
	if len(keys) == 0 {
		return []sortKey{{column: ix.columns[catalog.FieldID]}}, nil
	}
	out := make([]sortKey, len(keys))
	for i, k := range keys {
		c := ix.columns[k.Field]
		if c == nil || c.order == nil {
			return nil, catalog.Invalid("sort", string(k.Field), "no field that can be sorted by is called")
		}
		out[i] = sortKey{c, k.Desc}
	}
	return out, nil
}

// compareRanks orders two ranks of one key, missing ones last either way.
func compareRanks(a, b uint64, desc bool) int {
	if desc && a != b && a != missingPlace && b != missingPlace {
		return cmp.Compare(b, a)
	}
	return cmp.Compare(a, b)
}

// compare orders two slots by all keys and then by id.
func (ix *Index) compare(keys []sortKey, a, b uint32) int {
	for _, k := range keys {
		if ra, rb := k.order.rank[a], k.order.rank[b]; ra != rb {
			return compareRanks(placeOf(ra), placeOf(rb), k.desc)
		}
	}
	return cmp.Compare(ix.ids[a], ix.ids[b])
}

// cut returns, in order, at most n slots of the set that come after a
// position.
func (ix *Index) cut(set *roaring.Bitmap, size int, keys []sortKey, after *position, n int) []uint32 {
	if size == 0 {
		return nil
	}
	if len(keys) == 1 {
		// Walking meets a member every len/size steps; gathering looks at
		// each member once. A step costs about three looks. Members may lie
		// close together, far from where the walk begins: so it is bounded.
		total := len(keys[0].order.perm)
		if walk := 3 * n * (total / size); walk < size || size == total {
			if slots, ok := ix.walk(set, keys[0], after, n, 4*walk+2*n+1024); ok {
				return slots
			}
		}
	}
	return ix.gather(set, keys, after, n)
}

// candidate is a slot with what it sorts by first: the rank of the first key
// and, where that is the only key, the rank of the id.
type candidate struct {
	key  uint64
	slot uint32
}

// gather looks at every member of the set and keeps the first n.
func (ix *Index) gather(set *roaring.Bitmap, keys []sortKey, after *position, n int) []uint32 {
	first, single := keys[0], len(keys) == 1
	rank, byID := first.order.rank, ix.byID.rank
	top := make([]candidate, 0, n) // a heap with the one that sorts last on top
	compare := func(a, b candidate) int {
		if a.key != b.key || single {
			return cmp.Compare(a.key, b.key)
		}
		return ix.compare(keys, a.slot, b.slot)
	}
	it := set.ManyIterator()
	var buf [256]uint32
	for m := it.NextMany(buf[:]); m > 0; m = it.NextMany(buf[:]) {
		for _, slot := range buf[:m] {
			r := rank[slot]
			if first.desc && r != missingRank {
				r = missingRank - 1 - r
			}
			c := candidate{key: uint64(r) << 32, slot: slot}
			if single {
				c.key |= uint64(byID[slot])
			}
			if len(top) == n && compare(c, top[0]) >= 0 {
				continue
			}
			if after != nil && !ix.follows(slot, keys, after) {
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

// siftUp restores the heap after its last element was added.
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

// siftDown restores the heap after its first element was replaced.
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

// walk goes through the order of one key from a position on. It gives up after
// so many steps.
func (ix *Index) walk(set *roaring.Bitmap, k sortKey, after *position, n, steps int) ([]uint32, bool) {
	out := make([]uint32, 0, n)
	o := k.order
	all := int(set.GetCardinality()) == len(o.perm)
	take := func(run []uint32) bool { // false: enough, or too many steps
		for _, slot := range run {
			if steps--; steps < 0 {
				return false
			}
			if all || set.Contains(slot) {
				if out = append(out, slot); len(out) == n {
					return false
				}
			}
		}
		return true
	}
	keys := []sortKey{k}
	// The first slot of an ascending run that follows the position.
	first := func(run []uint32) int {
		if after == nil {
			return 0
		}
		return sort.Search(len(run), func(i int) bool { return ix.follows(run[i], keys, after) })
	}
	missing := o.perm[o.present:]
	if !k.desc {
		run := o.perm
		if take(run[first(run):]) {
			return out, true
		}
		return out, len(out) == n
	}
	// Descending: from run to run of equal values, backwards, each by id.
	end := o.present
	if after != nil {
		end = 0
		if after.places[0] != missingPlace {
			end = sort.Search(o.present, func(i int) bool {
				return placeOf(o.rank[o.perm[i]]) > after.places[0]
			})
		}
	}
	for end > 0 {
		begin := end - 1
		for begin > 0 && o.rank[o.perm[begin-1]] == o.rank[o.perm[end-1]] {
			begin--
		}
		run := o.perm[begin:end]
		if !take(run[first(run):]) {
			return out, len(out) == n
		}
		end = begin
	}
	if take(missing[first(missing):]) {
		return out, true
	}
	return out, len(out) == n
}
