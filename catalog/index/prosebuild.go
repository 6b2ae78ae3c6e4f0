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
	// raw keeps the text as it is, too, all in one place, for what has to look at
	// all of it.
	raw bool
	// slots and bytes are where a chunk ends: at so many slots or, once it has
	// so many bytes, after the slot that it is at. 0 means 65,535 and 4 MiB.
	slots, bytes int
}

const (
	chunkSlots = 1<<16 - 1
	chunkBytes = 4 << 20
	// There are 2^minBits to 2^maxBits buckets in a chunk, by how much text is
	// in it.
	minBits, maxBits = 8, 16
	// sampleBytes is how much of a chunk is counted for prose.bytes.
	sampleBytes = 64 << 10
)

// buildProse makes the text of n slots ready to be searched. It takes about
// twelve times chunkBytes of memory while it works.
func buildProse(ctx context.Context, n int, text textOf, o proseOptions) (*prose, error) {
	if o.slots <= 0 || o.slots > chunkSlots {
		o.slots = chunkSlots
	}
	if o.bytes <= 0 {
		o.bytes = chunkBytes
	}
	b := proseBuilder{o: o, fold: newFolder(), p: &prose{raw: o.raw, n: n, few: fewSlots, bytes: &frequencies{}, stale: roaring.New(), text: text}}
	b.vocabulary = newVocabulary(n, text, b.fold)
	b.p.words = b.vocabulary.ids
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
	o          proseOptions
	fold       *folder
	vocabulary *vocabulary
	p          *prose

	text         []byte
	offsets      []uint32
	raw          []byte
	starts       []uint32
	all          []uint32 // scratch: buckets of one slot
	grams, words poster
}

// chunk makes a chunk of the slots from begin on.
func (b *proseBuilder) chunk(begin, n int) (*chunk, error) {
	c := &chunk{base: uint32(begin)}
	b.text, b.offsets = b.text[:0], append(b.offsets[:0], 0)
	b.raw, b.starts = b.raw[:0], append(b.starts[:0], 0)
	b.words.start(len(b.vocabulary.ids))
	for c.slots < min(b.o.slots, n-begin) && len(b.text) < b.o.bytes {
		raw := b.p.text(uint32(begin + c.slots))
		at := len(b.text)
		b.text = b.fold.append(b.text, raw, bare)
		if len(b.text) == at && len(raw) > 0 {
			c.mute = append(c.mute, uint16(c.slots))
		}
		if b.o.raw {
			b.raw = append(b.raw, raw...)
			b.starts = append(b.starts, uint32(len(b.raw)))
		}
		b.all = b.vocabulary.appendWords(b.all[:0], raw)
		b.words.add(b.all)
		b.text = append(b.text, textEnd)
		b.offsets = append(b.offsets, uint32(len(b.text)))
		c.slots++
	}
	c.bits = uint(min(max(bits.Len(uint(len(b.text)/4)), minBits), maxBits))
	b.p.bytes.add(b.text[:min(len(b.text), sampleBytes)])
	b.grams.start(1 << c.bits)
	for slot := range c.slots {
		b.all = appendGrams(b.all[:0], b.text[b.offsets[slot]:b.offsets[slot+1]-1], c.bits, true)
		b.grams.add(b.all)
	}

	var err error
	keep := func(p []byte) (kept []byte) {
		if err == nil {
			kept, err = b.keep(p)
		}
		return kept
	}
	index := func(p *poster) postingIndex {
		begin, out := p.finish()
		return postingIndex{buckets: keep(b.numbers(begin)), postings: keep(out)}
	}
	c.text = keep(b.text)
	c.offsets = keep(b.numbers(b.offsets))
	c.grams, c.words = index(&b.grams), index(&b.words)
	if b.o.raw {
		c.raw = keep(b.raw)
		c.starts = keep(b.numbers(b.starts))
	}
	return c, err
}

// numbers returns numbers as they are stored. It uses the text's memory.
func (b *proseBuilder) numbers(list []uint32) []byte {
	b.text = b.text[:0]
	for _, n := range list {
		b.text = binary.LittleEndian.AppendUint32(b.text, n)
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
		n += len(c.text) + len(c.offsets) + len(c.grams.buckets) + len(c.grams.postings) + len(c.words.buckets) + len(c.words.postings) + len(c.raw) + len(c.starts) + 2*len(c.mute)
	}
	return n
}
