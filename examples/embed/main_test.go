package main

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/pressmark/pressmark/catalog/calibre/calibretest"
)

func TestEmbed(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	stdout, out := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		err := run(ctx, []string{calibretest.Sample(t)}, "127.0.0.1:0", out)
		out.CloseWithError(err)
		ended <- err
	}()
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	url := strings.TrimSuffix(line, "/\n")
	for path, want := range map[string]string{
		"/":                          "Our own page",
		"/library/api/books?limit=1": `"total":24`,
		"/library/api/books/1":       `"/library/api/files/download/1/epub?library=main"`,
		"/library/openapi.json":      `"/library"`,
	} {
		res, err := http.Get(url + path)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil || !strings.Contains(string(body), want) {
			t.Errorf("%s: %s, %v, without %s:\n%.300s", path, res.Status, err, want, body)
		}
	}
	http.DefaultClient.CloseIdleConnections()
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestEmbedRefuses(t *testing.T) {
	for _, args := range [][]string{nil, {t.TempDir()}} {
		if err := run(t.Context(), args, "127.0.0.1:0", io.Discard); err == nil {
			t.Errorf("%q was served", args)
		}
	}
}
