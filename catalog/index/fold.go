package index

import (
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/language"
	"golang.org/x/text/unicode/norm"
)

// folder brings text into the forms in which it is matched. Text contains what
// is looked for, as Calibre sees it, where its form contains the other's form
// byte for byte. Not safe for concurrent use.
//
// Calibre searches with ICU's collation at primary strength. What has the same
// primary weight there is the same character here: case, accents and width do
// not count, nor which script a digit is of, nor hiragana or katakana; ligatures
// are their letters. Letters with a weight of their own stay: й is not и, ı is
// not i, آ is not ا.
//
// More is found than Calibre finds where that asks for whole letters: the a in
// æ, a vowel sign without the consonant before it, a consonant in the middle of
// a conjunct, and in Thai and Lao a consonant without the vowel that is written
// before it. A Hangul syllable is one letter here even where it is stored in
// parts. What a language sets apart (å from a in Swedish) is the same, as it is
// for a Calibre that speaks English.
type folder struct {
	lowerer cases.Caser
	caser   cases.Caser
	known   []folded // what characters become, each in the place that of finds
	derived int      // how often that was found out before there was known
	src     []byte
	dst     []byte
	nfc     []byte
}

// folded is what one character becomes.
type folded struct {
	r rune
	// joins is true where the characters before it may make it another one, in
	// composed form.
	joins bool
	forms [2]string
}

// form is one of the forms of text.
type form uint8

const (
	// punctuated keeps punctuation and white space.
	punctuated form = iota
	// bare leaves them out.
	bare
)

// foldCache is how many characters a folder remembers, a power of two. It only
// begins to after foldFew: many folders are made for a few words.
const (
	foldCache = 512
	foldFew   = 16
)

func newFolder() *folder {
	return &folder{lowerer: cases.Lower(language.Und), caser: cases.Fold()}
}

// Fold returns s in the form in which values are compared without regard to
// case and accents.
func Fold(s string) string { return newFolder().fold(s) }

// fold returns s with its punctuation and white space. It returns s itself if
// folding changes nothing.
func (f *folder) fold(s string) string { return f.form(s, punctuated) }

// bare returns s without punctuation and white space. It returns s itself if
// that changes nothing.
func (f *folder) bare(s string) string { return f.form(s, bare) }

// bareOf is bare for bytes.
func (f *folder) bareOf(s []byte) string {
	f.dst = f.append(f.dst[:0], s, bare)
	return string(f.dst)
}

// lower returns s in lower case, in which Calibre compares whole values. It
// returns s itself if it is.
func (f *folder) lower(s string) string {
	if strings.Contains(s, "Σ") || strings.Contains(s, "İ") { // these depend on what follows, or become two
		return f.lowerer.String(s)
	}
	return strings.ToLower(s)
}

func (f *folder) form(s string, k form) string {
	table := asciiForm(k)
	i := 0
	for i < len(s) && s[i] < utf8.RuneSelf && table[s[i]] == s[i] && s[i] != 0 {
		i++
	}
	if i == len(s) {
		return s
	}
	f.src = append(f.src[:0], s[i:]...)
	// The last character is looked at again: the next may combine with it.
	if i > 0 && s[i] >= utf8.RuneSelf {
		i--
		f.src = append(f.src[:0], s[i:]...)
	}
	f.dst = f.append(append(f.dst[:0], s[:i]...), f.src, k)
	if string(f.dst) == s {
		return s
	}
	return string(f.dst)
}

// append appends the form of s to dst.
func (f *folder) append(dst, s []byte, k form) []byte {
	begin := len(dst)
	dst, whole := f.appendRunes(dst, s, k, false)
	if !whole {
		if norm.NFC.QuickSpan(s) < len(s) {
			f.nfc = norm.NFC.Append(f.nfc[:0], s...)
			s = f.nfc
		}
		dst, _ = f.appendRunes(dst[:begin], s, k, true)
	}
	return dst
}

// appendRunes appends character by character. Unless s is composed it stops
// where that would matter, and returns false.
func (f *folder) appendRunes(dst, s []byte, k form, composed bool) ([]byte, bool) {
	table := asciiForm(k)
	for i := 0; i < len(s); {
		if s[i] < utf8.RuneSelf {
			var n int
			dst, n = appendASCII(dst, s[i:], table)
			i += n
			continue
		}
		r, n := utf8.DecodeRune(s[i:])
		if stands(r) {
			dst = append(dst, s[i:i+n]...)
			i += n
			continue
		}
		e := f.of(r)
		if e.joins && !composed {
			return dst, false
		}
		dst = append(dst, e.forms[k]...)
		i += n
	}
	return dst, true
}

// appendASCII appends the form of the ASCII characters that s begins with, and
// returns how many they are.
func appendASCII(dst, s []byte, table string) ([]byte, int) {
	dst = slices.Grow(dst, len(s))
	n := len(dst)
	out := dst[n : n+len(s)]
	w := 0
	for i, c := range s {
		if c >= utf8.RuneSelf {
			return dst[:n+w], i
		}
		v := table[c]
		out[w] = v
		w += int(v+0x7f) >> 7 // 0 for what is left out
	}
	return dst[:n+w], len(s)
}

// stands tells whether a character is one of the many that stay as they are and
// combine with nothing: ideographs and Hangul syllables.
func stands(r rune) bool {
	return 0x3400 <= r && r < 0xd7a4 && (r < 0x4dc0 || 0x4e00 <= r && r < 0xa000 || 0xac00 <= r) ||
		0x20000 <= r && r < 0x2f800 || 0x30000 <= r && r < 0x323b0
}

// of returns what a character becomes.
func (f *folder) of(r rune) folded {
	if f.known == nil {
		if f.derived++; f.derived <= foldFew {
			return f.derive(r)
		}
		f.known = make([]folded, foldCache)
	}
	e := &f.known[(r^r>>9)%foldCache]
	if e.r != r { // never 0, which is ASCII
		*e = f.derive(r)
	}
	return *e
}
