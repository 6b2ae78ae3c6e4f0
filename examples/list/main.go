// Command list prints the books of a Calibre library, the newest first. It is
// all that a program needs to read a library: catalog and catalog/calibre.
//
//	list /path/to/calibre/library
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
		fmt.Fprintln(os.Stderr, "list:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout io.Writer) error {
	if len(args) != 1 {
		return errors.New("usage: list LIBRARY")
	}
	return list(ctx, args[0], stdout)
}

func list(ctx context.Context, folder string, w io.Writer) error {
	lib, err := calibre.Open(calibre.Options{Root: folder})
	if err != nil {
		return err
	}
	defer lib.Close()
	if err := lib.Load(ctx); err != nil {
		return err
	}
	q := catalog.Query{Sort: []catalog.SortKey{{Field: catalog.FieldAdded, Desc: true}}}
	for {
		page, err := lib.Books(ctx, q)
		if err != nil {
			return err
		}
		for _, b := range page.Items {
			fmt.Fprintf(w, "%s  %s\n", b.Added.Format("2006-01-02"), b.Title)
		}
		if page.Next == "" {
			return nil
		}
		q.After = page.Next
	}
}
