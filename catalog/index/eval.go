package index

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/pressmark/pressmark/catalog"
)

// maxDepth bounds the nesting of an expression.
const maxDepth = 500

// eval returns the set of slots that e selects. The set may be shared: it must
// not be changed.
func (ix *Index) eval(e catalog.Expr) (*roaring.Bitmap, error) {
	v := evaluator{ix: ix, fold: newFolder()}
	return v.eval(e, 0)
}

// evaluator evaluates one expression.
type evaluator struct {
	ix   *Index
	fold *folder
}

func (v *evaluator) eval(e catalog.Expr, depth int) (*roaring.Bitmap, error) {
	if depth > maxDepth {
		return nil, catalog.Invalid("filter", "", "expression nested too deeply: at most "+strconv.Itoa(maxDepth)+" levels")
	}
	switch e := e.(type) {
	case nil:
		return v.ix.live, nil
	case catalog.And:
		return v.and(e, depth)
	case catalog.Or:
		return v.or(e, depth)
	case catalog.Not:
		x, err := v.eval(e.X, depth+1)
		if err != nil {
			return nil, err
		}
		return roaring.AndNot(v.ix.live, x), nil
	case catalog.Is:
		return v.is(e)
	case catalog.Match:
		return v.contains(e)
	case catalog.Between:
		return v.between(e)
	case catalog.During:
		return v.during(e)
	case catalog.Has:
		return v.has(e)
	case catalog.IDs:
		b := roaring.New()
		for _, id := range e {
			if slot, ok := v.ix.slot(id); ok {
				b.Add(slot)
			}
		}
		return b, nil
	case catalog.UUIDs:
		b := roaring.New()
		for _, id := range e {
			if slot, ok := v.ix.slotOfUUID(id); ok {
				b.Add(slot)
			}
		}
		return b, nil
	}
	return nil, catalog.Invalid("filter", "", "unknown kind of expression")
}

func (v *evaluator) and(e catalog.And, depth int) (*roaring.Bitmap, error) {
	if len(e) == 0 {
		return v.ix.live, nil
	}
	all, err := v.eval(e[0], depth+1)
	for i := 1; i < len(e) && err == nil; i++ {
		var x *roaring.Bitmap
		// Evaluated even where all is empty: an invalid member is an error
		// whatever stands before it.
		if x, err = v.eval(e[i], depth+1); err == nil {
			all = roaring.And(all, x)
		}
	}
	return all, err
}

func (v *evaluator) or(e catalog.Or, depth int) (*roaring.Bitmap, error) {
	sets := make([]*roaring.Bitmap, 0, len(e))
	for _, m := range e {
		x, err := v.eval(m, depth+1)
		if err != nil {
			return nil, err
		}
		sets = append(sets, x)
	}
	if len(sets) == 1 {
		return sets[0], nil
	}
	return roaring.FastOr(sets...), nil
}

// column returns the column of a field that may be searched.
func (v *evaluator) column(key catalog.FieldKey) (*column, error) {
	c := v.ix.columns[key]
	if c == nil || !c.field.Searchable {
		return nil, catalog.Invalid("filter", string(key), "no field that can be searched is called")
	}
	return c, nil
}

// termSet returns the books that have at least one of the terms.
func termSet(c *termColumn, terms []uint32) *roaring.Bitmap {
	if len(terms) == 1 && c.big[terms[0]] != nil {
		return c.big[terms[0]]
	}
	b := roaring.New()
	var small []uint32
	for _, t := range terms {
		if c.big[t] != nil {
			b.Or(c.big[t])
		} else {
			small = append(small, c.books(t)...)
		}
	}
	slices.Sort(small) // one sorted run is added much faster than many small ones
	b.AddMany(small)
	return b
}

