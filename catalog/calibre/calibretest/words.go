package calibretest

import (
	_ "embed"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

//go:embed words.txt
var wordList string

// word is a piece of text with the ASCII spelling that Calibre gives it in the
// names of folders.
type word struct{ text, ascii string }

// language is a part of words.txt: what titles, names and comments in one
// language are made of.
type language struct {
	code                              string
	share                             int // books in a thousand
	space                             string
	stop, noun, adj                   []word
	given, family, syllables, endings []word
	titles                            [][]word
	vocabulary                        []string // draws of words for comments, the frequent ones many times
}

// words is the whole of words.txt.
type words struct {
	languages                 []*language
	imprint, genre, tag, note []string
}

// loadWords parses words.txt and draws a vocabulary for every language.
func loadWords(rng *rand.Rand) (*words, error) {
	lists := map[string]string{}
	w := &words{}
	for line := range strings.Lines(wordList) {
		key, value, ok := strings.Cut(strings.TrimSpace(line), ":")
		if !ok || strings.HasPrefix(key, "#") {
			continue
		}
		lists[key] = value
		if code, ok := strings.CutSuffix(key, ".share"); ok {
			share, join, _ := strings.Cut(strings.TrimSpace(value), " ")
			n, err := strconv.Atoi(share)
			if err != nil {
				return nil, fmt.Errorf("words.txt: %s: %w", key, err)
			}
			l := &language{code: code, share: n}
			if join == "space" {
				l.space = " "
			}
			w.languages = append(w.languages, l)
		}
	}
	for _, l := range w.languages {
		list := func(name string) []word { return parseWords(lists[l.code+"."+name]) }
		l.stop, l.noun, l.adj = list("stop"), list("noun"), list("adj")
		l.given, l.family = list("given"), list("family")
		l.syllables, l.endings = list("syllable"), list("ending")
		for title := range strings.SplitSeq(lists[l.code+".title"], "|") {
			l.titles = append(l.titles, parseWords(title))
		}
		l.vocabulary = l.drawVocabulary(rng)
	}
	several := func(name string) []string {
		list := strings.Fields(lists["imprint."+name])
		for i, v := range list {
			list[i] = strings.ReplaceAll(v, "_", " ")
		}
		return list
	}
	w.genre, w.tag, w.imprint = several("genre"), several("tag"), several("end")
	for note := range strings.SplitSeq(lists["imprint.note"], "|") {
		w.note = append(w.note, strings.TrimSpace(note))
	}
	return w, nil
}

// parseWords reads "native=ascii" words; an ASCII spelling may go on over
// spaces until the next word with a "=".
func parseWords(list string) []word {
	var ans []word
	paired := false
	for _, f := range strings.Fields(list) {
		text, ascii, ok := strings.Cut(f, "=")
		switch {
		case ok:
			paired = true
			ans = append(ans, word{text, ascii})
		case paired && !strings.HasPrefix(f, "{"):
			ans[len(ans)-1].ascii += " " + f
		default:
			ans = append(ans, word{f, asciiLatin(f)})
		}
	}
	return ans
}

// drawVocabulary returns a table of words from which a uniform draw has a
// Zipf distribution: cheap to use for the millions of words in comments.
func (l *language) drawVocabulary(rng *rand.Rand) []string {
	distinct, draws := 3_000, 1<<13
	if l.code == "eng" {
		distinct, draws = 40_000, 1<<16
	}
	ranked := make([]string, 0, distinct)
	for _, list := range [][]word{l.stop, l.noun, l.adj} {
		for _, w := range list {
			ranked = append(ranked, strings.ToLower(w.text))
		}
	}
	for len(ranked) < distinct {
		ranked = append(ranked, l.invent(rng).text)
	}
	zipf := rand.NewZipf(rng, 1.1, 3, uint64(distinct-1))
	ans := make([]string, draws)
	for i := range ans {
		ans[i] = ranked[zipf.Uint64()]
	}
	return ans
}

// invent makes a word of two to four syllables that no dictionary has.
func (l *language) invent(rng *rand.Rand) word {
	var ans word
	for range 2 + rng.IntN(3) {
		s := pick(rng, l.syllables)
		ans.text += s.text
		ans.ascii += s.ascii
	}
	if len(l.endings) > 0 && rng.IntN(2) == 0 {
		s := pick(rng, l.endings)
		ans.text += s.text
		ans.ascii += s.ascii
	}
	return ans
}

func pick[T any](rng *rand.Rand, list []T) T { return list[rng.IntN(len(list))] }

func capital(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(r)) + s[n:]
}

// asciiLatin spells Latin text in ASCII as Calibre's ascii_filename does
// (calibre/utils/filenames.py, through unidecode).
func asciiLatin(s string) string {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return latinToASCII().Replace(s)
		}
	}
	return s
}

func latinToASCII() *strings.Replacer {
	return strings.NewReplacer(
		"á", "a", "à", "a", "â", "a", "ä", "a", "ą", "a", "ç", "c", "ć", "c", "é", "e", "è", "e", "ê", "e", "ë", "e", "ę", "e",
		"í", "i", "î", "i", "ï", "i", "ł", "l", "ñ", "n", "ń", "n", "ó", "o", "ô", "o", "ö", "o", "ś", "s", "ß", "ss",
		"ú", "u", "û", "u", "ü", "u", "ù", "u", "ź", "z", "ż", "z", "Á", "A", "Ä", "A", "É", "E", "Í", "I", "Ł", "L", "Ñ", "N",
		"Ó", "O", "Ö", "O", "Ś", "S", "Ü", "U", "Ź", "Z", "Ż", "Z", "’", "'", "‘", "'", "“", "\"", "”", "\"", "№", "No")
}
