package drivetest_test

import (
	"fmt"
	"testing"

	"google.golang.org/api/drive/v3"

	"github.com/pressmark/pressmark/storage/gdrivestore/drivetest"
)

func start(t testing.TB, s *drive.Service) string {
	t.Helper()
	p, err := s.Changes.GetStartPageToken().Do()
	return must(t, p, err).StartPageToken
}

func changes(t testing.TB, s *drive.Service, token string) *drive.ChangeList {
	t.Helper()
	c, err := s.Changes.List(token).Fields("*").Do()
	return must(t, c, err)
}

func TestChanges(t *testing.T) {
	modes(t, drivetest.Options{}, func(t *testing.T, d *drivetest.Drive, s *drive.Service) {
		a, b := d.AddFolder(d.Root(), "a"), d.AddFolder(d.Root(), "b")
		f, g := d.AddFile(a, "f", []byte("1")), d.AddFile(a, "g", nil)
		token := start(t, s)
		if c := changes(t, s, token); len(c.Changes) != 0 || c.NewStartPageToken != token || c.NextPageToken != "" {
			t.Errorf("%+v", c)
		}
		for i, err := range []error{d.Replace(f, []byte("22")), d.Move(f, b), d.Rename(g, "h"), d.Rename(f, "ff"), d.Trash(g)} {
			if err != nil {
				t.Fatal(i, err)
			}
		}
		c := changes(t, s, token)
		if len(c.Changes) != 2 { // the last of each
			t.Fatalf("%+v", c.Changes)
		}
		one, two := c.Changes[0], c.Changes[1]
		if one.FileId != f || one.Removed || one.ChangeType != "file" || one.Time == "" || one.File.Size != 2 || one.File.Name != "ff" || one.File.Parents[0] != b || one.File.Trashed {
			t.Errorf("%+v %+v", one, one.File)
		}
		if two.FileId != g || !two.File.Trashed || two.File.Name != "h" || two.Removed {
			t.Errorf("%+v", two)
		}
		if c.NewStartPageToken != start(t, s) {
			t.Error(c.NewStartPageToken)
		}

		token = c.NewStartPageToken
		if d.Delete(f) != nil || d.Delete(a) != nil { // g goes with a
			t.Fatal("no delete")
		}
		c = changes(t, s, token)
		if len(c.Changes) != 2 || c.Changes[0].FileId != f || !c.Changes[0].Removed || c.Changes[0].File != nil || c.Changes[1].FileId != a {
			t.Errorf("%+v", c.Changes)
		}
		c, err := s.Changes.List(token).IncludeRemoved(false).Do()
		if must(t, c, err); len(c.Changes) != 0 || c.NewStartPageToken == "" {
			t.Errorf("%+v", c)
		}
		for _, bad := range []string{"x", "-1", "1", "999999"} {
			_, err := s.Changes.List(bad).Do()
			check(t, err, 400, "invalid")
		}
		_, err = s.Changes.List(token).DriveId("0A").Do()
		check(t, err, 404, "notFound")
		_, err = s.Changes.List(token).Fields("files").Do()
		check(t, err, 400, "invalidParameter")
	})
}

func TestChangesByPage(t *testing.T) {
	d := drivetest.New(drivetest.Options{})
	s := service(t, d)
	token := start(t, s)
	for i := range 25 {
		d.Put(fmt.Sprint(i%23), []byte{byte(i)})
	}
	var got []string
	var sizes []int
	for token != "" {
		c, err := s.Changes.List(token).PageSize(10).Fields("newStartPageToken,nextPageToken,changes(file(name),fileId)").Do()
		for _, c := range must(t, c, err).Changes {
			if got = append(got, c.File.Name); c.Time != "" || c.File.Id != "" {
				t.Errorf("%+v", c)
			}
		}
		sizes = append(sizes, len(c.Changes))
		if (c.NextPageToken == "") == (c.NewStartPageToken == "") {
			t.Errorf("%+v", c)
		}
		token = c.NextPageToken
	}
	want(t, sizes, 10, 10, 3)
	if got[0] != "2" || got[22] != "1" || got[21] != "0" {
		t.Error(got)
	}
}

// TestForbiddenAltogether: a file that is no longer shared is gone for the client.
func TestForbiddenAltogether(t *testing.T) {
	d := drivetest.New(drivetest.Options{})
	s := service(t, d)
	folder := d.AddFolder(d.Root(), "a")
	f := d.AddFile(folder, "f", nil)
	token := start(t, s)
	if d.Forbid(folder, "notFound") != nil {
		t.Fatal("no forbid")
	}
	_, err := s.Files.Get(f).Do()
	check(t, err, 404, "notFound")
	want(t, search(t, s, ""), "Library")
	if c := changes(t, s, token); len(c.Changes) != 1 || !c.Changes[0].Removed || c.Changes[0].FileId != folder {
		t.Errorf("%+v", c.Changes)
	}
	if d.Forbid(folder, "") != nil {
		t.Fatal("no forbid")
	}
	want(t, search(t, s, ""), "Library", "a", "f")
	if c := changes(t, s, token); len(c.Changes) != 1 || c.Changes[0].Removed {
		t.Errorf("%+v", c.Changes)
	}
}
