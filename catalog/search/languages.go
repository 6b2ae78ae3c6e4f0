package search

import (
	_ "embed"
	"sort"
	"strings"
)

// languageNames are the names of ISO 639-3 in lower case and in order, one a
// line, each with its code and, where it has one, the code of two letters
// (ISO 639-1), with tabs between them. See testdata/languages.py.
//
//go:embed languages.txt
var languageNames string

// language returns the code of ISO 639-3 of the language that text names: by a
// code of three or two letters, with or without a country ("de-AT"), or by its
// English name. Other text it returns as it is.
func language(text string) string {
	name := lower(strings.TrimFunc(text, isBlankRune))
	name, _, _ = strings.Cut(strings.ReplaceAll(name, "_", "-"), "-")
	name = strings.TrimFunc(name, isBlankRune)
	switch len(name) {
	case 0:
		return text
	case 2:
		if i := strings.Index(languageNames, "\t"+name+"\n"); i >= 3 {
			return languageNames[i-3 : i]
		}
	case 3:
		if strings.Contains(languageNames, "\t"+name+"\n") || strings.Contains(languageNames, "\t"+name+"\t") {
			return name
		}
	}
	for _, name := range [...]string{name, text} {
		line := languageLine(languageLineOf(name))
		if code, ok := strings.CutPrefix(line, name+"\t"); ok {
			return code[:3]
		}
	}
	return text
}

// languageLineOf returns where the first line begins that does not sort before
// a name.
func languageLineOf(name string) int {
	at := sort.Search(len(languageNames), func(i int) bool {
		line := languageLine(lineStart(i))
		known, _, _ := strings.Cut(line, "\t")
		return known >= name
	})
	return lineStart(at)
}

// lineStart returns where the line begins in which i is.
func lineStart(i int) int { return strings.LastIndexByte(languageNames[:i], '\n') + 1 }

// languageLine returns the line that begins at i.
func languageLine(i int) string {
	line, _, _ := strings.Cut(languageNames[i:], "\n")
	return line
}

// languagesNamed returns the codes of languages whose names begin with a text,
// the first few of them.
func languagesNamed(prefix string) []string {
	const most = 50
	var codes []string
	for at := languageLineOf(prefix); at < len(languageNames) && len(codes) < most; {
		line := languageLine(at)
		if !strings.HasPrefix(line, prefix) {
			break
		}
		_, code, _ := strings.Cut(line, "\t")
		codes = append(codes, code[:3])
		at += len(line) + 1
	}
	return codes
}
