package index

import (
	"context"
	"runtime"
	"slices"
	"sort"

	"github.com/RoaringBitmap/roaring/v2"
	"golang.org/x/sync/errgroup"
)

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
	// exhausted tells that accept will not look at more text; nil is never.
	exhausted func() bool
}

// prose is the running text of one field of many books, made ready to be
// searched for any part of it. It lies in chunks, each of which holds the bare
// text of some slots and, for pieces of a few characters, which of these slots
// have them (prosechunk.go says how): pieces narrow down where what is sought
// can be, and the text decides. Nearly all of it is in a private file mapped
// into memory.
//
// A prose does not change. The next generation of an index shares the chunks
// with the one before and knows which slots they do not tell the truth about;
// these are looked at one by one.
type prose struct {
	segs   []*segment // keeps what chunks lie in
	chunks []*chunk
	words  map[string]uint16 // the vocabulary: numbers by bare text
	raw    bool              // chunks keep raw text
	n      int               // slots
	few    uint64            // fewSlots, but in tests
	bytes  *frequencies      // of a part of the text in the chunks
	stale  *roaring.Bitmap   // slots of which the chunks do not hold the text
	text   textOf
}

// next returns the prose of n slots, of which stale have other text than they
// had here, or are new.
func (p *prose) next(n int, stale *roaring.Bitmap, text textOf) *prose {
	all := roaring.Or(p.stale, stale)
	if from := p.chunked(); from < n {
		all.AddRange(uint64(from), uint64(n))
	}
	return &prose{segs: p.segs, chunks: p.chunks, words: p.words, raw: p.raw, n: n, few: p.few, bytes: p.bytes, stale: all, text: text}
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
	stale := p.stale
	if within != nil {
		stale = roaring.And(stale, within)
	}
	found, err := scanSlots(ctx, stale.ToArray(), p.text, s)
	if err != nil {
		return nil, err
	}
	hits, err := p.inChunks(ctx, s.needles, within)
	if err != nil {
		return nil, err
	}
	text := p.text
	if p.raw {
		text = p.rawText // of slots that are not stale
	}
	if hits, err = verify(ctx, hits, text, s); err != nil {
		return nil, err
	}
	found.Or(setOf(hits))
	return found, nil
}

// inChunks returns the slots of chunks in whose text there is a needle of each
// list, ascending.
func (p *prose) inChunks(ctx context.Context, needles [][]string, within *roaring.Bitmap) ([]uint32, error) {
	few := within != nil && within.GetCardinality() <= p.few
	var dense []uint64
	if within != nil && !few {
		dense = within.ToDense()
	}
	parts := min(runtime.GOMAXPROCS(0), (len(p.chunks)+1)/2)
	found := make([][]uint32, parts)
	g, ctx := errgroup.WithContext(ctx)
	for i := range parts {
		g.Go(func() error {
			var it roaring.IntPeekable
			if few {
				it = within.Iterator()
			}
			search := newChunkSearch(needles, p)
			search.within = dense
			var hits, open []uint32
			for _, c := range p.chunks[len(p.chunks)*i/parts : len(p.chunks)*(i+1)/parts] {
				if err := ctx.Err(); err != nil {
					return err
				}
				if few {
					if open = slotsOf(open[:0], it, c); len(open) == 0 {
						continue
					}
				}
				begin := len(hits)
				hits = search.in(c, hits, open, few)
				hits = p.truthful(hits, begin)
			}
			found[i] = hits
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	return slices.Concat(found...), nil
}

// truthful drops the stale ones of the slots from begin on.
func (p *prose) truthful(hits []uint32, begin int) []uint32 {
	if p.stale.IsEmpty() {
		return hits
	}
	kept := slices.DeleteFunc(hits[begin:], p.stale.Contains)
	return hits[:begin+len(kept)]
}

// rawText returns the raw text of a slot that is in a chunk.
func (p *prose) rawText(slot uint32) []byte {
	i := sort.Search(len(p.chunks), func(i int) bool { return p.chunks[i].base > slot }) - 1
	return p.chunks[i].rawOf(slot - p.chunks[i].base)
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
