package calibre

import "time"

// parseTime reads a time as Calibre and its plugins write it: a date, a "T" or
// a space, a time of day with or without a fraction, and an offset; without an
// offset it is UTC. What Calibre means by "unknown" (the year 101 or before) is
// the zero time. ok is false for anything else.
//
// A bare year, which old libraries hold as a number, is 3 January of that year,
// as Calibre reads it (db/tables.py, c_parse).
func parseTime(s string) (t time.Time, ok bool) {
	for len(s) > 0 && s[0] <= ' ' {
		s = s[1:]
	}
	for len(s) > 0 && s[len(s)-1] <= ' ' {
		s = s[:len(s)-1]
	}
	year, s, ok := digits(s, 4)
	if !ok {
		return time.Time{}, false
	}
	month, day := 1, 3
	if s != "" {
		if month, s, ok = field(s, "-"); !ok || month < 1 || month > 12 {
			return time.Time{}, false
		}
		if day, s, ok = field(s, "-"); !ok || day < 1 || day > daysIn(year, month) {
			return time.Time{}, false
		}
	}
	var hour, minute, second, nanos, offset int
	if s != "" && (s[0] == 'T' || s[0] == ' ' || s[0] == 't') {
		if hour, s, ok = digits(s[1:], 2); !ok || hour > 23 {
			return time.Time{}, false
		}
		if minute, s, ok = field(s, ":"); !ok || minute > 59 {
			return time.Time{}, false
		}
		if s != "" && s[0] == ':' {
			if second, s, ok = digits(s[1:], 2); !ok || second > 59 {
				return time.Time{}, false
			}
			nanos, s = fraction(s)
		}
	}
	if offset, ok = zone(s); !ok {
		return time.Time{}, false
	}
	t = time.Date(year, time.Month(month), day, hour, minute, second-offset, nanos, time.UTC)
	if t.Year() <= 101 {
		return time.Time{}, true
	}
	return t, true
}

// digits takes a number of exactly n digits off the front of s.
func digits(s string, n int) (v int, rest string, ok bool) {
	if len(s) < n {
		return 0, s, false
	}
	for i := range n {
		if s[i] < '0' || s[i] > '9' {
			return 0, s, false
		}
		v = 10*v + int(s[i]-'0')
	}
	return v, s[n:], true
}

// field takes sep and a number of two digits off the front of s.
func field(s, sep string) (v int, rest string, ok bool) {
	if s == "" || s[:1] != sep {
		return 0, s, false
	}
	return digits(s[1:], 2)
}

// fraction takes a fraction of a second off the front of s.
func fraction(s string) (nanos int, rest string) {
	if len(s) < 2 || s[0] != '.' && s[0] != ',' {
		return 0, s
	}
	scale := 100_000_000
	for s = s[1:]; s != "" && s[0] >= '0' && s[0] <= '9'; s = s[1:] {
		nanos += int(s[0]-'0') * scale
		scale /= 10
	}
	return nanos, s
}

// zone reads an offset in seconds: nothing, "Z", "+02:00", "+0200" or "+02".
func zone(s string) (seconds int, ok bool) {
	for len(s) > 0 && s[0] == ' ' {
		s = s[1:]
	}
	if s == "" || s == "Z" || s == "z" {
		return 0, true
	}
	sign := 1
	switch s[0] {
	case '+':
	case '-':
		sign = -1
	default:
		return 0, false
	}
	hours, s, ok := digits(s[1:], 2)
	if !ok || hours > 23 {
		return 0, false
	}
	minutes := 0
	if s != "" {
		if s[0] == ':' {
			s = s[1:]
		}
		if minutes, s, ok = digits(s, 2); !ok || minutes > 59 || s != "" {
			return 0, false
		}
	}
	return sign * (hours*3600 + minutes*60), true
}

func daysIn(year, month int) int {
	return time.Date(year, time.Month(month)+1, 0, 0, 0, 0, 0, time.UTC).Day()
}
