package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pressmark/pressmark/catalog/calibre/calibretest"
)

// environment is what run sees of one.
type environment map[string]string

func (e environment) get(name string) string { return e[name] }

func TestExitCodes(t *testing.T) {
	books := calibretest.Sample(t)
	for name, c := range map[string]struct {
		args []string
		env  environment
		code int
		text string // part of what is printed, to either output
	}{
		"nothing":          {nil, nil, 2, "pressmark serve"},
		"help":             {[]string{"--help"}, nil, 0, "pressmark serve"},
		"unknown command":  {[]string{"sevre"}, nil, 2, `"sevre"`},
		"version":          {[]string{"version"}, nil, 0, "pressmark "},
		"version of what":  {[]string{"version", "x"}, nil, 2, "usage"},
		"openapi of what":  {[]string{"openapi", "--xml"}, nil, 2, "usage"},
		"help of serve":    {[]string{"serve", "--help"}, nil, 0, "--watch-settle DURATION"},
		"help of demo":     {[]string{"demo", "-h"}, nil, 0, "--listen-addr"},
		"no library":       {[]string{"serve", "--public"}, nil, 2, "CALIBRE_LIBRARY_PATH"},
		"weak key":         {[]string{"serve", "--calibre-library-path", books, "--secret-key=changeme"}, nil, 2, "SECRET_KEY: it has 8 bytes"},
		"unknown flag":     {[]string{"serve", "--folder=x"}, nil, 2, "--folder"},
		"malformed value":  {[]string{"serve"}, environment{"WATCH_POLL": "often"}, 2, "WATCH_POLL"},
		"of a later time":  {[]string{"serve"}, environment{"PUBLISH_CATALOG_URL": "abc"}, 2, "PUBLISH_CATALOG_URL: what this sets is not available"},
		"uploads, bare":    {[]string{"covers"}, nil, 2, "pressmark covers upload"},
		"uploads, what":    {[]string{"books", "upload"}, nil, 2, `there is no command "books upload"`},
		"uploads to where": {[]string{"covers", "upload", "--calibre-library-path", books}, nil, 2, "S3_BUCKET_NAME: name the bucket"},
		"sizes of covers":  {[]string{"covers", "upload", "--sizes=thumb,huge"}, nil, 2, `--sizes: "huge"`},
		"no books at all":  {[]string{"books", "push", "--parallel=0"}, nil, 2, `--parallel: "0"`},
		"a store is half":  {[]string{"serve", "--calibre-library-path", books, "--use-s3-covers"}, nil, 2, "S3_BUCKET_NAME"},
		"missing folder":   {[]string{"serve", "--public", "--calibre-library-path", "/no/such/folder"}, nil, 1, "/no/such/folder"},
		"not a library":    {[]string{"serve", "--public", "--calibre-library-path", t.TempDir()}, nil, 1, "metadata.db"},
		"cannot listen":    {[]string{"serve", "--public", "--calibre-library-path", books, "--listen-addr=192.0.2.1:1"}, nil, 1, "LISTEN_ADDR 192.0.2.1:1"},
		"demo of your own": {[]string{"demo", "--calibre-library-path", books}, nil, 2, "pressmark serve"},
	} {
		t.Run(name, func(t *testing.T) {
			var out strings.Builder
			env := environment{"DATA_DIR": t.TempDir()}
			for k, v := range c.env {
				env[k] = v
			}
			if code := (console{env.get, nil, &out, &out, ""}).run(t.Context(), c.args); code != c.code || !strings.Contains(out.String(), c.text) {
				t.Errorf("exit code %d, want %d, and %q in:\n%s", code, c.code, c.text, out.String())
			}
		})
	}
}

func TestOpenAPI(t *testing.T) {
	var asJSON, asYAML, errs strings.Builder
	if code := (console{environment{}.get, nil, &asJSON, &errs, ""}).run(t.Context(), []string{"openapi"}); code != 0 || !json.Valid([]byte(asJSON.String())) {
		t.Errorf("exit code %d, %s, not JSON: %.100s", code, errs.String(), asJSON.String())
	}
	if code := (console{environment{}.get, nil, &asYAML, &errs, ""}).run(t.Context(), []string{"openapi", "--yaml"}); code != 0 || !strings.Contains(asYAML.String(), "\nopenapi: 3.1.0\n") {
		t.Errorf("exit code %d, %s, not YAML: %.100s", code, errs.String(), asYAML.String())
	}
}

// TestDemo serves the sample although the environment names a library, which
// must not become public.
func TestDemo(t *testing.T) {
	data := t.TempDir()
	env := environment{"CALIBRE_LIBRARY_PATH": "/private", "PUBLIC_READ": "false", "LISTEN_ADDR": "127.0.0.1:0", "DATA_DIR": data}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	stdout, out := io.Pipe()
	var logs strings.Builder
	code := make(chan int, 1)
	go func() {
		code <- console{env.get, nil, out, &logs, ""}.run(ctx, []string{"demo"})
		out.Close()
	}()
	var url, said string
	lines := bufio.NewScanner(stdout)
	for url == "" && lines.Scan() {
		said += lines.Text() + "\n"
		if _, after, ok := strings.Cut(lines.Text(), "books    "); ok {
			url = after
		}
	}
	go io.Copy(io.Discard, stdout)
	if !strings.Contains(said, "without login") {
		t.Errorf("it does not say that everybody can read it:\n%s", said)
	}
	res, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	var page struct{ Total int }
	if err := json.NewDecoder(res.Body).Decode(&page); err != nil || page.Total != 24 {
		t.Errorf("%d books, %v", page.Total, err)
	}
	res.Body.Close()
	http.DefaultClient.CloseIdleConnections()
	stop()
	if c := <-code; c != 0 {
		t.Errorf("exit code %d: %s", c, logs.String())
	}
	if _, err := os.Stat(filepath.Join(data, "sample", "metadata.db")); err != nil {
		t.Error(err)
	}
}
