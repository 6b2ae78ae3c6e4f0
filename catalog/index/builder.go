package index

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"

	"github.com/RoaringBitmap/roaring/v2"
	"golang.org/x/sync/errgroup"

	"github.com/pressmark/pressmark/catalog"
)

// Builder collects books and builds an Index of them. It is not safe for
// concurrent use.
type Builder struct {
	ix    *Index
	w     *bulkWriter
	fold  *folder
	coll  *collator
	uuids []uuidSlot

	rec []byte // scratch
	err error
}

// NewBuilder begins an index.
func NewBuilder(m Meta, o Options) (*Builder, error) {
	ix := &Index{meta: m, options: o, columns: map[catalog.FieldKey]*column{}, live: roaring.New(), results: newResults(&o)}
	for _, f := range m.Fields {
		if !f.Stored {
			continue
		}
		c := &column{field: f, custom: -1}
		if hasProse(&f) {
			c.prose = &running{filled: roaring.New()}
		}
		if f.Custom {
			c.custom = len(ix.custom)
			ix.custom = append(ix.custom, f)
		}
		if hasTerms(&f) {
			c.terms = &termColumn{dict: newDictionary(), off: []uint32{0}}
		}
		if hasText(&f) {
			text := newTextColumn()
			c.text = &text
		}
		if _, dup := ix.columns[f.Key]; dup {
			return nil, fmt.Errorf("index: field %q is there twice", f.Key)
		}
		ix.columns[f.Key] = c
		ix.list = append(ix.list, c)
	}
	for _, key := range []catalog.FieldKey{catalog.FieldID, catalog.FieldSeriesIndex} {
		if ix.columns[key] == nil {
			return nil, fmt.Errorf("index: the fields lack %q", key)
		}
	}
	return newBuilder(ix, bulk{}, buildChunk), nil
}

func newBuilder(ix *Index, before bulk, chunk int) *Builder {
	return &Builder{
		ix: ix, w: newBulkWriter(before, ix.options.Dir, chunk),
		fold: newFolder(), coll: newCollator(),
	}
}

// Add adds a book. Ids may come in any order but not twice; adding them in
// ascending order is fastest. The book is copied: the caller may use it again.
// After an error the builder is of no more use.
func (b *Builder) Add(book *catalog.Book) error {
	if b.err != nil {
		return b.err
	}
	ix := b.ix
	slot := uint32(len(ix.ids))
	e, d, err := b.encode(book)
	if err == nil {
		e.place, err = b.w.append(b.rec)
	}
	if err != nil {
		b.err = err
		return err
	}
	ix.ids = append(ix.ids, book.ID)
	ix.entries = append(ix.entries, e)
	ix.digests = append(ix.digests, d)
	if book.UUID != "" {
		b.uuids = append(b.uuids, uuidSlot{hashUUID(book.UUID), slot})
	}
	for _, c := range ix.list {
		b.addTo(c, book)
		if c.prose != nil && !isBlank(c.proseOf(book)) {
			c.prose.filled.Add(slot)
		}
	}
	return nil
}

// encode leaves the parts of a book that lie in the bulk in b.rec and returns
// their lengths and the book's digest.
func (b *Builder) encode(book *catalog.Book) (entry, digest, error) {
	var e entry
	var d digest
	if len(book.Custom) != len(b.ix.custom) {
		return e, d, fmt.Errorf("index: book %d has %d custom values, the library has %d columns",
			book.ID, len(book.Custom), len(b.ix.custom))
	}
	sortTitle := book.TitleSort
	if sortTitle == "" {
		sortTitle = book.Title
	}
	b.rec = append(b.rec[:0], b.coll.key(sortTitle)...)
	e.titleKey = uint32(len(b.rec))
	b.rec = append(b.rec, b.coll.key(book.AuthorSort)...)
	e.authorKey = uint32(len(b.rec)) - e.titleKey
	begin := len(b.rec)
	b.rec = appendRecord(b.rec, book)
	e.record = uint32(len(b.rec) - begin)
	b.rec = append(b.rec, book.Comments...)
	e.comments = uint32(len(book.Comments))
	sum := sha256.Sum256(b.rec[begin:])
	copy(d[:], sum[:])
	if b.ix.options.Encode != nil {
		n := len(b.rec)
		b.rec = b.ix.options.Encode(b.rec, book)
		e.card = uint32(len(b.rec) - n)
	}
	if len(b.rec) > math.MaxInt32 {
		return e, d, fmt.Errorf("index: book %d is too large: %d bytes", book.ID, len(b.rec))
	}
	return e, d, nil
}

