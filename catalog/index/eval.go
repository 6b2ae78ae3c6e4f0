package index

import (
	"context"
	"strconv"
	"strings"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/pressmark/pressmark/catalog"
)

// maxDepth bounds the nesting of an expression.
const maxDepth = 500

// eval returns the set of slots that e selects. The set may be shared: it must
// not be changed.
func (ix *Index) eval(ctx context.Context, e catalog.Expr) (*roaring.Bitmap, error) {
	v := evaluator{ix: ix, ctx: ctx, fold: newFolder()}
	weight := weigh(e, 0)
	if weight == light {
		return v.eval(e, nil, 0)
	}
	return ix.results.get(e, func() (*roaring.Bitmap, error) {
		// A view is ANDed to many expressions, and what text selects is often
		// narrowed down step by step: members are kept, too.
		if all, ok := e.(catalog.And); ok {
			return v.and(all, nil, 0)
		}
		return v.eval(e, nil, 0)
	})
}

// evaluator evaluates one expression.
type evaluator struct {
	ix   *Index
	ctx  context.Context
	fold *folder
}

// eval returns a set that is right for the slots in within, or for all where
// that is nil: of others it may hold some or none. What looks at text book by
// book looks at no others.
func (v *evaluator) eval(e catalog.Expr, within *roaring.Bitmap, depth int) (*roaring.Bitmap, error) {
	if depth > maxDepth {
		return nil, catalog.Invalid("filter", "", "expression nested too deeply: at most "+strconv.Itoa(maxDepth)+" levels")
	}
	switch e := e.(type) {
	case nil:
		return v.ix.live, nil
	case catalog.And:
		return v.and(e, within, depth)
	case catalog.Or:
		return v.or(e, within, depth)
	case catalog.Not:
		x, err := v.eval(e.X, within, depth+1)
		if err != nil {
			return nil, err
		}
		return roaring.AndNot(v.ix.live, x), nil
	case catalog.Is:
		return v.is(e)
	case catalog.Match:
		return v.match(e, within)
	case catalog.MatchIdentifier:
		return v.matchIdentifier(e)
	case catalog.Between:
		return v.between(e)
	case catalog.During:
		return v.during(e)
	case catalog.Count:
		return v.count(e)
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
	case catalog.Search:
		return nil, catalog.Invalid("q", string(e), "this catalog does not take text in a search language:")
	}
	return nil, catalog.Invalid("filter", "", "unknown kind of expression")
}

// and evaluates what costs little first: the rest then has few books to look
// at. All members are evaluated even where none is left: an invalid member is
// an error whatever stands beside it.
func (v *evaluator) and(e catalog.And, within *roaring.Bitmap, depth int) (*roaring.Bitmap, error) {
	if len(e) == 0 {
		return v.ix.live, nil
	}
	var all *roaring.Bitmap
	err := byWeight(e, depth, func(m catalog.Expr, w weight) error {
		x, err := v.member(m, w, within, depth)
		if err != nil {
			return err
		}
		if all == nil {
			all = x
		} else {
			all = roaring.And(all, x)
		}
		within = all
		return nil
	})
	return all, err
}

// member evaluates a member of an And. At the top what does not depend on
// within is kept for other expressions.
func (v *evaluator) member(m catalog.Expr, w weight, within *roaring.Bitmap, depth int) (*roaring.Bitmap, error) {
	if depth > 0 || w != medium {
		return v.eval(m, within, depth+1)
	}
	return v.ix.results.get(m, func() (*roaring.Bitmap, error) { return v.eval(m, nil, depth+1) })
}

func (v *evaluator) or(e catalog.Or, within *roaring.Bitmap, depth int) (*roaring.Bitmap, error) {
	if len(e) == 1 {
		return v.eval(e[0], within, depth+1)
	}
	sets := make([]*roaring.Bitmap, 0, len(e))
	err := byWeight(e, depth, func(m catalog.Expr, w weight) error {
		open := within
		if w == heavy && len(sets) > 0 { // what is selected already need not be looked at
			if open == nil {
				open = v.ix.live
			}
			open = roaring.AndNot(open, roaring.FastOr(sets...))
		}
		x, err := v.eval(m, open, depth+1)
		sets = append(sets, x)
		return err
	})
	if err != nil {
		return nil, err
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

// live keeps the slots that hold a book.
func (v *evaluator) live(b *roaring.Bitmap) *roaring.Bitmap {
	if len(v.ix.ids) > v.ix.Len() {
		b.And(v.ix.live)
	}
	return b
}

// weight says what evaluating an expression costs.
type weight uint8

const (
	light  weight = iota // looks a set up, or scans numbers
	medium               // goes through a dictionary, or joins several sets
	heavy                // looks at the text of books
)

// weigh returns the weight of an expression.
func weigh(e catalog.Expr, depth int) weight {
	w := light
	if depth > maxDepth {
		return w // an error anyway
	}
	var members []catalog.Expr
	switch e := e.(type) {
	case catalog.And:
		members = e
	case catalog.Or:
		members = e
	case catalog.Not:
		members = []catalog.Expr{e.X}
	case catalog.MatchIdentifier, catalog.Count:
		return medium
	case catalog.Match:
		if e.Field == "" || mayBeProse(e.Field) {
			return heavy
		}
		return medium
	}
	if len(members) > 4 {
		w = medium
	}
	for _, m := range members {
		w = max(w, weigh(m, depth+1))
	}
	return w
}

func mayBeProse(key catalog.FieldKey) bool {
	return hasProse(&catalog.Field{Key: key}) || key == catalog.FieldComments || strings.HasPrefix(string(key), "#")
}

// byWeight calls f with the members of an expression, light ones first.
func byWeight(members []catalog.Expr, depth int, f func(catalog.Expr, weight) error) error {
	var buf [16]weight
	weights := buf[:0]
	for _, m := range members {
		weights = append(weights, weigh(m, depth+1))
	}
	for w := light; w <= heavy; w++ {
		for i, m := range members {
			if weights[i] != w {
				continue
			}
			if err := f(m, w); err != nil {
				return err
			}
		}
	}
	return nil
}
