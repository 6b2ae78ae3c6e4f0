package drivetest_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"google.golang.org/api/drive/v3"
	"google.golang.org/api/googleapi"
	"google.golang.org/api/option"

	"github.com/pressmark/pressmark/storage/gdrivestore/drivetest"
)

func service(t testing.TB, d *drivetest.Drive) *drive.Service {
	t.Helper()
	s, err := d.Service(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// modes runs a test in the process and over a socket.
func modes(t *testing.T, o drivetest.Options, test func(t *testing.T, d *drivetest.Drive, s *drive.Service)) {
	t.Run("process", func(t *testing.T) {
		d := drivetest.New(o)
		test(t, d, service(t, d))
	})
	for _, path := range []string{"", "/drive/v3/"} {
		t.Run("socket"+path, func(t *testing.T) {
			d := drivetest.New(o)
			url := d.Start(t)
			s, err := drive.NewService(t.Context(), option.WithEndpoint(url+path),
				option.WithAuthCredentialsJSON(option.ServiceAccount, d.Credentials(url)), option.WithScopes(drive.DriveReadonlyScope))
			if err != nil {
				t.Fatal(err)
			}
			test(t, d, s)
		})
	}
}

// check tells what an error of the API is.
func check(t testing.TB, err error, code int, reason string) *googleapi.Error {
	t.Helper()
	var e *googleapi.Error
	if !errors.As(err, &e) || e.Code != code || len(e.Errors) != 1 || e.Errors[0].Reason != reason || e.Message == "" {
		t.Fatalf("%v; want %d %s", err, code, reason)
	}
	return e
}

func must[T any](t testing.TB, v T, err error) T {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func names(files []*drive.File) []string {
	out := make([]string, len(files))
	for i, f := range files {
		out[i] = f.Name
	}
	return out
}

func search(t testing.TB, s *drive.Service, q string) []string {
	t.Helper()
	l, err := s.Files.List().Q(q).SupportsAllDrives(true).IncludeItemsFromAllDrives(true).Do()
	return names(must(t, l, err).Files)
}

func want[T comparable](t testing.TB, got []T, want ...T) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestMetadata(t *testing.T) {
	now := time.Now().UTC().Truncate(time.Millisecond) // assertions are checked by it
	modes(t, drivetest.Options{Now: func() time.Time { return now }, RootName: "Books"}, func(t *testing.T, d *drivetest.Drive, s *drive.Service) {
		id := d.Put("Ann/It (1)/it.epub", []byte("hello"))
		f := must2(t)(s.Files.Get(id).Fields("*").Do())
		if f.Name != "it.epub" || f.Size != 5 || f.Md5Checksum != "5d41402abc4b2a76b9719d911017c592" || f.MimeType != "application/epub+zip" ||
			f.Id != id || f.Trashed || f.ModifiedTime != now.Format("2006-01-02T15:04:05.000Z") || f.HeadRevisionId == "" || f.Version != 1 ||
			f.Sha1Checksum != "aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d" || f.Kind != "drive#file" || len(f.Parents) != 1 || f.DriveId != "" {
			t.Errorf("%+v", f)
		}
		now = now.Add(time.Minute)
		if again := d.Put("Ann/It (1)/it.epub", []byte("other")); again != id {
			t.Error("another id")
		}
		g := must2(t)(s.Files.Get(id).Fields("version,headRevisionId", "modifiedTime", "md5Checksum,parents").Do())
		if g.Version != 2 || g.HeadRevisionId == f.HeadRevisionId || g.ModifiedTime == f.ModifiedTime || g.Md5Checksum == f.Md5Checksum || g.Name != "" || g.Size != 0 {
			t.Errorf("%+v", g)
		}
		folder := must2(t)(s.Files.Get(f.Parents[0]).Do())
		if folder.Name != "It (1)" || folder.MimeType != "application/vnd.google-apps.folder" || folder.Kind == "" || folder.Parents != nil {
			t.Errorf("%+v", folder)
		}
		if root := must2(t)(s.Files.Get(d.Root()).Fields("name,parents").Do()); root.Name != "Books" || len(root.Parents) != 1 {
			t.Errorf("%+v", root)
		}

		doc, short := d.AddDocument(d.Root(), "notes"), d.AddShortcut(d.Root(), "s", id)
		if f := must2(t)(s.Files.Get(doc).Fields("*").Do()); f.Md5Checksum != "" || f.HeadRevisionId != "" || f.Size == 0 {
			t.Errorf("%+v", f)
		}
		f = must2(t)(s.Files.Get(short).Fields("shortcutDetails(targetId,targetMimeType)").Do())
		if f.ShortcutDetails.TargetId != id || f.ShortcutDetails.TargetMimeType != "application/epub+zip" {
			t.Errorf("%+v", f.ShortcutDetails)
		}
		_, err := s.Files.Get("nonsense").Do()
		if e := check(t, err, 404, "notFound"); e.Message != "File not found: nonsense." {
			t.Error(e.Message)
		}
		_, err = s.Files.Get(id).Fields("nonsense").Do()
		check(t, err, 400, "invalidParameter")
		_, err = s.Files.Create(&drive.File{Name: "no"}).Do()
		check(t, err, 403, "insufficientPermissions")
		check(t, s.Files.Delete(id).Do(), 403, "insufficientPermissions")
		if c := d.Calls(); c.Other != 2 || c.Get != 8 || c.API() != 10 {
			t.Errorf("%+v", c)
		}
	})
}

// must2 returns the value of a call that may fail.
func must2(t testing.TB) func(*drive.File, error) *drive.File {
	return func(f *drive.File, err error) *drive.File { t.Helper(); return must(t, f, err) }
}

func TestContentChanges(t *testing.T) {
	d := drivetest.New(drivetest.Options{})
	s := service(t, d)
	a, b := d.AddFolder(d.Root(), "a"), d.AddFolder(d.Root(), "b")
	f := d.AddFile(a, "f", []byte("x"))
	twin := d.AddFile(a, "f", []byte("y"))
	want(t, search(t, s, "'"+a+"' in parents"), "f", "f")
	if d.Move(twin, b) != nil || d.Rename(twin, `it's a \ / "name"`) != nil {
		t.Fatal("no move")
	}
	want(t, search(t, s, "'"+a+"' in parents"), "f")
	want(t, search(t, s, "'"+b+"' in parents or '"+a+"' in parents"), "f", `it's a \ / "name"`)
	want(t, search(t, s, `name = 'it\'s a \\ / "name"'`), `it's a \ / "name"`)
	if err := d.Move(a, a); err == nil {
		t.Error("a folder is in itself")
	}
	if d.Trash(a) != nil {
		t.Fatal("no trash")
	}
	g := must2(t)(s.Files.Get(f).Fields("trashed,explicitlyTrashed").Do())
	if !g.Trashed || g.ExplicitlyTrashed {
		t.Errorf("%+v", g)
	}
	want(t, search(t, s, "trashed = true"), "a", "f")
	if d.Untrash(a) != nil || d.Delete(a) != nil {
		t.Fatal("no delete")
	}
	_, err := s.Files.Get(f).Do()
	check(t, err, 404, "notFound")
	_, err = s.Files.List().Q("'" + b + "' in parents or '" + a + "' in parents").Do()
	if e := check(t, err, 404, "notFound"); e.Message != "File not found: ." {
		t.Error(e.Message)
	}
	for _, err := range []error{d.Rename(f, "x"), d.Delete(a), d.Replace(b, nil)} {
		if err == nil {
			t.Error("no error")
		}
	}
	if d.Replace(twin, []byte("z")) != nil || string(d.Content(twin)) != "z" || d.Content(b) != nil {
		t.Error("not replaced")
	}
	orphan := d.AddFile("elsewhere", "o", nil)
	if o := must2(t)(s.Files.Get(orphan).Fields("parents").Do()); o.Parents != nil {
		t.Errorf("%+v", o)
	}
	if id, ok := d.Lookup("b/" + `it's a \`); ok {
		t.Error(id)
	}
	if id := d.Put("b/c/d", nil); id != mustLookup(t, d, "b/c/d") {
		t.Error("another")
	}
}

func mustLookup(t testing.TB, d *drivetest.Drive, key string) string {
	t.Helper()
	id, ok := d.Lookup(key)
	if !ok {
		t.Fatal("no", key)
	}
	return id
}

func TestSharedDrive(t *testing.T) {
	modes(t, drivetest.Options{SharedDrive: true}, func(t *testing.T, d *drivetest.Drive, s *drive.Service) {
		id := d.Put("f", []byte("x"))
		elsewhere := d.AddFile("", "g", nil)
		_, err := s.Files.Get(id).Do()
		check(t, err, 404, "notFound")
		_, err = s.Files.Get(id).Download()
		check(t, err, 404, "notFound")
		f := must2(t)(s.Files.Get(id).SupportsAllDrives(true).Fields("driveId").Do())
		if f.DriveId != d.SharedDriveID() || f.DriveId == "" {
			t.Errorf("%+v", f)
		}
		must2(t)(s.Files.Get(elsewhere).Do())

		got, err := s.Files.List().Do()
		want(t, names(must(t, got, err).Files), "g")
		got, err = s.Files.List().SupportsAllDrives(true).Do()
		want(t, names(must(t, got, err).Files), "g")
		got, err = s.Files.List().IncludeItemsFromAllDrives(true).Do()
		want(t, names(must(t, got, err).Files), "g")
		got, err = s.Files.List().SupportsAllDrives(true).IncludeItemsFromAllDrives(true).Corpora("drive").DriveId(d.SharedDriveID()).Do()
		want(t, names(must(t, got, err).Files), "Library", "f")
		want(t, search(t, s, ""), "Library", "f", "g")
		_, err = s.Files.List().Q("'" + d.Root() + "' in parents").Do()
		check(t, err, 404, "notFound")
		_, err = s.Files.List().Corpora("drive").Do()
		check(t, err, 400, "invalid")
		_, err = s.Files.List().DriveId(d.SharedDriveID()).Do()
		check(t, err, 400, "invalid")
		_, err = s.Files.List().Corpora("drive").DriveId("0A").Do()
		check(t, err, 404, "notFound")

		c, err := s.Changes.List("1000").Do()
		if must(t, c, err); len(c.Changes) != 1 || c.Changes[0].FileId != elsewhere {
			t.Errorf("%+v", c.Changes)
		}
		c, err = s.Changes.List("1000").SupportsAllDrives(true).IncludeItemsFromAllDrives(true).DriveId(d.SharedDriveID()).Do()
		if must(t, c, err); len(c.Changes) != 2 || c.Changes[1].FileId != id || c.Changes[1].DriveId != d.SharedDriveID() {
			t.Errorf("%+v", c.Changes)
		}
		c, err = s.Changes.List("1000").SupportsAllDrives(true).IncludeItemsFromAllDrives(true).RestrictToMyDrive(true).Do()
		if must(t, c, err); len(c.Changes) != 1 {
			t.Errorf("%+v", c.Changes)
		}
	})
}
