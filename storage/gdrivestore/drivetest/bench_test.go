package drivetest_test

import (
	"fmt"
	"io"
	"testing"

	"github.com/pressmark/pressmark/storage/gdrivestore/drivetest"
)

// BenchmarkList is of a page of 1,000 files, with what a client of a library asks for.
func BenchmarkList(b *testing.B) {
	d := drivetest.New(drivetest.Options{})
	for i := range 20_000 {
		d.Put(fmt.Sprintf("%d/%d", i%20, i), nil)
	}
	s := service(b, d)
	id, _ := d.Lookup("7")
	for _, q := range []string{"'" + id + "' in parents and trashed = false", "trashed = false"} {
		b.Run(q[:4], func(b *testing.B) {
			for b.Loop() {
				l, err := s.Files.List().Q(q).PageSize(1000).Fields("nextPageToken,incompleteSearch,files(id,name,size,md5Checksum,modifiedTime,parents,mimeType)").Do()
				if err != nil || len(l.Files) != 1000 {
					b.Fatal(len(l.Files), err)
				}
			}
		})
	}
}

// BenchmarkMedia is of a range of 1 MiB.
func BenchmarkMedia(b *testing.B) {
	d := drivetest.New(drivetest.Options{})
	id := d.AddGenerated(d.Root(), "f", 200<<20, 1)
	s := service(b, d)
	b.SetBytes(1 << 20)
	for b.Loop() {
		call := s.Files.Get(id)
		call.Header().Set("Range", "bytes=100000000-101048575")
		res, err := call.Download()
		if err != nil {
			b.Fatal(err)
		}
		if n, err := io.Copy(io.Discard, res.Body); n != 1<<20 || err != nil {
			b.Fatal(n, err)
		}
		res.Body.Close()
	}
}
