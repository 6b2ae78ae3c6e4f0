package catalogtest

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/pressmark/pressmark/catalog"
)

// related checks which books have to do with others.
func (s *suite) related(t *testing.T) {
	b := s.browser(t)
	if b == nil {
		return
	}
	for i := range s.all {
		if len(s.all) > 80 && i%(len(s.all)/80) > 0 {
			continue
		}
		for _, where := range s.somewhere() {
			inside := s.inside(where)
			for _, limit := range []int{0, 2, catalog.MaxLimit} {
				got, err := b.Related(s.ctx, s.all[i].ID, catalog.RelatedQuery{Where: where, Limit: limit})
				if !slices.Contains(inside, &s.all[i]) {
					if !errors.Is(err, catalog.ErrNotFound) {
						t.Errorf("Related of book %d, which is not selected, is %v, want ErrNotFound", s.all[i].ID, err)
					}
					continue
				}
				if err != nil {
					t.Fatalf("Related(%d): %v", s.all[i].ID, err)
				}
				if limit == 0 {
					limit = 12
				}
				s.relatedAre(t, &s.all[i], inside, limit, &got)
			}
		}
	}
	if _, err := b.Related(s.ctx, 1<<40, catalog.RelatedQuery{}); !errors.Is(err, catalog.ErrNotFound) {
		t.Errorf("Related of an unknown book is %v, want ErrNotFound", err)
	}
	_, err := b.Related(s.ctx, s.all[0].ID, catalog.RelatedQuery{Limit: -1})
	s.invalid(t, err, "limit")
	_, err = b.Related(s.ctx, s.all[0].ID, catalog.RelatedQuery{Where: catalog.Has{Field: "nope"}})
	s.invalid(t, err, "filter")
}

func (s *suite) relatedAre(t *testing.T, b *catalog.Book, inside []*catalog.Book, limit int, r *catalog.Related) {
	t.Helper()
	what := fmt.Sprintf("Related(%d) of %d books, limit %d", b.ID, len(inside), limit)
	for name, list := range map[string][]catalog.Book{"series": r.Series, "authors": r.Authors, "similar": r.Similar} {
		seen := map[catalog.BookID]bool{}
		for i := range list {
			at := slices.IndexFunc(inside, func(x *catalog.Book) bool { return x.ID == list[i].ID })
			if at < 0 || seen[list[i].ID] || list[i].Title != inside[at].Title || list[i].Comments != "" {
				t.Errorf("%s: %s has book %d wrongly", what, name, list[i].ID)
			}
			seen[list[i].ID] = true
		}
		if seen[b.ID] != (name == "series" && b.Series != nil) || len(list) > limit {
			t.Errorf("%s: %s is %v", what, name, short(ids(list)))
		}
	}
	var series []*catalog.Book
	byAuthor, similar := 0, 0
	for _, x := range inside {
		if b.Series != nil && x.Series != nil && *x.Series == *b.Series {
			series = append(series, x)
		}
		if x != b && shared(b, x, catalog.FieldAuthors) > 0 {
			byAuthor++
		}
		if x != b && shared(b, x, catalog.FieldAuthors)+shared(b, x, catalog.FieldTags)+shared(b, x, catalog.FieldSeries) > 0 {
			similar++
		}
	}
	slices.SortStableFunc(series, func(a, b *catalog.Book) int { return cmp.Compare(a.SeriesIdx, b.SeriesIdx) })
	if len(r.Series) != min(limit, len(series)) {
		t.Errorf("%s: series has %d of %d", what, len(r.Series), len(series))
	} else if len(series) > 0 {
		from := slices.IndexFunc(series, func(x *catalog.Book) bool { return x.ID == r.Series[0].ID })
		for i := range r.Series {
			if from < 0 || from+i >= len(series) || series[from+i].ID != r.Series[i].ID {
				t.Errorf("%s: series is %v and not a part of it by index", what, short(ids(r.Series)))
				break
			}
		}
	}
	if len(r.Authors) != min(limit, byAuthor) {
		t.Errorf("%s: authors has %d books of %d", what, len(r.Authors), byAuthor)
	}
	for i := range r.Authors {
		n := shared(b, &r.Authors[i], catalog.FieldAuthors)
		if n == 0 || i > 0 && n > shared(b, &r.Authors[i-1], catalog.FieldAuthors) {
			t.Errorf("%s: book %d, which shares %d authors, comes too early", what, r.Authors[i].ID, n)
		}
	}
	if similar > 0 && len(r.Similar) == 0 {
		t.Errorf("%s: similar is empty, %d books share something", what, similar)
	}
	for i := range r.Similar {
		x := &r.Similar[i]
		if shared(b, x, catalog.FieldAuthors)+shared(b, x, catalog.FieldTags)+shared(b, x, catalog.FieldSeries) == 0 {
			t.Errorf("%s: book %d shares nothing", what, x.ID)
		}
	}
}

// shared returns how many values two books have in common.
func shared(a, b *catalog.Book, f catalog.FieldKey) int {
	n := 0
	for _, v := range names(a, f) {
		if slices.Contains(names(b, f), v) {
			n++
		}
	}
	return n
}
