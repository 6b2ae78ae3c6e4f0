package index

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Sets of characters are lists of ranges, the lowest and the highest of each in
// turn, as package syntax has them.

// appendFolds appends a character in all its cases.
func appendFolds(ranges []rune, c rune) []rune {
	ranges = append(ranges, c, c)
	for f := unicode.SimpleFold(c); f != c; f = unicode.SimpleFold(f) {
		ranges = append(ranges, f, f)
	}
	return ranges
}

// shorthand returns the characters of \w, \d, \s or of the capital: all others.
func shorthand(c byte) []rune {
	var ranges []rune
	switch c | 0x20 {
	case 'w':
		ranges = rangesOf(wordTables()...)
		ranges = append(ranges, 0x200c, 0x200d) // they join letters
	case 'd':
		ranges = rangesOf(unicode.Nd)
	case 's':
		ranges = rangesOf(unicode.White_Space)
	}
	ranges = union(ranges)
	if c < 'a' {
		return complement(ranges)
	}
	return ranges
}

// posixClass returns the characters of [:name:] where they are not those of
// ASCII alone, nil otherwise.
func posixClass(name string) []rune {
	name, negated := strings.CutPrefix(name, "^")
	var ranges []rune
	switch name {
	case "alpha":
		ranges = rangesOf(unicode.L, unicode.Nl, unicode.Other_Alphabetic)
	case "alnum":
		ranges = append(rangesOf(unicode.L, unicode.Nl, unicode.Other_Alphabetic), '0', '9')
	case "lower", "upper": // the same without regard to case
		ranges = rangesOf(unicode.Ll, unicode.Lu, unicode.Lt, unicode.Other_Lowercase, unicode.Other_Uppercase)
	case "punct": // and symbols that are no letters
		others := complement(union(rangesOf(unicode.P, unicode.S)))
		ranges = complement(union(append(others, rangesOf(unicode.Other_Alphabetic)...)))
	case "space":
		ranges = shorthand('s')
	case "word":
		ranges = shorthand('w')
	default:
		return nil
	}
	ranges = union(ranges)
	if negated {
		return complement(ranges)
	}
	return ranges
}

func rangesOf(tables ...*unicode.RangeTable) []rune {
	var ranges []rune
	for _, t := range tables {
		for _, r := range t.R16 {
			ranges = appendRange(ranges, rune(r.Lo), rune(r.Hi), rune(r.Stride))
		}
		for _, r := range t.R32 {
			ranges = appendRange(ranges, rune(r.Lo), rune(r.Hi), rune(r.Stride))
		}
	}
	return ranges
}

func wordTables() []*unicode.RangeTable {
	return []*unicode.RangeTable{unicode.L, unicode.M, unicode.Nd, unicode.Nl, unicode.Pc, unicode.Other_Alphabetic}
}

// isWord tells whether \w matches a character.
func isWord(r rune) bool {
	if r < utf8.RuneSelf {
		return '0' <= r && r <= '9' || 'a' <= r|0x20 && r|0x20 <= 'z' || r == '_'
	}
	return unicode.In(r, wordTables()...) || r == 0x200c || r == 0x200d
}

func appendRange(ranges []rune, lo, hi, stride rune) []rune {
	if stride == 1 {
		return append(ranges, lo, hi)
	}
	for c := lo; c <= hi; c += stride {
		ranges = append(ranges, c, c)
	}
	return ranges
}

// union puts ranges in order and merges what touches.
func union(ranges []rune) []rune {
	pairs := make([][2]rune, 0, len(ranges)/2)
	for i := 0; i < len(ranges); i += 2 {
		pairs = append(pairs, [2]rune{ranges[i], ranges[i+1]})
	}
	slices.SortFunc(pairs, func(a, b [2]rune) int { return int(a[0] - b[0]) })
	var out []rune
	for _, p := range pairs {
		if n := len(out); n > 0 && p[0] <= out[n-1]+1 {
			out[n-1] = max(out[n-1], p[1])
		} else {
			out = append(out, p[0], p[1])
		}
	}
	return out
}

// complement returns all characters that are not in a union.
func complement(ranges []rune) []rune {
	var out []rune
	next := rune(0)
	for i := 0; i < len(ranges); i += 2 {
		if next < ranges[i] {
			out = append(out, next, ranges[i]-1)
		}
		next = ranges[i+1] + 1
	}
	if next <= unicode.MaxRune {
		out = append(out, next, unicode.MaxRune)
	}
	return out
}
