package upload_test

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/pressmark/pressmark/catalog/calibre"
	"github.com/pressmark/pressmark/catalog/calibre/calibretest"
	"github.com/pressmark/pressmark/httpapi/upload"
	"github.com/pressmark/pressmark/storage"
	"github.com/pressmark/pressmark/storage/localstore"
	"github.com/pressmark/pressmark/storage/memstore"
)

// opaque is a store whose tags are no digests, as those of a bucket encrypted by
// KMS.
type opaque struct {
	*memstore.Store
	mu   sync.Mutex
	tags map[string]string
}

func (o *opaque) tag(info storage.Info) storage.Info {
	o.mu.Lock()
	defer o.mu.Unlock()
	info.Tag = o.tags[info.Key]
	return info
}

func (o *opaque) Put(ctx context.Context, key string, body io.Reader, p storage.PutOptions) (storage.Info, error) {
	info, err := o.Store.Put(ctx, key, body, p)
	if err != nil {
		return info, err
	}
	var b [16]byte
	rand.Read(b[:])
	o.mu.Lock()
	o.tags[key] = hex.EncodeToString(b[:])
	o.mu.Unlock()
	return o.tag(info), nil
}

func (o *opaque) Stat(ctx context.Context, key string) (storage.Info, error) {
	info, err := o.Store.Stat(ctx, key)
	return o.tag(info), err
}

func (o *opaque) List(ctx context.Context, prefix string) iter.Seq2[storage.Info, error] {
	return func(yield func(storage.Info, error) bool) {
		for info, err := range o.Store.List(ctx, prefix) {
			if !yield(o.tag(info), err) {
				return
			}
		}
	}
}

func sample(t *testing.T) (root string, o upload.Options) {
	t.Helper()
	root = calibretest.Sample(t)
	lib, err := calibre.Open(calibre.Options{Root: root, Dir: t.TempDir(), Name: "main"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { lib.Close() })
	if err := lib.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	return root, upload.Options{Catalog: lib, Library: "main", From: localstore.New(root, localstore.Options{})}
}

// TestOpaqueTags: where tags are no digests a second run sends nothing, too, and
// what changes is sent.
func TestOpaqueTags(t *testing.T) {
	root, o := sample(t)
	o.To = &opaque{Store: memstore.New(memstore.Options{}), tags: map[string]string{}}
	run := func(sent int) {
		t.Helper()
		if n, err := upload.Covers(t.Context(), o); err != nil || n.Sent != sent || n.Failed > 0 {
			t.Errorf("%+v, %v; want %d sent", n, err, sent)
		}
	}
	run(66) // each under its digest, its name and its tag
	run(0)
	found, err := filepath.Glob(filepath.Join(root, "*", "* (1)", "cover.jpg"))
	if err != nil || len(found) != 1 {
		t.Fatal(found, err)
	}
	content, err := os.ReadFile(found[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(found[0], append(content, 0), 0o600); err != nil {
		t.Fatal(err)
	}
	run(3)
	run(0)
}

// TestStaleBooks: of what has the key of a book that the library does not have,
// nothing goes that the folder has, or that somebody else has put there.
func TestStaleBooks(t *testing.T) {
	root, o := sample(t)
	to := memstore.New(memstore.Options{})
	o.To = to
	if _, err := upload.Books(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	folders, err := filepath.Glob(filepath.Join(root, "*", "* (1)"))
	if err != nil || len(folders) != 1 {
		t.Fatal(folders, err)
	}
	folder, err := filepath.Rel(root, folders[0])
	if err != nil {
		t.Fatal(err)
	}
	folder = filepath.ToSlash(folder)
	keep := []string{folder + "/cover.jpg", folder + "/metadata.opf", "second/" + folder + "/gone.epub", "notes.txt", "Author/Title/file.epub"}
	gone := []string{folder + "/gone.epub", "Nobody/No Book (999)/No Book - Nobody.pdf"}
	for _, key := range append(keep, gone...) {
		if _, err := to.Put(t.Context(), key, strings.NewReader("x"), storage.PutOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	o.DeleteStale = true
	if n, err := upload.Books(t.Context(), o); err != nil || n.Deleted != len(gone) || n.Sent > 0 {
		t.Errorf("%+v, %v", n, err)
	}
	for _, key := range keep {
		if _, err := to.Stat(t.Context(), key); err != nil {
			t.Errorf("%s is gone: %v", key, err)
		}
	}
	// With the folder gone nothing is known to be stale.
	if _, err := to.Put(t.Context(), gone[0], strings.NewReader("x"), storage.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	o.From = localstore.New(filepath.Join(root, "nowhere"), localstore.Options{})
	if n, err := upload.Books(t.Context(), o); err == nil || n.Deleted > 0 {
		t.Errorf("without the folder: %+v, %v", n, err)
	}
}

// TestReadOnly: a store that cannot be written is refused before anything is read.
func TestReadOnly(t *testing.T) {
	_, o := sample(t)
	o.To = o.From
	if _, err := upload.Covers(t.Context(), o); !errors.Is(err, errors.ErrUnsupported) {
		t.Error(err)
	}
}
