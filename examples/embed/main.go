// Command embed is somebody's own web server that also serves a Calibre
// library: the API is mounted below /library in its mux, next to its own pages.
// It links only what it needs, and composes it itself.
//
//	embed /path/to/calibre/library
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"time"

	"github.com/pressmark/pressmark/cache"
	"github.com/pressmark/pressmark/cache/ristrettocache"
	"github.com/pressmark/pressmark/catalog/calibre"
	"github.com/pressmark/pressmark/httpapi"
	"github.com/pressmark/pressmark/storage/localstore"
	"github.com/pressmark/pressmark/watch"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], "127.0.0.1:8080", os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "embed:", err)
		os.Exit(1)
	}
}

// newLibrary opens the library in folder, and makes an API of it. Both end with
// the function that it returns.
func newLibrary(folder string) (*calibre.Library, *httpapi.API, func(), error) {
	o := calibre.Options{
		Root:   folder,
		Encode: httpapi.BookEncoder("main", "/library"),
		Logger: slog.Default(),
	}
	// Without a cache all works, only slower. With Shared and Bus it is one for
	// several processes, and has to be run.
	local, err := ristrettocache.New(ristrettocache.Options{MaxBytes: 32 << 20})
	if err != nil {
		return nil, nil, nil, err
	}
	o.Watcher = watch.NewSettler(watch.NewPoll(o.Files(), watch.PollOptions{}), watch.SettleOptions{})
	lib, err := calibre.Open(o)
	if err != nil {
		local.Close()
		return nil, nil, nil, err
	}
	// The database is hidden: to open and close it would drop SQLite's locks.
	files := localstore.New(folder, localstore.Options{
		Hidden: []string{"metadata.db", "metadata.db-journal", "metadata.db-wal", "metadata.db-shm"},
	})
	api, err := httpapi.New(httpapi.Options{
		Libraries:  []httpapi.Library{{Name: "main", Catalog: lib, Files: files}},
		Prefix:     "/library",
		PublicRead: true,
		Cache:      cache.New(cache.Options{Local: local}),
	})
	closeBoth := func() {
		lib.Close()
		local.Close()
	}
	if err != nil {
		closeBoth()
		return nil, nil, nil, err
	}
	return lib, api, closeBoth, nil
}

// run serves until ctx ends.
func run(ctx context.Context, args []string, addr string, stdout io.Writer) error {
	if len(args) != 1 {
		return errors.New("usage: embed LIBRARY")
	}
	lib, api, closeBoth, err := newLibrary(args[0])
	if err != nil {
		return err
	}
	defer closeBoth()
	if err := lib.Load(ctx); err != nil {
		return err
	}
	// The library follows Calibre for as long as the server runs.
	followed := make(chan error, 1)
	ctx, cancel := context.WithCancel(ctx)
	defer func() { cancel(); <-followed }()
	go func() { followed <- lib.Run(ctx) }()

	mux := http.NewServeMux()
	mux.Handle("/library/", api)
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, "Our own page. The books are in /library/api/books")
	})
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	server.RegisterOnShutdown(api.Close)
	drained := make(chan error, 1)
	context.AfterFunc(ctx, func() { drained <- server.Shutdown(context.WithoutCancel(ctx)) })

	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "http://%s/\n", ln.Addr())
	if err := server.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return <-drained
}
