package httpapi_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/pressmark/pressmark/auth"
	"github.com/pressmark/pressmark/catalog"
)

// TestStateHides: whoever may not see a book any more finds it nowhere in what is
// kept, and cannot tell it from one that never was.
func TestStateHides(t *testing.T) {
	d, s, users := staters(t, 2)
	ada, grace := users[0], users[1]
	page, err := s.lib.Books(t.Context(), catalog.Query{Limit: 500})
	if err != nil {
		t.Fatal(err)
	}
	lists := []string{"11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"}
	for i, u := range users {
		u.do("POST", "/api/me/lists", `{"id": "`+lists[i]+`", "name": "All", "public": true}`, 201)
	}
	var hidden, visible []string
	for i := range page.Items {
		b := &page.Items[i]
		for j, u := range users {
			at := fmt.Sprint("/api/me/books/", b.ID)
			u.do("PUT", fmt.Sprint("/api/me/favorites/", b.ID), "", 200)
			u.do("PUT", at+"/progress", place+"}", 200)
			u.do("PUT", at+"/rating", `{"rating": 1}`, 200)
			u.do("PUT", fmt.Sprint("/api/me/lists/", lists[j], "/books/", b.ID), "", 200)
		}
		if b.ID < 13 {
			visible = append(visible, b.UUID)
		} else {
			hidden = append(hidden, b.UUID)
		}
	}
	if _, err := d.logins.Update(t.Context(), 0, 1, func(u *auth.User) error {
		u.Access = auth.Access{Restricted: true, Libraries: map[string]auth.Rule{"main": {Kind: auth.Matching, Expression: "id:<13"}}}
		return nil
	}, auth.Client{}); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{
		"/api/me/favorites?limit=", "/api/me/recent?limit=", "/api/me/recent?status=reading&limit=", "/api/me/lists/" + lists[0] + "/books?limit=", "/api/lists/" + lists[1] + "/books?limit=",
	} {
		for _, limit := range []string{"1", "5", "12", "500"} {
			found := map[int64]bool{}
			for at := path + limit; ; {
				w := ada.do("GET", at, "", 200)
				for _, uuid := range hidden {
					if strings.Contains(w.Body.String(), uuid) {
						t.Fatalf("%s shows %s", at, uuid)
					}
				}
				answer := decode[map[string]any](t, w)
				for _, id := range idsOf(answer) {
					found[id] = true
				}
				cursor, more := answer["next_cursor"].(string)
				if !more {
					break
				}
				at = path + limit + "&cursor=" + cursor
			}
			if len(found) != 12 {
				t.Errorf("%s%s shows %v", path, limit, found)
			}
		}
	}
	if got := ada.books("/api/me/books?books=" + strings.Join(append(hidden[:3:3], visible[:2]...), ",") + ",13,1"); len(got) != 3 {
		t.Errorf("of some: %v", got)
	}
	const unknown = "00000000-0000-4000-8000-000000000000"
	list := "/api/me/lists/" + lists[0] + "/books/"
	for _, c := range []struct{ method, before, after, body string }{
		{"GET", "/api/me/books/", "", ""},
		{"GET", "/api/me/books/", "/status", ""},
		{"PUT", "/api/me/books/", "/status", `{"status": "reading"}`},
		{"GET", "/api/me/books/", "/rating", ""},
		{"PUT", "/api/me/books/", "/rating", `{"rating": 2}`},
		{"DELETE", "/api/me/books/", "/rating", ""},
		{"GET", "/api/me/books/", "/progress", ""},
		{"PUT", "/api/me/books/", "/progress", place + "}"},
		{"DELETE", "/api/me/books/", "/progress", ""},
		{"GET", "/api/me/books/", "/progress/history", ""},
		{"POST", "/api/me/books/", "/progress/undo", ""},
		{"PUT", "/api/me/favorites/", "", ""},
		{"DELETE", "/api/me/favorites/", "", ""},
		{"PUT", list, "", ""},
		{"DELETE", list, "", ""},
	} {
		for _, pair := range [][2]string{{hidden[0], unknown}, {"13", "99"}} {
			x := ada.do(c.method, c.before+pair[0]+c.after, c.body, 404, "X-Request-Id", "same")
			y := ada.do(c.method, c.before+pair[1]+c.after, c.body, 404, "X-Request-Id", "same")
			if stripQuoted(x.Body.String(), pair[0]) != stripQuoted(y.Body.String(), pair[1]) {
				t.Errorf("%s %s: %s\nunknown: %s", c.method, c.before+pair[0]+c.after, x.Body, y.Body)
			}
		}
	}
	x := ada.do("PUT", list+"1", `{"before": "`+hidden[0]+`"}`, 404, "X-Request-Id", "same")
	y := ada.do("PUT", list+"1", `{"before": "`+unknown+`"}`, 404, "X-Request-Id", "same")
	if stripQuoted(x.Body.String(), hidden[0]) != stripQuoted(y.Body.String(), unknown) {
		t.Errorf("before a hidden book: %s\nunknown: %s", x.Body, y.Body)
	}
	x = ada.do("GET", "/api/lists/"+lists[1]+"/books?cursor="+hidden[0], "", 422, "X-Request-Id", "same")
	y = ada.do("GET", "/api/lists/"+lists[1]+"/books?cursor="+unknown, "", 422, "X-Request-Id", "same")
	if strings.ReplaceAll(x.Body.String(), hidden[0], unknown) != y.Body.String() {
		t.Errorf("behind a hidden book: %s\nunknown: %s", x.Body, y.Body)
	}
	// It is all there for who may see it, and when one may again.
	if got := grace.books("/api/me/favorites?limit=500"); len(got) != 24 {
		t.Errorf("for others: %v", got)
	}
	if _, err := d.logins.Update(t.Context(), 0, 1, func(u *auth.User) error { u.Access = auth.Access{}; return nil }, auth.Client{}); err != nil {
		t.Fatal(err)
	}
	if got := ada.books("/api/me/favorites?limit=500"); len(got) != 24 {
		t.Errorf("without the restriction: %v", got)
	}
}

