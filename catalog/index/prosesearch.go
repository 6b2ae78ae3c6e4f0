package index

import (
	"cmp"
	"encoding/binary"
	"math/bits"
	"slices"
	"unicode/utf8"
)

// enough is from how few slots on it is quicker to look at their text than to
// narrow them down further.
const enough = 4

// chunkSearch looks for needles in chunk after chunk.
type chunkSearch struct {
	lists  [][]needle
	bits   uint     // of buckets in needles
	within []uint64 // the slots that count, as bits; nil is all

	found, open []uint16 // scratch
	posts       []postings
}

// needle is one text that is looked for.
type needle struct {
	finder
	buckets []uint32 // those of its grams
	word    int      // its number in the vocabulary, or -1
}

func newChunkSearch(lists [][]string, p *prose) *chunkSearch {
	s := &chunkSearch{}
	for _, list := range lists {
		var needles []needle
		for _, text := range list {
			n := needle{finder: newFinder([]byte(text), p.bytes), word: -1}
			if id, ok := p.words[text]; ok {
				n.word = int(id)
			}
			needles = append(needles, n)
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
				if s.counts(c, uint16(i)) {
					among = append(among, uint16(i))
				}
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
		// What is left is in open, which the next list reads while it fills
		// found: they take turns.
		among = s.either(c, s.found[:0], list, among)
		s.open, s.found = among, s.open
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
			n.buckets = appendGrams(n.buckets[:0], n.text, bits, utf8.RuneCount(n.text) < narrowGram)
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
	begin := len(dst)
	var known postings
	if n.word >= 0 {
		known = c.words.of(uint32(n.word), c.slots)
	}
	if among == nil && len(n.buckets) == 0 {
		dst = c.containing(dst, &n.finder, &known)
		if s.within == nil {
			return dst
		}
		kept := slices.DeleteFunc(dst[begin:], func(slot uint16) bool { return !s.counts(c, slot) })
		return dst[:begin+len(kept)]
	}
	dst = s.candidates(c, dst, n, among)
	// Only what is new: other needles' slots stand before it.
	kept := dst[begin:begin]
	for _, slot := range dst[begin:] {
		if s.counts(c, slot) && (known.has(slot) || n.index(c.of(uint32(slot))) >= 0) {
			kept = append(kept, slot)
		}
	}
	return dst[:begin+len(kept)]
}

// counts tells whether a slot of the chunk is one that counts.
func (s *chunkSearch) counts(c *chunk, slot uint16) bool {
	if s.within == nil {
		return true
	}
	i := c.base + uint32(slot)
	return int(i/64) < len(s.within) && s.within[i/64]>>(i%64)&1 != 0
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
		s.posts = append(s.posts, c.grams.of(b, c.slots))
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
