// Package catalogtest is the conformance suite of catalog.Reader. It reads a
// library through the Reader alone, page by page, and then holds every other
// answer against what it read:
//
//	func TestReader(t *testing.T) { catalogtest.Run(t, myReader) }
//
// The library may be any, but must not change while the suite runs. The more
// it holds (series, custom columns, several languages, missing values), the
// more is proved.
package catalogtest

import (
	"context"
	"errors"
	"io/fs"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/pressmark/pressmark/catalog"
)

// Run runs the suite over r, and once more over a part of it that
// catalog.Restrict cuts out. Roles that r does not have are left out.
func Run(t *testing.T, r catalog.Reader) {
	s := &suite{r: r, ctx: t.Context()}
	s.load(t)
	if len(s.all) < 3 {
		t.Fatalf("the library has %d books; the suite needs at least 3", len(s.all))
	}
	s.run(t)
	t.Run("Restricted", s.restricted)
}

func (s *suite) run(t *testing.T) {
	for _, c := range []struct {
		name string
		test func(*testing.T)
	}{
		{"Books", s.books},
		{"Paging", s.paging},
		{"Sorting", s.sorting},
		{"SortMissingLast", s.missingLast},
		{"SortRelevance", s.relevance},
		{"CursorForeign", s.foreignCursor},
		{"Limits", s.limits},
		{"Unknown", s.unknown},
		{"Batches", s.batches},
		{"Algebra", s.algebra},
		{"FilterTerms", s.filterTerms},
		{"FilterNumbers", s.filterNumbers},
		{"FilterDates", s.filterDates},
		{"FilterHas", s.filterHas},
		{"FilterCounts", s.counts},
		{"FilterStoredIndex", s.storedIndex},
		{"Contains", s.contains},
		{"Match", s.matchText},
		{"MatchAnyField", s.matchAnyField},
		{"MatchIdentifier", s.matchIdentifier},
		{"Terms", s.terms},
		{"TermPaging", s.termPaging},
		{"TermsWhere", s.termsWhere},
		{"Search", s.searching},
		{"Views", s.views},
		{"Suggest", s.suggestions},
		{"Facets", s.facets},
		{"Letters", s.letters},
		{"Branches", s.branches},
		{"Related", s.related},
		{"Appender", s.appender},
		{"Concurrent", s.concurrent},
	} {
		t.Run(c.name, c.test)
	}
}

// suite holds a reader and all that it holds.
type suite struct {
	r      catalog.Reader
	ctx    context.Context
	fields []catalog.Field
	all    []catalog.Book // by id, with comments
	// owners are the books that are found by each UUID: it may be one that a
	// restricted reader does not show.
	owners map[string]catalog.BookID
}

func (s *suite) load(t *testing.T) {
	t.Helper()
	var err error
	if s.fields, err = s.r.Fields(s.ctx); err != nil {
		t.Fatalf("Fields: %v", err)
	}
	s.all = s.walk(t, catalog.Query{Limit: catalog.MaxLimit, Comments: true})
	for i := 1; i < len(s.all); i++ {
		if s.all[i-1].ID >= s.all[i].ID {
			t.Fatalf("without a sort, book %d comes before %d", s.all[i-1].ID, s.all[i].ID)
		}
	}
	if s.owners != nil {
		return
	}
	s.owners = map[string]catalog.BookID{}
	for i := range s.all {
		if u := s.all[i].UUID; u != "" {
			if _, ok := s.owners[u]; !ok {
				s.owners[u] = s.all[i].ID
			}
		}
	}
}

// walk reads all pages of q and checks what every page promises.
func (s *suite) walk(t *testing.T, q catalog.Query) []catalog.Book {
	t.Helper()
	var out []catalog.Book
	total := -1
	for {
		p, err := s.r.Books(s.ctx, q)
		if err != nil {
			t.Fatalf("Books(%+v): %v", q, err)
		}
		if total < 0 {
			total = p.Total
		}
		if p.Total != total {
			t.Fatalf("Books(%+v): total %d, was %d on the page before", q, p.Total, total)
		}
		limit := q.Limit
		if limit == 0 {
			limit = catalog.DefaultLimit
		}
		if len(p.Items) > limit {
			t.Fatalf("Books(%+v): %d items", q, len(p.Items))
		}
		out = append(out, p.Items...)
		if p.Next == "" {
			break
		}
		if len(p.Items) < limit {
			t.Fatalf("Books(%+v): %d items and a next page", q, len(p.Items))
		}
		q.After = p.Next
	}
	if len(out) != total {
		t.Fatalf("Books(%+v): %d items on all pages, total says %d", q, len(out), total)
	}
	return out
}

func (s *suite) selected(t *testing.T, where catalog.Expr) []catalog.BookID {
	t.Helper()
	return ids(s.walk(t, catalog.Query{Where: where, Limit: catalog.MaxLimit}))
}

// expect holds what an expression selects against what a look at every book
// selects.
func (s *suite) expect(t *testing.T, where catalog.Expr, keep func(*catalog.Book) bool) {
	t.Helper()
	var want []catalog.BookID
	for i := range s.all {
		if keep(&s.all[i]) {
			want = append(want, s.all[i].ID)
		}
	}
	if got := s.selected(t, where); !slices.Equal(got, want) {
		t.Errorf("%#v selects %v, want %v", where, short(got), short(want))
	}
}

