package search

import (
	"strings"
	"time"

	"github.com/pressmark/pressmark/catalog"
)

// date selects by a field of dates. What is compared are the dates of the
// calendar in the library's time zone, by year, by year and month, or whole.
// The query is in lower case.
func (c *compiler) date(loc location, query string) (catalog.Expr, error) {
	if !isLong(query) {
		return none(), nil
	}
	has := catalog.Has{Field: loc.field}
	if isPresence(query) {
		return present(has, query), nil
	}
	op, rest := cutOperator(query)
	d, err := c.parseDay(rest)
	if err != nil {
		return nil, err
	}
	var list []catalog.Expr
	unknown := false // is selected, too
	for _, s := range c.l.spans(op, d) {
		list = append(list, catalog.During{Field: loc.field, From: s.from, To: s.to})
		unknown = unknown || s.contains(unknownDate())
	}
	// Calibre keeps a date that is not known as one of the year 101, which is
	// before all others.
	if unknown && !loc.custom {
		list = append(list, negation(has))
	}
	return disjunction(list), nil
}

// unknownDate is what Calibre stores for a date that is not known.
func unknownDate() time.Time { return time.Date(101, 1, 1, 0, 0, 0, 0, time.UTC) }

// day is a date to compare with.
type day struct {
	year  int
	month time.Month
	day   int
	// parts is of how many numbers the date seems to be made: 1 is a year, 2 a
	// month. More than 3 is whole where dates are equal, and a month where one
	// is before the other.
	parts int
}

// span is the time from from until before to; zero is open.
type span struct{ from, to time.Time }

func (s span) contains(t time.Time) bool {
	return !t.Before(s.from) && (s.to.IsZero() || t.Before(s.to))
}

// spans returns the times that are in a relation to a day.
func (l *Language) spans(op string, d day) []span {
	// The times that are equal, and those that are neither before nor after.
	first, last := l.period(d, min(d.parts, 3))
	order := d.parts
	if order > 3 {
		order = 2
	}
	low, high := l.period(d, order)
	before := func(t time.Time) []span {
		if !t.After(time.Time{}) { // zero would be open
			return nil
		}
		return []span{{to: t}}
	}
	switch op {
	case "!=":
		return append(before(first), span{from: last})
	case ">=":
		return []span{{from: low}}
	case "<=":
		return before(high)
	case ">":
		return []span{{from: high}}
	case "<":
		return before(low)
	}
	return []span{{from: first, to: last}}
}

// period returns when the year, month or day begins and ends in which d is.
func (l *Language) period(d day, parts int) (from, to time.Time) {
	switch parts {
	case 1:
		return startOf(d.year, 1, 1, l.zone), startOf(d.year+1, 1, 1, l.zone)
	case 2:
		return startOf(d.year, d.month, 1, l.zone), startOf(d.year, d.month+1, 1, l.zone)
	}
	return startOf(d.year, d.month, d.day, l.zone), startOf(d.year, d.month, d.day+1, l.zone)
}

// startOf returns the first moment of a day in a zone. That is not always
// midnight: clocks may be set forward over it, or back to before it.
func startOf(year int, month time.Month, mday int, zone *time.Location) time.Time {
	want := time.Date(year, month, mday, 0, 0, 0, 0, time.UTC)
	t := time.Date(year, month, mday, 0, 0, 0, 0, zone)
	if civil(t).Before(want) { // midnight was left out
		if _, end := t.ZoneBounds(); !end.IsZero() {
			return end
		}
	}
	if start, _ := t.ZoneBounds(); !start.IsZero() {
		// The same midnight by the clock that was before.
		_, offset := start.Add(-time.Second).Zone()
		if earlier := want.Add(-time.Duration(offset) * time.Second); earlier.Before(start) && earlier.Before(t) {
			return earlier.In(zone)
		}
	}
	return t
}

// civil returns the date of a time by its own clock.
func civil(t time.Time) time.Time {
	y, m, d := t.Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
}

// parseDay reads a date. What it leaves out is taken from today.
func (c *compiler) parseDay(text string) (day, error) {
	switch text {
	case "": // stands for a date that is not known
		return day{101, 1, 1, 1}, nil
	case "today", "_today":
		return c.daysAgo(0, 3), nil
	case "yesterday", "_yesterday":
		return c.daysAgo(1, 3), nil
	case "thismonth", "_thismonth":
		return c.daysAgo(0, 2), nil
	}
	if number, ok := strings.CutSuffix(text, "daysago"); ok {
		number = strings.TrimSuffix(number, "_")
		const most = 4_000_000 // beyond the years 1 and 9999
		n, err := parseNumber(number, false)
		if hasSuffixLetter(number) || err != nil || n > most || n < -most {
			return day{}, wrong(text, "not a number of days:", "a number such as 7 before daysago")
		}
		if d := c.daysAgo(int(n), 3); d.year >= 1 && d.year <= 9999 {
			return d, nil
		}
		return day{}, wrong(text, "so many days ago is no date:", "a smaller number of days")
	}
	d, thisYear, thisMonth, ok := parseDate(text, c.now, c.l.zone)
	if !ok {
		return day{}, wrong(text, "not a date:", "a date, such as 2024-01-31, >2020 or 7daysago")
	}
	d.parts = strings.Count(text, "/") + 1
	if n := strings.Count(text, "-"); n > 0 {
		d.parts = n + 1
	}
	c.relative = c.relative || thisYear || thisMonth && d.parts > 1
	return d, nil
}

// hasSuffixLetter reports whether a number ends with a letter for its size.
func hasSuffixLetter(number string) bool {
	return number != "" && strings.IndexByte("kmg", number[len(number)-1]) >= 0
}

func (c *compiler) daysAgo(n, parts int) day {
	c.relative = true
	y, m, d := c.now.Date()
	y, m, d = time.Date(y, m, d-n, 0, 0, 0, 0, time.UTC).Date()
	return day{y, m, d, parts}
}
