package calibretest

import "math/rand/v2"

// comment writes about size bytes of HTML, as Calibre's editor leaves it; one
// in ten is plain text, as from the metadata of a file.
func (g *generator) comment(l *language, size int) string {
	rng := g.rng
	size = min(max(size, 20), 60_000)
	buf := g.buf[:0]
	html := rng.IntN(10) > 0
	if html {
		buf = append(buf, "<div>\n<p>"...)
	}
	for sentence := 0; ; sentence++ {
		buf = appendSentence(buf, rng, l, html)
		if len(buf) >= size {
			break
		}
		switch {
		case sentence%5 != 4:
			buf = append(buf, l.space...)
		case html:
			buf = append(buf, "</p>\n<p>"...)
		default:
			buf = append(buf, "\n\n"...)
		}
	}
	if html {
		buf = append(buf, "</p></div>"...)
	}
	g.buf = buf
	return string(buf)
}

// appendSentence appends 6 to 20 words, the first with a capital.
func appendSentence(buf []byte, rng *rand.Rand, l *language, html bool) []byte {
	words := 6 + rng.IntN(15)
	marked := -1 // the word in italics, if any
	if html && rng.IntN(6) == 0 {
		marked = rng.IntN(words)
	}
	var bits uint64
	for i := range words {
		if i%4 == 0 {
			bits = rng.Uint64()
		}
		w := l.vocabulary[int(bits&0xffff)%len(l.vocabulary)]
		bits >>= 16
		switch {
		case i == marked:
			buf = append(append(append(buf, "<em>"...), w...), "</em>"...)
		case i == 0:
			buf = append(buf, capital(w)...)
		default:
			buf = append(buf, w...)
		}
		if i < words-1 {
			if html && rng.IntN(200) == 0 {
				buf = append(buf, " &amp;"...)
			}
			buf = append(buf, l.space...)
		}
	}
	if l.space == "" {
		return append(buf, "。"...)
	}
	return append(buf, '.')
}