func short(v []catalog.BookID) any {
	if len(v) > 12 {
		return struct {
			N     int
			First []catalog.BookID
		}{len(v), v[:12]}
	}
	return v
}

func ids(books []catalog.Book) []catalog.BookID {
	var out []catalog.BookID
	for i := range books {
		out = append(out, books[i].ID)
	}
	return out
}

func (s *suite) books(t *testing.T) {
	for i := range s.all {
		b, err := s.r.Book(s.ctx, s.all[i].ID)
		if err != nil {
			t.Fatalf("Book(%d): %v", s.all[i].ID, err)
		}
		if !reflect.DeepEqual(b, s.all[i]) {
			t.Errorf("Book(%d) = %+v\nin a page it is %+v", b.ID, b, s.all[i])
		}
	}
	for _, b := range s.walk(t, catalog.Query{}) {
		if b.Comments != "" {
			t.Errorf("book %d: comments that were not asked for", b.ID)
		}
	}
	for i, b := range s.walk(t, catalog.Query{Names: true}) {
		if want := (catalog.Book{ID: s.all[i].ID, UUID: s.all[i].UUID}); !reflect.DeepEqual(b, want) {
			t.Errorf("by names alone: %+v, want %+v", b, want)
		}
	}
	a, err := s.r.Revision(s.ctx)
	if err != nil || a.Digest == "" {
		t.Fatalf("Revision: %+v, %v", a, err)
	}
	if b, _ := s.r.Revision(s.ctx); a != b {
		t.Errorf("the revision changed from %v to %v", a, b)
	}
}

func (s *suite) batches(t *testing.T) {
	want := []catalog.BookID{s.all[0].ID, s.all[len(s.all)-1].ID}
	got := s.selected(t, catalog.IDs{want[1], want[0], want[0], 1 << 40, -1, 0})
	if !slices.Equal(got, want) {
		t.Errorf("IDs select %v, want %v", got, want)
	}
	for i := range s.all {
		b := &s.all[i]
		if b.UUID == "" {
			continue
		}
		owner := s.owners[b.UUID]
		want := catalog.Or{catalog.IDs{owner}} // nothing if it cannot be seen
		s.same(t, catalog.UUIDs{strings.ToUpper(b.UUID), "no such uuid"}, want)
		s.same(t, catalog.Is{Field: catalog.FieldUUID, Value: b.UUID}, want)
	}
}

// same checks that two expressions select the same books.
func (s *suite) same(t *testing.T, a, b catalog.Expr) {
	t.Helper()
	if x, y := s.selected(t, a), s.selected(t, b); !slices.Equal(x, y) {
		t.Errorf("%#v selects %v, %#v selects %v", a, short(x), b, short(y))
	}
}

func (s *suite) limits(t *testing.T) {
	for _, n := range []int{-1, catalog.MaxLimit + 1, 1 << 30} {
		_, err := s.r.Books(s.ctx, catalog.Query{Limit: n})
		s.invalid(t, err, "limit")
		if f, ok := s.termField(); ok {
			_, err = s.r.Terms(s.ctx, f.Key, catalog.TermQuery{Limit: n})
			s.invalid(t, err, "limit")
		}
	}
}

func (s *suite) unknown(t *testing.T) {
	if _, err := s.r.Book(s.ctx, 1<<40); !errors.Is(err, catalog.ErrNotFound) || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an unknown book is %v, want ErrNotFound", err)
	}
	if _, err := s.r.Terms(s.ctx, "nope", catalog.TermQuery{}); !errors.Is(err, catalog.ErrNotFound) {
		t.Errorf("terms of an unknown field are %v, want ErrNotFound", err)
	}
	_, err := s.r.Terms(s.ctx, catalog.FieldAdded, catalog.TermQuery{})
	s.invalid(t, err, "field")
	_, err = s.r.Books(s.ctx, catalog.Query{Sort: []catalog.SortKey{{Field: "nope"}}})
	s.invalid(t, err, "sort")
	for _, e := range []catalog.Expr{
		catalog.Is{Field: "nope", Value: "x"},
		catalog.Match{Field: "nope", Text: catalog.Text{Value: "x"}},
		catalog.Has{Field: "nope"},
		catalog.Between{Field: catalog.FieldTitle},
		catalog.During{Field: catalog.FieldTitle},
		catalog.Is{Field: catalog.FieldRating, Value: "many"},
		catalog.Is{Field: catalog.FieldAdded, Value: "soon"},
		catalog.And{catalog.IDs{}, catalog.Not{X: catalog.Is{Field: "nope"}}},
	} {
		_, err := s.r.Books(s.ctx, catalog.Query{Where: e})
		s.invalid(t, err, "filter")
	}
}

func (s *suite) invalid(t *testing.T, err error, part string) {
	t.Helper()
	var bad *catalog.InvalidError
	if !errors.As(err, &bad) || part != "" && bad.Part != part {
		t.Errorf("got %v, want an InvalidError %s", err, part)
	}
}

func (s *suite) termField() (catalog.Field, bool) {
	for _, f := range s.fields {
		if f.HasTerms {
			return f, true
		}
	}
	return catalog.Field{}, false
}
