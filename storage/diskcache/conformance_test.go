package diskcache

import (
	"errors"
	"fmt"
	"testing"

	"github.com/pressmark/pressmark/storage"
	"github.com/pressmark/pressmark/storage/memstore"
	"github.com/pressmark/pressmark/storage/storagetest"
)

// TestStore runs the suite with objects of many blocks and of one, cold and with
// everything on disk already. What is put goes to the source, by Unwrap.
func TestStore(t *testing.T) {
	for _, size := range []int64{9999, defaultBlockSize} {
		for _, warm := range []bool{false, true} {
			t.Run(fmt.Sprintf("BlockSize=%d/Warm=%v", size, warm), func(t *testing.T) {
				fill := storagetest.Fill(func(t testing.TB) storage.Store {
					c := newCache(t, t.TempDir(), size, 1<<30)
					t.Cleanup(func() { audit(t, c) })
					return c.Store(memstore.New(memstore.Options{}), "mem")
				})
				storagetest.Run(t, func(t testing.TB, objects map[string][]byte) storage.Store {
					s := fill(t, objects)
					if warm && len(objects) < 1000 {
						for key, content := range objects {
							want(t, s, key, content)
						}
					}
					return s
				}, storagetest.Quirks{})
			})
		}
	}
}

// The capabilities are those of the source.
func TestUnwrap(t *testing.T) {
	s := newCache(t, t.TempDir(), 16, 1<<20).Store(memstore.New(memstore.Options{}), "mem")
	if _, ok := storage.As[storage.Writer](s); !ok {
		t.Error("the Writer of the source is not found")
	}
	if _, ok := storage.As[storage.FileOpener](s); ok {
		t.Error("the source has no files")
	}
	if _, _, err := s.Open(t.Context(), "a", storage.Range{Length: -1}); err == nil || errors.Is(err, errBypass) {
		t.Errorf("Open of nothing: %v", err)
	}
}
