package index

import (
	"encoding/binary"
	"slices"
	"sort"
)

// chunk is a part of a prose: slots in a row, no more than a uint16 can count.
//
// Its text holds the bare text of each slot, ended by textEnd. Grams fall into
// buckets by their hash; of each bucket the postings say which slots have a
// gram of it: their numbers in the chunk, ascending, or where that is longer, a
// bit for each.
type chunk struct {
	base  uint32 // the first slot
	slots int
	bits  uint // there are 2^bits buckets

	// All below lies in segments. Numbers are little-endian.
	text     []byte
	offsets  []byte   // uint32 by slot: where its text begins; one more at the end
	buckets  []byte   // uint32 by bucket: where its postings begin, in units of two bytes; one more
	postings []byte   // uint16, or the words of a bitmap
	raw      []byte   // the text as the library has it, of chunks that keep it
	starts   []byte   // uint32 by slot: where its raw text begins; one more at the end
	mute     []uint16 // slots whose text is nothing but punctuation
}

func (c *chunk) offset(i uint32) uint32 { return binary.LittleEndian.Uint32(c.offsets[4*i:]) }

// rawOf returns the raw text of the i-th slot.
func (c *chunk) rawOf(i uint32) []byte {
	return c.raw[binary.LittleEndian.Uint32(c.starts[4*i:]):binary.LittleEndian.Uint32(c.starts[4*i+4:])]
}

// of returns the bare text of the i-th slot.
func (c *chunk) of(i uint32) []byte { return c.text[c.offset(i) : c.offset(i+1)-1] }

// empty tells whether the library has no text for the i-th slot.
func (c *chunk) empty(i uint16) bool {
	if len(c.of(uint32(i))) > 0 {
		return false
	}
	_, mute := slices.BinarySearch(c.mute, i)
	return !mute
}

// postingsOf returns the postings of a bucket.
func (c *chunk) postingsOf(bucket uint32) postings {
	begin := binary.LittleEndian.Uint32(c.buckets[4*bucket:])
	end := binary.LittleEndian.Uint32(c.buckets[4*bucket+4:])
	p := postings{data: c.postings[2*begin : 2*end], n: int(end - begin)}
	if p.n == bitmapUnits(c.slots) {
		p.bitmap = true
	}
	return p
}

// bitmapUnits is the length of a bitmap of so many slots, which are whole words
// of 64 bits, in units of two bytes. A list is always shorter.
func bitmapUnits(slots int) int { return (slots + 63) / 64 * 4 }

// postings are the slots of one bucket.
type postings struct {
	data   []byte
	n      int // units of two bytes: slots of a list
	bitmap bool
}

func (p *postings) at(i int) uint16 { return binary.LittleEndian.Uint16(p.data[2*i:]) }

func (p *postings) has(slot uint16) bool {
	if p.bitmap {
		return p.data[slot/8]>>(slot%8)&1 != 0
	}
	i := sort.Search(p.n, func(i int) bool { return p.at(i) >= slot })
	return i < p.n && p.at(i) == slot
}

// list appends the slots of a list, which p is, to dst.
func (p *postings) list(dst []uint16) []uint16 {
	for i := range p.n {
		dst = append(dst, p.at(i))
	}
	return dst
}

// keep returns the slots of the list that p has, in place.
func (p *postings) keep(list []uint16) []uint16 {
	if p.bitmap || len(list) < p.n/8 {
		return slices.DeleteFunc(list, func(s uint16) bool { return !p.has(s) })
	}
	kept, i := list[:0], 0
	for _, s := range list {
		for i < p.n && p.at(i) < s {
			i++
		}
		if i < p.n && p.at(i) == s {
			kept = append(kept, s)
		}
	}
	return kept
}

// containing appends the slots of the chunk in which needle is to dst, looking
// through all the text.
func (c *chunk) containing(dst []uint16, needle *finder) []uint16 {
	slot := uint32(0)
	for from := 0; from < len(c.text); {
		i := needle.index(c.text[from:])
		if i < 0 {
			break
		}
		for end := uint32(from + i); c.offset(slot+1) <= end; {
			slot++
		}
		dst = append(dst, uint16(slot))
		from = int(c.offset(slot + 1))
	}
	return dst
}