// TestVanishedBook: what is kept of a book that vanishes is there when it comes
// back, whatever its number is then; and books with one UUID, or without, are not
// taken for each other.
func TestVanishedBook(t *testing.T) {
	_, s, users := staters(t, 1)
	ada := users[0]
	for _, id := range []string{"3", "4", "5", "6"} {
		ada.do("PUT", "/api/me/favorites/"+id, "", 200)
	}
	s.alter(`UPDATE books SET uuid = '99999999-0000-4000-8000-000000000000', last_modified = '2030-01-01 00:00:00+00:00' WHERE id = 3`)
	s.refresh()
	if got := ada.books("/api/me/favorites"); slices.Contains(got, 3) || len(got) != 3 {
		t.Errorf("vanished: %v", got)
	}
	s.alter(`UPDATE books SET uuid = (SELECT '3' || substr(uuid, 2) FROM books WHERE id = 3), last_modified = '2031-01-01 00:00:00+00:00' WHERE id = 3`)
	s.refresh()
	// Book 5 gets the UUID of book 4, which owns it.
	s.alter(`UPDATE books SET uuid = (SELECT uuid FROM books WHERE id = 4), last_modified = '2030-01-01 00:00:00+00:00' WHERE id = 5`, `UPDATE books SET uuid = '', last_modified = '2030-01-01 00:00:00+00:00' WHERE id = 6`)
	s.refresh()
	if got := ada.books("/api/me/favorites"); !slices.Equal(got, []int64{4}) {
		t.Errorf("with one UUID: %v", got)
	}
	ada.do("PUT", "/api/me/favorites/5", "", 200)
	ada.do("PUT", "/api/me/favorites/6", "", 200)
	got := ada.books("/api/me/favorites")
	slices.Sort(got)
	if !slices.Equal(got, []int64{4, 5, 6}) {
		t.Errorf("each its own: %v", got)
	}
	for _, id := range []string{"5", "6"} {
		name, _ := ada.get("/api/me/books/" + id)["book"].(string)
		if !strings.HasSuffix(name, ":"+id) {
			t.Errorf("book %s is %s", id, name)
		}
		if again := ada.get("/api/me/books/" + name); fmt.Sprint(again["id"]) != id {
			t.Errorf("%s is book %v", name, again["id"])
		}
	}
}
