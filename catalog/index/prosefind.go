package index

import "bytes"

// frequencies counts bytes in text, so that a search can look for the rarest
// byte of what it wants first.
type frequencies [256]uint32

func (f *frequencies) add(text []byte) {
	for _, c := range text {
		f[c]++
	}
}

// finder finds one text in others.
type finder struct {
	text []byte
	rare int // where its rarest byte is
}

func newFinder(text []byte, f *frequencies) finder {
	n := finder{text: text}
	for i, c := range text {
		if f[c] < f[text[n.rare]] {
			n.rare = i
		}
	}
	return n
}

// index returns where n first is in text, or -1. A finder without text is
// everywhere.
func (n *finder) index(text []byte) int {
	if len(n.text) == 0 {
		return 0
	}
	c := n.text[n.rare]
	vain := 0
	for i := n.rare; i < len(text); i++ {
		at := bytes.IndexByte(text[i:], c)
		if at < 0 {
			return -1
		}
		i += at
		begin := i - n.rare
		if begin+len(n.text) > len(text) {
			return -1
		}
		if bytes.Equal(text[begin:begin+len(n.text)], n.text) {
			return begin
		}
		if vain++; vain > 8+i/16 {
			// Not so rare here. What takes its place is never slow.
			if at = bytes.Index(text[begin+1:], n.text); at < 0 {
				return -1
			}
			return begin + 1 + at
		}
	}
	return -1
}
