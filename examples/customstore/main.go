// Command customstore shows how to write a storage.Store of one's own: it
// reads the files in a zip archive through Pressmark's contract.
//
//	customstore books.zip          lists what is in the archive
//	customstore books.zip a/b.txt  writes one file of it to standard output
//
// The store is in zipstore.go, and its conformance test in zipstore_test.go.
package main

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"

	"github.com/pressmark/pressmark/storage"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "customstore:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout io.Writer) error {
	if len(args) < 1 || len(args) > 2 {
		return errors.New("usage: customstore ARCHIVE [KEY]")
	}
	archive, err := zip.OpenReader(args[0])
	if err != nil {
		return err
	}
	defer archive.Close()
	store := NewZipStore(&archive.Reader)
	if len(args) == 2 {
		return write(ctx, store, args[1], stdout)
	}
	for info, err := range store.List(ctx, "") {
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(stdout, "%10d  %s\n", info.Size, info.Key); err != nil {
			return err
		}
	}
	return nil
}

func write(ctx context.Context, store storage.Store, key string, stdout io.Writer) error {
	rc, _, err := store.Open(ctx, key, storage.Range{})
	if err != nil {
		return err
	}
	defer rc.Close()
	_, err = io.Copy(stdout, rc)
	return err
}
