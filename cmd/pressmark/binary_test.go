//go:build unix

package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/pressmark/pressmark/catalog/calibre/calibretest"
)

// TestBinary builds the program, serves a library with it, and stops it by a
// signal in the middle of a download.
func TestBinary(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds the program")
	}
	binary := build(t)
	books := calibretest.Sample(t)
	want := largeBook(t, books)
	p := launch(t, binary, []string{"PUBLIC_READ=true", "CALIBRE_LIBRARY_PATH=" + books, "LISTEN_ADDR=127.0.0.1:0", "DATA_DIR=" + t.TempDir()})
	cmd, url := p.cmd, p.url

	var page struct{ Total int }
	res := get(t, url+"/api/books")
	if err := json.NewDecoder(res.Body).Decode(&page); err != nil || page.Total != 24 {
		t.Errorf("%d books, %v", page.Total, err)
	}
	download := get(t, url+"/api/files/download/1/epub")
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(download.Body)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("the download ended after %d of %d bytes: %v", len(got), len(want), err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("after SIGTERM: %v", err)
	}

	var exit *exec.ExitError
	err = exec.Command(binary, "serve", "--no-such-flag").Run()
	if !errors.As(err, &exit) || exit.ExitCode() != 2 {
		t.Errorf("an unknown flag: %v", err)
	}
}

// build builds the program.
func build(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "pressmark")
	if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return binary
}

// process is a server that runs.
type process struct {
	cmd *exec.Cmd
	url string
}

// launch starts "pressmark serve", and returns when it serves and watches. What
// the test leaves running is killed at its end.
func launch(t *testing.T, binary string, env []string) process {
	t.Helper()
	cmd := exec.Command(binary, "serve", "--log-format=json")
	cmd.Env = append(os.Environ(), env...)
	logs, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill() })
	url, watching := "", false
	lines := bufio.NewScanner(logs)
	for (url == "" || !watching) && lines.Scan() {
		var line struct{ Msg, URL string }
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			t.Fatalf("%v: %s", err, lines.Bytes())
		}
		watching = watching || line.Msg == "Started watching Calibre database"
		if line.Msg == "Serving" {
			url = line.URL
		}
	}
	go io.Copy(io.Discard, logs)
	if url == "" {
		t.Fatal("it does not serve")
	}
	return process{cmd, url}
}

// get begins a request on a connection of its own.
func get(t *testing.T, url string) *http.Response {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { res.Body.Close() })
	return res
}

// largeBook replaces the EPUB of book 1 by a file that no socket buffers.
func largeBook(t *testing.T, root string) []byte {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(root, "*", "* (1)", "*.epub"))
	if err != nil || len(found) != 1 {
		t.Fatalf("the EPUB of book 1: %q, %v", found, err)
	}
	body := bytes.Repeat([]byte("0123456789abcdef"), 2<<20)
	if err := os.WriteFile(found[0], body, 0o600); err != nil {
		t.Fatal(err)
	}
	return body
}
