package localstore_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/pressmark/pressmark/storage/localstore"
)

// A Calibre library is opened so that its database is never touched.
func Example() {
	dir, err := os.MkdirTemp("", "library")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	os.MkdirAll(filepath.Join(dir, "Maren Holloway", "Low Water (12)"), 0o755)
	os.WriteFile(filepath.Join(dir, "Maren Holloway", "Low Water (12)", "cover.jpg"), []byte("a picture"), 0o644)
	os.WriteFile(filepath.Join(dir, "metadata.db"), nil, 0o644)

	books := localstore.New(dir, localstore.Options{
		Hidden: []string{"metadata.db", "metadata.db-journal", "metadata.db-wal", "metadata.db-shm"},
	})
	for info, err := range books.List(context.Background(), "") {
		fmt.Println(info.Key, info.Size, err)
	}
	_, err = books.Stat(context.Background(), "metadata.db")
	fmt.Println(err)
	// Output:
	// Maren Holloway/Low Water (12)/cover.jpg 9 <nil>
	// stat metadata.db: file does not exist
}
