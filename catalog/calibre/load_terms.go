package calibre

import (
	"context"
	"database/sql/driver"
	"fmt"
	"hash/maphash"
	"slices"
	"strings"

	"golang.org/x/text/collate"
	"golang.org/x/text/language"

	"github.com/pressmark/pressmark/catalog"
)

// valueTable is a table whose rows books share by links: authors, tags, the
// values of a normalized custom column.
type valueTable struct {
	table, name string // name is the column with the value
	link, item  string // the table of links, and its column with the value's id
	authors     bool   // names have "|" for a comma, and a missing sort value is made (db/tables.py, AuthorsTable)
	stars       bool   // the value is a number, two for each star
	sortAlpha   bool
	// series is set where Calibre removes links without a mark on the books: it
	// sets the index to 1 (db/cache.py, remove_items), which often it is.
	series bool
}

// The places of the built-in value tables in schema.valueTables. Those of the
// custom columns follow.
const (
	inAuthors = iota
	inSeries
	inTags
	inPublishers
	inLanguages
	inRatings
	builtinValueTables
)

// valueTables lists the value tables in a fixed order. One that the library
// does not have has an empty name.
func (sc *schema) valueTables() []valueTable {
	tables := []valueTable{
		inAuthors:    {table: "authors", name: "name", item: "author", authors: true},
		inSeries:     {table: "series", name: "name", item: "series", series: true},
		inTags:       {table: "tags", name: "name", item: "tag"},
		inPublishers: {table: "publishers", name: "name", item: "publisher"},
		inLanguages:  {table: "languages", name: "lang_code", item: "lang_code"},
		inRatings:    {table: "ratings", name: "rating", item: "rating", stars: true},
	}
	for i := range tables {
		t := &tables[i]
		t.link = "books_" + t.table + "_link"
		if !sc.has(t.table, "id") || !sc.has(t.table, t.name) || !sc.has(t.link, "book") || !sc.has(t.link, t.item) {
			*t = valueTable{}
		}
	}
	for i := range sc.customs {
		c := &sc.customs[i]
		t := valueTable{}
		if c.normalized {
			t = valueTable{
				table: c.table, name: "value", link: c.link, item: "value",
				stars: c.field.Type == catalog.TypeRating, series: c.field.Type == catalog.TypeSeries, sortAlpha: c.sortAlpha,
			}
		}
		tables = append(tables, t)
	}
	return tables
}

// terms are the values of one value table.
type terms struct {
	ids   []int64 // ascending
	place []int32 // of each id from the first to the last, +1
	items []catalog.Item
	stars []float64 // where the value is a number
	ranks []int32   // the alphabetical order, where it matters
}

// readTerms reads a value table, or only the values that certain books have.
func (sc *schema) readTerms(ctx context.Context, s *source, t *valueTable, only *selection, seed maphash.Seed) (*terms, hashes, error) {
	ts, sums := &terms{}, hashes{}
	if t.name == "" {
		return ts, sums, nil
	}
	where, args := "", []driver.NamedValue(nil)
	if only != nil {
		where = " WHERE id IN (SELECT " + t.item + " FROM " + t.link + only.where("book") + ")"
		args = only.args
	}
	var row []byte
	var err error
	query := "SELECT id, " + t.name + ", " + sc.list(t.table, "sort", "link") + " FROM " + t.table + where + " ORDER BY id"
	readErr := s.each(ctx, t.table, query, func(v []driver.Value) {
		id, ok := v[0].(int64)
		if n := len(ts.ids); !ok || n > 0 && id <= ts.ids[n-1] {
			err = fmt.Errorf("read %s: %w: ids out of order", t.table, ErrDamaged)
			return
		}
		row = appendRow(row[:0], v)
		sums.add(id, maphash.Bytes(seed, row))
		ts.add(id, v, t)
	}, args...)
	if readErr != nil {
		return nil, sums, readErr
	}
	if err != nil {
		return nil, sums, err
	}
	ts.finish(t)
	return ts, sums, nil
}

func (ts *terms) add(id int64, v []driver.Value, t *valueTable) {
	name, ok := text(v[1])
	if t.stars {
		n, isNumber := number(v[1])
		if ok = isNumber && n > 0; !ok { // Calibre takes 0 for no rating
			return
		}
		ts.stars = append(ts.stars, n/2)
	}
	if !ok {
		return
	}
	if t.authors {
		name = strings.ReplaceAll(name, "|", ",")
	}
	item := catalog.Item{ID: id, Name: name, Sort: name}
	if sort, _ := text(v[2]); sort != "" {
		item.Sort = sort
	} else if t.authors {
		item.Sort = authorSort(name)
	}
	item.Link, _ = text(v[3])
	ts.ids = append(ts.ids, id)
	ts.items = append(ts.items, item)
}

func (ts *terms) finish(t *valueTable) {
	n := len(ts.ids)
	if n == 0 {
		return
	}
	// Ids are numbered one by one, so that a slice nearly always does for a map.
	if span := uint64(ts.ids[n-1]) - uint64(ts.ids[0]); span < uint64(4*n+1024) {
		ts.place = make([]int32, span+1)
		for i, id := range ts.ids {
			ts.place[id-ts.ids[0]] = int32(i + 1)
		}
	}
	if !t.sortAlpha {
		return
	}
	order := make([]int32, n)
	for i := range order {
		order[i] = int32(i)
	}
	c := collate.New(language.Und)
	slices.SortStableFunc(order, func(a, b int32) int {
		return c.CompareString(ts.items[a].Name, ts.items[b].Name)
	})
	ts.ranks = make([]int32, n)
	for rank, i := range order {
		ts.ranks[i] = int32(rank)
	}
}

// find returns the place of a value by its id.
func (ts *terms) find(v driver.Value) (int32, bool) {
	id, ok := v.(int64)
	if !ok || len(ts.ids) == 0 || id < ts.ids[0] || id > ts.ids[len(ts.ids)-1] {
		return 0, false
	}
	if ts.place != nil {
		i := ts.place[id-ts.ids[0]]
		return i - 1, i > 0
	}
	i, ok := slices.BinarySearch(ts.ids, id)
	return int32(i), ok
}
