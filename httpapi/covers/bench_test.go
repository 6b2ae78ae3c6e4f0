package covers

import (
	"strconv"
	"testing"
)

func BenchmarkThumbnailMade(b *testing.B) {
	for _, d := range [][2]int{{400, 600}, {1200, 1800}} {
		content := jpegBytes(b, photo(d[0], d[1]))
		for _, s := range []Size{Thumb, Medium} {
			b.Run(strconv.Itoa(d[0])+"x"+strconv.Itoa(d[1])+"/"+string(s), func(b *testing.B) {
				store, c := newCounting(), open(b, Options{})
				src := store.source(b, "x", content)
				b.ReportAllocs()
				for b.Loop() {
					if _, err := c.Thumbnail(b.Context(), src, s); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

func BenchmarkThumbnailKept(b *testing.B) {
	for name, o := range map[string]Options{"memory": inMemory(Options{}), "disk": {Dir: b.TempDir()}} {
		b.Run(name, func(b *testing.B) {
			store, c := newCounting(), open(b, o)
			src := store.source(b, "x", jpegBytes(b, photo(400, 600)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.Thumbnail(b.Context(), src, Small); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkPlaceholder(b *testing.B) {
	c := open(b, Options{})
	for b.Loop() {
		if _, err := c.Placeholder(b.Context(), "The Tide Clerk and the Harbour", "Maren Holloway", Small); err != nil {
			b.Fatal(err)
		}
	}
}
