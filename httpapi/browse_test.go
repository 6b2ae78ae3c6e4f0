package httpapi_test

import (
	"encoding/json"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
)

type value struct {
	Value string
	Count int
}

func TestFacets(t *testing.T) {
	s := newSample(t)
	type page struct {
		Items      []struct{ ID int64 }
		Total      int
		NextCursor *string `json:"next_cursor"`
		Facets     map[string][]value
	}
	for _, c := range []struct {
		query string
		want  map[string][]value
	}{
		{"ids=1,2,3&facets=tags", map[string][]value{"tags": {{"Fiction", 3}, {"Sea Stories", 2}, {"Mystery", 1}, {"Short Stories", 1}}}},
		{"ids=1,2,3&facets=tags&facet_limit=1", map[string][]value{"tags": {{"Fiction", 3}}}},
		{"view=Half&facets=author&facet_limit=1", map[string][]value{"authors": {{"Maren Holloway", 4}}}},
		{"view=Sea&facets=series,publishers&facet_limit=2&q=holloway", map[string][]value{"series": {{"Harbour Ledgers", 3}}, "publisher": {{"Lantern Press", 3}}}},
		{"ids=24&facets=series,%23genre", map[string][]value{"series": {}, "#genre": {}}},
		{"q=title:zzzzz&facets=tags", map[string][]value{"tags": {}}},
	} {
		w := s.ok("/api/books?" + c.query)
		if p := decode[page](t, w); !reflect.DeepEqual(p.Facets, c.want) {
			t.Errorf("%s: %v, want %v", c.query, p.Facets, c.want)
		}
	}
	// Every page shows those of the whole selection, and they follow the total.
	first := s.ok("/api/books?tags=Fiction&facets=tags,%23genre&limit=2")
	p := decode[page](t, first)
	next := decode[page](t, s.ok("/api/books?tags=Fiction&facets=tags,%23genre&limit=2&cursor="+url.QueryEscape(*p.NextCursor)))
	if !reflect.DeepEqual(p.Facets, next.Facets) || len(p.Facets["tags"]) < 5 || len(p.Facets["#genre"]) == 0 {
		t.Errorf("on the first page %v, on the next %v", p.Facets, next.Facets)
	}
	if body := first.Body.String(); !strings.Contains(body, `,"total":7,"facets":{"tags":[{"value":"Fiction","count":7},`) || !strings.HasSuffix(body, `]}}`) {
		t.Errorf("page with facets: %s", body)
	}
	if with, without := s.ok("/api/books?facets=tags").Body.String(), s.ok("/api/books").Body.String(); !strings.HasPrefix(with, strings.TrimSuffix(without, "}")) {
		t.Error("facets change the page")
	}
	for _, c := range []struct{ query, location string }{
		{"facets=", "query.facets"},
		{"facets=nope", "query.facets"},
		{"facets=tags,", "query.facets"},
		{"facets=,tags", "query.facets"},
		{"facets=tags,tag", "query.facets"},
		{"facets=title", "query.facets"},
		{"facets=%23pages", "query.facets"},
		{"facets=tags&facets=authors", "query.facets"},
		{"facets=" + strings.Repeat("tags,", 30) + "authors", "query.facets"},
		{"facets=tags&facet_limit=0", "query.facet_limit"},
		{"facets=tags&facet_limit=101", "query.facet_limit"},
		{"facets=tags&facet_limit=x", "query.facet_limit"},
		{"facet_limit=", "query.facet_limit"},
		{"facets=tags&facet_limit=5&facet_limit=6", "query.facet_limit"},
	} {
		wantProblem(t, get(s.api, "/api/books?"+c.query), 422, c.location)
	}
	wantProblem(t, get(s.api, "/api/tags?facets=tags"), 422, "query.facets")
}

type letters struct {
	Items []struct {
		Letter string
		Count  int
		Cursor *string
	}
	Total int
}

func TestLetters(t *testing.T) {
	s := newSample(t)
	for _, path := range []string{"authors", "tags", "publisher", "series", "languages", "formats", "%23genre"} {
		for _, query := range []string{"", "?view=Half", "?q=" + url.QueryEscape("tags:fiction or tags:maps"), "?prefix=s"} {
			path := "/api/fields/" + path
			and := strings.Replace(query, "?", "&", 1)
			var all []string
			for _, item := range decode[struct{ Items []value }](t, s.ok(path+"/terms?limit=500"+and)).Items {
				all = append(all, item.Value)
			}
			got := decode[letters](t, s.ok(path+"/letters"+query))
			var joined []string
			for i, l := range got.Items {
				if (l.Cursor == nil) != (i == 0) || l.Count < 1 {
					t.Fatalf("%s%s: letter %d is %+v", path, query, i, l)
				}
				cursor := ""
				if l.Cursor != nil {
					cursor = "&cursor=" + url.QueryEscape(*l.Cursor)
				}
				group := decode[struct{ Items []value }](t, s.ok(path+"/terms?limit="+strconv.Itoa(l.Count)+cursor+and)).Items
				for _, item := range group {
					joined = append(joined, item.Value)
				}
			}
			if !slices.Equal(joined, all) || got.Total != len(got.Items) {
				t.Errorf("%s%s: letters lead to %q, the terms are %q", path, query, joined, all)
			}
		}
	}
	if w := s.ok("/api/fields/publisher/letters?view=Sea"); w.Body.String() != `{"items":[{"letter":"E","count":1,"cursor":null},{"letter":"L","count":1,"cursor":"`+cursorIn(w.Body.String())+`"}],"next_cursor":null,"total":2}` {
		t.Errorf("letters are %s", w.Body)
	}
	for _, c := range []struct {
		path     string
		status   int
		location string
	}{
		{"/api/fields/nope/letters", 404, "path.field"},
		{"/api/fields/title/letters", 422, "path.field"},
		{"/api/fields/tags/letters?limit=5", 422, "query.limit"},
		{"/api/fields/tags/letters?cursor=x", 422, "query.cursor"},
		{"/api/fields/tags/letters?prefix=a&prefix=b", 422, "query.prefix"},
		{"/api/fields/tags/letters?tags=", 422, "query.tags"},
	} {
		wantProblem(t, get(s.api, c.path), c.status, c.location)
	}
}

