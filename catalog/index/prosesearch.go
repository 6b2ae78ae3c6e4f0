package index

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"math/bits"
	"slices"
)

// enough is from how few slots on it is quicker to look at their text than to
// narrow them down further.
const enough = 4

// chunkSearch looks for needles in chunk after chunk.
type chunkSearch struct {
	lists [][]needle
	bits  uint // of buckets in needles

	found, open, part []uint16 // scratch
	posts             []postings
	words             []uint64
}

// needle is one text that is looked for.
type needle struct {
	text    []byte
	buckets []uint32 // those of its grams
}

func newChunkSearch(lists [][]string) *chunkSearch {
	s := &chunkSearch{}
	for _, list := range lists {
		var needles []needle
		for _, text := range list {
			needles = append(needles, needle{text: []byte(text)})
		}
		s.lists = append(s.lists, needles)
	}
	return s
}

// in appends the slots of a chunk in whose text there is a needle of each list:
// of open where limited is set, of all otherwise.
func (s *chunkSearch) in(c *chunk, dst, open []uint32, limited bool) []uint32 {
	s.hash(c.bits)
	among := s.open[:0]
	for _, slot := range open {
		among = append(among, uint16(slot-c.base))
	}
	s.open = among
	if len(s.lists) == 0 {
		if !limited {
			for i := range c.slots {
				among = append(among, uint16(i))
			}
			s.open = among
		}
		among = slices.DeleteFunc(among, c.empty)
	}
	for i, list := range s.lists {
		if i == 0 && !limited {
			among = nil
		} else if len(among) == 0 {
			break
		}
		// The result is in found, which the next list reads: they take turns.
		s.found, s.open = s.either(c, s.found[:0], list, among), s.found
		among = s.found
	}
	for _, slot := range among {
		dst = append(dst, c.base+uint32(slot))
	}
	return dst
}

// hash computes the buckets of all needles for chunks with 2^bits of them.
func (s *chunkSearch) hash(bits uint) {
	if bits == s.bits {
		return
	}
	s.bits = bits
	for _, list := range s.lists {
		for i := range list {
			n := &list[i]
			n.buckets = n.buckets[:0]
			eachGram(n.text, bits, func(b uint32) { n.buckets = append(n.buckets, b) })
			slices.Sort(n.buckets)
			n.buckets = slices.Compact(n.buckets)
		}
	}
}

// either appends the slots that have one of the needles, of among or, where
// that is nil, of all.
func (s *chunkSearch) either(c *chunk, dst []uint16, list []needle, among []uint16) []uint16 {
	for i := range list {
		dst = s.having(c, dst, &list[i], among)
	}
	if len(list) > 1 {
		slices.Sort(dst)
		dst = slices.Compact(dst)
	}
	return dst
}

// having appends the slots that have a needle.
func (s *chunkSearch) having(c *chunk, dst []uint16, n *needle, among []uint16) []uint16 {
	if among == nil && len(n.buckets) == 0 {
		return c.containing(dst, n.text)
	}
	begin := len(dst)
	dst = s.candidates(c, dst, n, among)
	// Only what is new: other needles' slots stand before it.
	kept := dst[begin:begin]
	for _, slot := range dst[begin:] {
		if bytes.Contains(c.of(uint32(slot)), n.text) {
			kept = append(kept, slot)
		}
	}
	return dst[:begin+len(kept)]
}

// candidates appends the slots of which the grams do not say that they lack
// the needle.
func (s *chunkSearch) candidates(c *chunk, dst []uint16, n *needle, among []uint16) []uint16 {
	begin := len(dst)
	dst = append(dst, among...)
	if among != nil && len(among) <= enough {
		return dst
	}
	s.posts = s.posts[:0]
	for _, b := range n.buckets {
		s.posts = append(s.posts, c.postingsOf(b))
	}
	// Lists come before bitmaps, which are longer.
	slices.SortFunc(s.posts, func(a, b postings) int { return cmp.Compare(a.n, b.n) })
	rest := s.posts
	if among == nil {
		if rest[0].bitmap {
			return s.inAll(dst, rest)
		}
		dst = rest[0].list(dst)
		rest = rest[1:]
	}
	for i := range rest {
		if len(dst)-begin <= enough {
			break
		}
		dst = dst[:begin+len(rest[i].keep(dst[begin:]))]
	}
	return dst
}

// inAll appends the slots that are in all bitmaps.
func (s *chunkSearch) inAll(dst []uint16, maps []postings) []uint16 {
	s.words = s.words[:0]
	for at := 0; at < len(maps[0].data); at += 8 {
		w := ^uint64(0)
		for i := range maps {
			w &= binary.LittleEndian.Uint64(maps[i].data[at:])
		}
		for ; w != 0; w &= w - 1 {
			dst = append(dst, uint16(8*at+bits.TrailingZeros64(w)))
		}
	}
	return dst
}
