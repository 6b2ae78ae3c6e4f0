package index_test

import (
	"context"
	"fmt"

	"github.com/pressmark/pressmark/catalog"
	"github.com/pressmark/pressmark/catalog/index"
)

func Example() {
	ctx := context.Background()
	b, err := index.NewBuilder(index.Meta{Library: "example", Fields: catalog.Builtin(false)}, index.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for id, title := range []string{"Harbour", "Élan", "Zenith"} {
		if err := b.Add(&catalog.Book{ID: catalog.BookID(id + 1), Title: title}); err != nil {
			fmt.Println(err)
			return
		}
	}
	ix, err := b.Build(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	next, change, err := ix.Update(ctx, index.Delta{
		Books:   []catalog.Book{{ID: 3, Title: "Arbour"}, {ID: 4, Title: "Ébène"}},
		Removed: []catalog.BookID{1},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("added", change.Added, "changed", change.Changed, "removed", change.Removed)
	for _, generation := range []*index.Index{ix, next} {
		page, err := generation.Books(ctx, catalog.Query{Sort: []catalog.SortKey{{Field: catalog.FieldTitle}}})
		if err != nil {
			fmt.Println(err)
			return
		}
		for i, book := range page.Items {
			fmt.Println(i+1, book.Title)
		}
	}
	// Output:
	// added [4] changed [3] removed [1]
	// 1 Élan
	// 2 Harbour
	// 3 Zenith
	// 1 Arbour
	// 2 Ébène
	// 3 Élan
}
