package index

import (
	"context"
	"strings"
	"sync/atomic"

	"github.com/RoaringBitmap/roaring/v2"
)

// running is the running text of one field of every book. It is searched by
// looking at all of it until it is prepared.
type running struct {
	built atomic.Pointer[prose]
}

// wanted is what is looked for in running text.
type wanted struct {
	// needle must be in the bare text; "" is in all of it.
	needle string
	// accept looks at the raw text; nil where having the needle is enough.
	accept func(f *folder, text string) bool
}

// wantedOf returns what a matcher looks for.
func wantedOf(m *matcher) wanted {
	needle, enough := m.needle()
	if enough && needle != "" {
		return wanted{needle: needle}
	}
	return wanted{needle, func(_ *folder, text string) bool { return text != "" && m.match(text) }}
}

// running returns the books whose text in the column is what is wanted.
func (v *evaluator) running(c *column, w wanted, within *roaring.Bitmap) (*roaring.Bitmap, error) {
	f := newFolder()
	set := v.eachBook(func(slot uint32) bool {
		if within != nil && !within.Contains(slot) {
			return false
		}
		text := string(v.ix.raw(c, slot))
		if w.needle != "" && !strings.Contains(f.bare(text), w.needle) {
			return false
		}
		return w.accept == nil || w.accept(f, text)
	})
	return set, nil
}

// Prepare makes text quick to find. The index answers all the time, and what
// it answers does not change.
func (ix *Index) Prepare(ctx context.Context) error { return nil }

// Prepared says whether there is nothing for Prepare to do.
func (ix *Index) Prepared() bool { return true }

// prose makes the next generation of a column of running text.
func (u *update) prose(old *column) *running { return &running{} }
