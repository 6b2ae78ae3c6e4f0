package index

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"
	"math"
	"slices"
	"sort"
	"strings"

	"github.com/pressmark/pressmark/catalog"
)

// A cursor holds the id of the last book of a page and the values that the
// book was sorted by, so that the place can be found again after the book was
// changed or removed: version, CRC-32 of the rest, the sort keys, the id, and
// for each key whether there was a value, and the value.

const (
	cursorVersion          = 1
	termCursorVersion      = 2
	relevanceCursorVersion = 3 // as version 1, with the tier before the sort keys
	branchCursorVersion    = 4
)

// maxCursorText bounds the text of a value in a cursor. Titles that agree in so
// many bytes are told apart by id.
const maxCursorText = 400

// position is a cursor in terms of one index: for each key a place among the
// ranks, then the id. A rank r is the place 2r+1, so that values that are not
// in the index have places of their own between the ranks.
type position struct {
	places []uint64
	id     catalog.BookID
	tier   int // of relevance, where the order begins with it
}

const missingPlace = math.MaxUint64

func placeOf(rank uint32) uint64 {
	if rank == missingRank {
		return missingPlace
	}
	return 2*uint64(rank) + 1
}

// follows tells whether a slot comes after a position.
func (ix *Index) follows(slot uint32, keys []sortKey, p *position) bool {
	for i, k := range keys {
		if c := compareRanks(placeOf(k.order.rank[slot]), p.places[i], k.desc); c != 0 {
			return c > 0
		}
	}
	return ix.ids[slot] > p.id
}

func sortSpec(keys []sortKey) string {
	var b strings.Builder
	for i, k := range keys {
		if i > 0 {
			b.WriteByte(',')
		}
		if k.desc {
			b.WriteByte('-')
		}
		b.WriteString(string(k.field.Key))
	}
	return b.String()
}

// cursor returns the cursor of the place after a slot. Where the order begins
// with relevance, tiers are those of the page's books.
func (ix *Index) cursor(keys []sortKey, slot uint32, tiers []byte) catalog.Cursor {
	b := make([]byte, 5, 96)
	b[0] = cursorVersion
	if len(tiers) > 0 {
		b[0] = relevanceCursorVersion
		b = append(b, tiers[len(tiers)-1])
	}
	spec := sortSpec(keys)
	b = binary.AppendUvarint(b, uint64(len(spec)))
	b = append(b, spec...)
	b = binary.AppendVarint(b, int64(ix.ids[slot]))
	for _, k := range keys {
		v, ok := ix.cursorValue(k.column, slot)
		if !ok {
			b = append(b, 0)
			continue
		}
		b = append(b, 1)
		b = binary.AppendUvarint(b, uint64(len(v)))
		b = append(b, v...)
	}
	binary.BigEndian.PutUint32(b[1:5], crc32.ChecksumIEEE(b[5:]))
	return catalog.Cursor(base64.RawURLEncoding.EncodeToString(b))
}

// cursorValue returns the value that a slot sorts by; false if it has none.
func (ix *Index) cursorValue(c *column, slot uint32) (string, bool) {
	if c.order.rank[slot] == missingRank {
		return "", false
	}
	switch {
	case c.field.Key == catalog.FieldID:
		return "", true
	case c.sortsAs(catalog.FieldTitle):
		return cutText(ix.titleKey(slot)), true
	case c.sortsAs(catalog.FieldAuthorSort):
		return cutText(ix.authorKey(slot)), true
	case c.terms != nil && c.field.Type == catalog.TypeSeries:
		t := &c.terms.list[c.terms.of(slot)[0]]
		return number(orderedFloat(ix.seriesIndex(c)[slot])) + t.Sort, true
	case c.nums != nil:
		return number(orderedFloat(c.nums[slot])), true
	case c.times != nil:
		return number(orderedInt(c.times[slot])), true
	}
	terms := slices.Clone(c.terms.of(slot))
	slices.SortFunc(terms, func(a, b uint32) int { return cmp.Compare(c.terms.rank[a], c.terms.rank[b]) })
	names := make([]string, len(terms))
	for i, t := range terms {
		names[i] = c.terms.list[t].Sort
	}
	return strings.Join(names, "\x00"), true
}

func cutText(key []byte) string { return string(key[:min(len(key), maxCursorText)]) }

func number(v uint64) string {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], v)
	return string(b[:])
}

