package httpapi_test

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

type event struct {
	Library, Revision       string
	Added, Changed, Removed []int64
	More                    bool
}

// nextEvent reads a stream up to the next event.
func nextEvent(t *testing.T, r *bufio.Reader) event {
	t.Helper()
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			t.Fatalf("the stream ends: %v", err)
		}
		if data, ok := strings.CutPrefix(line, "data: "); ok {
			var e event
			if err := json.Unmarshal([]byte(data), &e); err != nil {
				t.Fatal(err)
			}
			return e
		}
	}
}

// TestEventsOfView listens through a view. What happens outside of it is an
// event that names nothing.
func TestEventsOfView(t *testing.T) {
	s := newSample(t)
	srv := httptest.NewServer(s.api)
	defer srv.Close()
	defer s.api.Close()
	res, err := srv.Client().Get(srv.URL + "/api/events?view=Half")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	r := bufio.NewReader(res.Body)
	if line, err := r.ReadString('\n'); err != nil || line != ": stream of catalog changes\n" {
		t.Fatalf("%q, %v", line, err)
	}
	for _, c := range []struct {
		change  string
		changed []int64
		added   []int64
		removed []int64
	}{
		{`UPDATE books SET title = title || '!', last_modified = '2026-01-01 00:00:00+00:00' WHERE id IN (1, 2, 13, 14)`, []int64{1, 2}, nil, nil},
		{`UPDATE books SET title = title || '!', last_modified = '2026-01-02 00:00:00+00:00' WHERE id IN (15, 16)`, nil, nil, nil},
		{`DELETE FROM books WHERE id = 24`, nil, nil, nil},
		{`DELETE FROM books WHERE id = 12`, nil, nil, []int64{12}},
	} {
		s.alter(c.change)
		s.refresh()
		e := nextEvent(t, r)
		if !slices.Equal(e.Changed, c.changed) || !slices.Equal(e.Added, c.added) || !slices.Equal(e.Removed, c.removed) || e.More || e.Library != "main" {
			t.Errorf("%s: %+v", c.change, e)
		}
		if rev, err := s.lib.Revision(t.Context()); err != nil || e.Revision == rev.Digest {
			t.Error("the event tells the revision of the whole library")
		}
	}
	// The view becomes another one: the client has to come back.
	s.alter(`UPDATE preferences SET val = '{"Half": "id:>12"}' WHERE key = 'virtual_libraries'`)
	s.refresh()
	if rest, err := io.ReadAll(r); err != nil || strings.Contains(string(rest), "event:") {
		t.Errorf("after the view was changed: %q, %v", rest, err)
	}
}

// TestEventsOfViewResume comes back to a view with the revision of an event.
func TestEventsOfViewResume(t *testing.T) {
	s := newSample(t)
	srv := httptest.NewServer(s.api)
	defer srv.Close()
	defer s.api.Close()
	listen := func(last string) *bufio.Reader {
		t.Helper()
		req := httptest.NewRequest(http.MethodGet, srv.URL+"/api/events?view=Sea", nil)
		req.RequestURI = ""
		req.Header.Set("Last-Event-ID", last)
		res, err := srv.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { res.Body.Close() })
		return bufio.NewReader(res.Body)
	}
	e := nextEvent(t, listen("old"))
	if !e.More || len(e.Added)+len(e.Changed)+len(e.Removed) != 0 {
		t.Errorf("with an old revision: %+v", e)
	}
	// With the current one the next event is the next change.
	r := listen(e.Revision)
	if _, err := r.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	s.alter(`DELETE FROM books WHERE id = 8`)
	s.refresh()
	if got := nextEvent(t, r); got.More || !slices.Equal(got.Removed, []int64{8}) {
		t.Errorf("with the current revision: %+v", got)
	}
}
