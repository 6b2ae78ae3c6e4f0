package localstore_test

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/pressmark/pressmark/storage"
	"github.com/pressmark/pressmark/storage/localstore"
	"github.com/pressmark/pressmark/storage/storagetest"
)

var quirks = storagetest.Quirks{
	FoldsNames: runtime.GOOS == "darwin" || runtime.GOOS == "windows",
	PlainNames: runtime.GOOS == "windows",
}

// calibre is how a library is opened.
var calibre = localstore.Options{Hidden: []string{"metadata.db", "metadata.db-journal", "metadata.db-wal", "metadata.db-shm"}}

func TestStore(t *testing.T) {
	storagetest.Run(t, func(t testing.TB, objects map[string][]byte) storage.Store {
		return localstore.New(folder(t, objects), calibre)
	}, quirks)
}

func TestWritableStore(t *testing.T) {
	storagetest.Run(t, storagetest.Fill(func(t testing.TB) storage.Store {
		return localstore.NewWritable(t.TempDir(), localstore.Options{})
	}), quirks)
}

// folder makes a folder that holds the objects, with no help from the store.
func folder(t testing.TB, objects map[string][]byte) string {
	t.Helper()
	dir := t.TempDir()
	for key, content := range objects {
		name := filepath.Join(dir, filepath.FromSlash(key))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
