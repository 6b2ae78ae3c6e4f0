package drivetest_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"google.golang.org/api/drive/v3"
	"google.golang.org/api/googleapi"

	"github.com/pressmark/pressmark/storage/gdrivestore/drivetest"
)

// pages lists all, and returns the names and the sizes of pages.
func pages(t testing.TB, call *drive.FilesListCall) (all []string, sizes []int) {
	t.Helper()
	token := ""
	for {
		l, err := call.PageToken(token).Do()
		if err != nil {
			t.Fatal(err)
		}
		all, sizes = append(all, names(l.Files)...), append(sizes, len(l.Files))
		if token = l.NextPageToken; token == "" {
			return all, sizes
		}
	}
}

func TestPages(t *testing.T) {
	modes(t, drivetest.Options{}, func(t *testing.T, d *drivetest.Drive, s *drive.Service) {
		var all []string
		for i := range 205 {
			name := fmt.Sprintf("%03d", (i*7)%205)
			d.AddFile(d.Root(), name, nil)
			all = append(all, name)
		}
		in := "'" + d.Root() + "' in parents"
		got, sizes := pages(t, s.Files.List().Q(in))
		want(t, got, all...)
		want(t, sizes, 100, 100, 5)
		got, sizes = pages(t, s.Files.List().Q("mimeType != 'application/vnd.google-apps.folder'").PageSize(41))
		want(t, got, all...)
		want(t, sizes, 41, 41, 41, 41, 41)
		_, sizes = pages(t, s.Files.List().Q(in).PageSize(5000))
		want(t, sizes, 205)
		got, _ = pages(t, s.Files.List().Q(in).PageSize(3).OrderBy("name desc"))
		if len(got) != 205 || got[0] != "204" || got[204] != "000" || got[100] != "104" {
			t.Error(got)
		}
		got, _ = pages(t, s.Files.List().OrderBy("folder,name"))
		if len(got) != 206 || got[0] != "Library" || got[1] != "000" {
			t.Error(got)
		}

		l, err := s.Files.List().Q(in).PageSize(2).Do()
		must(t, l, err)
		for q, token := range map[string]string{in: "nonsense", "": l.NextPageToken, in + " ": "fiEhfg=="} {
			_, err = s.Files.List().Q(q).PageToken(token).Do()
			check(t, err, 400, "invalid")
		}
		_, err = s.Files.List().PageSize(0).Do()
		check(t, err, 400, "invalidParameter")
		_, err = s.Files.List().Q("name ~ 'x'").Do()
		if e := check(t, err, 400, "invalid"); !strings.Contains(e.Body, `"location": "q"`) {
			t.Error(e.Body)
		}
		_, err = s.Files.List().OrderBy("size").Do()
		check(t, err, 400, "invalid")
		_, err = s.Files.List().Corpora("all").Do()
		check(t, err, 400, "invalid")
	})
}

// TestPagesOfAChangingFolder: what stays is seen once, whatever goes and comes.
func TestPagesOfAChangingFolder(t *testing.T) {
	d := drivetest.New(drivetest.Options{MaxPage: 2})
	s := service(t, d)
	var ids []string
	for i := range 6 {
		ids = append(ids, d.AddFile(d.Root(), fmt.Sprint(i), nil))
	}
	in := "'" + d.Root() + "' in parents"
	l, err := s.Files.List().Q(in).PageSize(1000).Do()
	want(t, names(must(t, l, err).Files), "0", "1")
	for _, id := range ids[:3] {
		if d.Delete(id) != nil {
			t.Fatal("no delete")
		}
	}
	d.AddFile(d.Root(), "6", nil)
	got, _ := pages(t, s.Files.List().Q(in).PageToken(l.NextPageToken))
	if len(got) == 0 {
		t.Fatal("nothing")
	}
	l, err = s.Files.List().Q(in).PageToken(l.NextPageToken).Do()
	want(t, names(must(t, l, err).Files), "3", "4")
}

func TestOrder(t *testing.T) {
	now := time.Now()
	d := drivetest.New(drivetest.Options{Now: func() time.Time { now = now.Add(time.Second); return now }})
	s := service(t, d)
	d.AddFile(d.Root(), "b", []byte("xx"))
	a := d.AddFile(d.Root(), "a", []byte("xxx"))
	d.AddFile(d.Root(), "c", []byte("x"))
	if d.Replace(a, []byte("x")) != nil {
		t.Fatal("no replace")
	}
	for order, names := range map[string]string{
		"name": "abc", "name desc": "cba", "modifiedTime": "bca", "modifiedTime desc,name": "acb",
		"createdTime": "bac", "quotaBytesUsed desc, name": "bac", "": "bac", "starred,name_natural": "abc",
	} {
		got, _ := pages(t, s.Files.List().Q("'"+d.Root()+"' in parents").OrderBy(order).PageSize(1))
		if strings.Join(got, "") != names {
			t.Errorf("%s: %v", order, got)
		}
	}
}

// TestShapes looks at the JSON itself.
func TestShapes(t *testing.T) {
	d := drivetest.New(drivetest.Options{})
	d.AddFile(d.Root(), "empty", nil)
	raw := func(path string) map[string]any {
		t.Helper()
		res, err := d.Client().Get("https://www.googleapis.com/drive/v3/" + path)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		if err != nil || res.ContentLength != int64(len(body)) {
			t.Fatal(res.ContentLength, len(body), err)
		}
		var v map[string]any
		if err := json.Unmarshal(body, &v); err != nil {
			t.Fatal(err)
		}
		return v
	}
	equal := func(v any, want string) {
		t.Helper()
		if got, err := json.Marshal(v); err != nil || string(got) != want {
			t.Errorf("%s, %v; want %s", got, err, want)
		}
	}
	equal(raw("files?q=name='empty'&fields=files(size,trashed),incompleteSearch"), `{"files":[{"size":"0","trashed":false}],"incompleteSearch":false}`)
	equal(raw("files?q=name='no'"), `{"files":[],"incompleteSearch":false,"kind":"drive#fileList"}`)
	equal(raw("files?q=name='no'&fields=nextPageToken"), `{}`)
	equal(raw("files/no"), `{"error":{"code":404,"errors":[{"domain":"global","location":"fileId","locationType":"parameter","message":"File not found: no.","reason":"notFound"}],"message":"File not found: no."}}`)
	equal(raw("changes/startPageToken"), `{"kind":"drive#startPageToken","startPageToken":"1003"}`)
	equal(raw("changes"), `{"error":{"code":400,"errors":[{"domain":"global","location":"pageToken","locationType":"parameter","message":"Required parameter: pageToken","reason":"required"}],"message":"Required parameter: pageToken"}}`)
}

func TestUnknownPath(t *testing.T) {
	d := drivetest.New(drivetest.Options{})
	for _, path := range []string{"/about", "/files/", "/files/a/b", "/files/generateIds", "/"} {
		res, err := d.Client().Get("http://drive" + path)
		if err != nil {
			t.Fatal(err)
		}
		check(t, googleapi.CheckResponse(res), http.StatusForbidden, "insufficientPermissions")
	}
}
