package index

import (
	"strings"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/pressmark/pressmark/catalog"
)

// tiers divides a set by how well titles and authors match the words: the best
// first, each book in one tier only (see catalog.FieldRelevance).
func (v *evaluator) tiers(set *roaring.Bitmap, words []string) ([]*roaring.Bitmap, error) {
	title, authors := v.ix.columns[catalog.FieldTitle], v.ix.columns[catalog.FieldAuthors]
	var phrase string
	inTitle, inEither := set, set
	for _, w := range words {
		bare := v.fold.bare(w)
		if bare == "" {
			continue
		}
		phrase += bare
		m, err := newMatcher(catalog.Text{Value: w})
		if err != nil {
			return nil, err
		}
		either := roaring.New()
		if title != nil && title.prose != nil {
			t, err := v.running(title, m.sought(), inEither)
			if err != nil {
				return nil, err
			}
			inTitle = roaring.And(inTitle, t)
			either.Or(t)
		}
		if authors != nil {
			either.Or(termSet(authors.terms, authors.terms.matching(m)))
		}
		inEither = roaring.And(inEither, either)
	}
	if phrase == "" || title == nil || title.prose == nil {
		return []*roaring.Bitmap{set}, nil
	}
	exact, begins := roaring.New(), roaring.New()
	it := inTitle.Iterator()
	for it.HasNext() {
		slot := it.Next()
		switch text := v.fold.bare(string(v.ix.raw(title, slot))); {
		case text == phrase:
			exact.Add(slot)
		case strings.HasPrefix(text, phrase):
			begins.Add(slot)
		}
	}
	rest := set
	all := []*roaring.Bitmap{exact, begins, inTitle, inEither, set}
	for i, tier := range all {
		all[i] = roaring.And(tier, rest)
		rest = roaring.AndNot(rest, tier)
	}
	return all, nil
}

// relevance cuts a page out of an order whose first key is relevance.
func (v *evaluator) relevance(set *roaring.Bitmap, q *catalog.Query, keys []sortKey, after *position, n int) ([]uint32, []byte, error) {
	tiers, err := v.tiers(set, q.Words)
	if err != nil {
		return nil, nil, err
	}
	var slots []uint32
	var of []byte // the tier of each
	for i, tier := range tiers {
		from := after
		if after != nil && i != after.tier {
			if from = nil; i < after.tier {
				continue
			}
		}
		got := v.ix.cut(tier, int(tier.GetCardinality()), keys, from, n-len(slots))
		for range got {
			of = append(of, byte(i))
		}
		if slots = append(slots, got...); len(slots) == n {
			break
		}
	}
	return slots, of, nil
}
