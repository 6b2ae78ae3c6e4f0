package calibre

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/pressmark/pressmark/catalog/calibre/calibretest"
)

// FuzzLoad changes bytes of a sound database: three places, and what is written
// there. Loading may fail, or show other books, but must come to an end and not
// panic. It reads the file as it is, without the check that a copy passes.
func FuzzLoad(f *testing.F) {
	dir := calibretest.Sample(f)
	path := filepath.Join(dir, "metadata.db")
	if err := calibretest.Alter(path, `DELETE FROM books WHERE id > 6`); err != nil {
		f.Fatal(err)
	}
	sound, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	l := openLibrary(f, Options{Root: dir})
	f.Add(uint32(28), uint32(40), uint32(60), []byte{0xff, 0, 1})       // the header
	f.Add(uint32(100), uint32(105), uint32(110), []byte{5, 2, 13, 10})  // the root of the schema
	f.Add(uint32(4096), uint32(4100), uint32(8200), []byte{13, 0, 255}) // the beginnings of pages
	f.Add(uint32(4108), uint32(12300), uint32(20500), []byte{0x7f, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, a, b, c uint32, patch []byte) {
		if len(patch) > 64 {
			return
		}
		data := append([]byte(nil), sound...)
		for _, at := range []uint32{a, b, c} {
			copy(data[at%uint32(len(data)):], patch)
		}
		path := filepath.Join(t.TempDir(), "metadata.db")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		ix, st, _, err := l.loader.load(ctx, copied{"file:" + path + "?mode=ro&immutable=1", int64(len(data))})
		if ctx.Err() != nil {
			t.Fatalf("loading did not come to an end: %v", err)
		}
		if err == nil && ix.Len() != len(st.books.ids) {
			t.Errorf("%d books, %d were read", ix.Len(), len(st.books.ids))
		}
	})
}
