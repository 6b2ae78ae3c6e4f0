package server

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pressmark/pressmark/catalog/calibre/calibretest"
)

// TestUnreadableLibrary: who may not read the library is told as whom the server
// runs.
func TestUnreadableLibrary(t *testing.T) {
	if os.Getuid() < 0 {
		t.Skip("rights are different here")
	}
	if got := cure(fmt.Errorf("stat: %w", fs.ErrPermission)); !strings.Contains(got, fmt.Sprintf("user %d", os.Getuid())) || !strings.Contains(got, "PRESSMARK_USER") {
		t.Errorf("the cure is %q", got)
	}
	if got := cure(fs.ErrNotExist); got != "" {
		t.Errorf("of what is missing the cure is %q", got)
	}
	root, data := calibretest.Sample(t), t.TempDir()
	handOver(t, root, data, false)
	if err := os.Chmod(filepath.Join(root, "metadata.db"), 0); err != nil {
		t.Fatal(err)
	}
	if err := start(t, roleShut, ordinaryUser(t), root, data).end(); err != nil {
		t.Error(err)
	}
}

// beShutOut is what the process does that may not read the library.
func beShutOut(t *testing.T, c Config) {
	if _, err := Open(t.Context(), c); !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), "PRESSMARK_USER") {
		t.Errorf("a database that may not be read: %v", err)
	}
}
