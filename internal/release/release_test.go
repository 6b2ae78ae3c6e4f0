package main

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestArchives: what archives hold depends on the members and the time alone.
func TestArchives(t *testing.T) {
	at := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	for name, write := range map[string]func(io.Writer, string, []member, time.Time) error{"tar": writeTar, "zip": writeZip} {
		var all [2]bytes.Buffer
		for i := range all {
			path := filepath.Join(t.TempDir(), strings.Repeat("x", i+1))
			if err := os.WriteFile(path, []byte("a program"), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Chtimes(path, at, at.Add(time.Duration(i)*time.Hour)); err != nil {
				t.Fatal(err)
			}
			if err := write(&all[i], "folder", []member{{"pressmark", path, 0o755}, {"LICENSE", path, 0o644}}, at); err != nil {
				t.Fatal(err)
			}
		}
		if all[0].Len() == 0 || !bytes.Equal(all[0].Bytes(), all[1].Bytes()) {
			t.Errorf("%s: %d and %d bytes, which differ", name, all[0].Len(), all[1].Len())
		}
	}
}

// TestReproducible builds a release from two folders, without what the first
// build has left in the cache, and compares bytes.
func TestReproducible(t *testing.T) {
	if testing.Short() || os.Getenv("PRESSMARK_TEST_RELEASE") != "1" {
		t.Skip("it builds everything twice: PRESSMARK_TEST_RELEASE=1 runs it")
	}
	var all [2]map[string][]byte
	for i := range all {
		tree := filepath.Join(t.TempDir(), strings.Repeat("deeper/", i+1)+"tree")
		if out, err := exec.Command("git", "clone", "--quiet", "--no-local", "../..", tree).CombinedOutput(); err != nil {
			t.Fatalf("git clone: %v: %s", err, out)
		}
		t.Setenv("GOCACHE", t.TempDir())
		out := t.TempDir()
		if err := run(t.Context(), []string{"-source", tree, "-out", out, "-version", "v1.2.3", "-targets", "linux/amd64,windows/amd64"}, io.Discard); err != nil {
			t.Fatal(err)
		}
		all[i] = map[string][]byte{}
		for _, name := range []string{"pressmark-1.2.3-linux-amd64.tar.gz", "pressmark-1.2.3-windows-amd64.zip", "SHA256SUMS"} {
			content, err := os.ReadFile(filepath.Join(out, name))
			if err != nil {
				t.Fatal(err)
			}
			all[i][name] = content
		}
	}
	for name, content := range all[0] {
		if !bytes.Equal(content, all[1][name]) {
			t.Errorf("%s differs", name)
		}
		if line := fmt.Sprintf("%x  %s\n", sha256.Sum256(content), name); name != "SHA256SUMS" && !strings.Contains(string(all[0]["SHA256SUMS"]), line) {
			t.Errorf("SHA256SUMS has no %q:\n%s", line, all[0]["SHA256SUMS"])
		}
	}
}
