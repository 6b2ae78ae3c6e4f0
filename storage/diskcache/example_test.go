package diskcache_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/pressmark/pressmark/storage"
	"github.com/pressmark/pressmark/storage/diskcache"
	"github.com/pressmark/pressmark/storage/memstore"
)

// A source that is asked for an object once.
func Example() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "cache")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	cache, err := diskcache.Open(dir, diskcache.Options{MaxBytes: 1 << 30})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer cache.Close()

	drive := memstore.New(memstore.Options{}) // in place of one that is far away
	drive.Put(ctx, "Low Water.epub", strings.NewReader("a book"), storage.PutOptions{})

	books := cache.Store(drive, "drive/1f3a")
	for range 3 {
		rc, info, err := books.Open(ctx, "Low Water.epub", storage.Range{Length: 6})
		if err != nil {
			fmt.Println(err)
			return
		}
		content, err := io.ReadAll(rc)
		rc.Close()
		fmt.Println(info.Key, info.Size, string(content), err)
	}
	fmt.Println("fetches:", cache.Stats().Fetches)
	// Output:
	// Low Water.epub 6 a book <nil>
	// Low Water.epub 6 a book <nil>
	// Low Water.epub 6 a book <nil>
	// fetches: 1
}
