package index

import (
	"encoding/binary"
	"slices"
	"sort"
)

// postingIndex says of each bucket which slots of a chunk have something of it:
// their numbers in the chunk, ascending, or where that is longer, a bit for each.
// It lies in segments; numbers are little-endian.
type postingIndex struct {
	buckets  []byte // uint32 by bucket: where its postings begin, in units of two bytes; one more
	postings []byte // uint16, or the words of a bitmap
}

// of returns the postings of a bucket of a chunk with so many slots.
func (x *postingIndex) of(bucket uint32, slots int) postings {
	begin := binary.LittleEndian.Uint32(x.buckets[4*bucket:])
	end := binary.LittleEndian.Uint32(x.buckets[4*bucket+4:])
	p := postings{data: x.postings[2*begin : 2*end], n: int(end - begin)}
	if p.n == bitmapUnits(slots) {
		p.bitmap = true
	}
	return p
}

// bitmapUnits is the length of a bitmap of so many slots, which are whole words
// of 64 bits, in units of two bytes. A list is always shorter.
func bitmapUnits(slots int) int { return (slots + 63) / 64 * 4 }

// postings are the slots of one bucket. The zero value is none.
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

// poster makes postings of up to 65,536 buckets, for chunk after chunk.
type poster struct {
	all  []uint16 // buckets of each slot, each once
	ends []uint32 // by slot: where its buckets end
	out  []byte

	// By bucket. They are hit at random, and so kept small and apart.
	last  []uint16 // the slot that has it last, counted from 1
	begin []uint32 // how many slots have it, then where its postings begin
	next  []uint32 // where its next posting goes, with asBitmap if it is a bit
}

const asBitmap = 1 << 31

// start begins a chunk with so many buckets.
func (p *poster) start(buckets int) {
	p.last = append(p.last[:0], make([]uint16, buckets)...)
	p.begin = append(p.begin[:0], make([]uint32, buckets+1)...)
	p.next = append(p.next[:0], make([]uint32, buckets+1)...)
	p.all, p.ends = p.all[:0], p.ends[:0]
}

// add adds the next slot, which has what falls into the buckets.
func (p *poster) add(buckets []uint32) {
	last, begin := p.last, p.begin
	n, mark := len(p.all), uint32(len(p.ends)+1)
	all := slices.Grow(p.all, len(buckets))[:n+len(buckets)]
	for _, bucket := range buckets {
		// Without branches, of which half would be predicted wrongly.
		first := (uint32(last[bucket]) ^ mark + 0xffff) >> 16 // 0 or 1
		last[bucket] = uint16(mark)
		begin[bucket] += first
		all[n] = uint16(bucket)
		n += int(first)
	}
	p.all = all[:n]
	p.ends = append(p.ends, uint32(len(p.all)))
}

// finish returns where the postings of each bucket begin, and all of them. They
// are good until the next start.
func (p *poster) finish() (begin []uint32, out []byte) {
	// Where the postings of each bucket begin.
	most := uint32(bitmapUnits(len(p.ends)))
	units := uint32(0)
	for i, n := range p.begin {
		p.begin[i], p.next[i] = units, units
		if n >= most {
			n = most
			p.next[i] |= asBitmap
		}
		units += n
	}
	p.out = slices.Grow(p.out[:0], int(2*units))[:2*units]
	clear(p.out)
	from := uint32(0)
	for slot, to := range p.ends {
		for _, bucket := range p.all[from:to] {
			at := p.next[bucket]
			if at >= asBitmap {
				p.out[2*(at-asBitmap)+uint32(slot)/8] |= 1 << (slot % 8)
				continue
			}
			binary.LittleEndian.PutUint16(p.out[2*at:], uint16(slot))
			p.next[bucket] = at + 1
		}
		from = to
	}
	return p.begin, p.out
}
