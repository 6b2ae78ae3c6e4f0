package calibre_test

import (
	"context"
	_ "embed"
	"reflect"
	"testing"
	"time"

	"github.com/pressmark/pressmark/catalog"
	"github.com/pressmark/pressmark/catalog/calibre"
	"github.com/pressmark/pressmark/catalog/calibre/calibretest"
)

//go:embed testdata/edits.py
var editsPrelude string

// edit is one thing that can be done to a library.
type edit struct {
	name string
	// code is Python; testdata/edits.py defines the functions that it calls.
	code string
	// same is true where nothing changes that a catalog shows.
	same bool
	// stale is true where Calibre itself shows the change only when it opens
	// the library again.
	stale bool
}

// TestEdits makes one edit after another in Calibre. After each, what a refresh
// by comparison made must be what a full load makes, what Calibre itself says,
// and what subscribers were told.
func TestEdits(t *testing.T) {
	t.Parallel()
	calibretest.RequireCalibre(t)
	root := calibretest.Sample(t)
	driver := calibretest.NewDriver(t, root)
	driver.Exec(editsPrelude)
	f := follow(t, root)
	for _, list := range [][]edit{builtinEdits, customEdits, columnEdits, fileEdits, bookEdits, libraryEdits} {
		for _, e := range list {
			f.run(t, e.name, e.same, func(t *testing.T) {
				if err := driver.Eval(nil, e.code); err != nil {
					t.Fatal(err)
				}
			}, func(t *testing.T) {
				if e.stale {
					return
				}
				want := askCalibre(t, driver)
				compareBooks(t, f.lib, want)
				compareFields(t, f.lib, want)
				comparePreferences(t, f.lib, want)
			})
		}
	}
}

// follower follows a library from edit to edit.
type follower struct {
	root string
	lib  *calibre.Library
	feed <-chan catalog.Change
}

func follow(t *testing.T, root string) *follower {
	t.Helper()
	lib := openLibrary(t, root)
	return &follower{root, lib, lib.Subscribe(t.Context())}
}

// run is a subtest of one edit. same says that it changes nothing that a
// catalog shows. checks look at what a refresh made of it.
func (f *follower) run(t *testing.T, name string, same bool, edit func(t *testing.T), checks ...func(t *testing.T)) {
	t.Helper()
	ok := t.Run(name, func(t *testing.T) {
		before := f.lib.Snapshot()
		edit(t)
		if err := f.lib.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		f.compare(t, before, same)
		for _, check := range checks {
			check(t)
		}
	})
	if !ok { // what one refresh missed is not to fail the next
		*f = *follow(t, f.root)
	}
}

func (f *follower) compare(t *testing.T, before catalog.Reader, same bool) {
	after, fresh := f.lib.Snapshot(), openLibrary(t, f.root).Snapshot()
	if got, want := revisionOf(t, after), revisionOf(t, fresh); got != want {
		t.Errorf("refreshed to %v, a full load gives %v", got, want)
	}
	compareReaders(t, after, fresh)
	changed := revisionOf(t, before) != revisionOf(t, after)
	if changed == same {
		t.Errorf("the revision has changed: %v", changed)
	}
	if changed {
		compareChange(t, f.feed, before, after)
	}
}

func revisionOf(t *testing.T, r catalog.Reader) catalog.Revision {
	t.Helper()
	rev, err := r.Revision(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return rev
}

// compareReaders compares what two readers answer: books, orders, terms and
// their counts, and which books have a value.
func compareReaders(t *testing.T, got, want catalog.Reader) {
	t.Helper()
	left := map[catalog.BookID]catalog.Book{}
	for _, b := range allBooks(t, want) {
		left[b.ID] = b
	}
	for _, b := range allBooks(t, got) {
		if w := left[b.ID]; !reflect.DeepEqual(b, w) {
			t.Errorf("book\n     is %+v\nshould be %+v", b, w)
		}
		delete(left, b.ID)
	}
	if len(left) > 0 {
		t.Errorf("missing: %+v", left)
	}
	fields, err := want.Fields(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if g, err := got.Fields(t.Context()); err != nil || !reflect.DeepEqual(g, fields) {
		t.Fatalf("fields %+v (%v), should be %+v", g, err, fields)
	}
	for _, f := range fields {
		if f.Sortable {
			for _, desc := range []bool{false, true} {
				q := catalog.Query{Sort: []catalog.SortKey{{Field: f.Key, Desc: desc}}, Limit: catalog.MaxLimit}
				if g, w := idsOf(t, got, q), idsOf(t, want, q); !reflect.DeepEqual(g, w) {
					t.Errorf("sorted by %s (descending: %v): %v, should be %v", f.Key, desc, g, w)
				}
			}
		}
		if f.Searchable {
			q := catalog.Query{Where: catalog.Has{Field: f.Key}, Limit: catalog.MaxLimit}
			if g, w := idsOf(t, got, q), idsOf(t, want, q); !reflect.DeepEqual(g, w) {
				t.Errorf("with %s: %v, should be %v", f.Key, g, w)
			}
		}
		if f.HasTerms {
			if g, w := termsOf(t, got, f.Key), termsOf(t, want, f.Key); !reflect.DeepEqual(g, w) {
				t.Errorf("terms of %s: %+v, should be %+v", f.Key, g, w)
			}
		}
	}
}

func idsOf(t *testing.T, r catalog.Reader, q catalog.Query) []catalog.BookID {
	t.Helper()
	page, err := r.Books(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	ids := []catalog.BookID{}
	for i := range page.Items {
		ids = append(ids, page.Items[i].ID)
	}
	return ids
}

func termsOf(t *testing.T, r catalog.Reader, f catalog.FieldKey) []catalog.Term {
	t.Helper()
	page, err := r.Terms(t.Context(), f, catalog.TermQuery{Limit: catalog.MaxLimit})
	if err != nil {
		t.Fatal(err)
	}
	return append([]catalog.Term{}, page.Items...)
}

// compareChange compares the next change of the feed with what is different.
func compareChange(t *testing.T, feed <-chan catalog.Change, before, after catalog.Reader) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	var got catalog.Change
	select {
	case got = <-feed:
	case <-ctx.Done():
		t.Fatal("no change was published")
	}
	want := catalog.Change{Revision: revisionOf(t, after)}
	if revisionOf(t, before).Library != want.Revision.Library {
		want.More = true
	} else {
		old := map[catalog.BookID]catalog.Book{}
		for _, b := range allBooks(t, before) {
			old[b.ID] = b
		}
		for _, b := range allBooks(t, after) {
			if o, ok := old[b.ID]; !ok {
				want.Added = append(want.Added, b.ID)
			} else if !reflect.DeepEqual(o, b) {
				want.Changed = append(want.Changed, b.ID)
			}
			delete(old, b.ID)
		}
		for _, b := range allBooks(t, before) {
			if _, gone := old[b.ID]; gone {
				want.Removed = append(want.Removed, b.ID)
			}
		}
	}
	if got.More && got.Revision == want.Revision {
		return // somebody who wants to know looks at all books
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("published %+v, should be %+v", got, want)
	}
}