// position finds the place that a cursor names.
func (ix *Index) position(c catalog.Cursor, keys []sortKey, relevance bool) (*position, error) {
	bad := func(why string) error { return catalog.Invalid("cursor", "", why) }
	b, err := base64.RawURLEncoding.DecodeString(string(c))
	if err != nil || len(b) < 6 || b[0] != cursorVersion && b[0] != relevanceCursorVersion ||
		binary.BigEndian.Uint32(b[1:5]) != crc32.ChecksumIEEE(b[5:]) {
		return nil, bad("not a cursor that this server gave; take next_cursor of the page before")
	}
	if relevance != (b[0] == relevanceCursorVersion) {
		return nil, bad("the cursor belongs to a query with another sort")
	}
	r, tier := reader{b: b[5:]}, 0
	if relevance {
		tier, r.b = int(b[5]), b[6:]
	}
	if spec := r.str(); r.bad || spec != sortSpec(keys) {
		return nil, bad("the cursor belongs to a query with another sort: " + sortSpec(keys) + " was expected")
	}
	p := &position{id: catalog.BookID(r.int()), tier: tier}
	slot, known := ix.slot(p.id)
	for _, k := range keys {
		if !r.flag() {
			p.places = append(p.places, missingPlace)
			continue
		}
		v := r.str()
		if known {
			// The usual case: the book is there and sorts as it did.
			if now, ok := ix.cursorValue(k.column, slot); ok && now == v {
				p.places = append(p.places, placeOf(k.order.rank[slot]))
				continue
			}
		}
		p.places = append(p.places, ix.locate(k.column, v, p.id))
	}
	if r.bad || len(r.b) > 0 {
		return nil, bad("not a cursor that this server gave; take next_cursor of the page before")
	}
	return p, nil
}

// locate finds the place of a value in a column's order.
func (ix *Index) locate(c *column, v string, id catalog.BookID) uint64 {
	o := c.order
	compare := ix.comparer(c, v, id) // value of a slot against v
	i := sort.Search(o.present, func(i int) bool { return compare(o.perm[i]) >= 0 })
	switch {
	case i == o.present && i == 0:
		return 0
	case i == o.present:
		return placeOf(o.rank[o.perm[i-1]]) + 1
	case compare(o.perm[i]) == 0:
		return placeOf(o.rank[o.perm[i]])
	}
	return placeOf(o.rank[o.perm[i]]) - 1
}

// comparer returns how the value of a slot compares to a cursor's value v.
func (ix *Index) comparer(c *column, v string, id catalog.BookID) func(slot uint32) int {
	switch {
	case c.field.Key == catalog.FieldID:
		return func(s uint32) int { return cmp.Compare(ix.ids[s], id) }
	case c.sortsAs(catalog.FieldTitle):
		return func(s uint32) int { return compareCut(ix.titleKey(s), v) }
	case c.sortsAs(catalog.FieldAuthorSort):
		return func(s uint32) int { return compareCut(ix.authorKey(s), v) }
	case c.terms != nil && c.field.Type == catalog.TypeSeries:
		index, name := v[:min(8, len(v))], v[min(8, len(v)):]
		nums, place := ix.seriesIndex(c), newTermPlaces(c.terms)
		at := place.of(name)
		return func(s uint32) int {
			if r := cmp.Compare(placeOf(c.terms.rank[c.terms.of(s)[0]]), at); r != 0 {
				return r
			}
			return strings.Compare(number(orderedFloat(nums[s])), index)
		}
	case c.nums != nil:
		return func(s uint32) int { return strings.Compare(number(orderedFloat(c.nums[s])), v) }
	case c.times != nil:
		return func(s uint32) int { return strings.Compare(number(orderedInt(c.times[s])), v) }
	}
	place := newTermPlaces(c.terms)
	var want []uint64
	for name := range strings.SplitSeq(v, "\x00") {
		want = append(want, place.of(name))
	}
	return func(s uint32) int {
		var have []uint64
		for _, t := range c.terms.of(s) {
			have = append(have, placeOf(c.terms.rank[t]))
		}
		slices.Sort(have)
		return slices.Compare(have, want)
	}
}

// compareCut compares a collation key to one that may have been cut.
func compareCut(key []byte, v string) int {
	return bytes.Compare(key[:min(len(key), maxCursorText)], []byte(v))
}

// termPlaces finds places among the ranks of terms for text that may not be
// among them.
type termPlaces struct {
	c    *termColumn
	coll *collator
}

func newTermPlaces(c *termColumn) *termPlaces { return &termPlaces{c, newCollator()} }

func (p *termPlaces) of(text string) uint64 {
	key := bytes.Clone(p.coll.key(text))
	at := func(i int) int {
		s := p.c.list[p.c.order[i]].Sort
		return cmp.Or(bytes.Compare(p.coll.key(s), key), strings.Compare(s, text))
	}
	i := sort.Search(len(p.c.order), func(i int) bool { return at(i) >= 0 })
	if i < len(p.c.order) && at(i) == 0 {
		return placeOf(uint32(i))
	}
	return 2 * uint64(i)
}

// reader reads a cursor's parts; bad is set when there is not enough of it.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) int() int64 {
	v, n := binary.Varint(r.b)
	if n <= 0 {
		r.bad, r.b = true, nil
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *reader) str() string {
	v, n := binary.Uvarint(r.b)
	if n <= 0 || v > uint64(len(r.b)-n) {
		r.bad, r.b = true, nil
		return ""
	}
	s := string(r.b[n : n+int(v)])
	r.b = r.b[n+int(v):]
	return s
}

func (r *reader) flag() bool {
	if len(r.b) == 0 {
		r.bad = true
		return false
	}
	f := r.b[0] != 0
	r.b = r.b[1:]
	return f
}
