package calibretest_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/pressmark/pressmark/catalog/calibre/calibretest"
)

// A library of any size, made in a folder, and altered to another version.
func ExampleGenerate() {
	dir, err := os.MkdirTemp("", "library-*")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "metadata.db")
	if err := calibretest.Generate(context.Background(), path, calibretest.Spec{Books: 200, Seed: 1}); err != nil {
		fmt.Println(err)
		return
	}
	if err := calibretest.SetVersion(path, 27); err != nil {
		fmt.Println(err)
		return
	}
	db, err := calibretest.Open(path)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer db.Close()
	var books, version int
	if err := db.QueryRow(`SELECT count(*), user_version FROM books, pragma_user_version`).Scan(&books, &version); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(books, "books, user_version", version)
	// Output: 200 books, user_version 27
}
