package calibre_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/pressmark/pressmark/catalog"
	"github.com/pressmark/pressmark/catalog/calibre"
	"github.com/pressmark/pressmark/catalog/calibre/calibretest/sample"
	"github.com/pressmark/pressmark/watch"
)

// A library is opened, loaded, and kept current while Calibre changes it.
func Example() {
	dir, err := os.MkdirTemp("", "example-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	root := filepath.Join(dir, "library")
	if err := sample.Unpack(root); err != nil {
		log.Fatal(err)
	}

	o := calibre.Options{Root: root, Dir: filepath.Join(dir, "private")}
	o.Watcher = watch.NewSettler(watch.NewPoll(o.Files(), watch.PollOptions{}), watch.SettleOptions{})
	lib, err := calibre.Open(o)
	if err != nil {
		log.Fatal(err)
	}
	defer lib.Close()
	ctx, cancel := context.WithCancel(context.Background())
	if err := lib.Load(ctx); err != nil {
		log.Fatal(err)
	}
	ended := make(chan error)
	go func() { ended <- lib.Run(ctx) }()

	page, err := lib.Books(ctx, catalog.Query{
		Where: catalog.Is{Field: catalog.FieldTags, Value: "Sea Stories"},
		Sort:  []catalog.SortKey{{Field: catalog.FieldPublished}},
		Limit: 2,
	})
	if err != nil {
		log.Fatal(err)
	}
	for _, b := range page.Items {
		fmt.Printf("%s, %d, %s\n", b.Title, b.Published.Year(), b.Formats[0].Key)
	}
	cancel()
	<-ended
	// Output:
	// The Tide Clerk, 1998, Maren Holloway/The Tide Clerk (1)/The Tide Clerk - Maren Holloway.azw3
	// The Salt Auditor, 2001, Maren Holloway/The Salt Auditor (2)/The Salt Auditor - Maren Holloway.epub
}
