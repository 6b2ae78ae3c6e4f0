package index

import (
	"strings"
	"testing"

	"github.com/pressmark/pressmark/catalog"
)

// prefixes are how each kind is asked for in Calibre.
func prefixes() map[catalog.TextKind]string {
	return map[catalog.TextKind]string{
		catalog.Anywhere: "", catalog.Punctuated: "^", catalog.Whole: "=",
		catalog.Below: "=.", catalog.Level: "=..", catalog.Pattern: "~",
	}
}

// TestMatchAsCalibre holds every kind of match against Calibre's own.
func TestMatchAsCalibre(t *testing.T) {
	texts := []string{
		"a", "a.b", "b", "b.c", "A.B.C", "c", "B ", " b", "Über", "uber", "ÜBER", "straße", "strasse", "O'Dwyer", "odwyer",
		"tide clerk", "tideclerk", "...", "—", "\u0301", "ii", "İi", "зимний", "ЗИМНИИ", "σοφος", "ΣΟΦΟΣ", "図書", "x+", "+", "ffi", "a..b",
	}
	values := append([]string{
		"a.b.c", "ab", "a.bc", "a. b .c", ".b", "a..b", "uber.alles", "Straße", "STRASSE", "O’Dwyer", "The Tide-Clerk", "e\u0301", "Зимний",
		"Σοφός", "図書館", "x++", "eﬃcient", "İi", "i\u0307i", " ", "", "a.b ", "A", "A.B", "B", "ßß", "a.b.\tc\u00a0",
	}, texts...)
	var asked struct {
		Searches []string `json:"searches"`
		Values   []string `json:"values"`
	}
	var ours []catalog.Text
	for kind, prefix := range prefixes() {
		for _, text := range texts {
			if prefix != "" && strings.HasPrefix(text, ".") || kind == catalog.Pattern && strings.Contains("+ straße strasse ffi", text) {
				continue // other searches, no pattern, and what only Calibre's patterns take for the same
			}
			ours = append(ours, catalog.Text{Kind: kind, Value: text})
			asked.Searches = append(asked.Searches, prefix+text)
		}
	}
	asked.Values = values
	var found [][]bool
	askCalibre(t, "testdata/match.py", &asked, &found)
	for i, text := range ours {
		m, err := newMatcher(text)
		if err != nil {
			t.Fatal(err)
		}
		for k, v := range values {
			if got := m.match(v); got != found[i][k] && !halved(v, got, found[i][k]) {
				t.Errorf("%q in %q: %v, Calibre says otherwise", asked.Searches[i], v, got)
			}
			checkNeedle(t, m, v)
		}
	}
}

// checkNeedle holds what a matcher says must be in a text against what it says
// of the text itself.
func checkNeedle(t *testing.T, m *matcher, value string) {
	t.Helper()
	f := newFolder()
	needle, enough := m.needle()
	got, has := m.match(value), value != "" && strings.Contains(f.bare(value), needle)
	if enough && got != has || got && !has && value != "" {
		t.Errorf("%v in %q: %v, needle %q", m.text, value, got, needle)
	}
}

// FuzzMatcher holds matchers against what they say must be there.
func FuzzMatcher(f *testing.F) {
	f.Add(uint8(0), "tide", "The Tide")
	f.Add(uint8(3), "a.b", "A.B.c")
	f.Add(uint8(4), "b", "a. B .c")
	f.Add(uint8(1), "O'D", "O'Dwyer")
	f.Add(uint8(5), "ти[дк]е+", "тике")
	f.Fuzz(func(t *testing.T, kind uint8, text, value string) {
		m, err := newMatcher(catalog.Text{Kind: catalog.TextKind(kind % 6), Value: text})
		if err != nil {
			return
		}
		checkNeedle(t, m, value)
		raw := func(uint32) []byte { return []byte(value) }
		set, err := scanProse(t.Context(), 1, raw, m.sought(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := set.Contains(0); got != (value != "" && m.match(value)) {
			t.Errorf("kind %d, %q in %q: scanned %v", kind, text, value, got)
		}
		p, err := buildProse(t.Context(), 1, raw, proseOptions{})
		if err != nil {
			t.Fatal(err)
		}
		built, err := p.find(t.Context(), m.sought(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if !built.Equals(set) {
			t.Errorf("kind %d, %q in %q: %v, scanned %v", kind, text, value, built, set)
		}
	})
}
