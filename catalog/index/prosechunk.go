package index

import (
	"encoding/binary"
	"slices"
)

// chunk is a part of a prose: slots in a row, no more than a uint16 can count.
//
// Its text holds the bare text of each slot, ended by textEnd. Grams fall into
// buckets by their hash, the words of the vocabulary have one each.
type chunk struct {
	base  uint32 // the first slot
	slots int
	bits  uint // there are 2^bits buckets

	// All below lies in segments. Numbers are little-endian.
	text    []byte
	offsets []byte // uint32 by slot: where its text begins; one more at the end
	grams   postingIndex
	words   postingIndex
	raw     []byte   // the text as the library has it, of chunks that keep it
	starts  []byte   // uint32 by slot: where its raw text begins; one more at the end
	mute    []uint16 // slots whose text is nothing but punctuation
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

// containing appends the slots of the chunk in which needle is to dst, looking
// through all text but that of the slots that are known to have it.
func (c *chunk) containing(dst []uint16, needle *finder, known *postings) []uint16 {
	if known.bitmap {
		for slot := range uint16(c.slots) {
			if known.has(slot) || needle.index(c.of(uint32(slot))) >= 0 {
				dst = append(dst, slot)
			}
		}
		return dst
	}
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
