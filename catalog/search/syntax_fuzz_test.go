package search_test

import (
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/pressmark/pressmark/catalog/search"
)

// withoutPositions is a tree as text that is printed can have it.
func withoutPositions(n search.Node) search.Node {
	strip := func(list []search.Node) (out []search.Node) {
		for _, m := range list {
			out = append(out, withoutPositions(m))
		}
		return out
	}
	switch n := n.(type) {
	case search.And:
		return search.And(strip(n))
	case search.Or:
		return search.Or(strip(n))
	case search.Not:
		return search.Not{X: withoutPositions(n.X)}
	case search.Term:
		n.Pos, n.ValuePos = 0, 0
		return n
	}
	return n
}

// checkRoundTrip parses, prints and parses again.
func checkRoundTrip(t *testing.T, text string) {
	t.Helper()
	n, err := search.Parse(text, isLocation)
	if err != nil || n == nil {
		return
	}
	printed := n.String()
	if len(printed) > 64<<10 {
		return // quotes made it too long
	}
	again, err := search.Parse(printed, isLocation)
	if err != nil {
		t.Fatalf("%q is printed as %q: %v", text, printed, err)
	}
	if want, got := withoutPositions(n), withoutPositions(again); !reflect.DeepEqual(got, want) {
		t.Fatalf("%q is printed as %q\n%#v became\n%#v", text, printed, want, got)
	}
	if got := again.String(); got != printed {
		t.Fatalf("%q is printed as %q, and then as %q", text, printed, got)
	}
}

func TestRoundTrip(t *testing.T) {
	for _, text := range syntaxTexts {
		checkRoundTrip(t, text)
	}
	r := rand.New(rand.NewPCG(3, 4))
	for range 50_000 {
		checkRoundTrip(t, randomText(r))
	}
}

func FuzzRoundTrip(f *testing.F) {
	for _, text := range syntaxTexts {
		f.Add(text)
	}
	r := rand.New(rand.NewPCG(5, 6))
	for range 200 {
		f.Add(randomText(r))
	}
	f.Fuzz(checkRoundTrip)
}
