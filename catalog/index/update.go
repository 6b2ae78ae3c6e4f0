package index

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/pressmark/pressmark/catalog"
)

// Delta is what changed in a library whose Meta.Library and Meta.Fields are
// the same as before.
type Delta struct {
	Books   []catalog.Book // new and changed books, whole
	Removed []catalog.BookID
	Extra   []byte // as Meta.Extra
}

// Update returns an index that differs from ix by d, sharing with ix all that
// did not change, and what changed. Books that are as they were do not count;
// if nothing is different Update returns ix itself. Where a value that books
// share was renamed, d must hold all books that have it.
func (ix *Index) Update(ctx context.Context, d Delta) (*Index, catalog.Change, error) {
	defer runtime.KeepAlive(ix)
	u := newUpdate(ix, d.Extra)
	for i := range d.Books {
		if err := u.take(&d.Books[i]); err != nil {
			return nil, catalog.Change{}, err
		}
	}
	for _, id := range d.Removed {
		u.remove(id)
	}
	if err := u.b.w.flush(); err != nil {
		return nil, catalog.Change{}, err
	}
	if len(u.books)+len(u.change.Removed) == 0 && bytes.Equal(d.Extra, ix.meta.Extra) {
		return ix, catalog.Change{Revision: ix.revision}, nil
	}
	next, err := u.finish(ctx)
	if err != nil {
		return nil, catalog.Change{}, err
	}
	for _, ids := range [][]catalog.BookID{u.change.Added, u.change.Changed, u.change.Removed} {
		slices.Sort(ids)
	}
	u.change.Revision = next.revision
	return next, u.change, nil
}

// update is an update in the making.
type update struct {
	prev, next *Index
	b          *Builder
	change     catalog.Change

	added map[catalog.BookID]bool
	uuids bool            // a UUID of a known book differs
	books []*catalog.Book // new and changed, beside put
	put   []uint32        // their slots
	moved []bool          // by slot: changed, added or removed
}

func newUpdate(ix *Index, extra []byte) *update {
	next := &Index{
		meta: ix.meta, options: ix.options, results: newResults(&ix.options), custom: ix.custom, live: ix.live.Clone(),
		columns: make(map[catalog.FieldKey]*column, len(ix.columns)),
		ids:     slices.Clone(ix.ids), digests: slices.Clone(ix.digests), entries: slices.Clone(ix.entries),
	}
	next.meta.Extra = extra
	return &update{
		prev: ix, next: next, b: newBuilder(next, ix.bulk, updateChunk),
		added: map[catalog.BookID]bool{}, moved: make([]bool, len(ix.ids)),
	}
}

// take adds or replaces a book.
func (u *update) take(book *catalog.Book) error {
	e, d, err := u.b.encode(book)
	if err != nil {
		return err
	}
	slot, known := u.prev.slot(book.ID)
	if known && u.prev.digests[slot] == d {
		return nil
	}
	if known && u.moved[slot] || u.added[book.ID] {
		return fmt.Errorf("index: update: book %d is there twice", book.ID)
	}
	if e.place, err = u.b.w.append(u.b.rec); err != nil {
		return err
	}
	if known {
		u.change.Changed = append(u.change.Changed, book.ID)
		u.moved[slot] = true
		u.uuids = u.uuids || string(uuidOf(u.prev.record(slot))) != book.UUID
		u.next.entries[slot], u.next.digests[slot] = e, d
	} else {
		u.change.Added = append(u.change.Added, book.ID)
		u.added[book.ID] = true
		slot = uint32(len(u.next.ids))
		u.moved = append(u.moved, true)
		u.next.ids = append(u.next.ids, book.ID)
		u.next.entries = append(u.next.entries, e)
		u.next.digests = append(u.next.digests, d)
		u.next.live.Add(slot)
	}
	u.books, u.put = append(u.books, book), append(u.put, slot)
	return nil
}

func (u *update) remove(id catalog.BookID) {
	slot, ok := u.prev.slot(id)
	if !ok || u.moved[slot] {
		return
	}
	u.change.Removed = append(u.change.Removed, id)
	u.moved[slot] = true
	u.next.live.Remove(slot)
}

