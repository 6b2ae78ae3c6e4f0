package search

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// datePart is a number or the name of a month in a date.
type datePart struct {
	value   int
	isYear  bool // it can be nothing else: three digits or more
	isMonth bool // a name
}

// parseDate reads a date in one of the ways in which Calibre's parser
// (dateutil) reads them: up to three numbers with - / . , or spaces between
// them, of which one may be the name of a month; eight or six digits; or a date
// and time as in ISO 8601. What is ambiguous is month/day/year, as in Calibre
// in English. What is left out is taken from now; thisYear and thisMonth say so,
// the day is the 15th then. The parts of d are not set.
func parseDate(text string, now time.Time, zone *time.Location) (d day, thisYear, thisMonth, ok bool) {
	if t, ok := parseTime(text, zone); ok {
		y, m, mday := t.In(zone).Date()
		return day{year: y, month: m, day: mday}, false, false, true
	}
	parts, ok := dateParts(text)
	if !ok {
		return day{}, false, false, false
	}
	y, m, mday := arrange(parts)
	missing := datePart{value: -1}
	d = day{year: y.value, month: time.Month(m.value), day: mday.value}
	if y == missing {
		d.year, thisYear = now.Year(), true
	} else if !y.isYear && d.year < 100 {
		d.year, thisYear = nearestCentury(d.year, now.Year()), true
	}
	if m == missing {
		d.month, thisMonth = now.Month(), true
	}
	if mday == missing {
		d.day = 15
	}
	if d.year < 1 || d.year > 9999 || d.month < 1 || d.month > 12 || d.day < 1 {
		return day{}, false, false, false
	}
	if t := time.Date(d.year, d.month, d.day, 0, 0, 0, 0, time.UTC); t.Day() != d.day {
		return day{}, false, false, false
	}
	return d, thisYear, thisMonth, true
}

// nearestCentury returns the year that ends with two digits and is less than 50
// years away.
func nearestCentury(year, now int) int {
	year += now / 100 * 100
	switch {
	case year >= now+50:
		return year - 100
	case year < now-50:
		return year + 100
	}
	return year
}

// dateParts divides a date into its numbers and months.
func dateParts(text string) (parts []datePart, ok bool) {
	between := true // a separator stands before, or nothing
	for text != "" {
		r, size := utf8.DecodeRuneInString(text)
		switch {
		case '0' <= r && r <= '9':
			n := strings.IndexFunc(text, func(r rune) bool { return r < '0' || r > '9' })
			if n < 0 {
				n = len(text)
			}
			digits := text[:n]
			if !between || n > 8 || len(parts) == 3 {
				return nil, false
			}
			if (n == 8 || n == 6) && len(parts) == 0 && n == len(text) {
				return []datePart{numberPart(digits[:n-4]), numberPart(digits[n-4 : n-2]), numberPart(digits[n-2:])}, true
			}
			parts = append(parts, numberPart(digits))
			text, between = text[n:], false
		case unicode.IsLetter(r):
			n := strings.IndexFunc(text, func(r rune) bool { return !unicode.IsLetter(r) })
			if n < 0 {
				n = len(text)
			}
			word := text[:n]
			text = text[n:]
			switch month := monthNamed(word); {
			case month != 0 && len(parts) < 3:
				parts = append(parts, datePart{value: int(month), isMonth: true})
				between = false
			case len(parts) == 0: // nothing to say more of
				return nil, false
			case word == "of", word == "st", word == "nd", word == "rd", word == "th":
				between = true
			default:
				return nil, false
			}
		case strings.ContainsRune(" -/.,'", r):
			text, between = text[size:], true
		default:
			return nil, false
		}
	}
	months := 0
	for _, p := range parts {
		if p.isMonth {
			months++
		}
	}
	return parts, len(parts) > 0 && months < 2
}

func numberPart(digits string) datePart {
	p := datePart{isYear: len(digits) > 2}
	for i := range len(digits) {
		p.value = 10*p.value + int(digits[i]-'0')
	}
	return p
}

// monthNamed returns the month of an English name or its abbreviation, 0 if
// there is none.
func monthNamed(word string) time.Month {
	for m := time.January; m <= time.December; m++ {
		name := strings.ToLower(m.String())
		if word == name || word == name[:3] || m == time.September && word == "sept" {
			return m
		}
	}
	return 0
}

// arrange tells what each part is. A part that is missing has the value -1.
func arrange(p []datePart) (year, month, mday datePart) {
	none := datePart{value: -1}
	year, month, mday = none, none, none
	named := -1 // the month
	for i := range p {
		if p[i].isMonth {
			named, month = i, p[i]
		}
	}
	late := func(i int) bool { return p[i].isYear || p[i].value > 31 } // is no day
	yearOrDay := func(i int) {
		if late(i) {
			year = p[i]
		} else {
			mday = p[i]
		}
	}
	switch {
	case len(p) == 1 && named < 0:
		yearOrDay(0)
	case len(p) == 2 && named >= 0:
		yearOrDay(1 - named)
	case len(p) == 2 && late(0):
		year, month = p[0], p[1]
	case len(p) == 2 && late(1):
		month, year = p[0], p[1]
	case len(p) == 2:
		month, mday = p[0], p[1]
	case len(p) == 3:
		year, month, mday = arrangeThree(p, named, late)
	}
	return year, month, mday
}

func arrangeThree(p []datePart, named int, late func(int) bool) (year, month, mday datePart) {
	switch named {
	case 0:
		if late(1) {
			return p[1], p[0], p[2]
		}
		return p[2], p[0], p[1]
	case 1:
		if late(0) {
			return p[0], p[1], p[2]
		}
		return p[2], p[1], p[0]
	case 2:
		if late(1) {
			return p[1], p[2], p[0]
		}
		return p[0], p[2], p[1]
	}
	switch {
	case late(0):
		return p[0], p[1], p[2]
	case p[0].value > 12:
		return p[2], p[1], p[0]
	}
	return p[2], p[0], p[1]
}

// parseTime reads a date with a time of day: "2024-01-31 18:00",
// "2024-01-31T18:00:00+01:00". A time without a zone is in the given one.
func parseTime(text string, zone *time.Location) (time.Time, bool) {
	text = strings.Replace(strings.ToUpper(text), " ", "T", 1)
	for _, layout := range [...]string{
		"2006-1-2T15:04", "2006-1-2T15:04:05", "2006-1-2T15:04Z07:00", "2006-1-2T15:04:05Z07:00", "2006-1-2T15:04:05Z0700",
	} {
		if t, err := time.ParseInLocation(layout, text, zone); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}
