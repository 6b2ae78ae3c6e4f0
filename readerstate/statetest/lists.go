package statetest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pressmark/pressmark/readerstate"
)

// listID returns the id of the list with that number.
func listID(n int) string { return fmt.Sprintf("aaaaaaaa-0000-4000-8000-%012d", n) }

func named(name string) readerstate.ListChange { return readerstate.ListChange{Name: &name} }

func public(on bool) readerstate.ListChange { return readerstate.ListChange{Public: &on} }

func testLists(t *testing.T, s *subject) {
	ctx := t.Context()
	equal(t, "none", must(s.ListsOf(ctx, ada))(t), []readerstate.List{})
	equal(t, "none public", must(s.PublicLists(ctx, "", 10))(t), []readerstate.List{})
	given := readerstate.List{ID: listID(2), Name: "To read", Description: "two\nlines"}
	first, created, err := s.CreateList(ctx, ada, given)
	want := given
	want.Owner, want.Version, want.Created, want.Changed = ada, 1, s.pass(0), s.pass(0)
	if err != nil || !created {
		t.Fatal(created, err)
	}
	equal(t, "created", first, want)
	s.pass(time.Second)
	again, created, err := s.CreateList(ctx, ada, readerstate.List{ID: listID(2), Name: "Another"})
	if err != nil || created {
		t.Error(created, err)
	}
	equal(t, "created again", again, first)
	_, _, err = s.CreateList(ctx, grace, given)
	if !errors.Is(err, readerstate.ErrTaken) {
		t.Errorf("with the id of another: %v", err)
	}
	second := must(must2(s.CreateList(ctx, ada, readerstate.List{ID: listID(1), Name: "Sea", Public: true})))(t)
	equal(t, "lists", must(s.ListsOf(ctx, ada))(t), []readerstate.List{first, second})

	_, err = s.List(ctx, grace, first.ID)
	notFound(t, "private, of another", err)
	_, err = s.BooksIn(ctx, grace, first.ID, "", 10)
	notFound(t, "books of a private list of another", err)
	equal(t, "public, of another", must(s.List(ctx, grace, second.ID))(t), second)
	for what, err := range map[string]error{
		"change": second2(s.ChangeList(ctx, grace, second.ID, named("mine"), always)),
		"put":    second2(s.PutBook(ctx, grace, second.ID, book(1), readerstate.Spot{}, always)),
		"remove": second2(s.RemoveBook(ctx, grace, second.ID, book(1), always)),
		"delete": s.DeleteList(ctx, grace, second.ID, always),
		"absent": s.DeleteList(ctx, ada, listID(9), always),
		"NUL":    s.DeleteList(ctx, ada, "\x00", always),
	} {
		notFound(t, what, err)
	}
	equal(t, "public lists", must(s.PublicLists(ctx, "", 10))(t), []readerstate.List{second})
	equal(t, "public lists behind", must(s.PublicLists(ctx, second.ID, 10))(t), []readerstate.List{})

	_, err = s.ChangeList(ctx, ada, first.ID, named("x"), version(2))
	conflicts(t, "stale", err, first)
	changed := must(s.ChangeList(ctx, ada, first.ID, named("Read"), version(1)))(t)
	want.Name, want.Version, want.Changed = "Read", 2, s.pass(0)
	equal(t, "changed", changed, want)
	equal(t, "changed to the same", must(s.ChangeList(ctx, ada, first.ID, named("Read"), always))(t), changed)
	if l := must(s.ChangeList(ctx, ada, first.ID, public(true), always))(t); !l.Public || l.Name != "Read" {
		t.Errorf("made public: %+v", l)
	}
	for field, bad := range map[string]readerstate.List{
		"id": {ID: strings.ToUpper(listID(3)), Name: "x"}, "name": {ID: listID(3), Name: " "}, "description": {ID: listID(3), Name: "x", Description: strings.Repeat("x", 5000)},
	} {
		_, _, err := s.CreateList(ctx, ada, bad)
		invalid(t, field, err)
	}
	_, err = s.ChangeList(ctx, ada, first.ID, named("a\nb"), always)
	invalid(t, "name", err)

	conflicts(t, "delete a stale one", s.DeleteList(ctx, ada, first.ID, version(1)), must(s.List(ctx, ada, first.ID))(t))
	if err := s.DeleteList(ctx, ada, first.ID, version(3)); err != nil {
		t.Error(err)
	}
	equal(t, "after one was deleted", must(s.ListsOf(ctx, ada))(t), []readerstate.List{second})
	_, err = s.List(ctx, ada, first.ID)
	notFound(t, "deleted", err)
	if _, _, err = s.CreateList(ctx, ada, given); !errors.Is(err, readerstate.ErrTaken) {
		t.Errorf("with the id of a deleted one: %v", err)
	}
}

func second2[T any](_ T, err error) error { return err }

// inList returns the books of a list.
func (s *subject) inList(t *testing.T, id string) []readerstate.Book {
	t.Helper()
	names := []readerstate.Book{}
	for after := readerstate.Book(""); ; {
		page := must(s.BooksIn(t.Context(), ada, id, after, 7))(t)
		for _, b := range page {
			after = b.Book
			names = append(names, b.Book)
		}
		if len(page) < 7 {
			return names
		}
	}
}

