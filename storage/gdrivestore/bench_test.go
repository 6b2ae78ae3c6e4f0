package gdrivestore_test

import (
	"io"
	"strconv"
	"testing"

	"google.golang.org/api/option"

	"github.com/pressmark/pressmark/cache"
	"github.com/pressmark/pressmark/cache/memcache"
	"github.com/pressmark/pressmark/storage"
	"github.com/pressmark/pressmark/storage/gdrivestore"
	"github.com/pressmark/pressmark/storage/gdrivestore/drivetest"
)

// What downloading 64 MiB over a socket takes: of memory next to nothing.
func BenchmarkDownload(b *testing.B) {
	const size = 64 << 20
	d := drivetest.New(drivetest.Options{})
	d.AddGenerated(d.Root(), "large", size, 1)
	url := d.Start(b)
	service, err := gdrivestore.NewService(b.Context(), d.Credentials(url), option.WithEndpoint(url))
	if err != nil {
		b.Fatal(err)
	}
	s, err := gdrivestore.New(service, d.Root(), gdrivestore.Options{Cache: cached(nil), RequestsPer100s: 1e9})
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(size)
	b.ReportAllocs()
	buf := make([]byte, 64<<10)
	for b.Loop() {
		rc, _, err := s.Open(b.Context(), "large", storage.Range{})
		if err != nil {
			b.Fatal(err)
		}
		if n, err := io.CopyBuffer(io.Discard, struct{ io.Reader }{rc}, buf); err != nil || n != size {
			b.Fatal(n, err)
		}
		rc.Close()
	}
}

// What a look at a known file takes, among those of 100,000 authors.
func BenchmarkStat(b *testing.B) {
	d := drivetest.New(drivetest.Options{})
	for i := range 100_000 {
		d.AddFolder(d.Root(), "Author "+strconv.Itoa(i))
	}
	var keys []string
	for i := range 2000 {
		author := "Author " + strconv.Itoa(50*i)
		keys = append(keys, author+"/Title (1)/Title.epub")
		d.Put(keys[i], []byte("content"))
	}
	local := memcache.NewLocal(memcache.Options{MaxBytes: 256 << 20})
	s := open(b, d, gdrivestore.Options{Cache: cache.New(cache.Options{Local: local})})
	n := 0
	look := func() {
		if _, err := s.Stat(b.Context(), keys[n%len(keys)]); err != nil {
			b.Fatal(err)
		}
		n++
	}
	for range keys {
		look()
	}
	b.ReportAllocs()
	for b.Loop() {
		look()
	}
}
