package gdrivestore_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"

	"google.golang.org/api/option"

	"github.com/pressmark/pressmark/cache"
	"github.com/pressmark/pressmark/cache/memcache"
	"github.com/pressmark/pressmark/storage"
	"github.com/pressmark/pressmark/storage/diskcache"
	"github.com/pressmark/pressmark/storage/gdrivestore"
	"github.com/pressmark/pressmark/storage/gdrivestore/drivetest"
)

// A book is read from Drive, and then from the disk of this machine.
func Example() {
	ctx := context.Background()
	drive := drivetest.New(drivetest.Options{})
	drive.Put("Maren Holloway/The Tide Clerk (1)/The Tide Clerk.epub", []byte("a book"))
	server, err := drive.Serve()
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()

	// At Google the key comes from a file, and there is no endpoint to be named.
	service, err := gdrivestore.NewService(ctx, drive.Credentials(server.URL), option.WithEndpoint(server.URL))
	if err != nil {
		log.Fatal(err)
	}
	books, err := gdrivestore.New(service, drive.Root(), gdrivestore.Options{
		Cache: cache.New(cache.Options{Local: memcache.NewLocal(memcache.Options{})}),
	})
	if err != nil {
		log.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "books-*")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	disk, err := diskcache.Open(dir, diskcache.Options{MaxBytes: 1 << 30})
	if err != nil {
		log.Fatal(err)
	}
	defer disk.Close()
	store := disk.Store(books, "drive/"+drive.Root())

	for range 2 {
		r, info, err := store.Open(ctx, "Maren Holloway/The Tide Clerk (1)/The Tide Clerk.epub", storage.Range{Offset: 2})
		if err != nil {
			log.Fatal(err)
		}
		content, err := io.ReadAll(r)
		if err := r.Close(); err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%q of %d bytes, %v; downloads: %d\n", content, info.Size, err, drive.Calls().Media)
	}
	// Output:
	// "book" of 6 bytes, <nil>; downloads: 1
	// "book" of 6 bytes, <nil>; downloads: 1
}