func (v *evaluator) is(e catalog.Is) (*roaring.Bitmap, error) {
	c, err := v.column(e.Field)
	if err != nil {
		return nil, err
	}
	switch {
	case c.field.Type == catalog.TypeIdentifiers:
		return v.identifier(c, e.Value), nil
	case c.terms != nil && c.field.Type != catalog.TypeRating:
		return termSet(c.terms, c.terms.exact(v.fold.fold(e.Value))), nil
	case c.field.Type == catalog.TypeBool:
		return v.isBool(c, e.Value)
	case c.field.Key == catalog.FieldID:
		id, err := strconv.ParseInt(e.Value, 10, 64)
		if err != nil {
			return nil, catalog.Invalid("filter", e.Value, "id: a whole number was expected, not")
		}
		return v.eval(catalog.IDs{catalog.BookID(id)}, 0)
	case c.field.Key == catalog.FieldUUID:
		return v.eval(catalog.UUIDs{e.Value}, 0)
	case c.nums != nil:
		n, err := strconv.ParseFloat(e.Value, 64)
		if err != nil || math.IsNaN(n) {
			return nil, catalog.Invalid("filter", e.Value, string(e.Field)+": a number was expected, not")
		}
		return v.between(catalog.Between{Field: e.Field, Min: &n, Max: &n})
	case c.times != nil:
		return v.isTime(c, e)
	}
	want := v.fold.fold(e.Value)
	if c.text != nil {
		return v.whole(c.text, want), nil
	}
	return v.scanText(c, func(s string) bool { return v.fold.fold(s) == want }), nil
}

// whole returns the slots whose running text is exactly want.
func (v *evaluator) whole(t *textColumn, want string) *roaring.Bitmap {
	b := t.containing(want)
	it := b.Clone().Iterator()
	for it.HasNext() {
		if slot := it.Next(); len(t.of(slot)) != len(want) {
			b.Remove(slot)
		}
	}
	b.And(v.ix.live)
	return b
}

// identifier selects by "type:value", or by "type" or "type:" for any value.
func (v *evaluator) identifier(c *column, value string) *roaring.Bitmap {
	folded := v.fold.fold(value)
	kind, val, _ := strings.Cut(folded, ":")
	if val == "" {
		return termSet(c.terms, c.terms.exact(kind))
	}
	b := c.text.containing(folded + string(identifierEnd))
	it := b.Clone().Iterator()
	for it.HasNext() {
		slot := it.Next()
		text := string(c.text.of(slot))
		if !strings.HasPrefix(text, folded+string(identifierEnd)) && !strings.Contains(text, string(identifierEnd)+folded+string(identifierEnd)) {
			b.Remove(slot)
		}
	}
	b.And(v.ix.live)
	return b
}

func (v *evaluator) isBool(c *column, value string) (*roaring.Bitmap, error) {
	want, err := strconv.ParseBool(strings.ToLower(value))
	if err != nil {
		return nil, catalog.Invalid("filter", value, string(c.field.Key)+": true or false was expected, not")
	}
	n := boolNum(want)
	return v.live(scan(len(c.nums), func(i int) bool { return c.nums[i] == n })), nil
}

func (v *evaluator) isTime(c *column, e catalog.Is) (*roaring.Bitmap, error) {
	if t, err := time.Parse(time.DateOnly, e.Value); err == nil {
		return v.during(catalog.During{Field: e.Field, From: t, To: t.AddDate(0, 0, 1)})
	}
	t, err := time.Parse(time.RFC3339, e.Value)
	if err != nil {
		return nil, catalog.Invalid("filter", e.Value, string(e.Field)+": a date such as 2024-01-31 or 2024-01-31T12:00:00Z was expected, not")
	}
	want := t.UnixMicro()
	return v.live(scan(len(c.times), func(i int) bool { return c.times[i] == want })), nil
}

// live keeps the slots that hold a book.
func (v *evaluator) live(b *roaring.Bitmap) *roaring.Bitmap {
	if len(v.ix.ids) > v.ix.Len() {
		b.And(v.ix.live)
	}
	return b
}

// defaultFields are where text is looked for that names no field, beside the
// custom columns of text.
var defaultFields = [...]catalog.FieldKey{
	catalog.FieldTitle, catalog.FieldAuthors, catalog.FieldSeries, catalog.FieldTags,
	catalog.FieldPublisher, catalog.FieldIdentifiers,
}

func (v *evaluator) contains(e catalog.Match) (*roaring.Bitmap, error) {
	needle := v.fold.fold(e.Value)
	if e.Field != "" {
		c, err := v.column(e.Field)
		if err != nil {
			return nil, err
		}
		return v.columnContains(c, needle)
	}
	var sets []*roaring.Bitmap
	for _, c := range v.ix.list {
		custom := c.custom >= 0 && c.terms != nil && c.field.Type != catalog.TypeRating
		if custom || slices.Contains(defaultFields[:], c.field.Key) {
			b, err := v.columnContains(c, needle)
			if err != nil {
				return nil, err
			}
			sets = append(sets, b)
		}
	}
	return roaring.FastOr(sets...), nil
}

