// Command search prints the titles of the books of a Calibre library that an
// expression in Calibre's search language selects, within a view of the library
// (a virtual library, saved search or user category) if one is named.
//
//	search /path/to/calibre/library 'author:holloway and not tags:maps' [VIEW]
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/pressmark/pressmark/catalog"
	"github.com/pressmark/pressmark/catalog/calibre"
)

func main() {
	if err := run(context.Background(), os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "search:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout io.Writer) error {
	if len(args) < 2 || len(args) > 3 {
		return errors.New("usage: search LIBRARY EXPRESSION [VIEW]")
	}
	lib, err := calibre.Open(calibre.Options{Root: args[0]})
	if err != nil {
		return err
	}
	defer lib.Close()
	if err := lib.Load(ctx); err != nil {
		return err
	}
	books := catalog.Reader(lib)
	if len(args) == 3 {
		view, err := lib.View(ctx, args[2])
		if err != nil {
			return err
		}
		books = catalog.Restrict(lib, catalog.Search(view.Text))
	}
	return search(ctx, books, args[1], stdout)
}

func search(ctx context.Context, books catalog.Reader, expression string, w io.Writer) error {
	page, err := books.Books(ctx, catalog.Query{Where: catalog.Search(expression)})
	if err != nil {
		return err // an expression that cannot be understood: what was expected, and where
	}
	for _, b := range page.Items {
		fmt.Fprintln(w, b.Title)
	}
	return nil
}
