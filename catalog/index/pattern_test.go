package index

import (
	"regexp"
	"strings"
	"testing"
)

func TestPattern(t *testing.T) {
	for _, c := range []struct {
		expr, text string
		want       bool
	}{
		{"TIDE", "the tide", true},
		{"^the", "the tide", true},
		{"strasse", "ſtraſſe", true}, // ſ is an s in upper case
		{"k", "\u212a", true},        // the sign for kelvin is a K
		{"σοφός", "σοφόσ", true},
		{"[A-C]x", "bx", true},
		{"ÄPFEL", "äpfel", true},
		{`\bété\b`, "un été.", true},
		{`\bété\b`, "étété", false},
		{`\w+зима`, "а зима", false},
		{`\w+зима`, "азима", true},
		{`^\w+$`, "图书馆", true},
		{`\d`, "٣", true},
		{`^\S+$`, "a\u00a0b", false},
		{"[[:alpha:]]{3}", "лес", true},
		{"^[[:^alpha:]]+$", "лес", false},
		{"[[:upper:]]", "ж", true},
		{"x$", "x\n", true},
		{"(?s)a.b", "a\nb", true},
		{"a.b", "a\nb", false},
		{`[\wé]{2}-`, "éж-", true},
		{"ος ς", "ΟΣ Σ", true},
		{"(?-i)ος$", "ΟΣ", true},
		{"(?-i)οσ$", "ΟΣ", false},
		{"^i.stan", "İstan", true},
		{"^istan", "İstan", false},
		{"x|" + ideographs(0x4e00, 1500), ideographs(0x4e00, 1501), true}, // more classes than a dfa has
		{"x|" + ideographs(0x4e00, 1500), ideographs(0x4e00, 1499), false},
	} {
		p, err := newPattern(c.expr)
		if err != nil {
			t.Errorf("%s: %v", c.expr, err)
			continue
		}
		if got := p.match(newFolder(), c.text); got != c.want {
			t.Errorf("%s on %q: %v", c.expr, c.text, got)
		}
	}
	for _, bad := range []string{"(", "[", "a**", "(?=x)", `\1`, "(?<!a)b", "(a{1000}){1000}", strings.Repeat("(a|b){100}", 100), "[a--b]"} {
		if _, err := newPattern(bad); err == nil {
			t.Errorf("%s: no error", bad)
		}
	}
}

// ideographs returns so many characters from one on.
func ideographs(from rune, n int) string {
	var s strings.Builder
	for i := range rune(n) {
		s.WriteRune(from + i)
	}
	return s.String()
}

// TestPatternAsCalibre holds patterns against the module with which Calibre
// finds regular expressions.
func TestPatternAsCalibre(t *testing.T) {
	var asked struct {
		Patterns []string `json:"patterns"`
		Texts    []string `json:"texts"`
	}
	asked.Patterns = strings.Split(strings.TrimSpace(`
tide
TIDE|Clerk
^the
clerk$
^the tide clerk$
\bclerk\b
\btide
\Bide\b
\bété\b
\bété
\Bт\B
\bле\w+
\bслова\b|\bклерк\b
\w+
^\w+$
^\w+\s\w+$
\W
^\W+$
\d
\d{4}
^\D*$
\s
\S{8}
[\w]+-[\w]+
[^\w\s]
[\d\-]{3}
[^\W\d_]{6}
[[:alpha:]]{6}
[[:digit:]]
[[:punct:]]
[[:punct:]]{3}
[[:^punct:]]{9}
[[:alnum:]]{9}
[[:upper:]]{4}
[[:lower:]_]{9}
[[:blank:]]
[[:graph:]]{9}
[^[:space:]]{9}
[a-f]{3}
[A-F]{3}
[а-я]{5}
[^a-z ]
colou?r
(the|a) (tide|sea)
(?i)the
(?P<first>t)ide
a.e
a\.b
^$
^.{3}$
.{20}
x{2,3}
x{,2}y
\u0442\u0438
\x74ide
о+
ß
straße
ǆ
é
\(1\)
\+\+
c\+\+
[c]\+
\Atide
clerk\Z
ΣΊΣ
[α-ω]{4}
\bדבר
[א-ת]+
\bनदी\b
नदी
\w\w\w日
日本
[ァ-ン]+
^[^ ]+ [^ ]+$
`), "\n")
	asked.Texts = []string{
		"", "Tide", "The Tide Clerk", "the tide-clerk", "clerk\n", "a\nb", "tideclerk", "a sea", "color", "Colour",
		"un été.", "étété", "L’été", "зимний словарь", "Слова", "леса", "клерк_2", "тт", "123-456", "1998", "٣٤", "१२",
		"a.b.c", "axb", "xxy", "xxxy", "...", "!?", " ", "Straße", "STRASSE", "ǅ", "C++ (1)", "ΣΊΣΥΦΟΣ", "Σίσυφος", "דברים",
		"אין דבר", "नदी", "की नदी है", "図書館 日本", "abc日", "カタカナ", "ｶﾀｶﾅ", "e\u0301", "dž", "abcdefghijklmnopqrstuvwxyz", "ⓐ", "x\u200dy", "a_b", "«»—", "+$=", "ªⅷ",
	}
	var found [][]bool
	askCalibre(t, "testdata/pattern.py", &asked, &found)
	f := newFolder()
	for i, expr := range asked.Patterns {
		p, err := newPattern(expr)
		if err != nil {
			t.Errorf("%s: %v", expr, err)
			continue
		}
		for k, text := range asked.Texts {
			// ß is ss in lower case to Calibre alone.
			if got := p.match(f, text); got != found[i][k] && !strings.Contains(expr, "ß") {
				t.Errorf("%s in %q: %v, Calibre says otherwise", expr, text, got)
			}
		}
	}
}

// FuzzPattern holds a pattern against package regexp, which knows the same of
// texts in ASCII, and its literals against what it matches.
func FuzzPattern(f *testing.F) {
	f.Add("ti?d[e-g]+", "The tide")
	f.Add(`\bA\B|c{2}`, "abcc")
	f.Add("(?i)ſ|x", "ß ſs")
	f.Add(`[\wé]+\d$`, "é9")
	f.Fuzz(func(t *testing.T, expr, text string) {
		p, err := newPattern(expr)
		if err != nil {
			return
		}
		fold := newFolder()
		low := fold.lower(text)
		got := p.match(fold, text)
		ascii := func(s string) bool { return !strings.ContainsFunc(s, func(r rune) bool { return r >= 0x80 }) }
		if re, err := regexp.Compile("(?i)" + expr); err == nil && ascii(expr) && ascii(low) && !strings.ContainsAny(expr, "$[\\") && got != re.MatchString(low) {
			t.Errorf("%q on %q: %v", expr, low, got)
		}
		if p.match(fold, text+text) != p.machine.match(fold.lower(text+text)) {
			t.Errorf("%q on %q twice: the machine says otherwise", expr, text)
		}
		if p.machine.match(low) != got {
			t.Errorf("%q on %q: %v, the machine says otherwise", expr, low, got)
		}
		if !got {
			return
		}
		bare := fold.bare(text)
	lists:
		for _, list := range p.literals {
			for _, l := range list {
				if strings.Contains(bare, l) {
					continue lists
				}
			}
			t.Errorf("%q matches %q, which has none of %q", expr, low, list)
		}
	})
}
