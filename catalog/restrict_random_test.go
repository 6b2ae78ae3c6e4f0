package catalog_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/pressmark/pressmark/catalog"
)

// expr makes an expression; one in thirty leaves does not evaluate.
func (p pick) expr(depth int) catalog.Expr {
	if depth > 0 && p.IntN(2) == 0 {
		var list []catalog.Expr
		for range p.IntN(4) {
			list = append(list, p.expr(depth-1))
		}
		switch p.IntN(3) {
		case 0:
			return catalog.And(list)
		case 1:
			return catalog.Or(list)
		}
		return catalog.Not{X: p.expr(depth - 1)}
	}
	n, day := float64(p.IntN(9))/2, time.Date(2020+p.IntN(4), 6, 1, 0, 0, 0, 0, time.UTC)
	text := catalog.Text{Kind: catalog.TextKind(p.IntN(5)), Value: p.of("sea", "salt", "maps", "Sea.Salt", "winter tide", "e")}
	switch p.IntN(30) {
	case 0:
		return catalog.Has{Field: "#deleted"}
	case 1, 2, 3:
		return catalog.Is{Field: catalog.FieldTags, Value: p.of("Sea", "sea.salt", "Winter", "Shelf 3")}
	case 4, 5, 6:
		return catalog.Match{Field: catalog.FieldKey(p.of("", "title", "tags", "authors", "#genre", "comments")), Text: text}
	case 7, 8, 9:
		return catalog.Between{Field: catalog.FieldKey(p.of("rating", "series_index", "#price")), Min: &n}
	case 10, 11:
		return catalog.During{Field: catalog.FieldKey(p.of("added", "published", "#bought")), From: day}
	case 12, 13, 14:
		return catalog.Count{Field: catalog.FieldKey(p.of("tags", "authors", "formats")), Min: p.IntN(3), Max: p.IntN(4) - 1}
	case 15, 16, 17:
		var ids catalog.IDs
		for range p.IntN(60) {
			ids = append(ids, catalog.BookID(p.IntN(300)))
		}
		return ids
	case 18, 19:
		return catalog.UUIDs{fmt.Sprint("u-", p.IntN(400)), fmt.Sprint("U-", p.IntN(400))}
	case 20, 21:
		return catalog.MatchIdentifier{Type: catalog.Text{Kind: catalog.Whole, Value: "isbn"}, Value: catalog.Text{Value: "1"}}
	case 22, 23, 24:
		return catalog.Search(p.of("sea", "tags=Winter", "vl:maps", "", "series:true"))
	}
	return catalog.Has{Field: catalog.FieldKey(p.of("series", "cover", "comments", "#read", "rating", "publisher"))}
}

