package catalogtest

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/pressmark/pressmark/catalog"
)

// sortable returns the fields that can be sorted by.
func (s *suite) sortable() []catalog.FieldKey {
	var out []catalog.FieldKey
	for _, f := range s.fields {
		if f.Sortable {
			out = append(out, f.Key)
		}
	}
	return out
}

func (s *suite) paging(t *testing.T) {
	some := catalog.Not{X: catalog.IDs{s.all[1].ID}}
	for _, f := range s.sortable() {
		for _, desc := range []bool{false, true} {
			for _, where := range []catalog.Expr{nil, some} {
				q := catalog.Query{Where: where, Sort: []catalog.SortKey{{Field: f, Desc: desc}}, Limit: catalog.MaxLimit}
				want := ids(s.walk(t, q))
				for _, limit := range []int{1, 2, 7, 50} {
					if limit == 1 && len(s.all) > 300 {
						continue // so many pages prove no more than fewer
					}
					q.Limit = limit
					if got := ids(s.walk(t, q)); !slices.Equal(got, want) {
						t.Errorf("sort %s desc=%v in pages of %d: %v, want %v", f, desc, limit, short(got), short(want))
					}
				}
			}
		}
	}
}

// sorting checks that a descending order is the ascending one backwards, but
// for books that sort alike, which go by id, and that the order of two keys
// refines that of the first.
func (s *suite) sorting(t *testing.T) {
	everything := slices.Sorted(slices.Values(ids(s.all)))
	for _, f := range s.sortable() {
		asc := s.groups(t, f, false)
		desc := s.groups(t, f, true)
		for _, g := range [][][]catalog.BookID{asc, desc} {
			flat := slices.Concat(g...)
			slices.Sort(flat)
			if !slices.Equal(flat, everything) {
				t.Errorf("sort %s has %d of %d books", f, len(flat), len(everything))
			}
		}
		if len(asc) != len(desc) {
			t.Errorf("sort %s: %d groups ascending, %d descending", f, len(asc), len(desc))
		}
	}
	byTitle := ids(s.walk(t, catalog.Query{Sort: []catalog.SortKey{{Field: catalog.FieldTitle}}, Limit: catalog.MaxLimit}))
	both := ids(s.walk(t, catalog.Query{Sort: []catalog.SortKey{{Field: catalog.FieldTitle}, {Field: catalog.FieldID}}, Limit: catalog.MaxLimit}))
	if !slices.Equal(byTitle, both) {
		t.Errorf("sort title,id differs from sort title: ties must go by id")
	}
}

// groups returns the books of an order in runs that sort alike. Which do is
// seen by a second key: descending ids turn around exactly what is equal.
func (s *suite) groups(t *testing.T, f catalog.FieldKey, desc bool) [][]catalog.BookID {
	t.Helper()
	up := ids(s.walk(t, catalog.Query{Sort: []catalog.SortKey{{Field: f, Desc: desc}}, Limit: catalog.MaxLimit}))
	if f == catalog.FieldID {
		var out [][]catalog.BookID
		for _, id := range up {
			out = append(out, []catalog.BookID{id})
		}
		return out
	}
	down := ids(s.walk(t, catalog.Query{Sort: []catalog.SortKey{{Field: f, Desc: desc}, {Field: catalog.FieldID, Desc: true}}, Limit: catalog.MaxLimit}))
	var out [][]catalog.BookID
	for begin := 0; begin < len(up); {
		end := begin + 1
		for end < len(up) && !sameSet(up[begin:end], down[begin:end]) {
			end++
		}
		run := up[begin:end]
		if !slices.IsSorted(run) {
			t.Errorf("sort %s desc=%v: %v sort alike and are not in the order of their ids", f, desc, run)
		}
		back := slices.Clone(down[begin:end])
		slices.Reverse(back)
		if !slices.Equal(run, back) {
			t.Errorf("sort %s desc=%v: with ids descending %v is %v", f, desc, run, down[begin:end])
		}
		out = append(out, run)
		begin = end
	}
	return out
}

