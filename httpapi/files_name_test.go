package httpapi

import (
	"mime"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/pressmark/pressmark/catalog"
)

func named(title string, authors ...string) *catalog.Book {
	b := &catalog.Book{ID: 17, Title: title}
	for _, a := range authors {
		b.Authors = append(b.Authors, catalog.Item{Name: a})
	}
	return b
}

// asciiParam is the filename parameter, as a client reads it that knows no
// other.
func asciiParam(header string) string {
	_, rest, _ := strings.Cut(header, `filename="`)
	name, _, _ := strings.Cut(rest, `"`)
	return name
}

// utf8Param is the name that a client gets that reads filename*.
func utf8Param(tb testing.TB, header string) string {
	tb.Helper()
	kind, params, err := mime.ParseMediaType(header)
	if err != nil || kind != "attachment" {
		tb.Fatalf("%s: %v", header, err)
	}
	return params["filename"] // package mime prefers filename*
}

func TestContentDisposition(t *testing.T) {
	for _, c := range []struct {
		book        *catalog.Book
		file        string
		ascii, utf8 string
	}{
		{named("The Tide Clerk", "Maren Holloway"), "x.epub", "The Tide Clerk - Maren Holloway.epub", "The Tide Clerk - Maren Holloway.epub"},
		{named("Über das Warten", "Jörg Weißmüller", "Łukasz Ørsted"), ".azw3", "Uber das Warten - Jorg Weissmuller & Lukasz Orsted.azw3", "Über das Warten - Jörg Weißmüller & Łukasz Ørsted.azw3"},
		{named(`Say "no"; a\b/c:d`, "A"), ".pdf", "Say _no_; a_b_c_d - A.pdf", "Say _no_; a_b_c_d - A.pdf"},
		{named("100% sure’s – café", ""), ".epub", "100_ sure's - cafe.epub", "100% sure’s – café.epub"},
		{named("吾輩は猫である", "夏目漱石"), ".epub", "book 17.epub", "吾輩は猫である - 夏目漱石.epub"},
		{named("猫 2", "夏目"), ".epub", "_ 2 - __.epub", "猫 2 - 夏目.epub"},
		{named("line\r\nbreak: x\x00y", "A"), ".epub", "line break_ xy - A.epub", "line break_ xy - A.epub"},
		{named("evil\u202egpj", "A"), ".epub", "evilgpj - A.epub", "evilgpj - A.epub"},
		{named("../../etc/passwd", "A"), ".epub", "_.._etc_passwd - A.epub", "_.._etc_passwd - A.epub"},
		{named("a：b／c", "A"), ".epub", "a_b_c - A.epub", "a：b／c - A.epub"},
		{named("bad \xff utf8", "A"), ".epub", "bad _ utf8 - A.epub", "bad _ utf8 - A.epub"},
		{named("…and so on", "A"), ".epub", "and so on - A.epub", "…and so on - A.epub"},
		{named("", ""), ".epub", "book 17.epub", "book 17.epub"},
		{named("...", ""), "", "book 17", "book 17"},
	} {
		got := contentDisposition(c.book, c.file)
		if a := asciiParam(got); a != c.ascii {
			t.Errorf("%q: filename=%q, want %q", c.book.Title, a, c.ascii)
		}
		if u := utf8Param(t, got); u != c.utf8 {
			t.Errorf("%q: filename*=%q, want %q", c.book.Title, u, c.utf8)
		}
	}
	long := named(strings.Repeat("é", 400), strings.Repeat("A", 300))
	if u := utf8Param(t, contentDisposition(long, ".epub")); len(u) > maxFileName+5 || !strings.HasSuffix(u, "é.epub") {
		t.Errorf("long name is %d bytes: %q", len(u), u)
	}
}

func FuzzContentDisposition(f *testing.F) {
	f.Add("The Tide Clerk", "Maren Holloway", ".epub")
	f.Add("\"\\\r\n\x00%22", "é\u0301\u202e", "./..\"")
	f.Add("．．／", "", ".\xff")
	f.Fuzz(func(t *testing.T, title, author, ext string) {
		h := contentDisposition(named(title, author), ext)
		for i := range len(h) {
			if h[i] < ' ' || h[i] > '~' {
				t.Fatalf("byte %#x in %q", h[i], h)
			}
		}
		if strings.Count(h, `"`) != 2 {
			t.Fatalf("quotation marks in %q", h)
		}
		for _, name := range []string{asciiParam(h), utf8Param(t, h)} {
			if name == "" || strings.ContainsAny(name, "/\\\x00\r\n\"") || strings.HasPrefix(name, ".") || !utf8.ValidString(name) || len(name) > 255+len(ext) {
				t.Fatalf("name %q of %q", name, h)
			}
		}
	})
}