// cursorIn returns the last cursor in an answer.
func cursorIn(body string) string {
	_, rest, _ := strings.Cut(body, `"cursor":"`)
	cursor, _, _ := strings.Cut(rest, `"`)
	return cursor
}

func TestTree(t *testing.T) {
	s := newSample(t)
	type tree struct {
		Items []struct {
			Name, Value string
			Count, Own  int
			More        bool
		}
		NextCursor *string `json:"next_cursor"`
		Total      int
	}
	want := `{"items":[{"name":"Rain","value":"Weather.Rain","count":2,"own":2,"more":false},{"name":"Winter","value":"Weather.Winter","count":4,"own":4,"more":false}],"next_cursor":null,"total":2}`
	if w := s.ok("/api/fields/tags/tree?parent=Weather"); w.Body.String() != want {
		t.Errorf("below Weather: %s", w.Body)
	}
	top := decode[tree](t, s.ok("/api/fields/tags/tree?limit=500"))
	i := slices.IndexFunc(top.Items, func(b struct {
		Name, Value string
		Count, Own  int
		More        bool
	},
	) bool {
		return b.Name == "Weather"
	})
	if i < 0 || top.Items[i].Count != 6 || top.Items[i].Own != 1 || !top.Items[i].More {
		t.Errorf("the topmost levels are %+v", top.Items)
	}
	var paged []string
	cursor := ""
	for {
		p := decode[tree](t, s.ok("/api/fields/tags/tree?limit=3&cursor="+url.QueryEscape(cursor)))
		for _, b := range p.Items {
			paged = append(paged, b.Value)
		}
		if p.NextCursor == nil {
			break
		}
		cursor = *p.NextCursor
	}
	if len(paged) != top.Total || len(paged) != len(top.Items) {
		t.Errorf("pages have %q of %d", paged, top.Total)
	}
	if p := decode[tree](t, s.ok("/api/fields/tags/tree?parent=Weather&q=id:9")); p.Total != 1 || p.Items[0].Name != "Winter" || p.Items[0].Count != 1 {
		t.Errorf("of one book: %+v", p)
	}
	// What lies below a level does not show where nothing of it is selected.
	if w := s.ok("/api/fields/tags/tree?ids=10"); !strings.Contains(w.Body.String(), `{"name":"Weather","value":"Weather","count":1,"own":1,"more":false}`) {
		t.Errorf("of a book that has the level itself: %s", w.Body)
	}
	for path, total := range map[string]int{"?parent=Nope": 0, "?parent=Weather.Rain": 0, "?parent=weather": 2, "?parent=Weather&view=Nothing": 0} {
		if p := decode[tree](t, s.ok("/api/fields/tags/tree"+path)); p.Total != total {
			t.Errorf("%s: %d levels, want %d", path, p.Total, total)
		}
	}
	for _, c := range []struct {
		path     string
		status   int
		location string
	}{
		{"/api/fields/nope/tree", 404, "path.field"},
		{"/api/fields/title/tree", 422, "path.field"},
		{"/api/fields/authors/tree", 422, "path.field"}, // not a hierarchy
		{"/api/fields/tags/tree?limit=0", 422, "query.limit"},
		{"/api/fields/tags/tree?cursor=nope", 422, "query.cursor"},
		{"/api/fields/tags/tree?sort=name", 422, "query.sort"},
		{"/api/fields/tags/tree?parent=a&parent=b", 422, "query.parent"},
	} {
		wantProblem(t, get(s.api, c.path), c.status, c.location)
	}
	var fields struct {
		Items []struct {
			Key          string
			Hierarchical bool
		}
	}
	if err := json.Unmarshal(s.ok("/api/fields").Body.Bytes(), &fields); err != nil {
		t.Fatal(err)
	}
	for _, f := range fields.Items {
		if f.Hierarchical != (f.Key == "tags" || f.Key == "series") {
			t.Errorf("%s: hierarchical is %v", f.Key, f.Hierarchical)
		}
	}
}

