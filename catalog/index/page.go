package index

import (
	"cmp"
	"context"
	"errors"
	"runtime"
	"strconv"

	"github.com/pressmark/pressmark/catalog"
)

// Books implements catalog.Reader.
func (ix *Index) Books(ctx context.Context, q catalog.Query) (catalog.Page[catalog.Book], error) {
	defer runtime.KeepAlive(ix)
	slots, page, err := ix.page(ctx, q)
	if err != nil {
		return page, err
	}
	page.Items = make([]catalog.Book, len(slots))
	for i, slot := range slots {
		if q.Names {
			page.Items[i] = catalog.Book{ID: ix.ids[slot], UUID: string(uuidOf(ix.record(slot)))}
		} else {
			page.Items[i] = ix.book(slot, q.Comments)
		}
	}
	return page, nil
}

// AppendBooks implements catalog.Appender. It is errors.ErrUnsupported where
// Options.Encode was nil or q asks for comments, or for names alone.
func (ix *Index) AppendBooks(ctx context.Context, dst []byte, q catalog.Query) ([]byte, catalog.Page[catalog.Book], error) {
	defer runtime.KeepAlive(ix)
	if ix.options.Encode == nil || q.Comments || q.Names {
		return dst, catalog.Page[catalog.Book]{}, errors.ErrUnsupported
	}
	slots, page, err := ix.page(ctx, q)
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
func (ix *Index) page(ctx context.Context, q catalog.Query) ([]uint32, catalog.Page[catalog.Book], error) {
	var page catalog.Page[catalog.Book]
	limit, err := pageLimit(q.Limit)
	if err != nil {
		return nil, page, err
	}
	relevance := len(q.Sort) > 0 && q.Sort[0].Field == catalog.FieldRelevance
	if relevance {
		if q.Sort[0].Desc {
			return nil, page, catalog.Invalid("sort", string(catalog.FieldRelevance), "what matches best comes first, and nothing else can:")
		}
		q.Sort = q.Sort[1:]
	}
	keys, err := ix.sortKeys(q.Sort)
	if err != nil {
		return nil, page, err
	}
	var after *position
	if q.After != "" {
		if after, err = ix.position(q.After, keys, relevance); err != nil {
			return nil, page, err
		}
	}
	set, err := ix.eval(ctx, q.Where)
	if err != nil {
		return nil, page, err
	}
	page.Total = int(set.GetCardinality())
	var slots []uint32
	tiers := []byte(nil)
	if relevance {
		v := evaluator{ix: ix, ctx: ctx, fold: newFolder()}
		if slots, tiers, err = v.relevance(set, &q, keys, after, limit+1); err != nil {
			return nil, page, err
		}
	} else {
		slots = ix.cut(set, page.Total, keys, after, limit+1)
	}
	if len(slots) > limit {
		slots = slots[:limit]
		page.Next = ix.cursor(keys, slots[limit-1], tiers[:min(limit, len(tiers))])
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

// maxSortKeys bounds the keys of one order.
const maxSortKeys = 8

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
	if len(keys) > maxSortKeys {
		return nil, catalog.Invalid("sort", "", "at most "+strconv.Itoa(maxSortKeys)+" keys were expected")
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
