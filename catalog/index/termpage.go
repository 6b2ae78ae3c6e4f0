package index

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"
	"slices"
	"sort"
	"strings"

	"github.com/pressmark/pressmark/catalog"
)

// Terms implements catalog.Reader.
func (ix *Index) Terms(ctx context.Context, f catalog.FieldKey, q catalog.TermQuery) (catalog.Page[catalog.Term], error) {
	var page catalog.Page[catalog.Term]
	c, err := ix.termsOf(f)
	if err != nil {
		return page, err
	}
	limit, err := pageLimit(q.Limit)
	if err != nil {
		return page, err
	}
	terms, count, err := ix.choose(ctx, c, q)
	if err != nil {
		return page, err
	}
	page.Total = len(terms)
	// at is the i-th term of the order that was asked for.
	at := func(i int) uint32 { return terms[i] }
	if q.Desc {
		at = func(i int) uint32 { return terms[len(terms)-1-i] }
	}
	begin := 0
	if q.After != "" {
		compare, err := c.after(q, count)
		if err != nil {
			return page, err
		}
		begin = sort.Search(len(terms), func(i int) bool { return compare(at(i)) > 0 })
	}
	end := min(begin+limit, len(terms))
	page.Items = make([]catalog.Term, 0, end-begin)
	for i := begin; i < end; i++ {
		t := at(i)
		page.Items = append(page.Items, catalog.Term{Item: c.list[t].Item, Count: count(t)})
	}
	if end < len(terms) && end > begin {
		page.Next = termCursor(q, &page.Items[len(page.Items)-1])
	}
	return page, nil
}

// choose returns the terms that q selects, in its order but for Desc, and the
// number of books that each has.
func (ix *Index) choose(ctx context.Context, c *termColumn, q catalog.TermQuery) ([]uint32, func(uint32) int, error) {
	terms, count := c.listed, c.count
	if q.Where == nil && q.Prefix == "" {
		if q.ByCount {
			terms = c.byCount
		}
		return terms, count, nil
	}
	if q.Where != nil {
		set, err := ix.eval(ctx, q.Where)
		if err != nil {
			return nil, nil, err
		}
		counts := tally(c, set)
		count = func(t uint32) int { return int(counts[t]) }
	}
	prefix := newFolder().fold(q.Prefix)
	var chosen []uint32
	for _, t := range terms {
		if count(t) > 0 && hasWordPrefix(c.list[t].folded, prefix) {
			chosen = append(chosen, t)
		}
	}
	if q.ByCount {
		c.sortByCount(chosen, count)
	}
	return chosen, count, nil
}

// hasWordPrefix tells whether s or a word of it begins with prefix.
func hasWordPrefix(s, prefix string) bool {
	for from := 0; ; {
		i := strings.Index(s[from:], prefix)
		if i < 0 {
			return false
		}
		if at := from + i; at == 0 || strings.IndexByte(" ,.-&'(/", s[at-1]) >= 0 {
			return true
		}
		from += i + 1
	}
}

// A cursor among terms holds how they are sorted, and the last term's count,
// sort text, name and id.

func termOrder(q catalog.TermQuery) byte {
	var o byte
	if q.ByCount {
		o |= 1
	}
	if q.Desc {
		o |= 2
	}
	return o
}

func termCursor(q catalog.TermQuery, t *catalog.Term) catalog.Cursor {
	b := []byte{termCursorVersion, 0, 0, 0, 0, termOrder(q)}
	b = binary.AppendVarint(b, int64(t.Count))
	b = binary.AppendVarint(b, t.ID)
	for _, s := range []string{t.Sort, t.Name, t.Link} {
		b = binary.AppendUvarint(b, uint64(len(s)))
		b = append(b, s...)
	}
	binary.BigEndian.PutUint32(b[1:5], crc32.ChecksumIEEE(b[5:]))
	return catalog.Cursor(base64.RawURLEncoding.EncodeToString(b))
}

// after returns how a term compares to the place that the cursor of q names.
func (c *termColumn) after(q catalog.TermQuery, count func(uint32) int) (func(t uint32) int, error) {
	b, err := base64.RawURLEncoding.DecodeString(string(q.After))
	r := reader{bad: true}
	if err == nil && len(b) > 6 && b[0] == termCursorVersion && binary.BigEndian.Uint32(b[1:5]) == crc32.ChecksumIEEE(b[5:]) {
		r = reader{b: b[6:]}
	}
	last := int(r.int())
	item := catalog.Item{ID: r.int(), Sort: r.str(), Name: r.str(), Link: r.str()}
	if r.bad || len(r.b) > 0 {
		return nil, catalog.Invalid("cursor", "", "not a cursor that this server gave; take next_cursor of the page before")
	}
	if b[5] != termOrder(q) {
		return nil, catalog.Invalid("cursor", "", "the cursor belongs to a query with another sort")
	}
	place := c.place(item)
	return func(t uint32) int {
		r := 0
		if q.ByCount {
			r = cmp.Compare(last, count(t))
		}
		r = cmp.Or(r, cmp.Compare(placeOf(c.rank[t]), place))
		if q.Desc {
			return -r
		}
		return r
	}, nil
}

// place returns the place of an item among the ranks of the terms, of which it
// need not be one any more.
func (c *termColumn) place(item catalog.Item) uint64 {
	for _, t := range c.exact(newFolder().fold(item.Name)) {
		if c.list[t].Item == item {
			return placeOf(c.rank[t])
		}
	}
	coll := newCollator()
	key := slices.Clone(coll.key(item.Sort))
	return 2 * uint64(sort.Search(len(c.order), func(i int) bool {
		x := &c.list[c.order[i]].Item
		return cmp.Or(slices.Compare(coll.key(x.Sort), key), compareItems(x, &item)) >= 0
	}))
}
