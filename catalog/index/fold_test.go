package index

import (
	"flag"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/pressmark/pressmark/catalog/calibre/calibretest"
)

var rewriteTable = flag.Bool("update", false, "write foldtable.go")

// collated is what Calibre's collation makes of one character.
type collated struct {
	r          rune
	full, bare string
}

// collation asks Calibre about all characters.
func collation(t *testing.T) []collated {
	t.Helper()
	script, err := os.ReadFile("testdata/fold.py")
	if err != nil {
		t.Fatal(err)
	}
	text := func(hex string) string {
		var b strings.Builder
		for _, h := range strings.Fields(hex) {
			b.WriteRune(codePoint(t, h))
		}
		return b.String()
	}
	var all []collated
	for line := range strings.Lines(calibretest.Debug(t, string(script))) {
		part := strings.Split(strings.TrimSuffix(line, "\n"), ",")
		if len(part) != 3 {
			t.Fatalf("%q", line)
		}
		all = append(all, collated{codePoint(t, part[0]), text(part[1]), text(part[2])})
	}
	if len(all) < 40_000 {
		t.Fatalf("%d characters", len(all))
	}
	return all
}

func codePoint(t *testing.T, hex string) rune {
	t.Helper()
	n, err := strconv.ParseInt(hex, 16, 32)
	if err != nil {
		t.Fatal(err)
	}
	return rune(n)
}

// TestFoldAsCalibre holds the classes of characters that are the same when
// folded against those of Calibre's collation.
func TestFoldAsCalibre(t *testing.T) {
	all := collation(t)
	if *rewriteTable {
		writeFoldTable(t, all)
		t.Skip("written; run again to test it")
	}
	f := newFolder()
	seen := map[string]string{}
	for _, c := range all {
		got, want := f.fold(string(c.r)), f.fold(c.full)
		if got != want {
			t.Errorf("%U %c: %q, but %q is %q", c.r, c.r, got, c.full, want)
		}
		if got, want := f.bare(string(c.r)), f.fold(c.bare); got != want {
			t.Errorf("%U %c: bare %q, but %q is %q", c.r, c.r, got, c.bare, want)
		}
		if other, ok := seen[got]; ok && other != c.full {
			t.Errorf("%U %c: %q, which %q is, too", c.r, c.r, got, other)
		}
		seen[got] = c.full
	}
}

// writeFoldTable writes what does not follow the rule.
func writeFoldTable(t *testing.T, all []collated) {
	t.Helper()
	f := newFolder()
	known := map[rune]string{}
	none := func(rune) (string, bool) { return "", false }
	except := func(r rune) (string, bool) { s, ok := known[r]; return s, ok }
	// What decompositions are made of first, then what is made of it.
	for _, now := range []func(r rune) bool{
		func(r rune) bool { return f.reduce(r, none) == string(r) },
		func(r rune) bool { return norm.NFKC.IsNormalString(string(r)) },
		func(rune) bool { return true },
	} {
		for _, c := range all {
			if c.r >= utf8.RuneSelf && now(c.r) && f.reduce(c.r, except) != c.full {
				known[c.r] = c.full
			}
		}
	}
	var lines []string
	var first, last rune
	for _, r := range slices.Sorted(maps.Keys(known)) {
		text := known[first]
		to, n := utf8.DecodeRuneInString(text)
		follows := len(lines) > 0 && r == last+1 &&
			(text == "" && known[r] == "" || n == len(text) && known[r] == string(to+r-first))
		if !follows {
			first = r
			lines = append(lines, "")
		}
		last = r
		lines[len(lines)-1] = string(first) + string(last) + known[first] + "\n"
	}
	var b strings.Builder
	b.WriteString("package index\n\n// foldExceptions is made by \"go test -run TestFoldAsCalibre -update\" from what\n" +
		"// Calibre's collation says. Code generated; DO NOT EDIT.\nconst foldExceptions = \"\"")
	for some := range slices.Chunk(lines, 8) {
		b.WriteString(" +\n\t" + strconv.QuoteToASCII(strings.Join(some, "")))
	}
	b.WriteString("\n")
	if err := os.WriteFile("foldtable.go", []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}
