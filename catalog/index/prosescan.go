package index

import (
	"context"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/RoaringBitmap/roaring/v2"
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
	if s.slow && len(s.needles) == 0 {
		total := 0
		for _, slot := range slots {
			if total += len(text(slot)); total > maxSlow {
				return nil, tooSlow()
			}
		}
	}
	return scanSlots(ctx, slots, text, s)
}

// scanSlots looks at the text of each slot.
func scanSlots(ctx context.Context, slots []uint32, text textOf, s sought) (*roaring.Bitmap, error) {
	found, err := filter(ctx, slots, func(f *folder, slot uint32) bool {
		raw := text(slot)
		if len(raw) == 0 {
			return false
		}
		if len(s.needles) > 0 {
			bare := f.bareOf(raw)
			for _, choice := range s.needles {
				if !slices.ContainsFunc(choice, func(needle string) bool { return strings.Contains(bare, needle) }) {
					return false
				}
			}
		}
		return s.accept == nil || s.accept(f, string(raw))
	})
	return setOf(found), err
}

// verify returns the slots whose text accept accepts.
func verify(ctx context.Context, slots []uint32, text textOf, accept func(*folder, string) bool) ([]uint32, error) {
	return filter(ctx, slots, func(f *folder, slot uint32) bool { return accept(f, string(text(slot))) })
}

// filterBatch is how many slots are looked at before somebody asks whether the
// answer is still wanted.
const filterBatch = 256

// filter returns the slots that keep keeps, in order. It uses all processors
// where there are many.
func filter(ctx context.Context, slots []uint32, keep func(*folder, uint32) bool) ([]uint32, error) {
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
					if keep(f, slot) {
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
