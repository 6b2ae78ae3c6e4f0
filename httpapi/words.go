package httpapi

import (
	"strings"
	"unicode"
)

// parseWords reads q: words, each of which must be found, with phrases in
// quotes kept together. What would mean something in Calibre's search language
// is refused instead of being looked for as a word, so that a query does not
// change its meaning when the language comes.
func parseWords(q string) ([]string, error) {
	const mostBytes, mostWords = 1000, 32
	if len(q) > mostBytes {
		return nil, invalid("query.q", q, "longer than 1000 bytes:")
	}
	var words []string
	for rest := strings.TrimSpace(q); rest != ""; rest = strings.TrimLeftFunc(rest, unicode.IsSpace) {
		var word string
		if rest[0] == '"' {
			end := strings.IndexByte(rest[1:], '"')
			if end < 0 {
				return nil, invalid("query.q", q, "a quotation mark is not closed in")
			}
			word, rest = rest[1:end+1], rest[end+2:]
		} else {
			end := strings.IndexFunc(rest, func(r rune) bool { return unicode.IsSpace(r) || r == '"' })
			if end < 0 {
				end = len(rest)
			}
			word, rest = rest[:end], rest[end:]
			if isSyntax(word) {
				return nil, invalid("query.q", word, "the search language comes with a later version; put in quotation marks what is meant as text:")
			}
		}
		if word = strings.TrimSpace(word); word == "" {
			continue
		}
		if len(words) == mostWords {
			return nil, invalid("query.q", q, "more than 32 words:")
		}
		words = append(words, word)
	}
	return words, nil
}

// isSyntax says whether a word that is not in quotes belongs to the search
// language.
func isSyntax(word string) bool {
	if strings.ContainsAny(word, ":()") {
		return true
	}
	switch strings.ToLower(word) {
	case "and", "or", "not":
		return true
	}
	return false
}
