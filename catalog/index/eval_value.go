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

// termSet returns the books that have at least one of the terms.
func termSet(c *termColumn, terms []uint32) *roaring.Bitmap {
	if len(terms) == 1 && c.big[terms[0]] != nil {
		return c.big[terms[0]]
	}
	b := roaring.New()
	small, total := make([]uint32, 0, len(terms)), 0
	for _, t := range terms {
		if c.big[t] != nil {
			b.Or(c.big[t])
		} else {
			small = append(small, t)
			total += len(c.books(t))
		}
	}
	slots := len(c.off) - 1
	if total > slots/64 {
		words := make([]uint64, (slots+63)/64)
		for _, t := range small {
			for _, slot := range c.books(t) {
				words[slot/64] |= 1 << (slot % 64)
			}
		}
		b.Or(roaring.FromDense(words, false))
		return b
	}
	list := make([]uint32, 0, total)
	for _, t := range small {
		list = append(list, c.books(t)...)
	}
	slices.Sort(list) // one sorted run is added much faster than many small ones
	b.AddMany(list)
	return b
}

func (v *evaluator) is(e catalog.Is) (*roaring.Bitmap, error) {
	c, err := v.column(e.Field)
	if err != nil {
		return nil, err
	}
	switch {
	case c.field.Type == catalog.TypeIdentifiers:
		return v.isIdentifier(c, e.Value), nil
	case c.terms != nil && c.field.Type != catalog.TypeRating:
		return termSet(c.terms, c.terms.exact(v.fold.fold(e.Value))), nil
	case c.field.Type == catalog.TypeBool:
		return v.isBool(c, e.Value)
	case c.field.Key == catalog.FieldID:
		id, err := strconv.ParseInt(e.Value, 10, 64)
		if err != nil {
			return nil, catalog.Invalid("filter", e.Value, "id: a whole number was expected, not")
		}
		return v.eval(catalog.IDs{catalog.BookID(id)}, nil, 0)
	case c.field.Key == catalog.FieldUUID:
		return v.eval(catalog.UUIDs{e.Value}, nil, 0)
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
	s := sought{accept: func(f *folder, raw string) bool { return f.fold(raw) == want }}
	if bare := v.fold.bare(e.Value); bare != "" {
		s.needles = [][]string{{bare}}
	}
	return v.running(c, s, nil)
}

// isIdentifier selects by "type:value", or by "type" or "type:" for any value.
func (v *evaluator) isIdentifier(c *column, value string) *roaring.Bitmap {
	kind, val, _ := strings.Cut(value, ":")
	if val == "" {
		return termSet(c.terms, c.terms.exact(v.fold.fold(kind)))
	}
	kind, val = v.fold.fold(kind), v.fold.fold(val)
	return v.identifiers(c, v.fold.bare(val), true, func(i catalog.Identifier) bool {
		return v.fold.fold(i.Type) == kind && v.fold.fold(i.Value) == val
	})
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
	all := c.field.Key != catalog.FieldSeriesIndex || e.Stored
	if all && (c.order == nil || c.field.Type == catalog.TypeSeries || e.Stored) {
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

func (v *evaluator) count(e catalog.Count) (*roaring.Bitmap, error) {
	c, err := v.column(e.Field)
	if err != nil {
		return nil, err
	}
	if c.terms == nil {
		return nil, catalog.Invalid("filter", string(e.Field), "not a field whose values can be counted:")
	}
	off := c.terms.off
	return v.live(scan(len(off)-1, func(i int) bool {
		n := int(off[i+1] - off[i])
		return n >= e.Min && (e.Max < 0 || n <= e.Max)
	})), nil
}

func (v *evaluator) has(e catalog.Has) (*roaring.Bitmap, error) {
	c, err := v.column(e.Field)
	if err != nil {
		return nil, err
	}
	switch {
	case c.field.Key == catalog.FieldCover:
		return v.isBool(c, "true")
	case c.field.Key == catalog.FieldSeriesIndex:
		return v.has(catalog.Has{Field: catalog.FieldSeries})
	case c.terms != nil:
		off := c.terms.off
		return v.live(scan(len(off)-1, func(i int) bool { return off[i] < off[i+1] })), nil
	case c.nums != nil:
		return v.live(scan(len(c.nums), func(i int) bool { return !math.IsNaN(c.nums[i]) })), nil
	case c.times != nil:
		return v.live(scan(len(c.times), func(i int) bool { return c.times[i] != noTime })), nil
	case c.field.Key == catalog.FieldID:
		return v.ix.live, nil
	case c.field.Key == catalog.FieldUUID:
		return v.eachBook(func(slot uint32) bool { return len(uuidOf(v.ix.record(slot))) > 0 }), nil
	}
	return v.live(c.prose.filled.Clone()), nil
}

// eachBook returns the books for which keep is true.
func (v *evaluator) eachBook(keep func(slot uint32) bool) *roaring.Bitmap {
	n := len(v.ix.ids)
	full := n == v.ix.Len()
	return scan(n, func(i int) bool { return (full || v.ix.live.Contains(uint32(i))) && keep(uint32(i)) })
}
