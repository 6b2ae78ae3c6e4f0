package httpapi

import (
	"strings"
	"testing"

	"github.com/microcosm-cc/bluemonday"
	"golang.org/x/net/html"
)

func TestSanitize(t *testing.T) {
	a := &API{policy: bluemonday.UGCPolicy()}
	for in, want := range map[string]string{
		"":                                      "",
		"AT&T, a > b":                           "AT&T, a > b",
		"<div>\n<p>One &amp; two</p></div>":     "<div>\n<p>One &amp; two</p></div>",
		"<p>a<br/>b<br />c<br>d</p>":            "<p>a<br/>b<br />c<br>d</p>",
		`<p class="x" onclick="y()">a</p>`:      "<p>a</p>",
		"<script>alert(1)</script>b":            "b",
		"<p>a</p><script\n>alert(1)</script>":   "<p>a</p>",
		"<p/onclick=alert(1)>a</p>":             "<p>a</p>",
		"<style>p{}</style>a":                   "a",
		"<!-- <p> -->a":                         "a",
		"<svg onload=alert(1)>":                 "",
		"<a href=\"javascript:alert(1)\">x</a>": "x",
		"<img src=x onerror=alert(1)>":          `<img src="x">`,
		"<p":                                    "",
		"a <b":                                  "a ",
		"<<p>script>x":                          "&lt;<p>script&gt;x",
	} {
		if got := a.sanitize(in); got != want {
			t.Errorf("%q becomes %q, want %q", in, got, want)
		}
	}
}

// FuzzHarmless lets a real HTML parser judge what passes unchanged.
func FuzzHarmless(f *testing.F) {
	for _, s := range []string{"<p>a</p>", "<div>\n<p>One &amp; two</p></div>", "a<br/>b<br />", "<p/onclick=x>", "<!--", "<b><script>", "</p x>", "<p\x00>", "<plaintext>"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if !harmless(s) {
			return
		}
		z := html.NewTokenizer(strings.NewReader(s))
		for {
			switch z.Next() {
			case html.ErrorToken:
				return
			case html.TextToken:
			case html.StartTagToken, html.EndTagToken, html.SelfClosingTagToken:
				if tok := z.Token(); len(tok.Attr) > 0 || !plainTag(tok.Data) {
					t.Fatalf("%q passes, with %v", s, tok)
				}
			default:
				t.Fatalf("%q passes, with %v", s, z.Token())
			}
		}
	})
}
