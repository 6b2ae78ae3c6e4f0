package catalog_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"reflect"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pressmark/pressmark/catalog"
	"github.com/pressmark/pressmark/catalog/index"
)

// shelf is a library that changes.
type shelf struct {
	mu   sync.Mutex
	now  speaker
	subs []chan catalog.Change
	err  error // of Refresh
}

var _ catalog.Live = (*shelf)(nil)

func newShelf(s speaker) *shelf { return &shelf{now: s} }

func (l *shelf) current() speaker {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.now
}

func (l *shelf) Snapshot() catalog.Reader {
	if s := l.current(); s.Index != nil {
		return s
	}
	return failing{err: catalog.ErrUnavailable}
}

func (l *shelf) Status() catalog.Status {
	s := l.current()
	if s.Index == nil {
		return catalog.Status{Problem: catalog.ErrUnavailable}
	}
	rev, _ := s.Revision(context.Background())
	return catalog.Status{Revision: rev, Books: s.Len(), Watching: true, Loaded: time.Unix(1, 0)}
}

func (l *shelf) Refresh(context.Context) error { return l.err }

func (l *shelf) Subscribe(ctx context.Context) <-chan catalog.Change {
	l.mu.Lock()
	defer l.mu.Unlock()
	in, out := make(chan catalog.Change, 10), make(chan catalog.Change)
	l.subs = append(l.subs, in)
	go func() {
		defer close(out)
		for {
			select {
			case <-ctx.Done():
				return
			case c := <-in:
				select {
				case <-ctx.Done():
					return
				case out <- c:
				}
			}
		}
	}()
	return out
}

