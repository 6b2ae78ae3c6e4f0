package index

import (
	"context"
	"runtime"
	"slices"
	"strconv"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/pressmark/pressmark/catalog"
)

// maxSlow is how many bytes of text a regular expression is tried on that
// names nothing that must be there.
const maxSlow = 16 << 20

// fewSlots is up to how many slots are looked at one by one, instead of
// looking for needles and then asking which slots count.
const fewSlots = 4096

// textOf returns the running text of one slot as the library has it. It must
// be safe for concurrent use. The bytes are not kept.
type textOf func(slot uint32) []byte

// sought is what is looked for in running text.
type sought struct {
	// needles are in the bare text: of each list one. Without any, all text
	// that is not empty is found.
	needles [][]string
	// accept looks at the raw text as well, which is not empty; nil accepts
	// all. It must be safe for concurrent use, with a folder for each caller.
	accept func(f *folder, raw string) bool
	// slow is set where accept is so slow that it must not be asked about much
	// text without needles.
	slow bool
}

// prose is the running text of one field of many books, made ready to be
// searched for any part of it. It lies in chunks, each of which holds the bare
// text of some slots and, for pieces of two or three characters, which of these
// slots have them (chunk.go says how): pieces narrow down where what is sought
// can be, and the text decides. Nearly all of it is in a private file mapped
// into memory.
//
// A prose does not change. The next generation of an index shares the chunks
// with the one before and knows which slots they do not tell the truth about;
// these are looked at one by one.
type prose struct {
	segs   []*segment // keeps what chunks lie in
	chunks []*chunk
	n      int             // slots
	few    uint64          // fewSlots, but in tests
	stale  *roaring.Bitmap // slots of which the chunks do not hold the text
	text   textOf
}

// next returns the prose of n slots, of which stale have other text than they
// had here, or are new.
func (p *prose) next(n int, stale *roaring.Bitmap, text textOf) *prose {
	all := roaring.Or(p.stale, stale)
	if from := p.chunked(); from < n {
		all.AddRange(uint64(from), uint64(n))
	}
	return &prose{segs: p.segs, chunks: p.chunks, n: n, few: p.few, stale: all, text: text}
}

// chunked returns the number of slots that are in chunks.
func (p *prose) chunked() int {
	if len(p.chunks) == 0 {
		return 0
	}
	last := p.chunks[len(p.chunks)-1]
	return int(last.base) + last.slots
}

// worn tells whether so much is stale that building it again is worth it.
func (p *prose) worn() bool { return p.stale.GetCardinality() > uint64(500+p.n/20) }

// find returns the slots whose text is what is sought: of those in within, or
// of all where that is nil.
func (p *prose) find(ctx context.Context, s sought, within *roaring.Bitmap) (*roaring.Bitmap, error) {
	// The chunks are unmapped when nothing refers to them any more.
	defer runtime.KeepAlive(p)
	if s.slow && len(s.needles) == 0 {
		if err := p.affordable(within); err != nil {
			return nil, err
		}
	}
	stale := p.stale
	if within != nil {
		stale = roaring.And(stale, within)
	}
	found, err := scanSlots(ctx, stale.ToArray(), p.text, s)
	if err != nil {
		return nil, err
	}
	var it roaring.IntPeekable
	search := newChunkSearch(s.needles)
	if within != nil {
		if within.GetCardinality() <= p.few {
			it = within.Iterator()
		} else {
			search.within = within.ToDense()
		}
	}
	var hits, open []uint32
	for _, c := range p.chunks {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if it != nil {
			if open = slotsOf(open[:0], it, c); len(open) == 0 {
				continue
			}
		}
		begin := len(hits)
		hits = search.in(c, hits, open, it != nil)
		hits = p.truthful(hits, begin)
	}
	if s.accept != nil {
		if hits, err = verify(ctx, hits, p.text, s.accept); err != nil {
			return nil, err
		}
	}
	found.Or(setOf(hits))
	return found, nil
}

// truthful drops the stale ones of the slots from begin on.
func (p *prose) truthful(hits []uint32, begin int) []uint32 {
	if p.stale.IsEmpty() {
		return hits
	}
	kept := slices.DeleteFunc(hits[begin:], p.stale.Contains)
	return hits[:begin+len(kept)]
}

// affordable is an error if the text of the slots is too much to try a regular
// expression on all of it.
func (p *prose) affordable(within *roaring.Bitmap) error {
	total := 0
	var it roaring.IntPeekable
	if within != nil {
		it = within.Iterator()
	}
	var open []uint32
	for _, c := range p.chunks {
		if it == nil {
			total += len(c.text)
			continue
		}
		open = slotsOf(open[:0], it, c)
		for _, slot := range open {
			total += len(c.of(slot - c.base))
		}
	}
	if total > maxSlow {
		return tooSlow()
	}
	return nil
}

func tooSlow() error {
	return catalog.Invalid("q", "", "a regular expression over more than "+strconv.Itoa(maxSlow>>20)+
		" MB of text needs three letters in a row that must be there, or other conditions that leave fewer books")
}

// slotsOf appends the slots of the chunk from an iterator that has gone over
// those of the chunks before.
func slotsOf(dst []uint32, it roaring.IntPeekable, c *chunk) []uint32 {
	it.AdvanceIfNeeded(c.base)
	for end := c.base + uint32(c.slots); it.HasNext() && it.PeekNext() < end; {
		dst = append(dst, it.Next())
	}
	return dst
}
