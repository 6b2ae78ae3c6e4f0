package covers_test

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/jpeg"

	"github.com/pressmark/pressmark/httpapi/covers"
	"github.com/pressmark/pressmark/storage"
	"github.com/pressmark/pressmark/storage/memstore"
)

func Example() {
	ctx := context.Background()
	library := memstore.New(memstore.Options{})
	var original bytes.Buffer
	if err := jpeg.Encode(&original, image.NewGray(image.Rect(0, 0, 600, 800)), nil); err != nil {
		fmt.Println(err)
		return
	}
	info, err := library.Put(ctx, "Maren Holloway/The Tide Clerk (1)/cover.jpg", &original, storage.PutOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}

	// With Dir pictures survive a restart; with a Cache they are kept in memory.
	cache, err := covers.New(covers.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	small, err := cache.Thumbnail(ctx, covers.Source{Name: "main/1", Store: library, Info: info}, covers.Small)
	if err != nil {
		fmt.Println(err)
		return
	}
	cfg, err := jpeg.DecodeConfig(bytes.NewReader(small))
	fmt.Println(cfg.Width, "×", cfg.Height, err)
	// Output: 240 × 320 <nil>
}