// swap changes the contents and returns the change without telling anybody.
func (l *shelf) swap(t *testing.T, d index.Delta) catalog.Change {
	t.Helper()
	next, c, err := l.current().Update(context.Background(), d)
	if err != nil {
		t.Fatal(err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.now.Index = next
	return c
}

func (l *shelf) tell(c catalog.Change) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range l.subs {
		s <- c
	}
}

func (l *shelf) Book(ctx context.Context, id catalog.BookID) (catalog.Book, error) {
	return l.Snapshot().Book(ctx, id)
}

func (l *shelf) Books(ctx context.Context, q catalog.Query) (catalog.Page[catalog.Book], error) {
	return l.Snapshot().Books(ctx, q)
}

func (l *shelf) Terms(ctx context.Context, f catalog.FieldKey, q catalog.TermQuery) (catalog.Page[catalog.Term], error) {
	return l.Snapshot().Terms(ctx, f, q)
}

func (l *shelf) Fields(ctx context.Context) ([]catalog.Field, error) { return l.Snapshot().Fields(ctx) }

func (l *shelf) Revision(ctx context.Context) (catalog.Revision, error) {
	return l.Snapshot().Revision(ctx)
}

// numbered makes books that are tagged "Winter" where their ids say so.
func numbered(winter ...catalog.BookID) []catalog.Book {
	p := pick{rand.New(rand.NewPCG(4, 4))}
	var out []catalog.Book
	for id := catalog.BookID(1); id <= 10; id++ {
		b := p.book(id)
		b.Tags = []catalog.Item{{ID: 1, Name: "Sea", Sort: "Sea"}}
		if slices.Contains(winter, id) {
			b.Tags = []catalog.Item{{ID: 2, Name: "Winter", Sort: "Winter"}}
		}
		out = append(out, b)
	}
	return out
}

// some are the books with those ids.
func some(books []catalog.Book, ids ...catalog.BookID) []catalog.Book {
	return slices.DeleteFunc(slices.Clone(books), func(b catalog.Book) bool { return !slices.Contains(ids, b.ID) })
}

func winterShelf(t *testing.T) (*shelf, catalog.Live) {
	l := newShelf(speaker{shelve(t, numbered(1, 2, 3)), map[string]string{"cold": "tags=Winter"}, nil})
	live, ok := catalog.As[catalog.Live](catalog.Restrict(l, catalog.Search("vl:cold")))
	if !ok {
		t.Fatal("a restricted reader of a Live one is not Live")
	}
	return l, live
}

func TestRestrictStatus(t *testing.T) {
	l, live := winterShelf(t)
	s, whole := live.Status(), l.Status()
	rev, err := live.(catalog.Reader).Revision(t.Context())
	if err != nil || s.Books != 3 || s.Revision != rev || s.Revision == whole.Revision || s.Loaded != whole.Loaded || !s.Watching {
		t.Errorf("the status is %+v, the revision %v, %v", s, rev, err)
	}
	l.err = errors.New("unplugged")
	if err := live.Refresh(t.Context()); !errors.Is(err, l.err) {
		t.Errorf("Refresh: %v", err)
	}
	empty, _ := catalog.As[catalog.Live](catalog.Restrict(&shelf{}, catalog.Search("vl:cold")))
	if s := empty.Status(); s.Books != 0 || s.Revision != (catalog.Revision{}) || s.Problem == nil {
		t.Errorf("before the first load the status is %+v", s)
	}
	if _, err := empty.Snapshot().Book(t.Context(), 1); !errors.Is(err, catalog.ErrUnavailable) {
		t.Errorf("before the first load a book is %v", err)
	}
}

// A snapshot keeps its books and what the restriction meant.
func TestRestrictSnapshot(t *testing.T) {
	l, live := winterShelf(t)
	old := catalog.Snapshot(live.(catalog.Reader))
	before, _ := old.Revision(t.Context())
	l.swap(t, index.Delta{Books: some(numbered(1, 4), 2, 3, 4)})
	l.now.views["cold"] = "tags=Sea"
	if got := asked(t, old, nil); !slices.Equal(got, catalog.IDs{1, 2, 3}) {
		t.Errorf("the snapshot shows %v", got)
	}
	if after, _ := old.Revision(t.Context()); after != before {
		t.Errorf("the revision of a snapshot went from %v to %v", before, after)
	}
	if got := asked(t, live.(catalog.Reader), nil); !slices.Equal(got, catalog.IDs{2, 3, 5, 6, 7, 8, 9, 10}) {
		t.Errorf("the reader shows %v", got)
	}
}

func TestRestrictSubscribe(t *testing.T) {
	type ids = []catalog.BookID
	for name, c := range map[string]struct {
		delta  index.Delta
		before func(*shelf) // before the change is told
		change func(*catalog.Change)
		want   catalog.Change
	}{
		"Nothing":     {delta: index.Delta{Books: some(numbered(1, 2, 3), 1, 5)}},
		"Hidden":      {delta: index.Delta{Removed: ids{5, 6}}},
		"InAndOut":    {delta: index.Delta{Books: some(numbered(1, 4, 7), 2, 3, 4, 7)}, want: catalog.Change{Added: ids{4, 7}, Removed: ids{2, 3}}},
		"Changed":     {delta: index.Delta{Books: retitled(numbered(1, 2, 3), 1, 3, 5)}, want: catalog.Change{Changed: ids{1, 3}}},
		"Removed":     {delta: index.Delta{Removed: ids{2, 5}}, want: catalog.Change{Removed: ids{2}}},
		"Added":       {delta: index.Delta{Books: renumbered(numbered(1, 2, 3), 20)}, want: catalog.Change{Added: ids{21, 22, 23}}},
		"OtherBooks":  {before: func(l *shelf) { l.now.views["cold"] = "tags=Sea" }, delta: index.Delta{Removed: ids{2, 5}}, want: catalog.Change{Removed: ids{2}, More: true}},
		"NoView":      {before: func(l *shelf) { delete(l.now.views, "cold") }, delta: index.Delta{Removed: ids{2}}, want: catalog.Change{Removed: ids{2}, More: true}},
		"More":        {change: func(c *catalog.Change) { c.More = true }, delta: index.Delta{Removed: ids{2}}, want: catalog.Change{Removed: ids{2}, More: true}},
		"OutOfStep":   {change: func(c *catalog.Change) { c.Revision.Digest = "before" }, delta: index.Delta{Removed: ids{2}}, want: catalog.Change{Removed: ids{2}, More: true}},
		"TooMany":     {change: func(c *catalog.Change) { c.Changed = make(ids, 5000) }, delta: index.Delta{Removed: ids{2}}, want: catalog.Change{More: true}},
		"SameLibrary": {change: func(c *catalog.Change) { c.Changed = ids{1, 5} }, delta: index.Delta{}, want: catalog.Change{Changed: ids{1}}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l, live := winterShelf(t)
				ctx, cancel := context.WithCancel(t.Context())
				changes := live.Subscribe(ctx)
				change := l.swap(t, c.delta)
				if c.before != nil {
					c.before(l)
				}
				if c.change != nil {
					c.change(&change)
				}
				l.tell(change)
				got := <-changes
				c.want.Revision, _ = live.(catalog.Reader).Revision(ctx)
				if !reflect.DeepEqual(got, c.want) {
					t.Errorf("the change is %+v, want %+v", got, c.want)
				}
				cancel()
				if c, ok := <-changes; ok {
					t.Errorf("after the end there is %+v", c)
				}
			})
		})
	}
}

