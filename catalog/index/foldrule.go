package index

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// What each ASCII character becomes; 0 is left out.
const (
	asciiPunctuated = "\x00\x00\x00\x00\x00\x00\x00\x00\x00\t\n\v\f\r\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00" +
		" !\"#$%&'()*+,-./0123456789:;<=>?@abcdefghijklmnopqrstuvwxyz[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~\x00"
	asciiBare = "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00" +
		"\x00\x00\x00\x00$\x00\x00\x00\x00\x00\x00+\x00\x00\x00\x000123456789\x00\x00<=>\x00\x00abcdefghijklmnopqrstuvwxyz\x00\x00\x00^\x00`abcdefghijklmnopqrstuvwxyz\x00|\x00~\x00"
)

func asciiForm(k form) string {
	if k == bare {
		return asciiBare
	}
	return asciiPunctuated
}

// exception returns what a character becomes that does not follow the rule. The
// lines of foldExceptions are in order; each holds the first and the last
// character of a run and what the first becomes. The others become what
// follows that, as far behind it.
func exception(r rune) (string, bool) {
	lo, hi := 0, len(foldExceptions)
	for lo < hi {
		mid := (lo + hi) / 2
		begin := strings.LastIndexByte(foldExceptions[:mid], '\n') + 1
		end := begin + strings.IndexByte(foldExceptions[begin:], '\n')
		line := foldExceptions[begin:end]
		first, n := utf8.DecodeRuneInString(line)
		last, m := utf8.DecodeRuneInString(line[n:])
		switch {
		case r < first:
			hi = begin
		case r > last:
			lo = end + 1
		case r == first || line[n+m:] == "":
			return line[n+m:], true
		default:
			to, _ := utf8.DecodeRuneInString(line[n+m:])
			return string(to + r - first), true
		}
	}
	return "", false
}

// derive finds out what a character becomes.
func (f *folder) derive(r rune) folded {
	full := f.reduce(r, exception)
	plain := strings.Map(func(r rune) rune {
		if unicode.In(r, unicode.P, unicode.Z) || unicode.IsSpace(r) {
			return -1
		}
		return r
	}, full)
	var b [utf8.UTFMax]byte
	alone := norm.NFC.Properties(utf8.AppendRune(b[:0], r)).BoundaryBefore()
	return folded{r: r, joins: !alone && (full != "" || joinsUnseen(r)), forms: [2]string{full, plain}}
}

// joinsUnseen tells whether an accent, which does not count itself, makes
// another letter of one that it follows: й, آ, أ, إ.
func joinsUnseen(r rune) bool { return r == 0x306 || 0x653 <= r && r <= 0x655 }

// reduce folds one character. Most follow a rule: the letters of their
// compatibility decomposition, case folded. For others except knows what they
// become, and for parts of a decomposition likewise.
func (f *folder) reduce(r rune, except func(rune) (string, bool)) string {
	if s, ok := except(r); ok {
		return s
	}
	var b strings.Builder
	for _, c := range norm.NFKC.String(string(r)) {
		if s, ok := except(c); ok {
			b.WriteString(s)
			continue
		}
		letters := strings.Map(func(r rune) rune {
			if unicode.In(r, unicode.Mn, unicode.Cf) || unicode.IsControl(r) && !unicode.IsSpace(r) {
				return -1
			}
			return r
		}, norm.NFKD.String(string(c)))
		for _, l := range f.caser.String(letters) {
			if s, ok := except(l); ok {
				b.WriteString(s)
			} else {
				b.WriteRune(l)
			}
		}
	}
	return b.String()
}