func sameSet(a, b []catalog.BookID) bool {
	x, y := slices.Clone(a), slices.Clone(b)
	slices.Sort(x)
	slices.Sort(y)
	return slices.Equal(x, y)
}

// missingLast checks that books without a value come last, either way, and in
// the order of their ids.
func (s *suite) missingLast(t *testing.T) {
	for _, f := range s.sortable() {
		if f == catalog.FieldCover {
			continue // every book has or has not a cover: none is missing
		}
		with := s.selected(t, catalog.Has{Field: f})
		var without []catalog.BookID
		for i := range s.all {
			if !slices.Contains(with, s.all[i].ID) {
				without = append(without, s.all[i].ID)
			}
		}
		if f == catalog.FieldTitle || f == catalog.FieldAuthors || f == catalog.FieldAuthorSort {
			continue // an empty text sorts as text
		}
		for _, desc := range []bool{false, true} {
			got := ids(s.walk(t, catalog.Query{Sort: []catalog.SortKey{{Field: f, Desc: desc}}, Limit: catalog.MaxLimit}))
			if tail := got[len(with):]; !slices.Equal(tail, without) {
				t.Errorf("sort %s desc=%v ends with %v, want those without a value: %v", f, desc, short(tail), short(without))
			}
		}
	}
}

func (s *suite) foreignCursor(t *testing.T) {
	byID, err := s.r.Books(s.ctx, catalog.Query{Limit: 1})
	if err != nil || byID.Next == "" {
		t.Fatalf("no next page after the first of %d books: %v", len(s.all), err)
	}
	_, err = s.r.Books(s.ctx, catalog.Query{Sort: []catalog.SortKey{{Field: catalog.FieldTitle}}, After: byID.Next})
	s.invalid(t, err, "cursor")
	for _, c := range []catalog.Cursor{"x", "AAAA", byID.Next + "A", byID.Next[1:], byID.Next[:len(byID.Next)-1], "%%", "ÿ"} {
		_, err := s.r.Books(s.ctx, catalog.Query{After: c})
		s.invalid(t, err, "cursor")
		_, err = s.r.Terms(s.ctx, catalog.FieldAuthors, catalog.TermQuery{After: c})
		s.invalid(t, err, "cursor")
	}
}

// appender holds the encoded form of every page against the page.
func (s *suite) appender(t *testing.T) {
	a, ok := catalog.As[catalog.Appender](s.r)
	if !ok {
		t.Log("the reader is no Appender")
		return
	}
	q := catalog.Query{Sort: []catalog.SortKey{{Field: catalog.FieldAdded, Desc: true}}, Limit: 5}
	for {
		want, err := s.r.Books(s.ctx, q)
		if err != nil {
			t.Fatal(err)
		}
		out, got, err := a.AppendBooks(s.ctx, []byte("before:"), q)
		if err != nil {
			t.Logf("the reader keeps no encoded books: %v", err)
			return
		}
		if got.Items != nil || got.Next != want.Next || got.Total != want.Total {
			t.Fatalf("AppendBooks returned %+v; the page has next %q, total %d", got, want.Next, want.Total)
		}
		if len(out) < len("before:") || string(out[:7]) != "before:" {
			t.Fatalf("AppendBooks did not append: %.40q", out)
		}
		if q.After = got.Next; q.After == "" {
			return
		}
	}
}

// concurrent asks many things at once; the race detector looks on.
func (s *suite) concurrent(t *testing.T) {
	keys := s.sortable()
	want := make([]string, len(keys))
	ask := func(i int) string {
		p, err := s.r.Books(s.ctx, catalog.Query{Sort: []catalog.SortKey{{Field: keys[i]}}, Where: catalog.Match{Text: catalog.Text{Value: "a"}}, Limit: 20})
		return fmt.Sprint(ids(p.Items), p.Total, p.Next, err)
	}
	for i := range keys {
		want[i] = ask(i)
	}
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for i := range keys {
				if got := ask(i); got != want[i] {
					t.Errorf("sort %s: %s, alone %s", keys[i], got, want[i])
				}
			}
		})
	}
	wg.Wait()
}
