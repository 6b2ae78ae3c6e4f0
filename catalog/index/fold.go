package index

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/collate"
	"golang.org/x/text/language"
	"golang.org/x/text/unicode/norm"
)

// folder folds text for matching: compatibility decomposition without
// combining marks, then Unicode case folding, so that "Größe" and "GROSSE",
// "é" and "e" match, as they do in Calibre. Not safe for concurrent use.
type folder struct {
	caser cases.Caser
	buf   []byte
}

func newFolder() *folder { return &folder{caser: cases.Fold()} }

// fold returns s folded. It returns s itself if folding changes nothing.
func (f *folder) fold(s string) string {
	ascii, lower := true, true
	for i := range len(s) {
		c := s[i]
		if c >= utf8.RuneSelf {
			ascii = false
			break
		}
		if 'A' <= c && c <= 'Z' {
			lower = false
		}
	}
	if ascii {
		if lower {
			return s
		}
		return strings.ToLower(s)
	}
	f.buf = norm.NFKD.AppendString(f.buf[:0], s)
	kept := f.buf[:0]
	for i := 0; i < len(f.buf); {
		r, n := utf8.DecodeRune(f.buf[i:])
		if !unicode.Is(unicode.Mn, r) {
			kept = append(kept, f.buf[i:i+n]...)
		}
		i += n
	}
	return string(f.caser.Bytes(kept))
}

// Fold folds s as text is folded for matching.
func Fold(s string) string { return newFolder().fold(s) }

// collator makes sort keys by the Unicode Collation Algorithm (UTS #10, root
// collation). Not safe for concurrent use.
type collator struct {
	c   *collate.Collator
	buf collate.Buffer
}

func newCollator() *collator { return &collator{c: collate.New(language.Und)} }

// key returns a string of bytes that compares as s sorts. It is valid until
// the next call.
func (c *collator) key(s string) []byte {
	c.buf.Reset()
	return c.c.KeyFromString(&c.buf, s)
}
