package index

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/RoaringBitmap/roaring/v2"
)

// TestProse holds what chunks find against what is found by looking at all
// text: in many small chunks, with stale slots, alternatives and bounds.
func TestProse(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	parts := strings.Fields(`tide clerk Über größe зимний сЛоварь 硝子 図書館 カ ア 한국 각 é e a the — ... <p> </p> ledger ledgers O'Dwyer c++ ½ ﬁne x`)
	texts := make([]string, 300)
	write := func(slot int) {
		texts[slot] = ""
		for range r.IntN(9) {
			texts[slot] += parts[r.IntN(len(parts))] + strings.Repeat(" ", r.IntN(2))
		}
	}
	for i := range texts {
		write(i)
	}
	raw := func(slot uint32) []byte { return []byte(texts[slot]) }
	f := newFolder()
	needle := func() string {
		s := []rune(f.bare(parts[r.IntN(len(parts))] + parts[r.IntN(len(parts))]))
		from := r.IntN(len(s) + 1)
		return string(s[from : from+r.IntN(len(s)-from+1)])
	}
	for _, o := range []proseOptions{{}, {slots: 7}, {slots: 64, dir: t.TempDir()}, {bytes: 100}} {
		p, err := buildProse(t.Context(), 250, raw, o)
		if err != nil {
			t.Fatal(err)
		}
		for round := range 400 {
			if round == 200 { // the next generation has other and more texts
				stale := roaring.New()
				for range 30 {
					slot := r.IntN(250)
					write(slot)
					stale.Add(uint32(slot))
				}
				p = p.next(len(texts), stale, raw)
			}
			p.few = uint64(round%2) * fewSlots
			var s sought
			for range r.IntN(3) {
				choice := []string{}
				for range 1 + r.IntN(3) {
					if n := needle(); n != "" {
						choice = append(choice, n)
					}
				}
				if len(choice) > 0 {
					s.needles = append(s.needles, choice)
				}
			}
			if r.IntN(3) == 0 {
				s.accept = func(_ *folder, raw string) bool { return strings.Contains(raw, "e") }
			}
			within := roaring.New()
			for slot := range uint32(p.n) {
				if r.IntN(3) > 0 {
					within.Add(slot)
				}
			}
			for _, bound := range []*roaring.Bitmap{nil, within} {
				got, err := p.find(t.Context(), s, bound)
				if err != nil {
					t.Fatal(err)
				}
				want, err := scanProse(t.Context(), p.n, raw, s, bound)
				if err != nil {
					t.Fatal(err)
				}
				if !got.Equals(want) {
					t.Fatalf("%+v, round %d, %q: %s, want %s", o, round, s.needles, fmt.Sprint(got), fmt.Sprint(want))
				}
			}
		}
	}
}
