package index

import (
	"bytes"
	"unicode/utf8"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/pressmark/pressmark/catalog"
)

// match evaluates catalog.Match: the distinct values of a field are matched,
// and of running text only what may contain the text.
func (v *evaluator) match(e catalog.Match, within *roaring.Bitmap) (*roaring.Bitmap, error) {
	m, err := newMatcher(e.Text)
	if err != nil {
		return nil, err
	}
	var set *roaring.Bitmap
	if m.short() {
		// It takes as long however few books are in question, and is asked for
		// often: articles, what somebody has begun to type.
		set, err = v.ix.results.get(e, func() (*roaring.Bitmap, error) { return v.matchIn(e, m, nil) })
	} else if set = v.ix.results.peek(e); set == nil {
		set, err = v.matchIn(e, m, within)
	}
	if err == nil && m.exhausted() {
		return nil, tooMuchText()
	}
	return set, err
}

// short tells whether much text has to be looked at for what is looked for.
func (m *matcher) short() bool {
	return m.kind == catalog.Anywhere && m.bare != "" && utf8.RuneCountInString(m.bare) < narrowGram && m.bare[0] < utf8.RuneSelf
}

func (v *evaluator) matchIn(e catalog.Match, m *matcher, within *roaring.Bitmap) (*roaring.Bitmap, error) {
	switch e.Field {
	case "":
		return v.matchAny(m, within)
	case catalog.FieldSeriesSort:
		return v.matchSeriesSort(m)
	case catalog.FieldUUID:
		c, err := v.column(e.Field)
		if err != nil {
			return nil, err
		}
		if within == nil {
			within = v.ix.live
		}
		return scanProse(v.ctx, len(v.ix.ids), v.ix.textOf(c), m.sought(), within)
	}
	c, err := v.column(e.Field)
	if err != nil {
		return nil, err
	}
	return v.matchColumn(c, m, within)
}

func (v *evaluator) matchColumn(c *column, m *matcher, within *roaring.Bitmap) (*roaring.Bitmap, error) {
	switch {
	case c.prose != nil:
		return v.running(c, m.sought(), within)
	case c.terms != nil && c.field.Type != catalog.TypeRating:
		return termSet(c.terms, c.terms.matching(m)), nil
	}
	return nil, catalog.Invalid("filter", string(c.field.Key), "text cannot be looked for in a field of numbers or dates:")
}

// matchAny looks in all fields of text: dictionaries first, then the running
// text of the books that are not found yet.
func (v *evaluator) matchAny(m *matcher, within *roaring.Bitmap) (*roaring.Bitmap, error) {
	var sets []*roaring.Bitmap
	for _, c := range v.ix.list {
		if c.terms != nil && c.field.Type != catalog.TypeRating && c.field.Key != catalog.FieldLanguages {
			sets = append(sets, termSet(c.terms, c.terms.matching(m)))
		}
	}
	found := roaring.FastOr(sets...)
	if within == nil {
		within = v.ix.live
	}
	for _, c := range v.ix.list {
		if c.prose == nil {
			continue
		}
		set, err := v.running(c, m.sought(), roaring.AndNot(within, found))
		if err != nil {
			return nil, err
		}
		found.Or(set)
	}
	return found, nil
}

func (v *evaluator) matchSeriesSort(m *matcher) (*roaring.Bitmap, error) {
	c, err := v.column(catalog.FieldSeries)
	if err != nil {
		return nil, err
	}
	var hits []uint32
	for t := range c.terms.list {
		if m.match(c.terms.list[t].Sort) {
			hits = append(hits, uint32(t))
		}
	}
	return termSet(c.terms, hits), nil
}

// matching returns the terms that match, ascending.
func (c *termColumn) matching(m *matcher) []uint32 {
	needle, enough := m.needle()
	if needle == "" {
		var hits []uint32
		for t := range c.list {
			if m.match(c.list[t].Name) {
				hits = append(hits, uint32(t))
			}
		}
		return hits
	}
	hits := c.bare.containing(needle)
	if enough {
		return hits
	}
	kept := hits[:0]
	for _, t := range hits {
		if m.match(c.list[t].Name) {
			kept = append(kept, t)
		}
	}
	return kept
}

func (v *evaluator) matchIdentifier(e catalog.MatchIdentifier) (*roaring.Bitmap, error) {
	var c *column
	for _, each := range v.ix.list {
		if each.field.Type == catalog.TypeIdentifiers {
			c = each
		}
	}
	if c == nil {
		return nil, catalog.Invalid("filter", string(catalog.FieldIdentifiers), "no field that can be searched is called")
	}
	kind, err := newMatcher(e.Type)
	if err != nil {
		return nil, err
	}
	value, err := newMatcher(e.Value)
	if err != nil {
		return nil, err
	}
	types := map[string]bool{}
	var hits []uint32
	for t := range c.terms.list {
		if name := c.terms.list[t].Name; e.Type.Value == "" || kind.match(name) {
			types[v.fold.lower(name)] = true
			hits = append(hits, uint32(t))
		}
	}
	if kind.exhausted() {
		return nil, tooMuchText()
	}
	if e.Value.Value == "" || len(hits) == 0 {
		return termSet(c.terms, hits), nil
	}
	needle, enough := value.needle()
	if !enough || needle == "" {
		set := v.identifiers(c, needle, false, func(i catalog.Identifier) bool {
			return types[v.fold.lower(i.Type)] && value.match(i.Value)
		})
		if value.exhausted() {
			return nil, tooMuchText()
		}
		return set, nil
	}
	var slots []uint32
	c.text.each(needle, func(slot, at uint32) uint32 {
		line, begin := c.text.identifierAt(slot, at)
		if bytes.Contains(line[begin:], []byte(needle)) && types[string(line[:begin-1])] {
			slots = append(slots, slot)
			return c.text.off[slot+1]
		}
		return at + uint32(bytes.IndexByte(c.text.data[at:], identifierEnd)) + 1
	})
	return v.live(setOf(slots)), nil
}

// identifiers returns the books with an identifier that accept accepts.
// Its bare value contains needle, or is needle where whole is set.
func (v *evaluator) identifiers(c *column, needle string, whole bool, accept func(catalog.Identifier) bool) *roaring.Bitmap {
	if whole {
		needle = ":" + needle + string(identifierEnd)
	}
	var slots []uint32
	for _, slot := range c.text.containing(needle) {
		d := decodeRecord(v.ix.record(slot), v.ix.custom)
		for _, i := range d.Identifiers {
			if accept(i) {
				slots = append(slots, slot)
				break
			}
		}
	}
	return v.live(setOf(slots))
}
