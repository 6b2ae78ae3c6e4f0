package arch

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestReadmeCodeIsCompiled finds each block of Go code in the README in one of
// the examples, which are compiled and run.
func TestReadmeCodeIsCompiled(t *testing.T) {
	readme, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(root, "examples", "*", "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	var examples strings.Builder
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		examples.Write(text)
	}
	blocks := strings.Split(string(readme), "```go\n")[1:]
	if len(blocks) == 0 {
		t.Error("there is no Go code in the README")
	}
	for _, b := range blocks {
		code, _, _ := strings.Cut(b, "```")
		if !strings.Contains(examples.String(), code) {
			t.Errorf("no example has this code:\n%s", code)
		}
	}
}
