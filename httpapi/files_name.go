package httpapi

import (
	"path"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/pressmark/pressmark/catalog"
)

// Longest names in bytes without extension. File systems take 255; what is
// above them is left for the extension and for a browser's "(1)".
const maxFileName = 180

// contentDisposition makes the header under which a book's file is saved. The
// name stands there twice: in ASCII, the only one that KOReader reads, and in
// UTF-8 as RFC 8187 encodes it, which all browsers prefer.
func contentDisposition(b *catalog.Book, file string) string {
	ext := cleanName(path.Ext(file))
	if ext != "" {
		ext = "." + ext
	}
	name := bookName(b)
	ascii := strings.Trim(asciiName(name), " .")            // an ellipsis decomposes into dots
	if !strings.ContainsFunc(ascii, isASCIILetterOrDigit) { // Arabic, Chinese: nothing is left
		ascii = "book " + strconv.FormatInt(int64(b.ID), 10)
	}
	asciiExt := asciiName(ext)

	out := make([]byte, 0, 64+len(ascii)+3*len(name))
	out = append(out, `attachment; filename="`...)
	out = append(out, ascii...)
	out = append(out, asciiExt...)
	out = append(out, `"; filename*=UTF-8''`...)
	out = appendExtValue(out, name)
	out = appendExtValue(out, ext)
	return string(out)
}

// bookName is "Title - Author & Author", fit for a file name.
func bookName(b *catalog.Book) string {
	name := cleanName(b.Title)
	if name == "" {
		name = "book " + strconv.FormatInt(int64(b.ID), 10)
	}
	for i, author := range b.Authors {
		sep := " & "
		if i == 0 {
			sep = " - "
		}
		more := sep + cleanName(author.Name)
		if len(more) == len(sep) {
			continue
		}
		if len(name)+len(more) > maxFileName {
			break
		}
		name += more
	}
	for cut := maxFileName; len(name) > maxFileName; cut-- {
		name = strings.TrimRight(strings.ToValidUTF8(name[:cut], ""), " .")
	}
	return name
}

// cleanName takes out of s what file systems refuse or what deceives people:
// control characters, separators and wildcards of any system, marks that
// reverse the direction of writing, dots and spaces at the ends.
func cleanName(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\t' || r == '\n' || r == '\r':
			return ' '
		case r == unicode.ReplacementChar, strings.ContainsRune(`/\:*?"<>|`, r):
			return '_'
		case r == '\u200c' || r == '\u200d': // joiners: Persian and Hindi words, emoji
			return r
		case !unicode.IsPrint(r) && !unicode.IsSpace(r):
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "_"))
	return strings.Trim(strings.Join(strings.Fields(s), " "), " .")
}

// asciiName writes s in ASCII: letters without their accents, some by the
// letters that are used for them, the rest as underscores. What may not stand
// in a name is taken out once more, as it can come out of a decomposition, and
// a percent sign is, because some clients decode it.
func asciiName(s string) string {
	out := make([]byte, 0, len(s))
	for _, r := range norm.NFKD.String(s) {
		switch {
		case strings.ContainsRune(`/\:*?"<>|%`, r):
			out = append(out, '_')
		case r >= ' ' && r < 0x7f:
			out = append(out, byte(r))
		case unicode.Is(unicode.Mn, r) || r == '\u200c' || r == '\u200d':
		default:
			out = append(out, spelled(r)...)
		}
	}
	return string(out)
}

// spelled returns ASCII for a letter that has no decomposition.
func spelled(r rune) string {
	switch r {
	case 'ß':
		return "ss"
	case 'ẞ':
		return "SS"
	case 'æ':
		return "ae"
	case 'Æ':
		return "AE"
	case 'œ':
		return "oe"
	case 'Œ':
		return "OE"
	case 'ø':
		return "o"
	case 'Ø':
		return "O"
	case 'ł':
		return "l"
	case 'Ł':
		return "L"
	case 'đ', 'ð':
		return "d"
	case 'Đ', 'Ð':
		return "D"
	case 'ħ':
		return "h"
	case 'Ħ':
		return "H"
	case 'ı':
		return "i"
	case 'þ':
		return "th"
	case 'Þ':
		return "Th"
	case '‘', '’', '‚', '‹', '›', 'ʼ', '“', '”', '„', '«', '»':
		return "'"
	case '‐', '‑', '‒', '–', '—', '―', '−':
		return "-"
	}
	return "_"
}

func isASCIILetterOrDigit(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
}

// appendExtValue appends s percent-encoded: all but the attr-char of RFC 8187.
func appendExtValue(dst []byte, s string) []byte {
	const hex = "0123456789ABCDEF"
	for i := range len(s) {
		c := s[i]
		if isASCIILetterOrDigit(rune(c)) || strings.IndexByte("!#$&+-.^_`|~", c) >= 0 {
			dst = append(dst, c)
		} else {
			dst = append(dst, '%', hex[c>>4], hex[c&15])
		}
	}
	return dst
}
