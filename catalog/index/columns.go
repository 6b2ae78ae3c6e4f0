package index

import (
	"math"
	"strconv"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/pressmark/pressmark/catalog"
)

// noTime marks a missing date in a column of dates.
const noTime = math.MinInt64

// column is one field's data. Which members are set depends on the field:
// terms for what has a dictionary, nums for numbers and bools (NaN is
// missing), times for dates (microseconds since 1970, noTime is missing), text
// for identifiers, prose for running text.
type column struct {
	field  catalog.Field
	custom int // place in Book.Custom, -1 for built-in fields

	terms *termColumn
	nums  []float64
	times []int64
	text  *textColumn
	prose *running
	order *order // nil where the field is not sortable
}

// Which members a field's column has.
func hasTerms(f *catalog.Field) bool { return f.HasTerms }

func hasNums(f *catalog.Field) bool {
	switch f.Type {
	case catalog.TypeInt, catalog.TypeFloat, catalog.TypeBool, catalog.TypeRating:
		return f.Key != catalog.FieldID
	case catalog.TypeSeries:
		return f.Custom // the index; the built-in one is a field of its own
	}
	return false
}

func hasTimes(f *catalog.Field) bool { return f.Type == catalog.TypeDatetime }

func hasText(f *catalog.Field) bool { return f.Type == catalog.TypeIdentifiers }

func hasProse(f *catalog.Field) bool {
	switch f.Key {
	case catalog.FieldTitle, catalog.FieldTitleSort, catalog.FieldAuthorSort:
		return true
	}
	return f.Type == catalog.TypeComments
}

// items returns a book's values in a field that has terms.
func (c *column) items(b *catalog.Book, buf []catalog.Item) []catalog.Item {
	if c.custom >= 0 {
		v := &b.Custom[c.custom]
		if c.field.Type == catalog.TypeRating {
			return ratingItem(buf, v.Number, v.Set)
		}
		return v.Items
	}
	switch c.field.Key {
	case catalog.FieldAuthors:
		return b.Authors
	case catalog.FieldTags:
		return b.Tags
	case catalog.FieldLanguages:
		return b.Languages
	case catalog.FieldSeries:
		if b.Series != nil {
			return append(buf, *b.Series)
		}
	case catalog.FieldPublisher:
		if b.Publisher != nil {
			return append(buf, *b.Publisher)
		}
	case catalog.FieldRating:
		return ratingItem(buf, b.Rating, b.Rating > 0)
	case catalog.FieldFormats:
		for _, f := range b.Formats {
			buf = append(buf, catalog.Item{Name: f.Name, Sort: f.Name})
		}
		return buf
	case catalog.FieldIdentifiers:
		for _, i := range b.Identifiers {
			buf = append(buf, catalog.Item{Name: i.Type, Sort: i.Type})
		}
		return buf
	}
	return buf
}

func ratingItem(buf []catalog.Item, stars float64, ok bool) []catalog.Item {
	if !ok || stars <= 0 {
		return buf
	}
	name := strconv.FormatFloat(stars, 'g', -1, 64)
	return append(buf, catalog.Item{Name: name, Sort: name})
}

// num returns a book's number in a field that has numbers, NaN if it has none.
func (c *column) num(b *catalog.Book) float64 {
	if c.custom >= 0 {
		v := &b.Custom[c.custom]
		switch {
		case c.field.Type == catalog.TypeSeries && len(v.Items) > 0:
			return v.Index
		case c.field.Type == catalog.TypeSeries || !v.Set:
			return math.NaN()
		case c.field.Type == catalog.TypeBool:
			return boolNum(v.Bool)
		}
		return v.Number
	}
	switch c.field.Key {
	case catalog.FieldSeriesIndex:
		return b.SeriesIdx // also without a series: see catalog.Between.Stored
	case catalog.FieldRating:
		if b.Rating > 0 {
			return b.Rating
		}
	case catalog.FieldSize:
		size := int64(-1)
		for _, f := range b.Formats {
			size = max(size, f.Size)
		}
		if size >= 0 {
			return float64(size)
		}
	case catalog.FieldCover:
		return boolNum(b.Cover != "")
	case catalog.FieldPages:
		if b.Pages > 0 {
			return float64(b.Pages)
		}
	}
	return math.NaN()
}

func boolNum(v bool) float64 {
	if v {
		return 1
	}
	return 0
}

// micros returns a book's date in a field of dates.
func (c *column) micros(b *catalog.Book) int64 {
	var t time.Time
	switch {
	case c.custom >= 0:
		t = b.Custom[c.custom].Time
	case c.field.Key == catalog.FieldPublished:
		t = b.Published
	case c.field.Key == catalog.FieldAdded:
		t = b.Added
	case c.field.Key == catalog.FieldModified:
		t = b.Modified
	}
	if t.IsZero() {
		return noTime
	}
	return t.UnixMicro()
}

// scan returns the set of slots for which keep is true.
func scan(n int, keep func(slot int) bool) *roaring.Bitmap {
	words := make([]uint64, (n+63)/64)
	for i := range n {
		if keep(i) {
			words[i/64] |= 1 << (i % 64)
		}
	}
	return roaring.FromDense(words, false)
}
