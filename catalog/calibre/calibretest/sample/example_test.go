package sample_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/pressmark/pressmark/catalog/calibre/calibretest/sample"
)

func ExampleUnpack() {
	parent, err := os.MkdirTemp("", "sample-*")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(parent)
	dir := filepath.Join(parent, "library")
	if err := sample.Unpack(dir); err != nil {
		fmt.Println(err)
		return
	}
	books, err := fs.Glob(os.DirFS(dir), "Maren Holloway/*")
	fmt.Println(len(books), err)
	// Output: 4 <nil>
}
