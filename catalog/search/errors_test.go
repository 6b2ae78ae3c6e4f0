package search_test

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"testing"

	"github.com/pressmark/pressmark/catalog"
	"github.com/pressmark/pressmark/catalog/search"
)

// TestErrors shows what is said of each error, and where it is.
func TestErrors(t *testing.T) {
	l := newLanguage(t)
	for _, c := range []struct {
		text     string
		position int
		value    string
		says     string
	}{
		{`title:"sea`, 6, `"sea`, "a quote is not closed"},
		{`é "a b" "`, 8, `"`, "a quote is not closed"},
		{"(a", 2, "", "not closed"},
		{"a)", 1, ")", "no parenthesis is open"},
		{"()", 1, ")", "closes too early"},
		{"a or", 4, "", "ends too early"},
		{"not", 3, "", "ends too early"},
		{"水 and #gone:x", 6, "#gone", "there is no column"},
		{"a @gone:x", 2, "@gone", "there is no user category"},
		{"a #auto:x", 2, "#auto", "Calibre computes the column"},
		{"a computed:x", 11, "#auto", "Calibre computes the column"},
		{"a template:x", 2, "template", "only Calibre evaluates"},
		{"#pages:>3.5", 7, "3.5", "not a whole number"},
		{"#pages:k", 7, "k", "not a whole number"},
		{"rating:3.5", 7, "3.5", "not a whole number"},
		{"#price:0x1p3", 7, "0x1p3", "not a number"},
		{"#price:1__0", 7, "1__0", "not a number"},
		{"#price:_1", 7, "_1", "not a number"},
		{"#half:inf", 6, "inf", "not a number"},
		{"tags:#>a", 5, "a", "not a whole number"},
		{`#read:"maybe"`, 7, "maybe", "not yes or no"},
		{"a pubdate:>foo", 10, "foo", "not a date"},
		{"date:2023-02-29", 5, "2023-02-29", "not a date"},
		{"date:2020-13", 5, "2020-13", "not a date"},
		{"date:xdaysago", 5, "xdaysago", "not a number of days"},
		{"date:1kdaysago", 5, "1kdaysago", "not a number of days"},
		{"date:3000000daysago", 5, "3000000daysago", "is no date"},
		{"vl:sea", 3, "sea", "there is no virtual library called"},
		{"vl:Empty", 3, "Empty", "there is no virtual library called"},
		{"vl:Number", 3, "Number", "there is no virtual library called"},
		{"vl:Bad", 3, "Bad", `something is wrong (there is no column "#gone" at character 1`},
		{"vl:Loop", 3, "Loop", "it refers to itself"},
		{"search:gone", 7, "gone", "there is no saved search called"},
		{"search:B", 7, "b", "it refers to itself"},
		{"@me:true", 4, "Me", "it refers to itself"},
		{"nested:x", 0, "nested", `the group "people" stands in the group`},
		{`title:"~("`, 7, "(", "missing closing )"},
		{`title:"~(?=a)"`, 7, "(?=a)", "not a regular expression"},
		{`title:"~(a)\\1"`, 7, `(a)\1`, "not a regular expression"},
		{`title:"~(?:foo){e<=1}"`, 7, "(?:foo){e<=1}", "an approximate match"},
		{"title:~a*+", 6, "a*+", "not a regular expression"},
		{"title:~[[a]]", 6, "[[a]]", "a set in a set"},
		{"title:~[a--b]", 6, "[a--b]", "an operator of sets"},
		{"title:~a{,3}", 6, "a{,3}", "a repetition without a lower bound"},
	} {
		_, err := l.Parse(c.text)
		var bad *catalog.InvalidError
		if !errors.As(err, &bad) {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		if bad.Part != "q" || bad.Position != c.position || bad.Value != c.value || bad.Expected == "" || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: at %d, of %q: %v\nshould be at %d, of %q: …%s…", c.text, bad.Position, bad.Value, err, c.position, c.value, c.says)
		}
	}
}

func TestPatternsThatBothSidesKnow(t *testing.T) {
	l := newLanguage(t)
	for _, pattern := range []string{
		`^a.*b$`, `[]a]`, `[^]a]`, `[[:alpha:]]`, `\p{Greek}+\x{3b1}\x{1e}`, `a{2,3}`, `a{`, `{x}`, `(?P<n>a)`, `(?i:a)`, `[a-z&|~-]`, `\[\[`, `\bx\b`,
	} {
		if _, err := l.Compile(search.Term{Field: "title", Value: "~" + pattern}); err != nil {
			t.Errorf("%s: %v", pattern, err)
		}
	}
}

// TestBounds refuses what is too large, and that without doing the work.
func TestBounds(t *testing.T) {
	names := map[string]string{"n0": "title:x"}
	for i := range 60 { // each stands twice for the one before
		names["n"+strconv.Itoa(i+1)] = strings.Repeat(" search:n"+strconv.Itoa(i), 2)
	}
	for i := range 300 {
		names["d"+strconv.Itoa(i)] = "not (search:d" + strconv.Itoa(i+1) + ")"
	}
	names["d300"] = "title:x"
	prefs := preferences()
	var err error
	if prefs["saved_searches"], err = json.Marshal(names); err != nil {
		t.Fatal(err)
	}
	l := search.New(fields(), prefs, search.Options{})
	for name, c := range map[string]struct{ text, says string }{
		"text":          {strings.Repeat("a", 1<<20), "longer than 64 KiB"},
		"parentheses":   {strings.Repeat("(", 10_000) + "a" + strings.Repeat(")", 10_000), "nested too deeply"},
		"nots":          {strings.Repeat("not ", 10_000) + "a", "nested too deeply"},
		"terms":         {strings.Repeat("id:1 ", 10_000), "too many terms"},
		"words":         {strings.Repeat("a ", 65), "too many words without a field"},
		"pattern":       {"title:~" + strings.Repeat("a", 1001), "longer than 1,000 bytes"},
		"repetitions":   {"title:~" + strings.Repeat("[a-z]{1000}", 90), "too large"},
		"repeated":      {`title:"~((a{100}){10}){10}"`, "not a regular expression"},
		"names":         {"search:n60", "something is wrong"},
		"deep names":    {"search:d0", "something is wrong"},
		"at signs":      {strings.Repeat("@ ", 30_000), "too many terms"},
		"quotes":        {strings.Repeat(`""a `, 15_000), "too many terms"},
		"raw":           {strings.Repeat(`"""(""" `, 8_000), "too many terms"},
		"open brackets": {strings.Repeat("a(", 20_000), "nested too deeply"},
	} {
		_, err := l.Parse(c.text)
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %.200v", name, err)
		}
	}
	deepest := strings.Repeat("(", 200) + "id:1" + strings.Repeat(")", 200)
	for _, text := range []string{deepest, strings.Repeat("not ", 200) + "id:1", strings.Repeat("id:1 or ", 4999) + "id:1", strings.Repeat("a ", 64)} {
		if _, err := l.Parse(text); err != nil {
			t.Errorf("%.20s…: %v", text, err)
		}
	}
}
