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
	} {
		p, err := newPattern(c.expr)
		if err != nil {
			t.Errorf("%s: %v", c.expr, err)
			continue
		}
		if got := p.match(newFolder().lower(c.text)); got != c.want {
			t.Errorf("%s on %q: %v", c.expr, c.text, got)
		}
	}
	for _, bad := range []string{"(", "[", "a**", "(?=x)", `\1`, "(?<!a)b", "(a{1000}){1000}", strings.Repeat("(a|b){100}", 100), "[a--b]"} {
		if _, err := newPattern(bad); err == nil {
			t.Errorf("%s: no error", bad)
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
		got := p.match(low)
		if re, err := regexp.Compile("(?i)" + expr); err == nil && isASCII(expr) && isASCII(low) && !strings.ContainsAny(expr, "$[\\") && got != re.MatchString(low) {
			t.Errorf("%q on %q: %v", expr, low, got)
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
