package storage_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"path"
	"strings"

	"github.com/pressmark/pressmark/storage"
	"github.com/pressmark/pressmark/storage/memstore"
)

// library is a store with two books in it. A folder of this machine would be
// localstore.New("/books", localstore.Options{}).
func library() storage.Store {
	store := memstore.New(memstore.Options{})
	for key, content := range map[string]string{
		"Maren Holloway/The Tide Clerk (1)/The Tide Clerk - Maren Holloway.epub": "an EPUB file",
		"Maren Holloway/The Tide Clerk (1)/cover.jpg":                            "a picture",
		"Maren Holloway/Low Water (12)/Low Water - Maren Holloway.txt":           "It was evening.",
	} {
		if _, err := store.Put(context.Background(), key, strings.NewReader(content), storage.PutOptions{}); err != nil {
			panic(err)
		}
	}
	return store
}

func Example() {
	ctx, store := context.Background(), library()

	rc, info, err := store.Open(ctx, "Maren Holloway/Low Water (12)/Low Water - Maren Holloway.txt", storage.Range{Offset: 7})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer rc.Close()
	text, err := io.ReadAll(rc)
	fmt.Printf("%q of %d bytes, %v\n", text, info.Size, err)

	_, err = store.Stat(ctx, "Maren Holloway/Gone (3)/cover.jpg")
	fmt.Println(errors.Is(err, fs.ErrNotExist))
	// Output:
	// "evening." of 15 bytes, <nil>
	// true
}

// A book's folder is found by the id at its end, whatever its title is now.
func ExampleStore_list() {
	ctx, store := context.Background(), library()
	for info, err := range store.List(ctx, "Maren Holloway/") {
		if err != nil {
			fmt.Println(err)
			return
		}
		folder, name := path.Split(info.Key)
		if strings.HasSuffix(folder, " (1)/") && path.Ext(name) == ".epub" {
			fmt.Println(info.Key)
			break
		}
	}
	// Output:
	// Maren Holloway/The Tide Clerk (1)/The Tide Clerk - Maren Holloway.epub
}

func ExamplePrefixed() {
	ctx := context.Background()
	shelf := storage.Prefixed(library(), "Maren Holloway/The Tide Clerk (1)")
	for info, err := range shelf.List(ctx, "c") {
		fmt.Println(info.Key, info.Size, err)
	}
	// Output:
	// cover.jpg 9 <nil>
}

func ExampleAs() {
	ctx, store := context.Background(), storage.Prefixed(library(), "covers")
	if w, ok := storage.As[storage.Writer](store); ok {
		_, err := w.Put(ctx, "1.jpg", strings.NewReader("a picture"), storage.PutOptions{ContentType: "image/jpeg"})
		fmt.Println("stored covers/1.jpg:", err)
	}
	if _, ok := storage.As[storage.Signer](store); !ok {
		fmt.Println("memory has no URLs")
	}
	// Output:
	// stored covers/1.jpg: <nil>
	// memory has no URLs
}

// Any store can serve ranges and conditional requests.
func ExampleOpenSeeker() {
	store := library()
	handler := func(w http.ResponseWriter, r *http.Request) {
		f, info, err := storage.OpenSeeker(r.Context(), store, strings.TrimPrefix(r.URL.Path, "/"))
		if err != nil {
			http.NotFound(w, r)
			return
		}
		defer f.Close()
		w.Header().Set("ETag", `"`+info.Tag+`"`)
		http.ServeContent(w, r, info.Key, info.ModTime, f)
	}
	r := httptest.NewRequest(http.MethodGet, "/Maren%20Holloway/Low%20Water%20(12)/Low%20Water%20-%20Maren%20Holloway.txt", nil)
	r.Header.Set("Range", "bytes=-8")
	w := httptest.NewRecorder()
	handler(w, r)
	fmt.Println(w.Code, w.Header().Get("Content-Range"), w.Body)
	// Output:
	// 206 bytes 7-14/15 evening.
}
