package calibre

import (
	"fmt"
	"io"
	"testing"
	"time"
)

// A lock passes without a sign, so it is looked for more often than the end of
// other problems.
func TestBackOff(t *testing.T) {
	for _, c := range []struct {
		err     error
		longest time.Duration
	}{
		{fmt.Errorf("copy: %w", ErrLocked), lockedPause},
		{io.ErrUnexpectedEOF, lastPause},
	} {
		var b backOff
		before := time.Duration(0)
		for range 12 {
			got := b.next(c.err)
			if b.pause < before || got < b.pause*4/5 || got > b.pause*6/5 {
				t.Errorf("%v: paused %v at a pause of %v, after one of %v", c.err, got, b.pause, before)
			}
			before = b.pause
		}
		if before != c.longest {
			t.Errorf("%v: pauses grow to %v, want %v", c.err, before, c.longest)
		}
	}
}
