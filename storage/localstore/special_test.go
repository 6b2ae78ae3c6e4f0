//go:build unix

package localstore_test

import (
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/pressmark/pressmark/storage/localstore"
)

// Pipes and sockets are refused, without waiting for somebody at the other end.
func TestSpecialFiles(t *testing.T) {
	dir := folder(t, map[string][]byte{"a/k": nil})
	if err := syscall.Mkfifo(filepath.Join(dir, "a", "pipe"), 0o600); err != nil {
		t.Skipf("no pipes here: %v", err)
	}
	// Unix limits the length of socket names, so it is made in a short folder.
	short, err := os.MkdirTemp("", "s")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(short)
	l, err := net.Listen("unix", filepath.Join(short, "socket"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for key, d := range map[string]string{"a/pipe": dir, "socket": short, "a/pipe/x": dir} {
		answers(t, localstore.New(d, localstore.Options{}), key, fs.ErrNotExist)
	}
	s := localstore.New(dir, localstore.Options{})
	if got := list(t, s, "a/"); len(got) != 1 || got[0] != "a/k" {
		t.Errorf("List = %q", got)
	}
	if got := list(t, s, "a/pipe/"); got != nil {
		t.Errorf("List of a pipe as a folder = %q", got)
	}
}
