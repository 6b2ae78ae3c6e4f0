package index

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/pressmark/pressmark/catalog"
)

// TestProseKinds holds what is found in running text, prepared or not, against
// matching each text: all kinds of matches, in several scripts.
func TestProseKinds(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	var pieces []string
	for _, s := range scripts() {
		some := strings.Split(s, " ")
		pieces = append(pieces, some[:len(some)/2]...)
	}
	pieces = append(pieces, " ", ".", "tide", "Clerk", "the", "<p>", "зимний", "図書館", "харбор", "a.b")
	draw := func(n int) string {
		var b strings.Builder
		for range n {
			b.WriteString(pieces[r.IntN(len(pieces))])
		}
		return b.String()
	}
	texts := make([]string, 400)
	for i := range texts {
		texts[i] = draw(r.IntN(40))
	}
	raw := func(slot uint32) []byte { return []byte(texts[slot]) }
	p, err := buildProse(t.Context(), 380, raw, proseOptions{slots: 61, dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	p = p.next(len(texts), roaring.BitmapOf(3, 5, 300), raw)
	for _, slot := range []int{3, 5, 300} {
		texts[slot] = draw(20)
	}
	var wanted []catalog.Text
	for kind := range catalog.Pattern {
		for range 60 {
			value := draw(1 + r.IntN(3))
			if text := []rune(texts[r.IntN(len(texts))]); r.IntN(2) == 0 && len(text) > 3 {
				from := r.IntN(len(text) - 2)
				value = string(text[from:min(len(text), from+1+r.IntN(6))])
			}
			wanted = append(wanted, catalog.Text{Kind: kind, Value: value})
		}
	}
	for _, expr := range []string{
		"tide", "tide|clerk", `\btide`, `the\W*(tide|clerk)`, "зим.*ний", `\w{4}`, "^<p>", "$^", "図書", "図.館", `харбор\d?`, "(?-i)Clerk", "..", "a\\.b",
	} {
		wanted = append(wanted, catalog.Text{Kind: catalog.Pattern, Value: expr})
	}
	for _, text := range wanted {
		m, err := newMatcher(text)
		if err != nil {
			t.Fatal(err)
		}
		want := roaring.New()
		for slot, s := range texts {
			if s != "" && m.match(s) {
				want.Add(uint32(slot))
			}
		}
		got, err := p.find(t.Context(), m.sought(), nil)
		if err != nil || !got.Equals(want) {
			t.Errorf("%+v: %v, want %v (%v)", text, got, want, err)
		}
		got, err = scanProse(t.Context(), len(texts), raw, m.sought(), nil)
		if err != nil || !got.Equals(want) {
			t.Errorf("%+v: scan: %v, want %v (%v)", text, got, want, err)
		}
	}
}

// TestProseTooMuch: a regular expression that takes more and more states is
// not tried on more text than it is worth, unless words say where.
func TestProseTooMuch(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	texts := func(slot uint32) []byte {
		text := make([]byte, 64<<10)
		for i := range text {
			text[i] = "abcdefgh "[rng.IntN(9)]
		}
		if slot == 7 {
			return append([]byte("the harbour 7"), text...)
		}
		return text
	}
	const n = 64
	var all [n][]byte
	for slot := range all {
		all[slot] = texts(uint32(slot))
	}
	texts = func(slot uint32) []byte { return all[slot] }
	p, err := buildProse(t.Context(), n, texts, proseOptions{dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		expr   string
		within *roaring.Bitmap
		found  uint64
		ok     bool
	}{
		{expr: `[ab].{30}\d`},
		{expr: `[ab].{30}\d`, within: roaring.BitmapOf(1, 2, 7), ok: true},
		{expr: `harbour \d`, found: 1, ok: true},
		{expr: `harbour|port`, found: 1, ok: true},
		{expr: `\bof\b`, ok: true},      // without three letters, but quick
		{expr: `(a.*){80}\d`, ok: true}, // many steps for each character, but not many states
		{expr: `harbour \d.*[ab].{30}\d`, ok: true},
		{expr: `abc.*[ab].{30}\d`}, // though a word must be there
	} {
		for name, find := range map[string]func(sought) (*roaring.Bitmap, error){
			"find": func(s sought) (*roaring.Bitmap, error) { return p.find(t.Context(), s, c.within) },
			"scan": func(s sought) (*roaring.Bitmap, error) { return scanProse(t.Context(), n, texts, s, c.within) },
		} {
			m, err := newMatcher(catalog.Text{Kind: catalog.Pattern, Value: c.expr})
			if err != nil {
				t.Fatal(err)
			}
			got, err := find(m.sought())
			var invalid *catalog.InvalidError
			switch {
			case !c.ok && (!errors.As(err, &invalid) || invalid.Part != "q"):
				t.Errorf("%s, %s: %v", c.expr, name, err)
			case c.ok && (err != nil || c.within == nil && got.GetCardinality() != c.found):
				t.Errorf("%s, %s: %v, %v", c.expr, name, got, err)
			}
		}
	}
}

func TestProseStops(t *testing.T) {
	text := func(uint32) []byte { return []byte("the tide") }
	ctx, cancel := context.WithCancel(t.Context())
	p, err := buildProse(ctx, 100, text, proseOptions{slots: 10})
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := buildProse(ctx, 100, text, proseOptions{}); !errors.Is(err, context.Canceled) {
		t.Errorf("build: %v", err)
	}
	if _, err := p.find(ctx, sought{needles: [][]string{{"tide"}}}, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("find: %v", err)
	}
	if _, err := scanProse(ctx, 100, text, sought{}, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("scan: %v", err)
	}
}

func TestProseWears(t *testing.T) {
	text := func(uint32) []byte { return []byte("the tide") }
	p, err := buildProse(t.Context(), 1000, text, proseOptions{})
	if err != nil {
		t.Fatal(err)
	}
	stale := roaring.New()
	stale.AddRange(0, 560)
	if p.worn() || p.next(1000, roaring.BitmapOf(1), text).worn() || !p.next(1000, stale, text).worn() || !p.next(1600, roaring.New(), text).worn() {
		t.Error("more than 5 % and 500 wear it")
	}
	if got := p.next(1001, stale, text).next(1002, roaring.New(), text).stale.GetCardinality(); got != 562 {
		t.Errorf("%d are stale", got)
	}
	empty, err := buildProse(t.Context(), 0, text, proseOptions{})
	if err != nil {
		t.Fatal(err)
	}
	set, err := empty.next(2, roaring.New(), text).find(t.Context(), sought{}, nil)
	if err != nil || set.GetCardinality() != 2 {
		t.Errorf("what was added to nothing: %v, %v", set, err)
	}
}

func FuzzFinder(f *testing.F) {
	f.Add([]byte("aaaaaaaaaaaaaaaaaaaaaaaaaaaaab"), []byte("aab"), []byte("aaaaab"))
	f.Add([]byte("the tide clerk"), []byte("clerk"), []byte(""))
	f.Fuzz(func(t *testing.T, text, needle, sample []byte) {
		freq := frequencies{}
		freq.add(sample)
		find := newFinder(needle, &freq)
		if got, want := find.index(text), bytes.Index(text, needle); got != want {
			t.Errorf("%q in %q: %d, want %d", needle, text, got, want)
		}
		text = slices.Concat(bytes.Repeat(text, 20), needle)
		if got, want := find.index(text), bytes.Index(text, needle); got != want {
			t.Errorf("%q in %q: %d, want %d", needle, text, got, want)
		}
	})
}
