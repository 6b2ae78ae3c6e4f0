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
	if os.Getuid() == 0 {
		t.Skip("the superuser may read everything")
	}
	c := sampleConfig(t)
	c.Libraries[0].Path = calibretest.Sample(t)
	if err := os.Chmod(filepath.Join(c.Libraries[0].Path, "metadata.db"), 0); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), c); !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), "PRESSMARK_USER") {
		t.Errorf("a database that may not be read: %v", err)
	}
}
