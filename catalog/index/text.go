package index

import (
	"bytes"
	"sort"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/pressmark/pressmark/catalog"
)

const (
	textEnd       = 0    // ends a text of a textColumn
	identifierEnd = '\n' // ends one identifier
)

// textColumn is many texts in one run of bytes, each ended by textEnd, so that
// one search goes over all of them.
type textColumn struct {
	off  []uint32 // where each text begins; one more at the end
	data []byte
}

func newTextColumn() textColumn { return textColumn{off: []uint32{0}} }

func (c *textColumn) add(s string) {
	c.data = append(c.data, s...)
	c.end()
}

// end ends the text that was appended to data.
func (c *textColumn) end() {
	c.data = append(c.data, textEnd)
	c.off = append(c.off, uint32(len(c.data)))
}

func (c *textColumn) len() int { return len(c.off) - 1 }

// prefix returns the first n texts.
func (c *textColumn) prefix(n int) textColumn {
	return textColumn{off: c.off[: n+1 : n+1], data: c.data[:c.off[n]:c.off[n]]}
}

func (c *textColumn) of(i uint32) []byte { return c.data[c.off[i] : c.off[i+1]-1] }

// each calls f with the number of each text that contains needle and where in
// data it is found. f returns where to go on in data.
func (c *textColumn) each(needle string, f func(i, at uint32) (next uint32)) {
	n := []byte(needle)
	for from := uint32(0); int(from) < len(c.data); {
		i := bytes.Index(c.data[from:], n)
		if i < 0 {
			return
		}
		at := from + uint32(i)
		text := uint32(sort.Search(len(c.off), func(k int) bool { return c.off[k] > at })) - 1
		from = f(text, at)
	}
}

// containing returns the numbers of the texts that contain needle, ascending.
// A text that is empty contains nothing.
func (c *textColumn) containing(needle string) []uint32 {
	var found []uint32
	if needle == "" {
		for i := range uint32(c.len()) {
			if c.off[i]+1 < c.off[i+1] {
				found = append(found, i)
			}
		}
		return found
	}
	c.each(needle, func(i, _ uint32) uint32 {
		found = append(found, i)
		return c.off[i+1]
	})
	return found
}

// appendIdentifiers appends a book's identifiers as they are looked for: each
// one's type in lower case, a colon, and the value without case, accents and
// punctuation.
func appendIdentifiers(dst []byte, b *catalog.Book, f *folder) []byte {
	for _, i := range b.Identifiers {
		dst = append(dst, f.lower(i.Type)...)
		dst = append(dst, ':')
		dst = append(dst, f.bare(i.Value)...)
		dst = append(dst, identifierEnd)
	}
	return dst
}

// identifierAt returns the line around a place in the text of a column of
// identifiers, and where its value begins.
func (c *textColumn) identifierAt(text, at uint32) (line []byte, value int) {
	begin := int(c.off[text])
	if i := bytes.LastIndexByte(c.data[begin:at], identifierEnd); i >= 0 {
		begin += i + 1
	}
	end := int(at) + bytes.IndexByte(c.data[at:], identifierEnd)
	line = c.data[begin:end]
	return line, bytes.IndexByte(line, ':') + 1
}

// setOf makes a set of ascending numbers.
func setOf(slots []uint32) *roaring.Bitmap {
	b := roaring.New()
	b.AddMany(slots)
	return b
}
