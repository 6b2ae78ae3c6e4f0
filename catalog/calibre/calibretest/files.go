package calibretest

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/pressmark/pressmark/catalog/calibre/calibretest/sample"
)

// bookFiles writes files of books: for every format the bytes of the first such
// file in the sample.
type bookFiles struct {
	dir    string
	models map[string][]byte // by format, upper case; "JPG" is a cover
}

func newBookFiles(dir string) (*bookFiles, error) {
	archive, err := sample.Archive()
	if err != nil {
		return nil, err
	}
	f := &bookFiles{dir: dir, models: map[string][]byte{}}
	for _, file := range archive.File {
		format := strings.ToUpper(strings.TrimPrefix(path.Ext(file.Name), "."))
		if f.models[format] != nil {
			continue
		}
		if f.models[format], err = fs.ReadFile(archive, file.Name); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// write makes one file of a book and returns its size.
func (f *bookFiles) write(bookPath, name, format string) (int, error) {
	data := f.models[format]
	if data == nil {
		return 0, fmt.Errorf("no %s in the sample library: %w", format, fs.ErrNotExist)
	}
	folder := filepath.Join(f.dir, filepath.FromSlash(bookPath))
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return 0, err
	}
	return len(data), os.WriteFile(filepath.Join(folder, name+"."+strings.ToLower(format)), data, 0o644)
}
