package calibretest

import (
	"strconv"
	"strings"
)

// titleOf fills a pattern of the language with words.
func (g *generator) titleOf(l *language) word {
	var ans word
	for i, token := range pick(g.rng, l.titles) {
		token = g.fillToken(l, token)
		if i > 0 {
			ans.text += l.space
			ans.ascii += " "
		}
		ans.text += token.text
		ans.ascii += token.ascii
	}
	if l.code == "eng" {
		ans = word{article(ans.text), article(ans.ascii)}
	}
	return ans
}

// fillToken replaces the placeholder in a part of a pattern, if it has one.
func (g *generator) fillToken(l *language, token word) word {
	open := strings.IndexByte(token.text, '{')
	if open < 0 {
		return token
	}
	placeholder := token.text[open : open+3]
	var w word
	switch placeholder {
	case "{N}":
		w = pick(g.rng, l.noun)
	case "{A}":
		w = pick(g.rng, l.adj)
	case "{P}":
		w = pick(g.rng, l.given)
	case "{L}":
		w = pick(g.rng, l.family)
	default: // {#}
		w.text = strconv.Itoa(2 + g.rng.IntN(99))
		w.ascii = w.text
	}
	return word{strings.Replace(token.text, placeholder, w.text, 1), strings.Replace(token.ascii, placeholder, w.ascii, 1)}
}

// article writes "An" before vowels and "A" before other letters.
func article(title string) string {
	first, rest, ok := strings.Cut(title, " ")
	if !ok || first != "A" && first != "An" || rest == "" {
		return title
	}
	if strings.ContainsRune("AEIOU", rune(rest[0])) {
		return "An " + rest
	}
	return "A " + rest
}

// personName makes the name of an author; half of the family names are in no
// list, for there are more authors than names.
func (g *generator) personName(l *language) word {
	given, family := pick(g.rng, l.given), pick(g.rng, l.family)
	if g.rng.IntN(2) == 0 {
		w := l.invent(g.rng)
		family = word{capital(w.text), capital(w.ascii)}
	}
	if l.space == "" { // Japanese and Chinese: the family name first
		given, family = family, given
	}
	return word{given.text + " " + family.text, given.ascii + " " + family.ascii}
}
