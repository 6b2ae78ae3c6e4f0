package index

import (
	"context"
	"runtime"
	"slices"
	"strings"
	"unsafe"

	"github.com/RoaringBitmap/roaring/v2"
	"golang.org/x/sync/errgroup"
)

// scanProse finds what is sought in the text of n slots without anything made
// ready: it does what prose.find does, and looks at each slot.
func scanProse(ctx context.Context, n int, text textOf, s sought, within *roaring.Bitmap) (*roaring.Bitmap, error) {
	var slots []uint32
	if within != nil {
		slots = within.ToArray()
	} else {
		slots = make([]uint32, n)
		for i := range slots {
			slots[i] = uint32(i)
		}
	}
	return scanSlots(ctx, slots, text, s)
}

// scanSlots looks at the text of each slot.
func scanSlots(ctx context.Context, slots []uint32, text textOf, s sought) (*roaring.Bitmap, error) {
	accept := s.acceptor(text)
	found, err := filter(ctx, slots, func(f *folder, slot uint32) (bool, error) {
		raw := text(slot)
		if len(raw) == 0 {
			return false, nil
		}
		if len(s.needles) > 0 {
			bare := f.bareOf(raw)
			for _, choice := range s.needles {
				if !slices.ContainsFunc(choice, func(needle string) bool { return strings.Contains(bare, needle) }) {
					return false, nil
				}
			}
		}
		return accept(f, slot)
	})
	return setOf(found), err
}

// verify returns the slots whose text is accepted.
func verify(ctx context.Context, slots []uint32, text textOf, s sought) ([]uint32, error) {
	if s.accept == nil {
		return slots, nil
	}
	return filter(ctx, slots, s.acceptor(text))
}

// acceptor returns what asks accept about the text of a slot.
func (s *sought) acceptor(text textOf) func(*folder, uint32) (bool, error) {
	if s.accept == nil {
		return func(*folder, uint32) (bool, error) { return true, nil }
	}
	return func(f *folder, slot uint32) (bool, error) {
		if s.exhausted != nil && s.exhausted() {
			return false, tooMuchText()
		}
		raw := text(slot)
		// It does not change, and accept does not keep it.
		return s.accept(f, unsafe.String(unsafe.SliceData(raw), len(raw))), nil
	}
}

// filterBatch is how many slots are looked at before somebody asks whether the
// answer is still wanted.
const filterBatch = 256

// filter returns the slots that keep keeps, in order. It uses all processors
// where there are many.
func filter(ctx context.Context, slots []uint32, keep func(*folder, uint32) (bool, error)) ([]uint32, error) {
	if len(slots) == 0 {
		return nil, ctx.Err()
	}
	parts := min(runtime.GOMAXPROCS(0), (len(slots)+filterBatch-1)/filterBatch)
	kept := make([][]uint32, parts)
	g, ctx := errgroup.WithContext(ctx)
	for i := range parts {
		g.Go(func() error {
			f := newFolder()
			for batch := range slices.Chunk(slots[len(slots)*i/parts:len(slots)*(i+1)/parts], filterBatch) {
				if err := ctx.Err(); err != nil {
					return err
				}
				for _, slot := range batch {
					ok, err := keep(f, slot)
					if err != nil {
						return err
					}
					if ok {
						kept[i] = append(kept[i], slot)
					}
				}
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	return slices.Concat(kept...), nil
}
