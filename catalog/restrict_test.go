package catalog_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/pressmark/pressmark/catalog"
	"github.com/pressmark/pressmark/catalog/catalogtest"
	"github.com/pressmark/pressmark/catalog/index"
)

// library60 is a library in which no two books have the same UUID: of two the
// one that owns it may be hidden.
func library60(t testing.TB) *index.Index {
	books := pick{rand.New(rand.NewPCG(1, 60))}.books(60)
	for i := range books {
		books[i].UUID = fmt.Sprint("unique-", i)
	}
	return shelve(t, books)
}

// The suite restricts whatever it runs over once more: these are restricted
// twice.
func TestRestrictConformance(t *testing.T) {
	ix, today := library60(t), time.Date(2022, 5, 5, 0, 0, 0, 0, time.UTC)
	s := speaker{ix, map[string]string{"all": "", "maps": "Maps", "broken": `"`}, &today}
	for name, r := range map[string]catalog.Reader{
		"Index":    catalog.Restrict(ix, catalog.Not{X: catalog.Match{Field: catalog.FieldTitle, Text: catalog.Text{Value: "salt"}}}),
		"Live":     catalog.Restrict(newShelf(s), catalog.Search("publisher:true")),
		"Snapshot": catalog.Snapshot(catalog.Restrict(newShelf(s), catalog.Or{catalog.Search("vl:maps"), catalog.Search("series:true")})),
		"Reader":   catalog.Restrict(plain{ix}, catalog.Has{Field: catalog.FieldSeries}),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			catalogtest.Run(t, r)
		})
	}
}

// plain hides the roles of a reader, and its Unwrap.
type plain struct{ catalog.Reader }

func TestRestrictNothing(t *testing.T) {
	ix := library60(t)
	if r := catalog.Restrict(ix, nil); r != catalog.Reader(ix) {
		t.Errorf("a nil restriction returns %T", r)
	}
	r := catalog.Restrict(ix, catalog.Has{Field: catalog.FieldSeries})
	if _, ok := catalog.As[catalog.Live](r); ok {
		t.Error("a restricted reader of an index is Live")
	}
	if _, ok := r.(catalog.Unwrapper); ok {
		t.Error("a restricted reader can be unwrapped")
	}
	if err := catalog.RestrictionError(t.Context(), r); err != nil {
		t.Error(err)
	}
	if err := catalog.RestrictionError(t.Context(), ix); err != nil {
		t.Error(err)
	}
}

// Roles that the reader lacks are not supported.
func TestRestrictRoles(t *testing.T) {
	r := catalog.Restrict(plain{library60(t)}, catalog.Has{Field: catalog.FieldSeries})
	ctx := t.Context()
	b, _ := catalog.As[catalog.Browser](r)
	s, _ := catalog.As[catalog.Searcher](r)
	a, _ := catalog.As[catalog.Appender](r)
	errs := make([]error, 9)
	_, errs[0] = b.Facets(ctx, nil, nil, 1)
	_, errs[1] = b.Letters(ctx, catalog.FieldTags, catalog.TermQuery{})
	_, errs[2] = b.Branches(ctx, catalog.FieldTags, catalog.BranchQuery{})
	_, errs[3] = b.Related(ctx, 1, catalog.RelatedQuery{})
	_, errs[4] = s.Parse(ctx, "")
	_, errs[5] = s.Suggest(ctx, catalog.SuggestQuery{})
	_, errs[6] = s.Views(ctx)
	_, errs[7] = s.View(ctx, "x")
	dst, _, err := a.AppendBooks(ctx, []byte("before"), catalog.Query{})
	errs[8] = err
	for i, err := range errs {
		if !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("method %d of a role that the reader lacks: %v", i, err)
		}
	}
	if string(dst) != "before" {
		t.Errorf("AppendBooks returns %q", dst)
	}
}

// failing is a reader of which everything fails.
type failing struct {
	catalog.Reader
	err error
}

func (f failing) Books(context.Context, catalog.Query) (catalog.Page[catalog.Book], error) {
	return catalog.Page[catalog.Book]{}, f.err
}

func (f failing) Terms(context.Context, catalog.FieldKey, catalog.TermQuery) (catalog.Page[catalog.Term], error) {
	return catalog.Page[catalog.Term]{}, f.err
}

func (f failing) Revision(context.Context) (catalog.Revision, error) {
	return catalog.Revision{}, f.err
}

func (f failing) Parse(context.Context, string) (catalog.Parsed, error) {
	return catalog.Parsed{}, f.err
}
func (f failing) Views(context.Context) ([]catalog.View, error)      { return nil, f.err }
func (f failing) View(context.Context, string) (catalog.View, error) { return catalog.View{}, f.err }

func (f failing) Suggest(context.Context, catalog.SuggestQuery) ([]catalog.Suggestion, error) {
	return nil, f.err
}

// What is neither the restriction's fault nor the query's is passed on: it
// must not look like an empty library.
func TestRestrictFailing(t *testing.T) {
	ctx := t.Context()
	for _, want := range []error{catalog.ErrUnavailable, context.Canceled, errors.New("disk on fire")} {
		for _, e := range []catalog.Expr{catalog.Search("maps"), catalog.Has{Field: catalog.FieldTags}} {
			r := catalog.Restrict(failing{err: want}, e)
			errs := make([]error, 5)
			_, errs[0] = r.Book(ctx, 1)
			_, errs[1] = r.Books(ctx, catalog.Query{})
			_, errs[2] = r.Terms(ctx, catalog.FieldTags, catalog.TermQuery{})
			_, errs[3] = r.Revision(ctx)
			errs[4] = catalog.RestrictionError(ctx, r)
			for i, err := range errs {
				if !errors.Is(err, want) {
					t.Errorf("call %d: %v, want %v", i, err, want)
				}
			}
		}
	}
}

