package httpapi_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"

	"github.com/pressmark/pressmark/catalog"
	"github.com/pressmark/pressmark/catalog/index"
	"github.com/pressmark/pressmark/httpapi"
	"github.com/pressmark/pressmark/storage/memstore"
)

// An API is mounted under a prefix in a mux that serves other things too. The
// library here has one book and is made by hand; catalog/calibre opens real
// ones.
func Example() {
	builder, err := index.NewBuilder(
		index.Meta{Library: "2d5d2e0b-38a5-4a3b-9a3c-6a8d0f1f4c11", Fields: catalog.Builtin(false)},
		index.Options{Encode: httpapi.BookEncoder("main", "/library")})
	if err != nil {
		panic(err)
	}
	if err := builder.Add(&catalog.Book{ID: 1, Title: "The Tide Clerk", Tags: []catalog.Item{{ID: 1, Name: "Maps", Sort: "Maps"}}}); err != nil {
		panic(err)
	}
	library, err := builder.Build(context.Background())
	if err != nil {
		panic(err)
	}

	api, err := httpapi.New(httpapi.Options{
		Libraries:  []httpapi.Library{{Name: "main", Catalog: library, Files: memstore.New(memstore.Options{})}},
		Prefix:     "/library",
		PublicRead: true,
	})
	if err != nil {
		panic(err)
	}
	defer api.Close()

	mux := http.NewServeMux()
	mux.Handle("/library/", api)
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "my own pages") })
	server := httptest.NewServer(mux)
	defer server.Close()

	res, err := server.Client().Get(server.URL + "/library/api/tags")
	if err != nil {
		panic(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		panic(err)
	}
	fmt.Println(res.Status)
	fmt.Println(string(body))
	// Output:
	// 200 OK
	// {"items":[{"id":1,"value":"Maps","sort":"Maps","count":1,"link":null}],"next_cursor":null,"total":1}
}