// asks is one question by every method. It returns all that is answered.
func (p pick) asks() func(r catalog.Reader, where catalog.Expr) []any {
	ctx := context.Background()
	sort := catalog.FieldKey(p.of("title", "authors", "added", "rating", "series", "relevance", "#cycle"))
	q := catalog.Query{
		Sort: []catalog.SortKey{{Field: sort, Desc: sort != catalog.FieldRelevance && p.IntN(2) == 0}}, Words: []string{p.of("tide", "salt")},
		Limit: 1 + p.IntN(20), Comments: p.IntN(2) == 0,
	}
	field := catalog.FieldKey(p.of("tags", "authors", "series", "#genre", "formats"))
	terms := catalog.TermQuery{Prefix: p.of("", "", "s", "l"), ByCount: p.IntN(2) == 0, Desc: p.IntN(2) == 0, Limit: 1 + p.IntN(6)}
	parent, text := p.of("", "sea", "Sea", "Fiction", "Land"), p.of("t", "Sea", "half")
	id, limit := catalog.BookID(1+p.IntN(300)), 1+p.IntN(8)
	return func(r catalog.Reader, where catalog.Expr) []any {
		var out []any
		add := func(v any, err error) {
			var bad *catalog.InvalidError
			if errors.As(err, &bad) {
				v, err = nil, bad // what wraps it may be told by the caller
			}
			out = append(out, v, err)
		}
		pages, tq := q, terms
		pages.Where, tq.Where = where, where
		for range 3 {
			page, err := r.Books(ctx, pages)
			add(page, err)
			if pages.After = page.Next; page.Next == "" {
				break
			}
		}
		a, _ := catalog.As[catalog.Appender](r)
		cards := q
		cards.Where, cards.Comments = where, false
		dst, page, err := a.AppendBooks(ctx, []byte("["), cards)
		add([]any{bytes.Clone(dst), page}, err)
		for range 3 {
			page, err := r.Terms(ctx, field, tq)
			add(page, err)
			if tq.After = page.Next; page.Next == "" {
				break
			}
		}
		tq.After = ""
		b, _ := catalog.As[catalog.Browser](r)
		facets, err := b.Facets(ctx, where, []catalog.FieldKey{field, catalog.FieldTags}, limit)
		add(facets, err)
		letters, err := b.Letters(ctx, field, tq)
		add(letters, err)
		branches, err := b.Branches(ctx, field, catalog.BranchQuery{Parent: parent, Where: where, Limit: limit})
		add(branches, err)
		related, err := b.Related(ctx, id, catalog.RelatedQuery{Where: where, Limit: limit})
		add(related, err)
		s, _ := catalog.As[catalog.Searcher](r)
		list, err := s.Suggest(ctx, catalog.SuggestQuery{Text: text, Where: where, Limit: limit})
		add(list, err)
		return out
	}
}

// Whatever is asked through whatever restriction, the answer is that of the
// whole library for the books that both select, listed one by one.
func TestRestrictRandom(t *testing.T) {
	p := pick{rand.New(rand.NewPCG(7, 7))}
	ix, today := shelve(t, p.books(120)), time.Time{}
	s := speaker{ix, map[string]string{"maps": "Maps"}, &today}
	ctx := t.Context()
	every := asked(t, ix, nil)
	broken, invalid := 0, 0
	for range 1500 {
		e, q := p.expr(3), p.expr(2)
		r := catalog.Restrict(s, e)
		_, outer := s.Books(ctx, catalog.Query{Where: e})
		_, inner := s.Books(ctx, catalog.Query{Where: q})
		visible, where := catalog.IDs{}, q
		if outer == nil {
			visible = asked(t, s, e)
		} else {
			broken++
		}
		if inner == nil {
			where = slices.DeleteFunc(asked(t, s, q), func(id catalog.BookID) bool { return !slices.Contains(visible, id) })
		} else {
			invalid++
		}
		if (catalog.RestrictionError(ctx, r) != nil) != (outer != nil) {
			t.Fatalf("%#v: RestrictionError is %v, alone it gives %v", e, catalog.RestrictionError(ctx, r), outer)
		}
		ask := p.asks()
		if got, want := ask(r, q), ask(s, where); !reflect.DeepEqual(got, want) {
			for i := range want {
				if i < len(got) && !reflect.DeepEqual(got[i], want[i]) {
					t.Errorf("restricted to %#v\nasked for %#v\nanswer %d: %+v\nwant %+v", e, q, i, got[i], want[i])
				}
			}
			t.Fatalf("%d answers, want %d", len(got), len(want))
		}
		for range 10 {
			id := every[p.IntN(len(every))]
			b, err := r.Book(ctx, id)
			if slices.Contains(visible, id) {
				if want, _ := ix.Book(ctx, id); err != nil || !reflect.DeepEqual(b, want) {
					t.Fatalf("restricted to %#v, book %d is %+v, %v", e, id, b, err)
				}
			} else if !errors.Is(err, catalog.ErrNotFound) || err.Error() != fmt.Sprintf("book %d: %v", id, catalog.ErrNotFound) {
				t.Fatalf("restricted to %#v, hidden book %d is %v", e, id, err)
			}
		}
	}
	if broken < 40 || invalid < 40 {
		t.Errorf("only %d restrictions and %d queries did not evaluate", broken, invalid)
	}
}