// addTo appends a book to a column.
func (b *Builder) addTo(c *column, book *catalog.Book) {
	if t := c.terms; t != nil {
		t.vals = b.termsOf(t.vals, c, book)
		t.off = append(t.off, uint32(len(t.vals)))
	}
	if hasNums(&c.field) {
		c.nums = append(c.nums, c.num(book))
	}
	if hasTimes(&c.field) {
		c.times = append(c.times, c.micros(book))
	}
	if t := c.text; t != nil {
		t.data = appendIdentifiers(t.data, book, b.fold)
		t.end()
	}
}

// termsOf appends the numbers of a book's terms, each once.
func (b *Builder) termsOf(dst []uint32, c *column, book *catalog.Book) []uint32 {
	begin := len(dst)
	var buf [4]catalog.Item
	for _, it := range c.items(book, buf[:0]) {
		if t := c.terms.dict.add(it, b.fold); !slices.Contains(dst[begin:], t) {
			dst = append(dst, t)
		}
	}
	return dst
}

// Build returns the index. The Builder cannot be used any more.
func (b *Builder) Build(ctx context.Context) (*Index, error) {
	if b.err == nil {
		b.err = b.w.flush()
	}
	if b.err != nil {
		return nil, b.err
	}
	ix := b.ix
	b.err = errors.New("index: the builder was used already")
	ix.bulk = b.w.bulk
	ix.entries, ix.digests, ix.ids = slices.Clip(ix.entries), slices.Clip(ix.digests), slices.Clip(ix.ids)

	slots := make([]uint32, len(ix.ids))
	for i := range slots {
		slots[i] = uint32(i)
	}
	if !slices.IsSorted(ix.ids) {
		slices.SortFunc(slots, func(a, b uint32) int { return cmp.Compare(ix.ids[a], ix.ids[b]) })
	}
	for i := 1; i < len(slots); i++ {
		if ix.ids[slots[i-1]] == ix.ids[slots[i]] {
			return nil, fmt.Errorf("index: book %d is there twice", ix.ids[slots[i]])
		}
	}
	ix.live.AddMany(slots) // not AddRange: operations on runs are slower

	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	for _, c := range ix.list {
		if t := c.terms; t != nil {
			g.Go(func() error {
				t.vals, t.off = slices.Clip(t.vals), slices.Clip(t.off)
				t.list, t.bare = t.dict.list, t.dict.bare
				t.sorted(newCollator())
				t.renumber()
				t.posted(nil, nil)
				return ctx.Err()
			})
		}
	}
	g.Go(func() error {
		ix.byUUID = slices.Clip(b.uuids)
		slices.SortFunc(ix.byUUID, ix.compareUUIDs)
		return nil
	})
	if err := g.Wait(); err != nil {
		return nil, err
	}
	ix.eachOrder(func(c *column, s *sorter) error {
		c.order = s.sortAll(slots, len(ix.ids))
		return ctx.Err()
	})
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	ix.revise()
	runtime.KeepAlive(b)
	return ix, nil
}

// sortTwin returns the field whose order a field shares, "" for others.
func sortTwin(key catalog.FieldKey) catalog.FieldKey {
	switch key {
	case catalog.FieldAuthors:
		return catalog.FieldAuthorSort
	case catalog.FieldTitleSort:
		return catalog.FieldTitle
	}
	return ""
}

// sortsAs tells whether a column has the order of the field.
func (c *column) sortsAs(key catalog.FieldKey) bool {
	return c.field.Key == key || sortTwin(c.field.Key) == key
}

// eachOrder calls f for each sortable column, concurrently, and puts the
// orders that two fields share in place.
func (ix *Index) eachOrder(f func(*column, *sorter) error) {
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	for _, c := range ix.list {
		if !c.field.Sortable || ix.columns[sortTwin(c.field.Key)] != nil {
			continue
		}
		if s := ix.sorter(c); s != nil {
			g.Go(func() error { return f(c, s) })
		}
	}
	_ = g.Wait() // f fails only with its context, which the caller looks at
	for _, c := range ix.list {
		if twin := ix.columns[sortTwin(c.field.Key)]; twin != nil {
			c.order = twin.order
		}
	}
	ix.byID = ix.columns[catalog.FieldID].order
}
