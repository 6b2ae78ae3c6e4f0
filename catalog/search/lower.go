package search

import (
	"strings"
	"unicode"
)

// lower returns text in lower case as Unicode has it (SpecialCasing.txt): a
// capital sigma at the end of a word becomes ς, and İ becomes an i with a dot
// above.
func lower(text string) string {
	if !strings.ContainsAny(text, "Σİ") {
		return strings.ToLower(text)
	}
	runes := []rune(text)
	var b strings.Builder
	for i, r := range runes {
		switch {
		case r == 'İ':
			b.WriteString("i̇")
		case r == 'Σ' && endsWord(runes, i):
			b.WriteRune('ς')
		default:
			b.WriteRune(unicode.ToLower(r))
		}
	}
	return b.String()
}

// endsWord reports whether a letter stands before i and none after it.
// Characters such as apostrophes and accents do not count.
func endsWord(runes []rune, i int) bool {
	letter := func(from, step int) bool {
		for j := from; j >= 0 && j < len(runes); j += step {
			if !isIgnorable(runes[j]) {
				return isCased(runes[j])
			}
		}
		return false
	}
	return letter(i-1, -1) && !letter(i+1, 1)
}

func isCased(r rune) bool {
	return unicode.In(r, unicode.Lu, unicode.Ll, unicode.Lt, unicode.Other_Lowercase, unicode.Other_Uppercase)
}

func isIgnorable(r rune) bool {
	return unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf, unicode.Lm, unicode.Sk) || strings.ContainsRune("'.:·’․﹒＇．：", r)
}
