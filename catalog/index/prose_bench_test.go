package index

import (
	"bytes"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/pressmark/pressmark/catalog"
)

func BenchmarkFold(b *testing.B) {
	for name, text := range map[string]string{
		"plain":    "the tide clerk of the harbour keeps a ledger of all that the sea brings in ",
		"ASCII":    "<p>The Tide Clerk, of the Harbour; keeps a ledger of all that the Sea brings in.</p> ",
		"Latin":    "<p>Où l’été s’achève, Élodie retrouve à Besançon le cœur de sa tante.</p> ",
		"Cyrillic": "<p>Зимний словарь — история о том, как исчезают слова и что остаётся.</p> ",
		"Han":      "<p>硝子の図書館は、海のそばに立っている。图书馆里没有人。</p> ",
		"Hindi":    "<p>समुद्र के किनारे एक पुस्तकालय है जिसमें कोई नहीं रहता।</p> ",
		"encoded":  "<p>Зимнии\u0306 словарь, E\u0301lodie retrouve a\u0300 Besanc\u0327on.</p> ",
	} {
		text = strings.Repeat(text, 10)
		f := newFolder()
		b.Run("fold/"+name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				f.fold(text)
			}
		})
		var dst []byte
		raw := []byte(text)
		b.Run("bare/"+name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				dst = f.append(dst[:0], raw, bare)
			}
		})
	}
}

func BenchmarkPattern(b *testing.B) {
	f := newFolder()
	for name, expr := range map[string]string{"word": `\bпоследнее\b`, "class": `слова\w+ [\d]`, "large class": `[^,]+, \w+\d`, "plain": `[aeiou]{6}x`} {
		p, err := newPattern(expr)
		if err != nil {
			b.Fatal(err)
		}
		for script, text := range map[string]string{
			"ASCII":    "the tide clerk of the harbour keeps a ledger, of all that the sea brings in. ",
			"Cyrillic": "зимний словарь, история о том, как исчезают слова и что остаётся. ",
		} {
			text = strings.Repeat(text, 12)
			b.Run(name+"/"+script, func(b *testing.B) {
				b.SetBytes(int64(len(text)))
				for b.Loop() {
					p.spent.Store(0)
					p.match(f, text)
				}
			})
		}
	}
}

// draws is words of which the n-th is used once for every n uses of the
// first.
type draws struct {
	words []string
	sums  []float64
}

func newDraws(r *rand.Rand, syllables string, n int) *draws {
	v := &draws{}
	parts := strings.Fields(syllables)
	sum := 0.0
	for i := range n {
		word := ""
		for range 1 + r.IntN(4) {
			word += parts[r.IntN(len(parts))]
		}
		sum += 1 / float64(i+3)
		v.words, v.sums = append(v.words, word), append(v.sums, sum)
	}
	return v
}

func (v *draws) draw(r *rand.Rand) string {
	// The sums grow as the logarithm does, so that this is about right.
	x := r.Float64() * v.sums[len(v.sums)-1]
	return v.words[min(len(v.words)-1, int(math.Exp(x)*3)-3)]
}

// comments makes the texts of n books, of about 1 KB each.
func comments(n int) [][]byte {
	r := rand.New(rand.NewPCG(7, 7))
	latin := newDraws(r, "the ing tion a re co ver ta lo mi ne sea har bour led ger o wel st an qu y de er i", 30_000)
	cyrillic := newDraws(r, "зим ни й сло ва рь о го ста но пре ть ка ми ре и не по за я", 30_000)
	texts := make([][]byte, n)
	for i := range texts {
		v := latin
		if i%10 == 0 {
			v = cyrillic
		}
		var text strings.Builder
		text.WriteString("<p>")
		for text.Len() < 1000 {
			text.WriteString(v.draw(r))
			text.WriteString([]string{" ", " ", " ", ", ", ". ", "</p>\n<p>"}[r.IntN(6)])
		}
		texts[i] = []byte(text.String())
	}
	return texts
}

func BenchmarkProse(b *testing.B) {
	const books = 100_000
	texts := comments(books)
	raw := func(slot uint32) []byte { return texts[slot] }
	b.Run("build", func(b *testing.B) {
		dir := b.TempDir()
		b.SetBytes(books * 1000)
		b.ReportAllocs()
		for b.Loop() {
			p, err := buildProse(b.Context(), books, raw, proseOptions{dir: dir})
			if err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(p.size())/books, "B/book")
		}
	})
	p, err := buildProse(b.Context(), books, raw, proseOptions{dir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	few := roaring.New()
	for i := range uint32(200) {
		few.Add(i * 491)
	}
	some := roaring.New()
	some.AddRange(0, 15_000)
	f := newFolder()
	for _, c := range []struct {
		name   string
		text   catalog.Text
		within *roaring.Bitmap
	}{
		{"rare word", catalog.Text{Value: wordIn(texts, f, 0.001)}, nil},
		{"word that is nowhere", catalog.Text{Value: "xyzzy"}, nil},
		{"word in a third", catalog.Text{Value: wordIn(texts, f, 0.3)}, nil},
		{"word in most", catalog.Text{Value: "the"}, nil},
		{"Cyrillic word", catalog.Text{Value: "словарь"}, nil},
		{"two letters", catalog.Text{Value: "qu"}, nil},
		{"one letter", catalog.Text{Value: "q"}, nil},
		{"rare word in few", catalog.Text{Value: "harbour"}, few},
		{"nothing but punctuation", catalog.Text{Value: "…"}, nil},
		{"punctuated", catalog.Text{Kind: catalog.Punctuated, Value: "harbour, led"}, nil},
		{"pattern", catalog.Text{Kind: catalog.Pattern, Value: `harbour\W+led`}, nil},
		{"pattern with edges", catalog.Text{Kind: catalog.Pattern, Value: `\bharbour\b`}, nil},
		{"pattern without a word", catalog.Text{Kind: catalog.Pattern, Value: `[aeiou]{6}\w{2}\d`}, some},
		{"pattern of choices", catalog.Text{Kind: catalog.Pattern, Value: `harbour|словарь`}, nil},
	} {
		b.Run(c.name, func(b *testing.B) {
			m, err := newMatcher(c.text)
			if err != nil {
				b.Fatal(err)
			}
			found := uint64(0)
			for b.Loop() {
				set, err := p.find(b.Context(), m.sought(), c.within)
				if err != nil {
					b.Fatal(err)
				}
				found = set.GetCardinality()
			}
			b.ReportMetric(float64(found), "found")
		})
	}
	b.Run("scan", func(b *testing.B) {
		m, err := newMatcher(catalog.Text{Value: "harbour"})
		if err != nil {
			b.Fatal(err)
		}
		b.SetBytes(books * 1000)
		for b.Loop() {
			if _, err := scanProse(b.Context(), books, raw, m.sought(), nil); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// wordIn returns the word whose letters are in about that share of the texts,
// of some of which counts are taken.
func wordIn(texts [][]byte, f *folder, share float64) string {
	texts = texts[:2000]
	bares := make([]string, len(texts))
	for i, t := range texts {
		bares[i] = f.bare(string(t))
	}
	best, least := "", math.Inf(1)
	tried := map[string]bool{}
	for _, w := range strings.Fields(string(bytes.Join(texts[:50], nil))) {
		if w = f.bare(w); len(w) < 5 || tried[w] {
			continue
		}
		tried[w] = true
		n := 0
		for _, t := range bares {
			if strings.Contains(t, w) {
				n++
			}
		}
		if off := math.Abs(float64(n)/float64(len(texts)) - share); off < least {
			best, least = w, off
		}
	}
	return best
}