func TestRelated(t *testing.T) {
	s := newSample(t)
	type related struct {
		Series, Authors, Similar []struct {
			ID           int64
			Library      string
			CommentsHTML *string `json:"comments_html"`
		}
	}
	ids := func(books []struct {
		ID           int64
		Library      string
		CommentsHTML *string `json:"comments_html"`
	},
	) []int64 {
		var out []int64
		for _, b := range books {
			out = append(out, b.ID)
		}
		return out
	}
	r := decode[related](t, s.ok("/api/books/2/related"))
	if got := ids(r.Series); !slices.Contains(got, 2) || !slices.Contains(got, 1) || !slices.Contains(got, 22) {
		t.Errorf("series: %v", got)
	}
	if got := ids(r.Authors); slices.Contains(got, 2) || len(got) != 3 {
		t.Errorf("authors: %v", got)
	}
	if got := ids(r.Similar); len(got) == 0 || slices.Contains(got, 2) {
		t.Errorf("similar: %v", got)
	}
	if r.Series[0].Library != "main" {
		t.Errorf("books are %+v", r.Series)
	}
	// Books look as in lists.
	list := s.ok("/api/books?ids=1").Body.String()
	card := strings.TrimSuffix(strings.TrimPrefix(list, `{"items":[`), `],"next_cursor":null,"total":1}`)
	if !strings.Contains(s.ok("/api/books/2/related").Body.String(), card) {
		t.Error("a related book does not look as in lists")
	}
	if r := decode[related](t, s.ok("/api/books/2/related?limit=1")); len(r.Series) > 1 || len(r.Authors) != 1 || len(r.Similar) != 1 {
		t.Errorf("with a limit: %+v", r)
	}
	r = decode[related](t, s.ok("/api/books/2/related?view=Sea"))
	for _, id := range slices.Concat(ids(r.Series), ids(r.Authors), ids(r.Similar)) {
		if !slices.Contains([]int64{1, 2, 4, 8}, id) {
			t.Errorf("book %d is outside of the view", id)
		}
	}
	for _, c := range []struct {
		path     string
		status   int
		location string
	}{
		{"/api/books/999/related", 404, "path.id"},
		{"/api/books/3/related?view=Sea", 404, "path.id"},
		{"/api/books/x/related", 422, "path.id"},
		{"/api/books/by-uuid/related", 404, "path.uuid"},
		{"/api/books/1/related?limit=0", 422, "query.limit"},
		{"/api/books/1/related?q=x", 422, "query.q"},
		{"/api/books/1/elsewhere", 404, ""},
		{"/api/books/1/related/x", 404, ""},
	} {
		wantProblem(t, get(s.api, c.path), c.status, c.location)
	}
}

func TestSuggest(t *testing.T) {
	s := newSample(t)
	type suggestions struct {
		Items []struct {
			Kind, Label, Text string
			Field             *string
			Count             *int
			Book              *int64
		}
	}
	kinds := map[string]bool{}
	for _, c := range []struct{ query, kind, label, text string }{
		{"tag", "field", "", "tags:"},
		{"tags:sea", "value", "Sea Stories", ""},
		{"not tags:sea", "value", "Sea Stories", ""},
		{"holl", "value", "Maren Holloway", ""},
		{"the tide", "title", "The Tide Clerk", ""},
		{"vl:Se", "view", "Sea", ""},
	} {
		p := decode[suggestions](t, s.ok("/api/search/suggest?q="+url.QueryEscape(c.query)))
		found := false
		for _, item := range p.Items {
			kinds[item.Kind] = true
			if (item.Field != nil) != (item.Kind == "value") || (item.Count != nil) != (item.Kind == "value") || (item.Book != nil) != (item.Kind == "title") {
				t.Errorf("%s: %+v", c.query, item)
			}
			if item.Kind != "field" { // a field's name is no expression yet
				s.ok("/api/books?q=" + url.QueryEscape(item.Text))
			}
			found = found || item.Kind == c.kind && (item.Label == c.label || item.Text == c.text)
		}
		if !found {
			t.Errorf("%s: %+v lacks %s %s%s", c.query, p.Items, c.kind, c.label, c.text)
		}
	}
	if len(kinds) != 4 {
		t.Errorf("kinds are %v", kinds)
	}
	if p := decode[suggestions](t, s.ok("/api/search/suggest?q=t&limit=2")); len(p.Items) != 2 {
		t.Errorf("%d with limit 2", len(p.Items))
	}
	for _, query := range []string{"", "?q=", "?q=" + url.QueryEscape("((("), "?q=%22", "?q=" + url.QueryEscape("硝")} {
		s.ok("/api/search/suggest" + query)
	}
	for _, c := range []struct{ query, location string }{
		{"?limit=0", "query.limit"}, {"?limit=x", "query.limit"}, {"?q=a&q=b", "query.q"}, {"?nope=1", "query.nope"}, {"?tags=Maps", "query.tags"}, {"?sort=x", "query.sort"},
	} {
		wantProblem(t, get(s.api, "/api/search/suggest"+c.query), 422, c.location)
	}
}
