package index

import (
	"regexp/syntax"
	"slices"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Literals shorter than minLiteral bytes narrow nothing down, and more than
// maxChoice of which one must be there hardly do.
const (
	minLiteral = 3
	maxChoice  = 32
)

// literals finds text that must be there for an expression to match.
type literals struct{ fold *folder }

func newLiterals() literals { return literals{newFolder()} }

// required returns lists of bare text, of each of which the bare form of any
// text that matches contains one.
func (l literals) required(re *syntax.Regexp) [][]string {
	switch re.Op {
	case syntax.OpLiteral:
		var all [][]string
		for _, run := range l.runs(re.Rune) {
			all = append(all, []string{run})
		}
		return all
	case syntax.OpConcat:
		var all [][]string
		for _, sub := range re.Sub {
			all = append(all, l.required(sub)...)
		}
		return all
	case syntax.OpCapture, syntax.OpPlus:
		return l.required(re.Sub[0])
	case syntax.OpRepeat:
		if re.Min > 0 {
			return l.required(re.Sub[0])
		}
	case syntax.OpAlternate:
		var choice []string
		for _, sub := range re.Sub {
			best := longest(l.required(sub))
			if best == nil {
				return nil
			}
			choice = append(choice, best...)
		}
		slices.Sort(choice)
		if choice = slices.Compact(choice); len(choice) <= maxChoice {
			return [][]string{choice}
		}
	}
	return nil
}

// longest returns the list whose shortest text is longest.
func longest(lists [][]string) []string {
	var best []string
	most := 0
	for _, list := range lists {
		n := len(slices.MinFunc(list, func(a, b string) int { return len(a) - len(b) }))
		if n > most {
			best, most = list, n
		}
	}
	return best
}

// runs returns the bare form of the parts of a literal that are found in the
// bare form of all text that the literal is found in. That is not so of the
// ends of parts that the text around them may change, nor of a character that
// is another one in the other case.
func (l literals) runs(text []rune) []string {
	var runs []string
	begin := 0
	end := func(i int) {
		for i > begin && !firm(text[i-1]) {
			i--
		}
		if bare := l.fold.bare(string(text[begin:i])); len(bare) >= minLiteral {
			runs = append(runs, bare)
		}
	}
	for i, r := range text {
		if combines(r) || !l.steady(r) {
			end(i)
			begin = i + 1
		}
	}
	if begin < len(text) {
		end(len(text))
	}
	return runs
}

// steady tells whether a character has one bare form in all its cases.
func (l literals) steady(r rune) bool {
	form := l.fold.bare(string(r))
	for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
		if l.fold.bare(string(f)) != form {
			return false
		}
	}
	return true
}

// combines tells whether a character may become one with what stands before it.
func combines(r rune) bool {
	return r >= utf8.RuneSelf && (unicode.Is(unicode.M, r) || !norm.NFC.PropertiesString(string(r)).BoundaryBefore())
}

// firm tells whether a character stays what it is, whatever follows it.
func firm(r rune) bool {
	if r < utf8.RuneSelf {
		return 'a' <= r|0x20 && r|0x20 <= 'z' || '0' <= r && r <= '9'
	}
	return unicode.In(r, unicode.Latin, unicode.Greek, unicode.Cyrillic, unicode.Hebrew, unicode.Armenian,
		unicode.Georgian, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai) && r != 'и' && r != 'И'
}