func (v *evaluator) columnContains(c *column, needle string) (*roaring.Bitmap, error) {
	switch {
	case c.text != nil:
		return v.live(c.text.containing(needle)), nil
	case c.terms != nil && c.field.Type != catalog.TypeRating:
		var hits []uint32
		for t := range c.terms.list {
			if strings.Contains(c.terms.list[t].folded, needle) {
				hits = append(hits, uint32(t))
			}
		}
		return termSet(c.terms, hits), nil
	case c.field.Type == catalog.TypeText || c.field.Type == catalog.TypeComments:
		return v.scanText(c, func(s string) bool { return strings.Contains(v.fold.fold(s), needle) }), nil
	}
	return nil, catalog.Invalid("filter", string(c.field.Key), "text cannot be looked for in a field of numbers or dates:")
}

// scanText looks at a field of every book whose text lies only in the bulk.
func (v *evaluator) scanText(c *column, keep func(string) bool) *roaring.Bitmap {
	b := roaring.New()
	for _, slot := range v.ix.byID.perm {
		var s string
		switch {
		case c.field.Key == catalog.FieldComments:
			s = string(v.ix.comments(slot))
		case c.field.Key == catalog.FieldUUID:
			s = decodeUUID(v.ix.record(slot))
		case c.custom >= 0:
			book := v.ix.book(slot, false)
			s = book.Custom[c.custom].Text
		}
		if s != "" && keep(s) {
			b.Add(slot)
		}
	}
	return b
}

func (v *evaluator) between(e catalog.Between) (*roaring.Bitmap, error) {
	c, err := v.column(e.Field)
	if err != nil {
		return nil, err
	}
	lo, hi := math.Inf(-1), math.Inf(1)
	if e.Min != nil {
		lo = *e.Min
	}
	if e.Max != nil {
		hi = *e.Max
	}
	if c.field.Key == catalog.FieldID {
		return v.live(scan(len(v.ix.ids), func(i int) bool {
			id := float64(v.ix.ids[i])
			return id >= lo && id <= hi
		})), nil
	}
	if c.nums == nil {
		return nil, catalog.Invalid("filter", string(e.Field), "not a field of numbers:")
	}
	nums := c.nums
	if c.order == nil || c.field.Type == catalog.TypeSeries {
		return v.live(scan(len(nums), func(i int) bool { return nums[i] >= lo && nums[i] <= hi })), nil
	}
	return c.order.set(func(s uint32) bool { return nums[s] >= lo }, func(s uint32) bool { return nums[s] > hi }), nil
}

func (v *evaluator) during(e catalog.During) (*roaring.Bitmap, error) {
	c, err := v.column(e.Field)
	if err != nil {
		return nil, err
	}
	if c.times == nil {
		return nil, catalog.Invalid("filter", string(e.Field), "not a field of dates:")
	}
	lo, hi := int64(noTime+1), int64(math.MaxInt64)
	if !e.From.IsZero() {
		lo = e.From.UnixMicro()
	}
	if !e.To.IsZero() {
		hi = e.To.UnixMicro()
	}
	times := c.times
	if c.order == nil {
		return v.live(scan(len(times), func(i int) bool { return times[i] >= lo && times[i] < hi })), nil
	}
	return c.order.set(func(s uint32) bool { return times[s] >= lo }, func(s uint32) bool { return times[s] >= hi }), nil
}

func (v *evaluator) has(e catalog.Has) (*roaring.Bitmap, error) {
	c, err := v.column(e.Field)
	if err != nil {
		return nil, err
	}
	switch {
	case c.field.Key == catalog.FieldCover:
		return v.isBool(c, "true")
	case c.terms != nil:
		off := c.terms.off
		return v.live(scan(len(off)-1, func(i int) bool { return off[i] < off[i+1] })), nil
	case c.nums != nil:
		return v.live(scan(len(c.nums), func(i int) bool { return !math.IsNaN(c.nums[i]) })), nil
	case c.times != nil:
		return v.live(scan(len(c.times), func(i int) bool { return c.times[i] != noTime })), nil
	case c.text != nil:
		off := c.text.off
		return v.live(scan(len(off)-1, func(i int) bool { return off[i]+1 < off[i+1] })), nil
	case c.field.Key == catalog.FieldID:
		return v.ix.live, nil
	}
	return v.scanText(c, func(string) bool { return true }), nil
}
