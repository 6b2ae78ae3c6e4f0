package catalog_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/pressmark/pressmark/catalog"
	"github.com/pressmark/pressmark/catalog/index"
)

// library makes a reader of three books. Programs get theirs from
// catalog/calibre.
func library(ctx context.Context) (catalog.Reader, error) {
	maps := catalog.Item{ID: 1, Name: "Maps"}
	sea := catalog.Item{ID: 2, Name: "Sea Stories"}
	b, err := index.NewBuilder(index.Meta{Library: "example", Fields: catalog.Builtin(false)}, index.Options{})
	if err != nil {
		return nil, err
	}
	for _, book := range []catalog.Book{
		{ID: 1, Title: "The Tide Clerk", TitleSort: "Tide Clerk, The", Tags: []catalog.Item{sea}, Rating: 4},
		{ID: 2, Title: "Übersee", TitleSort: "Übersee", Tags: []catalog.Item{maps, sea}},
		{ID: 3, Title: "Practical Cartography", TitleSort: "Practical Cartography", Tags: []catalog.Item{maps}, Rating: 5},
	} {
		if err := b.Add(&book); err != nil {
			return nil, err
		}
	}
	return b.Build(ctx)
}

func Example() {
	ctx := context.Background()
	r, err := library(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	// Two books a page, titles with "maps", best first; the unrated ones last.
	q := catalog.Query{
		Where: catalog.Or{
			catalog.Is{Field: catalog.FieldTags, Value: "maps"},
			catalog.Match{Field: catalog.FieldTitle, Text: catalog.Text{Value: "clerk"}},
		},
		Sort:  []catalog.SortKey{{Field: catalog.FieldRating, Desc: true}, {Field: catalog.FieldTitle}},
		Limit: 2,
	}
	for {
		page, err := r.Books(ctx, q)
		if err != nil {
			fmt.Println(err)
			return
		}
		for _, b := range page.Items {
			fmt.Println(b.ID, b.Title)
		}
		if page.Next == "" {
			fmt.Println(page.Total, "in all")
			break
		}
		q.After = page.Next
	}

	terms, err := r.Terms(ctx, catalog.FieldTags, catalog.TermQuery{Prefix: "sea"})
	fmt.Println(terms.Items[0].Name, terms.Items[0].Count, err)

	_, err = r.Book(ctx, 99)
	fmt.Println(errors.Is(err, catalog.ErrNotFound))
	_, err = r.Books(ctx, catalog.Query{Sort: []catalog.SortKey{{Field: "colour"}}})
	fmt.Println(err)
	// Output:
	// 3 Practical Cartography
	// 1 The Tide Clerk
	// 2 Übersee
	// 3 in all
	// Sea Stories 2 <nil>
	// true
	// sort: no field that can be sorted by is called "colour"
}

// What a reader may see can be cut down to a part of the library.
func ExampleRestrict() {
	ctx := context.Background()
	r, err := library(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	r = catalog.Restrict(r, catalog.Is{Field: catalog.FieldTags, Value: "Sea Stories"})

	page, err := r.Books(ctx, catalog.Query{})
	fmt.Println(page.Total, "books", err)
	_, err = r.Book(ctx, 3)
	fmt.Println(err)
	terms, err := r.Terms(ctx, catalog.FieldTags, catalog.TermQuery{})
	fmt.Println(len(terms.Items), "tags", err)
	for _, t := range terms.Items {
		fmt.Println(t.Name, t.Count)
	}

	// What does not evaluate shows nothing, and can be found out.
	r = catalog.Restrict(r, catalog.Has{Field: "#deleted"})
	page, err = r.Books(ctx, catalog.Query{})
	fmt.Println(page.Total, "books", err)
	fmt.Println(catalog.RestrictionError(ctx, r))
	// Output:
	// 2 books <nil>
	// book 3: not in the catalog: file does not exist
	// 2 tags <nil>
	// Maps 1
	// Sea Stories 2
	// 0 books <nil>
	// catalog restriction: filter: no field that can be searched is called "#deleted"
}
