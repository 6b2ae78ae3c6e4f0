// Package storagetest proves that a [storage.Store] keeps the contract of
// package storage. One call is a store's whole conformance test:
//
//	func TestStore(t *testing.T) {
//		storagetest.Run(t, func(t testing.TB, objects map[string][]byte) storage.Store {
//			return mystore.New(makeArchive(t, objects))
//		}, storagetest.Quirks{})
//	}
//
// The function makes a store that holds exactly the given objects; it is
// called many times, with few and small objects mostly. For a store that is a
// [storage.Writer], [Fill] makes that function out of one that returns an
// empty store. A store on a server gives each call a prefix, a bucket or a
// folder of its own.
//
// Run tests the store itself and the store seen through [storage.Prefixed]:
// keys, Stat, ranges, lists, cancellation, concurrent readers, and
// [storage.NewReadSeeker] on it. What the store has of [storage.Writer] and
// [storage.FileOpener] is found and tested too. Nothing is skipped unless a
// field of [Quirks] says so.
package storagetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/pressmark/pressmark/storage"
)

// Open makes a store that holds exactly the given objects, by key. It fails
// the test if it cannot, and cleans up with t.Cleanup.
type Open func(t testing.TB, objects map[string][]byte) storage.Store

// Quirks are the differences that a store may have from others, as data that
// a reviewer can see. The zero value is a store without any.
type Quirks struct {
	// FoldsNames is for stores that take the composed and decomposed forms of
	// a letter, or upper and lower case, for the same key.
	FoldsNames bool

	// PlainNames is for stores whose keys cannot hold the characters that
	// Windows forbids in names: < > : " \ | ? *
	PlainNames bool
}

// Fill returns an [Open] that puts the objects into an empty store.
func Fill(empty func(t testing.TB) storage.Store) Open {
	return func(t testing.TB, objects map[string][]byte) storage.Store {
		t.Helper()
		s := empty(t)
		w, ok := storage.As[storage.Writer](s)
		if !ok {
			t.Fatalf("%T is not a storage.Writer", s)
		}
		g, ctx := errgroup.WithContext(t.Context())
		g.SetLimit(16)
		for key, content := range objects {
			g.Go(func() error {
				_, err := w.Put(ctx, key, bytes.NewReader(content), storage.PutOptions{})
				return err
			})
		}
		if err := g.Wait(); err != nil {
			t.Fatalf("filling the store: %v", err)
		}
		return s
	}
}

// Run tests the stores that open makes.
func Run(t *testing.T, open Open, q Quirks) {
	t.Run("Plain", func(t *testing.T) { (&suite{open, q}).run(t) })
	t.Run("Prefixed", func(t *testing.T) {
		(&suite{prefixed(open), q}).run(t)
		t.Run("Capabilities", func(t *testing.T) { testForwarding(t, open) })
	})
}

// prefixed puts the objects into a folder, beside neighbours that must not be
// seen from inside.
func prefixed(open Open) Open {
	return func(t testing.TB, objects map[string][]byte) storage.Store {
		t.Helper()
		all := map[string][]byte{
			"shel/f":       []byte("neighbour"),
			"shelf.txt":    []byte("neighbour"),
			"shelfmark/a":  []byte("neighbour"),
			"a/shelf/file": []byte("neighbour"),
		}
		for key, content := range objects {
			all["shelf/"+key] = content
		}
		return storage.Prefixed(open(t, all), "shelf")
	}
}

type suite struct {
	open Open
	q    Quirks
}

func (s *suite) run(t *testing.T) {
	t.Run("Stat", s.testStat)
	t.Run("Missing", s.testMissing)
	t.Run("BadKeys", s.testBadKeys)
	t.Run("Names", s.testNames)
	t.Run("Ranges", s.testRanges)
	t.Run("List", s.testList)
	t.Run("Many", s.testMany)
	t.Run("Cancel", s.testCancel)
	t.Run("Concurrent", s.testConcurrent)
	t.Run("ReadSeeker", s.testReadSeeker)
	if _, ok := storage.As[storage.FileOpener](s.open(t, nil)); ok {
		t.Run("FileOpener", s.testFileOpener)
	}
	if _, ok := storage.As[storage.Writer](s.open(t, nil)); ok {
		t.Run("Writer", s.testWriter)
	}
}

// one opens a store with a single object.
func (s *suite) one(t testing.TB, key string, content []byte) storage.Store {
	t.Helper()
	return s.open(t, map[string][]byte{key: content})
}

// pattern returns n bytes in which every position can be told from its
// neighbours.
func pattern(n int) []byte {
	b := make([]byte, 0, n+8)
	for len(b) < n {
		b = fmt.Appendf(b, "%07x,", len(b))
	}
	return b[:n]
}

// read returns what Open delivers for r.
func read(ctx context.Context, s storage.Store, key string, r storage.Range) ([]byte, storage.Info, error) {
	rc, info, err := s.Open(ctx, key, r)
	if err != nil {
		return nil, info, err
	}
	content, err := io.ReadAll(rc)
	return content, info, errors.Join(err, rc.Close())
}

// keys returns the keys of a list, and its error.
func keys(ctx context.Context, s storage.Store, prefix string) ([]string, error) {
	var found []string
	for info, err := range s.List(ctx, prefix) {
		if err != nil {
			return found, err
		}
		found = append(found, info.Key)
	}
	return found, nil
}

// wantError fails the test unless err is target and names the key.
func wantError(t testing.TB, what, key string, err, target error) {
	t.Helper()
	if !errors.Is(err, target) {
		t.Errorf("%s(%q): error is %v, want one that is %q", what, key, err, target)
		return
	}
	// A key with odd bytes may be shown quoted.
	quoted := strings.Trim(fmt.Sprintf("%q", key), `"`)
	if !strings.Contains(err.Error(), key) && !strings.Contains(err.Error(), quoted) {
		t.Errorf("%s(%q): the error does not name the key: %v", what, key, err)
	}
}