func (u *update) finish(ctx context.Context) (*Index, error) {
	next := u.next
	next.bulk = u.b.w.bulk
	resized := len(u.change.Added)+len(u.change.Removed) > 0

	touched := make(map[catalog.FieldKey]bool, len(u.prev.list))
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	for _, old := range u.prev.list {
		c := &column{field: old.field, custom: old.custom}
		next.list = append(next.list, c)
		next.columns[c.field.Key] = c
		touched[c.field.Key] = u.column(c, old, &g) || resized
	}
	next.byUUID = u.prev.byUUID
	if u.uuids || resized {
		g.Go(func() error { next.byUUID = u.owners(); return nil })
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	series := touched[catalog.FieldSeries] || touched[catalog.FieldSeriesIndex]
	touched[catalog.FieldSeries], touched[catalog.FieldSeriesIndex] = series, series
	touched[catalog.FieldTitle] = resized || u.keysDiffer((*Index).titleKey)
	touched[catalog.FieldAuthorSort] = resized || u.keysDiffer((*Index).authorKey)

	next.eachOrder(func(c *column, s *sorter) error {
		prev := u.prev.columns[c.field.Key].order
		if !touched[c.field.Key] {
			c.order = prev
			return nil
		}
		c.order = s.resort(prev, u.moved, u.put, next.ids)
		return ctx.Err()
	})
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	next.revise()
	return next, nil
}

// column makes the next generation of a column and says whether the value of
// a book differs from before. What takes long is left to g.
func (u *update) column(c, old *column, g *errgroup.Group) bool {
	differs := false
	if old.terms != nil {
		differs = u.terms(c, old, g)
	}
	if old.nums != nil {
		eq := func(a, b float64) bool { return a == b || math.IsNaN(a) && math.IsNaN(b) }
		c.nums = replace(u, old.nums, c.num, eq, math.NaN(), &differs)
	}
	if old.times != nil {
		eq := func(a, b int64) bool { return a == b }
		c.times = replace(u, old.times, c.micros, eq, noTime, &differs)
	}
	if old.prose != nil {
		c.prose = u.prose(c, old)
	}
	if old.text != nil {
		if texts, changed := u.texts(old.text); changed {
			g.Go(func() error { c.text = u.text(old.text, texts); return nil })
		} else {
			c.text = old.text
		}
	}
	return differs
}

// replace returns old with the values of the books that changed; old itself if
// none differs.
func replace[T any](u *update, old []T, value func(*catalog.Book) T, eq func(a, b T) bool, none T, differs *bool) []T {
	next, cloned := old, false
	for i, slot := range u.put {
		v := value(u.books[i])
		if int(slot) < len(old) && eq(old[slot], v) {
			continue
		}
		*differs = true
		if !cloned {
			next, cloned = make([]T, len(u.next.ids)), true
			copy(next, old)
			for k := len(old); k < len(next); k++ {
				next[k] = none
			}
		}
		next[slot] = v
	}
	if !cloned && len(u.next.ids) > len(old) {
		next = slices.Clone(old)
		for len(next) < len(u.next.ids) {
			next = append(next, none)
		}
	}
	return next
}

// terms makes the next generation of a column of terms.
func (u *update) terms(c, oldc *column, g *errgroup.Group) bool {
	old := oldc.terms
	dict := old.dict
	dict.mu.Lock()
	c.terms = &termColumn{dict: dict}
	fresh := make([][]uint32, len(u.put))
	touched := map[uint32]bool{}
	differs := false
	for i, slot := range u.put {
		fresh[i] = u.b.termsOf(nil, c, u.books[i])
		var before []uint32
		if int(slot) < len(old.off)-1 {
			before = old.of(slot)
		}
		if slices.Equal(before, fresh[i]) {
			continue
		}
		differs = true
		for _, t := range before {
			touched[t] = true
		}
		for _, t := range fresh[i] {
			touched[t] = true
		}
	}
	list, bare := dict.list[:len(dict.list):len(dict.list)], dict.bare.prefix(len(dict.list))
	dict.mu.Unlock()

	if !differs && len(u.change.Added)+len(u.change.Removed) == 0 {
		c.terms = old
		return false
	}
	t := c.terms
	t.list, t.bare = list, bare
	for slot := range len(old.off) - 1 {
		if u.moved[slot] {
			for _, v := range old.of(uint32(slot)) {
				touched[v] = true
			}
		}
	}
	g.Go(func() error {
		t.relist(old, u.moved, u.put, fresh)
		t.sortedAfter(old, newCollator())
		t.posted(old, touched)
		return nil
	})
	return differs
}

// relist fills off and vals from those of old and the lists of the slots that
// were put; other moved slots have none any more.
func (c *termColumn) relist(old *termColumn, moved []bool, put []uint32, lists [][]uint32) {
	bySlot := make(map[uint32][]uint32, len(put))
	extra := 0
	for i, slot := range put {
		bySlot[slot] = lists[i]
		extra += len(lists[i])
	}
	c.off = make([]uint32, 1, len(moved)+1)
	c.vals = make([]uint32, 0, len(old.vals)+extra)
	for slot := range uint32(len(moved)) {
		if moved[slot] {
			c.vals = append(c.vals, bySlot[slot]...)
		} else {
			c.vals = append(c.vals, old.of(slot)...)
		}
		c.off = append(c.off, uint32(len(c.vals)))
	}
}

// texts returns the identifiers of the books that were put, by slot, and
// whether the column differs from before.
func (u *update) texts(old *textColumn) (texts map[uint32][]byte, changed bool) {
	texts = make(map[uint32][]byte, len(u.put))
	changed = len(u.change.Added)+len(u.change.Removed) > 0
	for i, slot := range u.put {
		texts[slot] = appendIdentifiers(nil, u.books[i], u.b.fold)
		changed = changed || !bytes.Equal(texts[slot], old.of(slot))
	}
	return texts, changed
}

// text makes the next generation of a column of identifiers.
func (u *update) text(old *textColumn, texts map[uint32][]byte) *textColumn {
	c := &textColumn{off: make([]uint32, 1, len(u.moved)+1), data: make([]byte, 0, len(old.data)+64*len(texts))}
	for slot := range uint32(len(u.moved)) {
		if u.moved[slot] {
			c.data = append(c.data, texts[slot]...)
		} else {
			c.data = append(c.data, old.of(slot)...)
		}
		c.end()
	}
	return c
}

// owners makes the next generation of the UUIDs' owners.
func (u *update) owners() []uuidSlot {
	kept := slices.DeleteFunc(slices.Clone(u.prev.byUUID), func(e uuidSlot) bool { return u.moved[e.slot] })
	var put []uuidSlot
	for i, slot := range u.put {
		if id := u.books[i].UUID; id != "" {
			put = append(put, uuidSlot{hashUUID(id), slot})
		}
	}
	return mergeSorted(kept, put, u.next.compareUUIDs)
}

// keysDiffer tells whether a collation key of a book that was known before
// differs now.
func (u *update) keysDiffer(key func(*Index, uint32) []byte) bool {
	return slices.ContainsFunc(u.put, func(slot uint32) bool {
		return int(slot) >= len(u.prev.ids) || !bytes.Equal(key(u.prev, slot), key(u.next, slot))
	})
}
