package memstore_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/pressmark/pressmark/storage"
	"github.com/pressmark/pressmark/storage/memstore"
	"github.com/pressmark/pressmark/storage/storagetest"
)

func TestStore(t *testing.T) {
	storagetest.Run(t, storagetest.Fill(func(testing.TB) storage.Store {
		return memstore.New(memstore.Options{})
	}), storagetest.Quirks{})
}

// Two stores describe the same content in the same way.
func TestInfo(t *testing.T) {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	for range 2 {
		s := memstore.New(memstore.Options{Now: func() time.Time { return now }})
		got, err := s.Put(t.Context(), "k", strings.NewReader("abc"), storage.PutOptions{})
		want := storage.Info{Key: "k", Size: 3, ModTime: now, Tag: "ba7816bf8f01cfea414140de5dae2223"}
		if got != want || err != nil {
			t.Errorf("Put = %+v, %v; want %+v", got, err, want)
		}
	}
}

func Example() {
	s := memstore.New(memstore.Options{})
	ctx := context.Background()
	s.Put(ctx, "a/one.txt", strings.NewReader("first"), storage.PutOptions{})
	s.Put(ctx, "a/two.txt", strings.NewReader("second"), storage.PutOptions{})
	for info := range s.List(ctx, "a/") {
		fmt.Println(info.Key, info.Size)
	}
	// Output:
	// a/one.txt 5
	// a/two.txt 6
}
