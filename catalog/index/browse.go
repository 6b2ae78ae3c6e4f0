package index

import (
	"cmp"
	"context"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"unicode"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/pressmark/pressmark/catalog"
)

var _ catalog.Browser = (*Index)(nil)

// termsOf returns the column of a field that has terms.
func (ix *Index) termsOf(f catalog.FieldKey) (*termColumn, error) {
	c := ix.columns[f]
	switch {
	case c == nil:
		return nil, fmt.Errorf("field %q: %w", f, catalog.ErrNotFound)
	case c.terms == nil:
		return nil, catalog.Invalid("field", string(f), "a field of numbers, dates or running text has no terms:")
	}
	return c.terms, nil
}

// Facets implements catalog.Browser.
func (ix *Index) Facets(ctx context.Context, where catalog.Expr, fields []catalog.FieldKey, limit int) ([]catalog.Facet, error) {
	defer runtime.KeepAlive(ix)
	if limit < 1 || limit > catalog.MaxLimit {
		return nil, catalog.Invalid("limit", strconv.Itoa(limit), "a number from 1 to 500 was expected, not")
	}
	set, err := ix.eval(ctx, where)
	if err != nil {
		return nil, err
	}
	all := set.GetCardinality() == uint64(ix.Len())
	out := make([]catalog.Facet, 0, len(fields))
	for _, f := range fields {
		c, err := ix.termsOf(f)
		if err != nil {
			return nil, err
		}
		var top []uint32
		count := c.count
		if all {
			top = c.byCount[:min(limit, len(c.byCount))]
		} else {
			counts := tally(c, set)
			count = func(t uint32) int { return int(counts[t]) }
			top = c.most(counts, limit)
		}
		facet := catalog.Facet{Field: f, Terms: make([]catalog.Term, 0, len(top))}
		for _, t := range top {
			facet.Terms = append(facet.Terms, catalog.Term{Item: c.list[t].Item, Count: count(t)})
		}
		out = append(out, facet)
	}
	return out, nil
}

// most returns the n terms with the highest counts above zero, as sortByCount
// orders them.
func (c *termColumn) most(counts []uint32, n int) []uint32 {
	// better is whether t comes before the last of those that are kept.
	var top []uint32
	compare := func(a, b uint32) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(c.rank[a], c.rank[b]))
	}
	least := uint32(1)
	for t, count := range counts {
		if count < least {
			continue
		}
		if top = append(top, uint32(t)); len(top) < 4*n+64 {
			continue
		}
		slices.SortFunc(top, compare)
		top = top[:n]
		least = counts[top[n-1]]
	}
	slices.SortFunc(top, compare)
	return top[:min(n, len(top))]
}

// tally returns how many books of a set each term has.
func tally(c *termColumn, set *roaring.Bitmap) []uint32 {
	counts := make([]uint32, len(c.list))
	it := set.ManyIterator()
	var buf [256]uint32
	for n := it.NextMany(buf[:]); n > 0; n = it.NextMany(buf[:]) {
		for _, slot := range buf[:n] {
			for _, t := range c.of(slot) {
				counts[t]++
			}
		}
	}
	return counts
}

// Letters implements catalog.Browser.
func (ix *Index) Letters(ctx context.Context, f catalog.FieldKey, q catalog.TermQuery) ([]catalog.Letter, error) {
	defer runtime.KeepAlive(ix)
	c, err := ix.termsOf(f)
	if err != nil {
		return nil, err
	}
	q.ByCount, q.Desc, q.After = false, false, ""
	terms, count, err := ix.choose(ctx, c, q)
	if err != nil {
		return nil, err
	}
	var out []catalog.Letter
	fold := newFolder()
	for i, t := range terms {
		letter := firstLetter(fold, c.list[t].Sort)
		if n := len(out); n > 0 && out[n-1].Letter == letter {
			out[n-1].Count++
			continue
		}
		group := catalog.Letter{Letter: letter, Count: 1}
		if i > 0 {
			before := terms[i-1]
			group.After = termCursor(q, &catalog.Term{Item: c.list[before].Item, Count: count(before)})
		}
		out = append(out, group)
	}
	return out, nil
}

// firstLetter returns the letter under which text is listed.
func firstLetter(f *folder, text string) string {
	for _, r := range f.fold(text) {
		if unicode.IsMark(r) {
			continue
		}
		if unicode.IsLetter(r) {
			return string(unicode.ToUpper(r))
		}
		break
	}
	return "#"
}
