package search

import (
	"strings"
	"unicode"
)

// atom is one character that stands in a token. A literal one was escaped or is
// part of raw text: it has no meaning of its own.
type atom struct {
	r       rune
	literal bool
	at      int32 // position in the text
}

// is reports whether an atom is a character with its meaning in the syntax.
func (a atom) is(r rune) bool { return a.r == r && !a.literal }

// isWord reports whether an atom may be part of a word.
func (a atom) isWord() bool {
	return a.literal || a.r != '"' && a.r != '(' && a.r != ')' && !isSpace(a.r)
}

// isSpace is the white space between words: that of ASCII alone.
func isSpace(r rune) bool { return r == ' ' || '\t' <= r && r <= '\r' }

// isBlank reports whether nothing is in text but white space, of any script.
func isBlank(text string) bool { return strings.TrimFunc(text, isBlankRune) == "" }

func isBlankRune(r rune) bool { return unicode.IsSpace(r) || 0x1c <= r && r <= 0x1f }

// escapable are the characters that a backslash takes the meaning from. The
// control characters from 1 to 4 stand for them.
const escapable = `\"()`

// atoms resolves escapes and raw text. Raw text comes first: it begins with the
// first three quotes for which three others follow, after a backslash, too.
func atoms(text string) []atom {
	runes := []rune(text)
	out := make([]atom, 0, len(runes))
	raw := len(text) // where the next raw text begins
	var end int      // of it
	find := func(from int) {
		raw, end = len(runes), 0
		for i := from; i+2 < len(runes); i++ {
			if !threeQuotes(runes, i) {
				continue
			}
			for j := i + 4; j+2 < len(runes); j++ {
				if threeQuotes(runes, j) {
					raw, end = i, j
					return
				}
			}
			return
		}
	}
	find(0)
	for i := 0; i < len(runes); i++ {
		switch r := runes[i]; {
		case i == raw:
			for j := i + 3; j < end; j++ {
				out = append(out, literal(runes[j], j))
			}
			i = end + 2
			find(end + 3)
		case r == '\\' && i+1 < len(runes) && i+1 != raw && strings.ContainsRune(escapable, runes[i+1]):
			out = append(out, literal(runes[i+1], i))
			i++
		case 1 <= r && r <= 4:
			out = append(out, literal(r, i))
		default:
			out = append(out, atom{r: r, at: int32(i)})
		}
	}
	return out
}

func threeQuotes(runes []rune, i int) bool {
	return runes[i] == '"' && runes[i+1] == '"' && runes[i+2] == '"'
}

func literal(r rune, at int) atom {
	if 1 <= r && r <= 4 {
		r = rune(escapable[r-1])
	}
	return atom{r: r, literal: true, at: int32(at)}
}

type tokenKind uint8

const (
	wordToken tokenKind = iota
	quotedToken
	openToken  // (
	closeToken // )
)

// token is one token of an expression.
type token struct {
	kind tokenKind
	text string
	at   int // position of its first character, or of the quote before it
	// valueAt is the position after the first colon in text, or of what follows
	// the quote.
	valueAt int
}

// lexer divides atoms into tokens.
type lexer struct {
	atoms []atom
	i     int
	// noCategory is set where no colon follows that could end the name of a
	// user category, so that it is not looked for again.
	noCategory bool
}

// lex returns the tokens of a text. If a quote is not closed, open is its
// position and what is before it is returned; it is -1 otherwise.
func lex(text string) (tokens []token, open int) {
	l := lexer{atoms: atoms(text)}
	for l.i < len(l.atoms) {
		first := l.atoms[l.i]
		switch {
		case first.is('('), first.is(')'):
			kind := openToken
			if first.r == ')' {
				kind = closeToken
			}
			tokens = append(tokens, token{kind: kind, text: string(first.r), at: int(first.at)})
			l.i++
		case first.is('"'):
			end := l.i + 1
			for end < len(l.atoms) && !l.atoms[end].is('"') {
				end++
			}
			if end == len(l.atoms) {
				return tokens, int(first.at)
			}
			tokens = append(tokens, token{quotedToken, l.text(l.i+1, end), int(first.at), int(first.at) + 1})
			l.i = end + 1
		case !first.isWord():
			l.i++ // white space
		default:
			tokens = append(tokens, l.word())
		}
	}
	return tokens, -1
}

// word takes a word. One that begins with @ goes on, whatever is in it, until
// after the first colon that something follows.
func (l *lexer) word() token {
	from, end := l.i, l.i
	if l.atoms[from].is('@') && !l.noCategory {
		colon := from + 2
		for colon+1 < len(l.atoms) && !(l.atoms[colon].is(':') && l.mayFollow(colon+1)) {
			colon++
		}
		if colon+1 < len(l.atoms) {
			for end = colon + 1; end < len(l.atoms) && l.mayFollow(end); end++ {
			}
		} else {
			l.noCategory = true
		}
	}
	if end == from {
		for end < len(l.atoms) && l.atoms[end].isWord() {
			end++
		}
	}
	t := token{kind: wordToken, text: l.text(from, end), at: int(l.atoms[from].at)}
	t.valueAt = t.at
	for i := from; i < end; i++ {
		if l.atoms[i].r == ':' { // a raw one, too: words are split after all that
			if t.valueAt = int(l.atoms[i].at) + 1; i+1 < end {
				t.valueAt = int(l.atoms[i+1].at)
			}
			break
		}
	}
	l.i = end
	return t
}

// mayFollow reports whether an atom may follow the name of a user category.
func (l *lexer) mayFollow(i int) bool { return l.atoms[i].is('(') || l.atoms[i].isWord() }

func (l *lexer) text(from, to int) string {
	var b strings.Builder
	for _, a := range l.atoms[from:to] {
		b.WriteRune(a.r)
	}
	return b.String()
}
