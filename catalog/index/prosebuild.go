package index

import (
	"context"
	"encoding/binary"
	"math/bits"

	"github.com/RoaringBitmap/roaring/v2"
)

// proseOptions are the settings of buildProse. The zero value works.
type proseOptions struct {
	// dir is a folder for the private file; empty keeps all on the heap.
	dir string
	// slots and bytes are where a chunk ends: at so many slots or, once it has
	// so many bytes, after the slot that it is at. 0 means 65,536 and 8 MiB.
	slots, bytes int
}

const (
	chunkSlots = 1 << 16
	chunkBytes = 8 << 20
	// There are 2^minBits to 2^maxBits buckets in a chunk, by how much text is
	// in it.
	minBits, maxBits = 8, 16
)

// buildProse makes the text of n slots ready to be searched. It takes about
// three times chunkBytes of memory while it works.
func buildProse(ctx context.Context, n int, text textOf, o proseOptions) (*prose, error) {
	if o.slots <= 0 || o.slots > chunkSlots {
		o.slots = chunkSlots
	}
	if o.bytes <= 0 {
		o.bytes = chunkBytes
	}
	b := proseBuilder{o: o, fold: newFolder(), p: &prose{n: n, few: fewSlots, stale: roaring.New(), text: text}}
	for at := 0; at < n; {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		c, err := b.chunk(at, n)
		if err != nil {
			return nil, err
		}
		b.p.chunks = append(b.p.chunks, c)
		at += c.slots
	}
	return b.p, nil
}

// proseBuilder makes chunks. What it has is used for each of them.
type proseBuilder struct {
	o    proseOptions
	fold *folder
	p    *prose

	text    []byte
	offsets []uint32
	grams   []uint16 // buckets of each slot, each once
	ends    []uint32 // by slot: where its grams end
	use     []usage  // by bucket
	out     []byte
}

// usage is what is known of a bucket while a chunk is made.
type usage struct {
	last  uint32 // the slot that used it last, counted from 1
	count uint32 // how many slots do
	at    uint32 // where its next posting goes
}

// chunk makes a chunk of the slots from begin on.
func (b *proseBuilder) chunk(begin, n int) (*chunk, error) {
	c := &chunk{base: uint32(begin)}
	b.text, b.offsets = b.text[:0], append(b.offsets[:0], 0)
	for c.slots < min(b.o.slots, n-begin) && len(b.text) < b.o.bytes {
		raw := b.p.text(uint32(begin + c.slots))
		at := len(b.text)
		b.text = b.fold.append(b.text, raw, bare)
		if len(b.text) == at && len(raw) > 0 {
			c.mute = append(c.mute, uint16(c.slots))
		}
		b.text = append(b.text, textEnd)
		b.offsets = append(b.offsets, uint32(len(b.text)))
		c.slots++
	}
	c.bits = uint(min(max(bits.Len(uint(len(b.text)/4)), minBits), maxBits))
	b.count(c)
	size := b.place(c)
	b.fill(c, size)

	var err error
	keep := func(p []byte) (kept []byte) {
		if err == nil {
			kept, err = b.keep(p)
		}
		return kept
	}
	c.postings = keep(b.out)
	c.text = keep(b.text)
	c.offsets = keep(b.numbers(len(b.offsets), func(i int) uint32 { return b.offsets[i] }))
	c.buckets = keep(b.numbers(len(b.use), func(i int) uint32 { return b.use[i].count }))
	return c, err
}

// count finds the grams of each slot.
func (b *proseBuilder) count(c *chunk) {
	if cap(b.use) == 0 {
		b.use = make([]usage, 0, 1<<maxBits+1)
	}
	b.use = b.use[:1<<c.bits+1]
	clear(b.use)
	b.grams, b.ends = b.grams[:0], b.ends[:0]
	for slot := range c.slots {
		eachGram(b.text[b.offsets[slot]:b.offsets[slot+1]-1], c.bits, func(bucket uint32) {
			if u := &b.use[bucket]; u.last != uint32(slot)+1 {
				u.last = uint32(slot) + 1
				u.count++
				b.grams = append(b.grams, uint16(bucket))
			}
		})
		b.ends = append(b.ends, uint32(len(b.grams)))
	}
}

// place decides where the postings of each bucket begin and returns how long
// they are all together. Counts become places, as they are stored.
func (b *proseBuilder) place(c *chunk) (units uint32) {
	all := uint32(bitmapUnits(c.slots))
	for i := range b.use {
		u := &b.use[i]
		n := min(u.count, all)
		u.last, u.at, u.count = u.count, units, units
		units += n
	}
	return units
}

// fill writes the postings.
func (b *proseBuilder) fill(c *chunk, units uint32) {
	if cap(b.out) < int(2*units) {
		b.out = make([]byte, 2*units)
	}
	b.out = b.out[:2*units]
	clear(b.out)
	all := uint32(bitmapUnits(c.slots))
	from := uint32(0)
	for slot, to := range b.ends {
		for _, bucket := range b.grams[from:to] {
			u := &b.use[bucket]
			if u.last >= all {
				b.out[2*u.at+uint32(slot)/8] |= 1 << (slot % 8)
				continue
			}
			binary.LittleEndian.PutUint16(b.out[2*u.at:], uint16(slot))
			u.at++
		}
		from = to
	}
}

// numbers returns n numbers as they are stored. It uses the text's memory.
func (b *proseBuilder) numbers(n int, number func(int) uint32) []byte {
	b.text = b.text[:0]
	for i := range n {
		b.text = binary.LittleEndian.AppendUint32(b.text, number(i))
	}
	return b.text
}

// keep copies p to where it stays.
func (b *proseBuilder) keep(p []byte) ([]byte, error) {
	if len(b.p.segs) > 0 {
		s := b.p.segs[len(b.p.segs)-1]
		if at, ok := s.reserve(len(p)); ok {
			return s.data[at : at+len(p) : at+len(p)], s.write(at, p)
		}
	}
	size := mappedSegment
	if b.o.dir == "" || !canMap {
		size = 0
	}
	s, err := newSegment(b.o.dir, max(size, len(p)))
	if err != nil {
		return nil, err
	}
	b.p.segs = append(b.p.segs, s)
	at, _ := s.reserve(len(p))
	return s.data[at : at+len(p) : at+len(p)], s.write(at, p)
}

// size returns the bytes that the prose takes, wherever they lie.
func (p *prose) size() int {
	n := 0
	for _, c := range p.chunks {
		n += len(c.text) + len(c.offsets) + len(c.buckets) + len(c.postings) + 2*len(c.mute)
	}
	return n
}
