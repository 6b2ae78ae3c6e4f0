package httpapi_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/pressmark/pressmark/httpapi"
)

func TestViews(t *testing.T) {
	s := newSample(t)
	type views struct {
		Items []struct {
			Kind, Name, View, Expression string
			Count                        int
			Problem                      *string
		}
		NextCursor *string `json:"next_cursor"`
		Total      int
	}
	all := decode[views](t, s.ok("/api/views"))
	counts := map[string]int{}
	for _, v := range all.Items {
		counts[v.View] = v.Count
		bad := slices.Contains([]string{"Gone", "Computed", "Torn"}, v.Name)
		if (v.Problem != nil) != bad || bad && v.Count != 0 {
			t.Errorf("view %+v", v)
		}
		// Each is found by the name that it is listed under, and shows what the
		// list says.
		if p := decode[bookPage](t, s.ok("/api/books?view="+url.QueryEscape(v.View))); p.Total != v.Count {
			t.Errorf("%s shows %d books, the list says %d", v.View, p.Total, v.Count)
		}
	}
	if all.Total != len(all.Items) || all.Total != 11 || all.NextCursor != nil {
		t.Errorf("%d views", all.Total)
	}
	if counts["Half"] != 12 || counts["Sea"] != 4 || counts["Whole"] != 24 || counts["Nothing"] != 0 {
		t.Errorf("counts are %v", counts)
	}
	kinds := map[string]int{}
	for _, v := range all.Items {
		kinds[v.Kind]++
	}
	if !reflect.DeepEqual(kinds, map[string]int{"virtual_library": 8, "saved_search": 2, "user_category": 1}) {
		t.Errorf("kinds are %v", kinds)
	}
	if w := s.ok("/api/views?view=Half"); !strings.Contains(w.Body.String(), `"name":"Whole","view":"Whole","expression":"","count":12,"problem":null`) {
		t.Errorf("within a view: %s", w.Body)
	}
	wantProblem(t, get(s.api, "/api/views?limit=5"), 422, "query.limit")
}

// TestViewOf asks through views.
func TestViewOf(t *testing.T) {
	s := newSample(t)
	esc := url.QueryEscape
	for _, c := range []struct {
		query string
		want  []int64
	}{
		{"view=Sea", []int64{1, 2, 4, 8}},
		{"view=Sea&library=main&view=Sea", []int64{1, 2, 4, 8}},
		{"view=vl:Sea", []int64{1, 2, 4, 8}},
		{"view=search:Holloway", []int64{1, 2, 3, 4}},
		{"view=Holloway", []int64{1, 2, 3, 4}},
		{"view=" + esc("@Northern"), []int64{9}},
		{"view=Sea&ids=1,3,8", []int64{1, 8}},
		{"view=Sea&authors=Maren+Holloway", []int64{1, 2, 4}},
		{"view=Sea&q=vl:Half", []int64{1, 2, 4, 8}},
		{"view=Gone", nil},
		{"view=Torn", nil},
		{"view=Computed", nil},
	} {
		if got := s.ids("/api/books?" + c.query); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.query, got, c.want)
		}
	}
	// Pages through a view.
	var ids []int64
	cursor := ""
	for {
		p := decode[bookPage](t, s.ok("/api/books?view=Half&sort=-title&limit=5&cursor="+esc(cursor)))
		if p.Total != 12 {
			t.Fatalf("total is %d", p.Total)
		}
		ids = append(ids, p.ids()...)
		if p.NextCursor == nil {
			break
		}
		cursor = *p.NextCursor
	}
	if whole := s.ids("/api/books?view=Half&sort=-title"); len(whole) != 12 || !slices.Equal(ids, whole) {
		t.Errorf("pages have %v, one page has %v", ids, whole)
	}
	for _, c := range []struct {
		path     string
		status   int
		location string
	}{
		{"/api/books?view=nope", 404, "query.view"},
		{"/api/books?view=", 422, "query.view"},
		{"/api/books?view=Sea&view=Half", 422, "query.view"},
		{"/api/books/1?view=nope", 404, "query.view"},
		{"/api/books/3?view=Sea", 404, "path.id"},
		{"/api/tags?view=nope", 404, "query.view"},
		{"/api/fields?view=nope", 404, "query.view"},
		{"/api/events?view=nope", 404, "query.view"},
		{"/api/events?view=", 422, "query.view"},
		{"/api/files/download/1/epub?view=nope", 404, "query.view"},
		{"/api/files/download/3/epub?view=Sea", 404, "path.id"},
		{"/api/files/cover/3?view=Sea", 404, "path.id"},
		{"/api/files/cover/3?view=Sea&placeholder=true&size=small", 404, "path.id"},
		{"/api/health?view=nope", 200, ""},
	} {
		if c.status == http.StatusOK {
			s.ok(c.path)
			continue
		}
		if p := wantProblem(t, get(s.api, c.path), c.status, c.location); c.location == "query.view" && c.status == 404 && !strings.Contains(p.Detail, "nope") {
			t.Errorf("%s: the problem does not name the view: %s", c.path, p.Detail)
		}
	}
}

