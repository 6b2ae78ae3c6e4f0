package index

import (
	"cmp"
	"maps"
	"slices"
	"unicode/utf8"
)

const (
	// sampledSlots is in how many slots words are counted.
	sampledSlots = 2048
	// A word is in the vocabulary if it is in so many of them, and one of the
	// maxWords that are in most.
	minSampled = 6
	maxWords   = 4096
)

// vocabulary is the words that are in much of the text of a prose. Most of what
// is looked for is such a word: which slots have it as a word is kept exactly,
// so that their text need not be looked at.
type vocabulary struct {
	ids map[string]uint16 // by bare text
	// How words are spelled in raw text, but for the case of ASCII, in a table by
	// their hash: numbers of spellings counted from 1.
	table     []uint16
	spellings []spelling
}

type spelling struct {
	text []byte
	id   uint16
}

// newVocabulary chooses the words for the text of n slots.
func newVocabulary(n int, text textOf, f *folder) *vocabulary {
	slots := map[string]int{} // how many have a word, by its spelling
	for i := range min(n, sampledSlots) {
		own := map[string]bool{}
		raw := text(uint32(i * max(n, sampledSlots) / sampledSlots))
		for to := 0; to < len(raw); {
			var from int
			from, to, _ = nextWord(raw, to)
			if from < to {
				own[string(inWordForm(raw[from:to]))] = true
			}
		}
		for word := range own {
			slots[word]++
		}
	}
	most := slices.SortedFunc(maps.Keys(slots), func(a, b string) int {
		return cmp.Or(slots[b]-slots[a], cmp.Compare(a, b))
	})
	v := &vocabulary{ids: map[string]uint16{}}
	for _, word := range most {
		if slots[word] < minSampled || len(v.ids) == maxWords {
			break
		}
		// What a mark at its beginning becomes depends on what stands before it.
		first, _ := utf8.DecodeRuneInString(word)
		if !utf8.ValidString(word) || combines(first) {
			continue
		}
		bare := f.bare(word)
		if bare == "" {
			continue
		}
		id, ok := v.ids[bare]
		if !ok {
			id = uint16(len(v.ids))
			v.ids[bare] = id
		}
		v.spellings = append(v.spellings, spelling{[]byte(word), id})
	}
	v.table = make([]uint16, 1024)
	for len(v.table) < 4*len(v.spellings) {
		v.table = make([]uint16, 2*len(v.table))
	}
	for i, s := range v.spellings {
		_, _, hash := nextWord(s.text, 0)
		at := hash
		for v.table[at&v.mask()] != 0 {
			at++
		}
		v.table[at&v.mask()] = uint16(i + 1)
	}
	return v
}

func (v *vocabulary) mask() uint32 { return uint32(len(v.table) - 1) }

// appendWords appends the numbers of the words in a raw text to dst, as often as
// they are in it.
func (v *vocabulary) appendWords(dst []uint32, raw []byte) []uint32 {
	mask := v.mask()
	for to := 0; to < len(raw); {
		var from int
		var hash uint32
		from, to, hash = nextWord(raw, to)
		for at := hash; ; at++ {
			i := v.table[at&mask]
			if i == 0 {
				break
			}
			if s := &v.spellings[i-1]; s.is(raw[from:to]) {
				dst = append(dst, uint32(s.id))
				break
			}
		}
	}
	return dst
}

// is tells whether a word is spelled so.
func (s *spelling) is(word []byte) bool {
	if len(word) != len(s.text) {
		return false
	}
	for i, c := range word {
		if wordForms[c] != s.text[i] {
			return false
		}
	}
	return true
}

// nextWord returns where the next word of a raw text begins and ends, from at
// on, and a hash of it. Between two words there is ASCII that is left out of bare
// text or stays what it is, whatever follows, so that the bare form of a word
// is in that of the text.
func nextWord(raw []byte, at int) (from, to int, hash uint32) {
	for at < len(raw) && wordForms[raw[at]] == 0 {
		at++
	}
	from = at
	hash = 2166136261 // FNV-1a
	for ; at < len(raw); at++ {
		c := wordForms[raw[at]]
		if c == 0 {
			break
		}
		hash = (hash ^ uint32(c)) * 16777619
	}
	return from, at, hash ^ hash>>15
}

func inWordForm(word []byte) []byte {
	form := make([]byte, len(word))
	for i, c := range word {
		form[i] = wordForms[c]
	}
	return form
}

// wordForms are the bytes of words, letters of ASCII in lower case; 0 for what
// stands between words.
var wordForms = func() (forms [256]byte) {
	for c := range forms {
		switch {
		case 'A' <= c && c <= 'Z':
			forms[c] = byte(c) | 0x20
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9', c >= utf8.RuneSelf:
			forms[c] = byte(c)
		}
	}
	return forms
}()
