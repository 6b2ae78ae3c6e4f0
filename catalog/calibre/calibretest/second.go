package calibretest

import (
	"crypto/sha256"
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

//go:embed second.py
var secondScript string

// Second returns the folder of a library of 14 books that Calibre has made by
// the script second.py, which says book by book what it has that the sample
// lacks: a comma in an author's name, unknown dates, tags with dots, a composite
// column, several people in one custom value, a column marked for deletion,
// annotations and reading positions, one UUID on two books and none on another,
// a stale has_cover, values that are empty or huge. The folder belongs to the
// test.
//
// Making it takes seconds, so it is kept in the user's cache folder for the next
// tests, by script and Calibre.
func Second(tb testing.TB) string {
	tb.Helper()
	RequireCalibre(tb)
	kept, err := secondDir()
	if err != nil {
		tb.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(kept, "metadata.db")); errors.Is(err, fs.ErrNotExist) {
		if err := os.MkdirAll(filepath.Dir(kept), 0o755); err != nil {
			tb.Fatal(err)
		}
		temp, err := os.MkdirTemp(filepath.Dir(kept), ".second-*")
		if err != nil {
			tb.Fatal(err)
		}
		defer os.RemoveAll(temp)
		Debug(tb, secondScript, temp)
		// Another test process may be faster; its library is as good.
		if err := os.Rename(temp, kept); err != nil && !errors.Is(err, fs.ErrExist) {
			tb.Fatal(err)
		}
	} else if err != nil {
		tb.Fatal(err)
	}
	dir := filepath.Join(tb.TempDir(), "library")
	if err := os.CopyFS(dir, os.DirFS(kept)); err != nil {
		tb.Fatal(err)
	}
	return dir
}

// secondDir is where the library made by this script and this Calibre is kept.
func secondDir() (string, error) {
	program, err := exec.LookPath("calibre-debug")
	if err != nil {
		return "", err
	}
	info, err := os.Stat(program)
	if err != nil {
		return "", err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir() // no HOME, as in some containers
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%s\x00%d\x00%v", secondScript, program, info.Size(), info.ModTime()))
	return filepath.Join(cache, "pressmark-calibretest", fmt.Sprintf("second-%x", sum[:8])), nil
}