// Search means what it means for the library at the time.
func TestRestrictText(t *testing.T) {
	ix, today := library60(t), time.Date(2022, 5, 5, 0, 0, 0, 0, time.UTC)
	s := speaker{ix, map[string]string{"mine": "tags=Sea"}, &today}
	is := func(r catalog.Reader, e catalog.Expr) {
		t.Helper()
		if got, want := asked(t, r, nil), asked(t, ix, e); !slices.Equal(got, want) || len(want) == 0 {
			t.Errorf("%v can be seen, want %v", got, want)
		}
	}
	revisions := map[catalog.Revision]bool{}
	revision := func(r catalog.Reader) {
		t.Helper()
		rev, err := r.Revision(t.Context())
		if err != nil || revisions[rev] || rev.Library != "library" {
			t.Errorf("revision %v, which was there before: %v; %v", rev, revisions[rev], err)
		}
		revisions[rev] = true
	}
	mine := catalog.Restrict(s, catalog.And{catalog.Not{X: catalog.Search("vl:mine")}})
	is(mine, catalog.Not{X: catalog.Is{Field: catalog.FieldTags, Value: "Sea"}})
	revision(mine)
	s.views["mine"] = "tags=Winter"
	is(mine, catalog.Not{X: catalog.Is{Field: catalog.FieldTags, Value: "Winter"}})
	revision(mine)
	delete(s.views, "mine")
	if got := asked(t, mine, nil); len(got) != 0 {
		t.Errorf("without the view that it names a restriction shows %v", got)
	}
	revision(mine)
	var bad *catalog.InvalidError
	if err := catalog.RestrictionError(t.Context(), mine); !errors.As(err, &bad) || bad.Value != "mine" {
		t.Errorf("RestrictionError is %v", err)
	}

	everything := catalog.Restrict(s, catalog.Search(" "))
	is(everything, nil)
	revision(everything)

	b, err := ix.Book(t.Context(), asked(t, ix, catalog.Has{Field: catalog.FieldAdded})[0])
	if err != nil {
		t.Fatal(err)
	}
	today = b.Added.Truncate(24 * time.Hour)
	day := catalog.Restrict(s, catalog.Or{catalog.Search("today:yes"), catalog.IDs{1}})
	revision(day)
	is(day, catalog.Or{catalog.IDs{1}, catalog.During{Field: catalog.FieldAdded, From: today, To: today.Add(24 * time.Hour)}})
	today = today.Add(24 * time.Hour)
	revision(day)
	if got := asked(t, day, catalog.IDs{b.ID}); len(got) != 0 && b.ID != 1 {
		t.Errorf("book %d can be seen on the next day", b.ID)
	}
}

// A restriction of a restriction is both, and either may fail.
func TestRestrictTwice(t *testing.T) {
	ix := library60(t)
	ctx := t.Context()
	series, tagged := catalog.Has{Field: catalog.FieldSeries}, catalog.Is{Field: catalog.FieldTags, Value: "Winter"}
	both := catalog.Restrict(catalog.Restrict(ix, series), tagged)
	if got, want := asked(t, both, nil), asked(t, ix, catalog.And{series, tagged}); !slices.Equal(got, want) || len(want) == 0 {
		t.Errorf("%v can be seen, want %v", got, want)
	}
	gone := catalog.Has{Field: "#gone"}
	for _, r := range []catalog.Reader{catalog.Restrict(catalog.Restrict(ix, gone), tagged), catalog.Restrict(catalog.Restrict(ix, tagged), gone)} {
		if got := asked(t, r, nil); len(got) != 0 {
			t.Errorf("%v can be seen", got)
		}
		var bad *catalog.InvalidError
		if err := catalog.RestrictionError(ctx, r); !errors.As(err, &bad) || bad.Value != "#gone" {
			t.Errorf("RestrictionError is %v", err)
		}
	}
}

// Levels of a hierarchy that only hidden books have, and their spellings, are
// not told.
func TestRestrictBranches(t *testing.T) {
	p := pick{rand.New(rand.NewPCG(2, 2))}
	var books []catalog.Book
	for i, name := range []string{"FICTION.Atlas", "Fiction.Maps", "Land.Maps.Old", "Land.Maps"} {
		b := p.book(catalog.BookID(i + 1))
		b.Tags = []catalog.Item{{ID: int64(i + 1), Name: name, Sort: name}}
		books = append(books, b)
	}
	b, _ := catalog.As[catalog.Browser](catalog.Restrict(shelve(t, books), catalog.IDs{2, 4}))
	for parent, want := range map[string][]catalog.Branch{
		"": {
			{Name: "Fiction", Value: "Fiction", Count: 1, More: true},
			{Name: "Land", Value: "Land", Count: 1, More: true},
		},
		"fiction":   {{Name: "Maps", Value: "Fiction.Maps", Count: 1, Own: 1}},
		"Land":      {{Name: "Maps", Value: "Land.Maps", Count: 1, Own: 1}},
		"Land.Maps": nil,
	} {
		got, err := b.Branches(t.Context(), catalog.FieldTags, catalog.BranchQuery{Parent: parent})
		if err != nil || !slices.Equal(got.Items, want) || got.Total != len(want) {
			t.Errorf("below %q there is %+v, want %+v, %v", parent, got, want, err)
		}
	}
}