func testListBooks(t *testing.T, s *subject) {
	ctx := t.Context()
	id := must(must2(s.CreateList(ctx, ada, readerstate.List{ID: listID(1), Name: "x", Public: true})))(t).ID
	equal(t, "empty", must(s.BooksIn(ctx, ada, id, "", 10))(t), []readerstate.ListBook{})
	put := func(n int, at readerstate.Spot, w readerstate.Write) readerstate.List {
		t.Helper()
		return must(s.PutBook(ctx, ada, id, book(n), at, w))(t)
	}
	put(1, readerstate.Spot{}, version(1))
	put(2, readerstate.Spot{}, always)
	l := put(3, readerstate.Spot{Before: book(1)}, version(3))
	if l.Books != 3 || l.Version != 4 {
		t.Errorf("%+v", l)
	}
	equal(t, "books", s.inList(t, id), []readerstate.Book{book(3), book(1), book(2)})
	for _, same := range []readerstate.Spot{{}, {Before: book(1)}, {Before: book(3)}} {
		equal(t, "what is so", put(3, same, always), l)
	}
	equal(t, "the last to the end", put(2, readerstate.Spot{End: true}, always), l)
	_, err := s.PutBook(ctx, ada, id, book(1), readerstate.Spot{End: true}, version(3))
	conflicts(t, "stale", err, l)
	put(3, readerstate.Spot{End: true}, always)
	equal(t, "moved to the end", s.inList(t, id), []readerstate.Book{book(1), book(2), book(3)})
	for _, absent := range []readerstate.Spot{{Before: book(9)}, {Before: book(8)}} {
		_, err = s.PutBook(ctx, ada, id, book(9), absent, always)
		notFound(t, "before one that is not there", err)
	}
	_, err = s.BooksIn(ctx, ada, id, book(9), 10)
	notFound(t, "behind one that is not there", err)
	equal(t, "as others see it", len(must(s.BooksIn(ctx, grace, id, "", 10))(t)), 3)
	l = must(s.RemoveBook(ctx, ada, id, book(2), always))(t)
	equal(t, "remove what is not there", must(s.RemoveBook(ctx, ada, id, book(2), always))(t), l)
	equal(t, "removed", s.inList(t, id), []readerstate.Book{book(1), book(3)})
	if l.Books != 2 {
		t.Errorf("%+v", l)
	}
	_, err = s.PutBook(ctx, ada, id, "x", readerstate.Spot{}, always)
	invalid(t, "book", err)
}

// testMoves moves books about as a slice does it.
func testMoves(t *testing.T, s *subject) {
	id := must(must2(s.CreateList(t.Context(), ada, readerstate.List{ID: listID(1), Name: "x"})))(t).ID
	random := rand.New(rand.NewPCG(1, 2))
	var want []readerstate.Book
	for range 300 {
		b := book(random.IntN(30))
		was := slices.Index(want, b)
		if random.IntN(5) == 0 {
			must(s.RemoveBook(t.Context(), ada, id, b, always))(t)
			if was >= 0 {
				want = slices.Delete(want, was, was+1)
			}
			continue
		}
		rest := slices.DeleteFunc(slices.Clone(want), func(x readerstate.Book) bool { return x == b })
		at, to := readerstate.Spot{End: true}, len(rest)
		if len(rest) > 0 && random.IntN(4) > 0 {
			to = random.IntN(len(rest))
			at = readerstate.Spot{Before: rest[to]}
		}
		must(s.PutBook(t.Context(), ada, id, b, at, always))(t)
		want = slices.Insert(rest, to, b)
	}
	equal(t, "books", s.inList(t, id), want)
	if l := must(s.List(t.Context(), ada, id))(t); l.Books != len(want) {
		t.Errorf("%+v has %d books", l, len(want))
	}
}

// testSqueeze puts each book before the same one, where room gets scarce.
func testSqueeze(t *testing.T, s *subject) {
	id := must(must2(s.CreateList(t.Context(), ada, readerstate.List{ID: listID(1), Name: "x"})))(t).ID
	want := []readerstate.Book{book(0), book(1)}
	for i := range 60 {
		at := readerstate.Spot{}
		if i > 1 {
			at.Before = book(1)
			want = slices.Insert(want, i-1, book(i))
		}
		must(s.PutBook(t.Context(), ada, id, book(i), at, always))(t)
	}
	equal(t, "books", s.inList(t, id), want)
}

func testManyLists(t *testing.T, s *subject) {
	for i := range readerstate.MaxLists {
		must(must2(s.CreateList(t.Context(), ada, readerstate.List{ID: listID(i), Name: "x"})))(t)
	}
	_, _, err := s.CreateList(t.Context(), ada, readerstate.List{ID: listID(readerstate.MaxLists), Name: "x"})
	invalid(t, "lists", err)
	if n := len(must(s.ListsOf(t.Context(), ada))(t)); n != readerstate.MaxLists {
		t.Errorf("%d lists", n)
	}
	must(must2(s.CreateList(t.Context(), ada, readerstate.List{ID: listID(0), Name: "x"})))(t) // it is there already
	must(must2(s.CreateList(t.Context(), grace, readerstate.List{ID: listID(readerstate.MaxLists), Name: "x"})))(t)
}
