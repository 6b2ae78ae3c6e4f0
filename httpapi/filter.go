package httpapi

import (
	"context"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/pressmark/pressmark/catalog"
)

// where collects what selects books: filters by field, expressions, ids.
// Conditions on one field are alternatives, everything else has to hold
// together.
type where struct {
	fields []fieldFilter
	rest   catalog.And
	named  int      // books that were asked for by name
	words  []string // of expressions, that must be found
}

type fieldFilter struct {
	key catalog.FieldKey
	any catalog.Or
}

func (w *where) add(key catalog.FieldKey, x catalog.Expr) {
	for i := range w.fields {
		if w.fields[i].key == key {
			w.fields[i].any = append(w.fields[i].any, x)
			return
		}
	}
	w.fields = append(w.fields, fieldFilter{key, catalog.Or{x}})
}

// expr returns the expression; nil selects everything.
func (w *where) expr() catalog.Expr {
	all := w.rest
	for _, f := range w.fields {
		if len(f.any) == 1 {
			all = append(all, f.any[0])
		} else {
			all = append(all, f.any)
		}
	}
	switch len(all) {
	case 0:
		return nil
	case 1:
		return all[0]
	}
	return all
}

// param takes a parameter that selects books; others are an error.
func (w *where) param(ctx context.Context, v *view, p *param) error {
	switch p.name {
	case "q":
		return w.search(ctx, v, p)
	case "ids":
		ids, err := splitList("query.ids", p.value, parseID)
		w.rest = append(w.rest, catalog.IDs(ids))
		w.named = len(ids)
		return err
	case "uuids":
		uuids, err := splitList("query.uuids", p.value, parseUUID)
		w.rest = append(w.rest, catalog.UUIDs(uuids))
		w.named = len(uuids)
		return err
	case "filter":
		name, value, ok := strings.Cut(p.value, ":")
		if !ok {
			return invalid("query.filter", p.value, "must be a field, a colon and a value, not")
		}
		f := v.schema.byName[name]
		if f == nil {
			return invalid("query.filter", name, "unknown field")
		}
		return w.field(f, "query.filter", value)
	}
	f := v.schema.byName[p.name]
	if f == nil {
		return unknown(*p)
	}
	return w.field(f, "query."+p.name, p.value)
}

// search takes an expression in the search language of the library. What it
// means takes the place of its spelling in p.
func (w *where) search(ctx context.Context, v *view, p *param) error {
	s, ok := catalog.As[catalog.Searcher](v.reader)
	if !ok {
		return invalid("query.q", p.value, "this library does not take expressions in a search language:")
	}
	parsed, err := s.Parse(ctx, p.value)
	if err != nil {
		return err
	}
	switch x := parsed.Expr.(type) {
	case nil:
	case catalog.And: // side by side, not nested: readers keep what members select
		w.rest = append(w.rest, x...)
	default:
		w.rest = append(w.rest, x)
	}
	w.words = append(w.words, parsed.Words...)
	v.endsBy(parsed.Until)
	p.value = catalog.Key(parsed.Expr)
	return nil
}

// field adds a condition on one field, in the form that its type has.
func (w *where) field(f *catalog.Field, location, value string) error {
	if !f.Searchable || !f.Stored {
		return invalid(location, string(f.Key), "books cannot be selected by")
	}
	if value == "" {
		return invalid(location, "", "a value is missing")
	}
	var x catalog.Expr = catalog.Is{Field: f.Key, Value: value}
	var err error
	switch f.Type {
	case catalog.TypeInt, catalog.TypeFloat, catalog.TypeRating:
		x, err = numberFilter(f.Key, location, value)
	case catalog.TypeDatetime:
		x, err = dateFilter(f.Key, location, value)
	case catalog.TypeBool:
		if value != "true" && value != "false" {
			err = invalid(location, value, "must be true or false, not")
		}
	}
	if err != nil {
		return err
	}
	w.add(f.Key, x)
	return nil
}

// numberFilter reads 4, 3..5, 3.. or ..5; both ends belong to the range.
func numberFilter(key catalog.FieldKey, location, value string) (catalog.Expr, error) {
	lo, hi, isRange := strings.Cut(value, "..")
	if !isRange {
		hi = lo
	}
	x := catalog.Between{Field: key}
	for _, end := range []struct {
		text string
		to   **float64
	}{{lo, &x.Min}, {hi, &x.Max}} {
		if end.text == "" {
			continue
		}
		n, err := strconv.ParseFloat(end.text, 64)
		if err != nil || math.IsNaN(n) || math.IsInf(n, 0) {
			return nil, invalid(location, value, "must be a number or a range such as 300..400, not")
		}
		*end.to = &n
	}
	if x.Min == nil && x.Max == nil {
		return nil, invalid(location, value, "a range needs at least one end:")
	}
	return x, nil
}

// dateFilter reads a year, month, day or instant, or a range of two of them,
// both of which belong to it. Days are days in UTC.
func dateFilter(key catalog.FieldKey, location, value string) (catalog.Expr, error) {
	first, last, isRange := strings.Cut(value, "..")
	if !isRange {
		last = first
	}
	x := catalog.During{Field: key}
	ok := first != "" || last != ""
	if first != "" && ok {
		x.From, _, ok = period(first)
	}
	if last != "" && ok {
		_, x.To, ok = period(last)
	}
	if !ok {
		return nil, invalid(location, value, "must be a date such as 2024, 2024-01, 2024-01-03 or 2024-01-03T12:00:00Z, or a range such as 2020..2024-06, not")
	}
	return x, nil
}

// period returns the beginning of the time that s names, and of what follows.
func period(s string) (from, to time.Time, ok bool) {
	for _, p := range []struct {
		layout              string
		years, months, days int
	}{{"2006", 1, 0, 0}, {"2006-01", 0, 1, 0}, {"2006-01-02", 0, 0, 1}} {
		if len(s) == len(p.layout) {
			t, err := time.Parse(p.layout, s)
			return t, t.AddDate(p.years, p.months, p.days), err == nil && t.Year() > 0
		}
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil || t.Year() < 1 || t.Year() > 9998 {
		return time.Time{}, time.Time{}, false
	}
	t = t.UTC()
	return t, t.Add(precision(s)), true
}

// precision is the unit of the last digit of an instant: times are shown with
// the fraction that they have, and a client sends back what it was shown.
func precision(s string) time.Duration {
	_, frac, _ := strings.Cut(s, ".")
	unit := time.Second
	for i := 0; i < len(frac) && frac[i] >= '0' && frac[i] <= '9' && unit > 1; i++ {
		unit /= 10
	}
	return unit
}
