package snapshot

import (
	"fmt"
	"os"
	"testing"
)

// BenchmarkTake copies databases of the size that 100,000 books have, and shows
// how long Calibre's lock is held in it.
func BenchmarkTake(b *testing.B) {
	for _, mb := range []int{15, 150} {
		path := library(b, mb<<10)
		for name, check := range map[string]bool{"copy": false, "copy and check": true} {
			b.Run(fmt.Sprintf("%d MB/%s", mb, name), func(b *testing.B) {
				d, err := OpenDir(b.TempDir())
				if err != nil {
					b.Fatal(err)
				}
				defer d.Close()
				var held float64
				for b.Loop() {
					c, err := d.Take(b.Context(), path, Options{})
					if err == nil && check {
						err = c.Check(b.Context())
					}
					if err != nil {
						b.Fatal(err)
					}
					held += c.LockHeld.Seconds() * 1e3
					b.SetBytes(c.Size)
					if err := os.Remove(c.Path); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(held/float64(b.N), "lock-ms/op")
			})
		}
	}
}