// retitled are the books with those ids, with other titles.
func retitled(books []catalog.Book, ids ...catalog.BookID) []catalog.Book {
	out := some(books, ids...)
	for i := range out {
		out[i].Title += " again"
	}
	return out
}

// renumbered are the books with other ids.
func renumbered(books []catalog.Book, by catalog.BookID) []catalog.Book {
	for i := range books {
		books[i].ID += by
	}
	return books
}

// Who falls behind learns that there is more.
func TestRestrictSubscribeMerges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, live := winterShelf(t)
		changes := live.Subscribe(t.Context())
		for _, id := range []catalog.BookID{1, 2, 5} {
			l.tell(l.swap(t, index.Delta{Removed: []catalog.BookID{id}}))
			synctest.Wait()
		}
		rev, _ := live.(catalog.Reader).Revision(t.Context())
		if got := <-changes; !reflect.DeepEqual(got, catalog.Change{Revision: rev, More: true}) {
			t.Errorf("three changes are received as %+v", got)
		}
		l.tell(l.swap(t, index.Delta{Removed: []catalog.BookID{3}}))
		if got := <-changes; got.More || !slices.Equal(got.Removed, []catalog.BookID{3}) {
			t.Errorf("the next change is %+v", got)
		}
	})
}

// A column that is deleted takes all books out of a view that names it.
func TestRestrictSubscribeBroken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newShelf(speaker{shelve(t, numbered()), nil, nil})
		r := catalog.Restrict(l, catalog.Not{X: catalog.Has{Field: "#new"}})
		changes := r.(catalog.Live).Subscribe(t.Context())
		if err := catalog.RestrictionError(t.Context(), r); err == nil {
			t.Fatal("a column that is not there yet is no error")
		}
		b, err := index.NewBuilder(index.Meta{Library: "library", Fields: append(catalog.Builtin(false), catalog.Field{
			Key: "#new", Type: catalog.TypeInt, Custom: true, Stored: true, Searchable: true,
		})}, index.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if err := b.Add(&catalog.Book{ID: 1, Title: "Tide", Custom: []catalog.Custom{{Key: "#new", Type: catalog.TypeInt}}}); err != nil {
			t.Fatal(err)
		}
		next, err := b.Build(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		before := l.now.Index
		l.now.Index = next
		l.tell(index.Diff(before, next))
		if got := <-changes; !got.More || !slices.Equal(got.Added, []catalog.BookID{1}) || len(got.Changed)+len(got.Removed) > 0 {
			t.Errorf("the change is %+v", got)
		}
		if err := catalog.RestrictionError(t.Context(), r); err != nil {
			t.Error(err)
		}
	})
}
