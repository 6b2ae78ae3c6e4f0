package index

import (
	"bytes"
	"context"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/pressmark/pressmark/catalog"
)

// running is the running text of one field of every book. Until it is prepared
// it is searched by looking at all of it.
type running struct {
	filled *roaring.Bitmap // the books that have more than white space there
	built  atomic.Pointer[prose]
}

// proseOf returns a book's running text, for columns that have it.
func (c *column) proseOf(b *catalog.Book) string {
	switch {
	case c.custom >= 0:
		return b.Custom[c.custom].Text
	case c.field.Key == catalog.FieldTitle:
		return b.Title
	case c.field.Key == catalog.FieldTitleSort:
		return b.TitleSort
	case c.field.Key == catalog.FieldAuthorSort:
		return b.AuthorSort
	}
	return b.Comments
}

// short tells whether the text of the column is short: reading it from the
// records takes longer than looking at it.
func (c *column) short() bool {
	switch c.field.Key {
	case catalog.FieldTitle, catalog.FieldTitleSort, catalog.FieldAuthorSort:
		return true
	}
	return false
}

func isBlank(s string) bool { return strings.TrimSpace(s) == "" }

// textOf returns how the raw text of the column is read.
func (ix *Index) textOf(c *column) textOf {
	return func(slot uint32) []byte { return ix.raw(c, slot) }
}

// running returns the books whose text in the column is what is sought: of
// those in within, or of all where that is nil.
func (v *evaluator) running(c *column, s sought, within *roaring.Bitmap) (*roaring.Bitmap, error) {
	if within == nil {
		within = v.ix.live
	}
	if p := c.prose.built.Load(); p != nil {
		if within == v.ix.live && len(v.ix.ids) == v.ix.Len() {
			within = nil // that is all
		}
		return p.find(v.ctx, s, within)
	}
	return scanProse(v.ctx, len(v.ix.ids), v.ix.textOf(c), s, within)
}

// Prepare makes text quick to find, which takes seconds in a large library.
// The index answers all the time, and what it answers does not change. It may
// be called concurrently with everything else, but not with itself.
func (ix *Index) Prepare(ctx context.Context) error {
	defer runtime.KeepAlive(ix)
	for _, c := range ix.list {
		if !c.unprepared() {
			continue
		}
		p, err := buildProse(ctx, len(ix.ids), ix.textOf(c), proseOptions{dir: ix.options.Dir, raw: c.short()})
		if err != nil {
			return err
		}
		c.prose.built.Store(p)
	}
	return nil
}

// Adopt takes over what Prepare made for an earlier generation, from which ix
// came by updates, and reports whether that was possible. Generations that come
// while one is prepared need not begin anew.
func (ix *Index) Adopt(earlier *Index) bool {
	n := len(earlier.ids)
	if !earlier.Prepared() || ix.meta.Library != earlier.meta.Library || len(ix.list) != len(earlier.list) ||
		n > len(ix.ids) || !slices.Equal(ix.ids[:n], earlier.ids) {
		return false
	}
	defer runtime.KeepAlive(earlier)
	stale := roaring.New()
	for slot := range uint32(n) {
		if ix.digests[slot] != earlier.digests[slot] {
			stale.Add(slot)
		}
	}
	for i, c := range ix.list {
		if c.prose == nil || !c.unprepared() {
			continue
		}
		if old := earlier.list[i]; old.field.Key == c.field.Key && old.prose != nil {
			c.prose.built.Store(old.prose.built.Load().next(len(ix.ids), stale, ix.textOf(c)))
		}
	}
	return ix.Prepared()
}

// Prepared says whether there is nothing for Prepare to do.
func (ix *Index) Prepared() bool {
	for _, c := range ix.list {
		if c.unprepared() {
			return false
		}
	}
	return true
}

func (c *column) unprepared() bool {
	if c.prose == nil {
		return false
	}
	p := c.prose.built.Load()
	return p == nil || p.worn()
}

// prose makes the next generation of a column of running text.
func (u *update) prose(c, old *column) *running {
	next := &running{filled: old.prose.filled}
	for i, slot := range u.put {
		if blank := isBlank(c.proseOf(u.books[i])); blank == next.filled.Contains(slot) {
			if next.filled == old.prose.filled {
				next.filled = next.filled.Clone()
			}
			if blank {
				next.filled.Remove(slot)
			} else {
				next.filled.Add(slot)
			}
		}
	}
	p := old.prose.built.Load()
	if p == nil {
		return next
	}
	stale := roaring.New()
	for _, slot := range u.put {
		if int(slot) >= len(u.prev.ids) || !bytes.Equal(u.prev.raw(old, slot), u.next.raw(c, slot)) {
			stale.Add(slot)
		}
	}
	next.built.Store(p.next(len(u.next.ids), stale, u.next.textOf(c)))
	return next
}
