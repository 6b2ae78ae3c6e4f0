package calibretest

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// quotes are the characters that Calibre drops from the start of a sort form.
const quotes = "'\"‘’‚‛“”„‟′″"

// titleSort moves an English article to the end, as Calibre's title_sort does
// for a library whose language is English (calibre/ebooks/metadata/__init__.py):
// "The Tide Clerk" becomes "Tide Clerk, The".
func titleSort(title string) string {
	title = dropQuote(strings.TrimSpace(title))
	for _, article := range []string{"The ", "An ", "A "} {
		if len(title) > len(article) && strings.EqualFold(title[:len(article)], article) {
			return strings.TrimSpace(dropQuote(title[len(article):] + ", " + title[:len(article)-1]))
		}
	}
	return strings.TrimSpace(title)
}

func dropQuote(s string) string {
	if r, n := utf8.DecodeRuneInString(s); n > 0 && strings.ContainsRune(quotes, r) {
		return s[n:]
	}
	return s
}

// authorSort inverts a name as Calibre's author_to_author_sort does in its
// default mode: the last word comes first.
func authorSort(name string) string {
	i := strings.LastIndexByte(name, ' ')
	if i < 0 {
		return name
	}
	return name[i+1:] + ", " + name[:i]
}

// pathLimit is PATH_LIMIT of calibre/db/constants.py on everything but Windows.
const pathLimit = 100

// bookPath is construct_path_name of calibre/db/backend.py: the folder of a
// book, by the ASCII spelling of author and title.
func bookPath(author, title string, id int) string {
	suffix := " (" + strconv.Itoa(id) + ")"
	limit := pathLimit - len(suffix)/2 - 2
	return strings.TrimRight(fileName(author, limit), " .") + "/" + strings.TrimRight(fileName(title, limit), " ") + suffix
}

// bookFile is construct_file_name of calibre/db/backend.py: the name of a
// book's files without extension.
func bookFile(author, title string) string {
	const limit = (pathLimit - len("ORIGINAL_EPUB") - 1 - 2) / 2
	return strings.TrimRight(strings.TrimRight(fileName(title, limit), " ")+" - "+fileName(author, limit), ".")
}

// fileName replaces what file systems do not like, and cuts; s is ASCII.
func fileName(s string, limit int) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || strings.ContainsRune(`\|?*<":>+/`, r) {
			return '_'
		}
		return r
	}, s)
	return s[:min(len(s), limit)]
}
