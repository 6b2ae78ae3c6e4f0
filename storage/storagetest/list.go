package storagetest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/pressmark/pressmark/storage"
)

// wantKeys fails the test unless the list of prefix is just those of objects,
// in order.
func wantKeys(t testing.TB, store storage.Store, prefix string, objects map[string][]byte) {
	t.Helper()
	var want []string
	for _, key := range slices.Sorted(maps.Keys(objects)) {
		if strings.HasPrefix(key, prefix) {
			want = append(want, key)
		}
	}
	got, err := keys(t.Context(), store, prefix)
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("List(%q) = %q, %v\nwant %q", prefix, got, err, want)
	}
}

func (s *suite) testList(t *testing.T) {
	objects := map[string][]byte{}
	for _, key := range []string{
		"Author/Title (1)/Title - Author.epub", "Author/Title (1)/cover.jpg", "Author/Title (12)/cover.jpg",
		"Author/Title (2)/data/deep/er/note.txt", "Author B/Other (3)/cover.jpg", "Author.txt",
		// The order of keys is not that of a walk through folders: ' ', '-'
		// and '.' come before '/', and '0' after it.
		"x/file", "x file", "x-file", "x.file", "x0file", "x/.file", "xfile", "Ä/z", "z", "~",
	} {
		objects[key] = []byte(key)
	}
	store := s.open(t, objects)
	for _, prefix := range []string{
		"", "A", "Author", "Author/", "Author/T", "Author/Title (1", "Author/Title (1)", "Author/Title (1)/",
		"Author/Title (1)/c", "Author/Title (1)/cover.jpg", "Author/Title (2)/", "Author/Title (2)/data/de",
		"x", "x/", "x/.", "x.", "x-", "~", "Ä", "Ä/", "z",
		// nothing has these
		"z/", "nope", "nope/", "no/such/dir/", "author/ ", "x/file/", "x/..", "Author/Title (1)/cover.jpgx", "..", "Author/..",
	} {
		wantKeys(t, store, prefix, objects)
	}
	wantKeys(t, s.open(t, nil), "", nil)

	for n := range 3 { // a loop may be left at any point
		seen := 0
		for _, err := range store.List(t.Context(), "") {
			if err != nil {
				t.Fatal(err)
			}
			if seen++; seen > n {
				break
			}
		}
		if seen != n+1 {
			t.Errorf("a loop to be left after %d objects saw %d", n+1, seen)
		}
	}
	list := store.List(t.Context(), "x") // and run twice
	for range 2 {
		seen := 0
		for range list {
			seen++
		}
		if seen != 7 {
			t.Errorf("List(%q) yields %d objects, want 7", "x", seen)
		}
	}
}

// testMany lists more than stores on a network give away at a time.
func (s *suite) testMany(t *testing.T) {
	const many = 2500
	objects := map[string][]byte{}
	for i := range many {
		objects[fmt.Sprintf("Author %d/Book é+&%% (%d)/cover.jpg", i%7, i)] = []byte{byte(i)}
	}
	store := s.open(t, objects)
	for _, prefix := range []string{"", "Author 3/", "Author 3/Book é+&% (1"} {
		wantKeys(t, store, prefix, objects)
	}
}