// TestViewTags checks that an answer through one view never stands for another,
// and that caches of others do not keep any.
func TestViewTags(t *testing.T) {
	s := newSample(t)
	for _, path := range []string{"/api/books", "/api/books/1", "/api/tags", "/api/fields", "/api/books/1/related", "/api/fields/tags/letters", "/api/search/suggest?q=t"} {
		with := func(view string) string {
			if strings.Contains(path, "?") {
				return path + "&view=" + view
			}
			return path + "?view=" + view
		}
		for range 3 { // until it is answered from the cache
			half, sea, all := s.ok(with("Half")), s.ok(with("Sea")), s.ok(path)
			tags := []string{half.Header().Get("Etag"), sea.Header().Get("Etag"), all.Header().Get("Etag")}
			if tags[0] == tags[1] || tags[0] == tags[2] || tags[1] == tags[2] {
				t.Errorf("%s: tags are %v", path, tags)
			}
			if w := get(s.api, with("Half"), "If-None-Match", tags[0]); w.Code != http.StatusNotModified {
				t.Errorf("%s again: %d", path, w.Code)
			}
			for _, other := range tags[1:] {
				if w := get(s.api, with("Half"), "If-None-Match", other); w.Code != http.StatusOK || w.Body.String() != half.Body.String() {
					t.Errorf("%s: %d with the tag of another view", path, w.Code)
				}
			}
			if c := half.Header().Get("Cache-Control"); c != "private, no-cache" {
				t.Errorf("%s: Cache-Control is %q", path, c)
			}
			if c := all.Header().Get("Cache-Control"); !strings.HasPrefix(c, "public") {
				t.Errorf("%s without a view: Cache-Control is %q", path, c)
			}
		}
	}
	cover := "/api/files/cover/1?size=thumb"
	for range 3 {
		if c := s.ok(cover + "&view=Half").Header().Get("Cache-Control"); c != "private, no-cache" {
			t.Errorf("cover: Cache-Control is %q", c)
		}
		wantProblem(t, get(s.api, "/api/files/cover/13?size=thumb&view=Half"), 404, "path.id")
		s.ok("/api/files/cover/13?size=thumb")
	}
}

// TestViewChanges edits the text of a view: what was kept ends with it.
func TestViewChanges(t *testing.T) {
	s := newSample(t)
	for range 3 {
		if got := s.ids("/api/books?view=Sea"); len(got) != 4 {
			t.Fatalf("the view shows %v", got)
		}
		s.ok("/api/files/cover/1?size=thumb&view=Sea")
	}
	s.alter(`UPDATE preferences SET val = '{"Sea": "id:5"}' WHERE key = 'virtual_libraries'`)
	s.refresh()
	if got := s.ids("/api/books?view=Sea"); !slices.Equal(got, []int64{5}) {
		t.Errorf("the view shows %v", got)
	}
	wantProblem(t, get(s.api, "/api/files/cover/1?size=thumb&view=Sea"), 404, "path.id")
	wantProblem(t, get(s.api, "/api/books?view=Half"), 404, "query.view")
}

// TestViewLog checks that a view that shows nothing is told of once for each
// revision.
func TestViewLog(t *testing.T) {
	var log bytes.Buffer
	s := newSample(t, func(o *httpapi.Options) { o.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
	for range 3 {
		s.ok("/api/books?view=Gone")
		s.ok("/api/tags?view=Gone")
		s.ok("/api/books?view=Torn")
		s.ok("/api/books?view=Sea")
		s.ok("/api/views")
	}
	text := log.String()
	if strings.Count(text, "view=Gone") != 1 || strings.Count(text, "view=Torn") != 1 || strings.Contains(text, "view=Sea") ||
		!strings.Contains(text, "component=views library=main view=Gone err=") || !strings.Contains(text, "level=WARN") {
		t.Errorf("logged %s", text)
	}
	s.alter(`UPDATE books SET title = 'New' WHERE id = 1`)
	s.refresh()
	s.ok("/api/books?view=Gone")
	if n := strings.Count(log.String(), "view=Gone"); n != 2 {
		t.Errorf("logged %d times for two revisions", n)
	}
}
