package readerstate

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Book names a book: its UUID in lower case, or, for one that has none or shares
// it with a book of a lower id, the UUID of its library, a colon and its id.
type Book string

// BookOf returns the name of the book with that id in a library. uuid is its
// UUID, and owned tells whether no book of a lower id has the same.
func BookOf(uuid string, owned bool, library string, id int64) Book {
	if owned && isUUID(uuid) {
		return Book(strings.ToLower(uuid))
	}
	return Book(strings.ToLower(library) + ":" + strconv.FormatInt(id, 10))
}

// ParseBook reads a name in either form.
func ParseBook(s string) (Book, error) {
	uuid, id, ok := strings.Cut(s, ":")
	if ok {
		n, err := strconv.ParseInt(id, 10, 64)
		ok = err == nil && n > 0 && strconv.FormatInt(n, 10) == id && uuid != "" && len(uuid) <= 64 && printable(uuid, false)
	} else {
		ok = isUUID(uuid)
	}
	if !ok {
		return "", &InvalidError{"book", "a UUID, or the UUID of a library, a colon and an id, was expected"}
	}
	return Book(strings.ToLower(s)), nil
}

// UUID returns the UUID of a book that is named by it.
func (b Book) UUID() (uuid string, ok bool) {
	return string(b), !strings.Contains(string(b), ":")
}

// Row returns the library and id of a book that is named by them.
func (b Book) Row() (library string, id int64, ok bool) {
	library, text, ok := strings.Cut(string(b), ":")
	if !ok {
		return "", 0, false
	}
	id, err := strconv.ParseInt(text, 10, 64)
	return library, id, err == nil
}

// isUUID tells whether s has the form of RFC 9562, 4.
func isUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		switch {
		case i == 8 || i == 13 || i == 18 || i == 23:
			if c != '-' {
				return false
			}
		case c >= '0' && c <= '9', c|0x20 >= 'a' && c|0x20 <= 'f':
		default:
			return false
		}
	}
	return true
}

// printable tells whether a text is one that people can read, and databases can
// keep.
func printable(s string, lines bool) bool {
	if !utf8.ValidString(s) {
		return false
	}
	for _, r := range s {
		if unicode.IsControl(r) && !(lines && (r == '\n' || r == '\t' || r == '\r')) {
			return false
		}
	}
	return true
}
