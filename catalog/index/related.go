package index

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"runtime"
	"slices"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/pressmark/pressmark/catalog"
)

// Bounds of the search for similar books: values that more books have say
// little about one, and there is no end to what a very common tag would bring.
const (
	relatedLimit   = 12
	commonValue    = 5_000
	mostCandidates = 50_000
)

// Related implements catalog.Browser.
func (ix *Index) Related(ctx context.Context, id catalog.BookID, q catalog.RelatedQuery) (catalog.Related, error) {
	defer runtime.KeepAlive(ix)
	var r catalog.Related
	switch {
	case q.Limit == 0:
		q.Limit = relatedLimit
	case q.Limit < 0 || q.Limit > catalog.MaxLimit:
		return r, catalog.Invalid("limit", "", "a number from 1 to 500 was expected")
	}
	set, err := ix.eval(ctx, q.Where)
	if err != nil {
		return r, err
	}
	slot, ok := ix.slot(id)
	if !ok || !set.Contains(slot) {
		return r, fmt.Errorf("book %d: %w", id, catalog.ErrNotFound)
	}
	books := func(slots []uint32) []catalog.Book {
		list := make([]catalog.Book, len(slots))
		for i, s := range slots {
			list[i] = ix.book(s, false)
		}
		return list
	}
	r.Series = books(ix.seriesAround(slot, set, q.Limit))
	r.Authors = books(ix.sameAuthors(slot, set, q.Limit))
	r.Similar = books(ix.similar(slot, set, q.Limit))
	return r, nil
}

// seriesAround returns n books of a book's series by index, with it in the
// middle where there are more.
func (ix *Index) seriesAround(slot uint32, set *roaring.Bitmap, n int) []uint32 {
	c := ix.columns[catalog.FieldSeries]
	if c == nil || len(c.terms.of(slot)) == 0 {
		return nil
	}
	var list []uint32
	for _, s := range c.terms.books(c.terms.of(slot)[0]) {
		if set.Contains(s) {
			list = append(list, s)
		}
	}
	index := ix.seriesIndex(c)
	slices.SortFunc(list, func(a, b uint32) int {
		return cmp.Or(cmp.Compare(index[a], index[b]), cmp.Compare(ix.ids[a], ix.ids[b]))
	})
	from := max(0, min(slices.Index(list, slot)-n/2, len(list)-n))
	return list[from:min(from+n, len(list))]
}

// sameAuthors returns other books of a book's authors: those with most of
// them first, then the newest.
func (ix *Index) sameAuthors(slot uint32, set *roaring.Bitmap, n int) []uint32 {
	c := ix.columns[catalog.FieldAuthors]
	if c == nil {
		return nil
	}
	shared := map[uint32]float64{}
	for _, t := range c.terms.of(slot) {
		for _, s := range c.terms.books(t) {
			if s != slot && set.Contains(s) {
				shared[s]++
			}
		}
	}
	added := ix.columns[catalog.FieldAdded]
	return best(shared, n, func(a, b uint32) int {
		if added != nil && added.times[a] != added.times[b] {
			return cmp.Compare(added.times[b], added.times[a])
		}
		return cmp.Compare(ix.ids[b], ix.ids[a])
	})
}

// similar returns books that share tags, authors or the series with a book.
// Each shared value counts by how few books have it.
func (ix *Index) similar(slot uint32, set *roaring.Bitmap, n int) []uint32 {
	all := set.GetCardinality() == uint64(ix.Len())
	var values [][]uint32 // the books that share one value each
	for _, f := range [...]catalog.FieldKey{catalog.FieldTags, catalog.FieldAuthors, catalog.FieldSeries} {
		c := ix.columns[f]
		if c == nil {
			continue
		}
		for _, t := range c.terms.of(slot) {
			books := c.terms.books(t)
			if !all { // hidden books must not count, not even as weight
				books = roaring.And(termSet(c.terms, []uint32{t}), set).ToArray()
			}
			values = append(values, books)
		}
	}
	slices.SortStableFunc(values, func(a, b []uint32) int { return cmp.Compare(len(a), len(b)) })
	score := map[uint32]float64{}
	looked := 0
	for i, books := range values {
		weight := math.Log(1 + float64(set.GetCardinality())/float64(len(books)))
		books = books[:min(len(books), mostCandidates)]
		if looked += len(books); i > 0 && (len(books) > commonValue || looked > mostCandidates) {
			break
		}
		for _, s := range books {
			if s != slot {
				score[s] += weight
			}
		}
	}
	return best(score, n, func(a, b uint32) int { return cmp.Compare(ix.ids[a], ix.ids[b]) })
}

// best returns the n slots with the highest scores; tie orders equal ones.
func best(score map[uint32]float64, n int, tie func(a, b uint32) int) []uint32 {
	list := make([]uint32, 0, len(score))
	for s := range score {
		list = append(list, s)
	}
	slices.SortFunc(list, func(a, b uint32) int {
		return cmp.Or(cmp.Compare(score[b], score[a]), tie(a, b))
	})
	return list[:min(n, len(list))]
}
