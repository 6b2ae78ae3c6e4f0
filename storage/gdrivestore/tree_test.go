package gdrivestore_test

import (
	"bytes"
	"errors"
	"io/fs"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pressmark/pressmark/cache/memcache"
	"github.com/pressmark/pressmark/storage"
	"github.com/pressmark/pressmark/storage/gdrivestore"
	"github.com/pressmark/pressmark/storage/gdrivestore/drivetest"
)

func listed(t testing.TB, s storage.Store, prefix string) (keys []string) {
	t.Helper()
	for info, err := range s.List(t.Context(), prefix) {
		if err != nil {
			t.Fatal(err)
		}
		stat, err := s.Stat(t.Context(), info.Key)
		if err != nil || stat != info {
			t.Errorf("Stat(%q) = %+v, %v; List says %+v", info.Key, stat, err, info)
		}
		keys = append(keys, info.Key)
	}
	return keys
}

// What happens in Drive is seen after the poll interval, in all processes.
func TestChanges(t *testing.T) {
	const other = "Maren Holloway/The Salt Road (2)/The Salt Road - Maren Holloway.epub"
	for name, test := range map[string]struct {
		change func(d *drivetest.Drive)
		gone   []string
		have   map[string]string
	}{
		"replaced": {func(d *drivetest.Drive) { d.Put(tide, []byte("new")) }, nil, map[string]string{tide: "new", other: "other"}},
		"added":    {func(d *drivetest.Drive) { d.Put("New/Book (3)/Book - New.epub", []byte("3")) }, nil, map[string]string{tide: "old", "New/Book (3)/Book - New.epub": "3"}},
		"file renamed": {func(d *drivetest.Drive) {
			id, _ := d.Lookup("plain/file.txt")
			d.Rename(id, "other.txt")
		}, []string{"plain/file.txt"}, map[string]string{"plain/other.txt": "plain"}},
		"folder renamed": {func(d *drivetest.Drive) {
			id, _ := d.Lookup("plain")
			d.Rename(id, "simple")
		}, []string{"plain/file.txt"}, map[string]string{"simple/file.txt": "plain"}},
		"file moved": {func(d *drivetest.Drive) {
			id, _ := d.Lookup("plain/file.txt")
			d.Move(id, d.Root())
		}, []string{"plain/file.txt"}, map[string]string{"file.txt": "plain"}},
		"folder moved out": {func(d *drivetest.Drive) {
			id, _ := d.Lookup("plain")
			d.Move(id, "")
		}, []string{"plain/file.txt"}, map[string]string{tide: "old"}},
		"trashed": {func(d *drivetest.Drive) {
			id, _ := d.Lookup("plain/file.txt")
			d.Trash(id)
		}, []string{"plain/file.txt"}, nil},
		"folder trashed": {func(d *drivetest.Drive) {
			id, _ := d.Lookup("Maren Holloway")
			d.Trash(id)
		}, []string{tide, other}, map[string]string{"plain/file.txt": "plain"}},
		"deleted": {func(d *drivetest.Drive) {
			id, _ := d.Lookup(tide)
			d.Delete(id)
		}, []string{tide}, map[string]string{other: "other"}},
		"no longer shared": {func(d *drivetest.Drive) {
			id, _ := d.Lookup("plain/file.txt")
			d.Forbid(id, "notFound")
		}, []string{"plain/file.txt"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				d := drivetest.New(drivetest.Options{})
				d.Put(tide, []byte("old"))
				d.Put(other, []byte("other"))
				d.Put("plain/file.txt", []byte("plain"))
				shared := memcache.NewShared(nil)
				one := open(t, d, gdrivestore.Options{Cache: cached(shared)})
				two := open(t, d, gdrivestore.Options{Cache: cached(shared)})
				for range 2 { // also after what was known before the first look
					for _, s := range []*gdrivestore.Store{one, two} {
						want(t, s, tide, "old")
						listed(t, s, "")
					}
					<-time.After(3 * time.Minute)
				}
				test.change(d)
				<-time.After(3 * time.Minute)
				three := open(t, d, gdrivestore.Options{Cache: cached(shared)}) // which was not there
				for i, s := range []*gdrivestore.Store{one, two, three} {
					for _, key := range test.gone {
						if _, err := s.Stat(t.Context(), key); !errors.Is(err, fs.ErrNotExist) {
							t.Errorf("process %d: %s: %v, want fs.ErrNotExist", i, key, err)
						}
					}
					for key, content := range test.have {
						want(t, s, key, content)
					}
					if keys := listed(t, s, ""); slices.ContainsFunc(test.gone, func(key string) bool { return slices.Contains(keys, key) }) {
						t.Errorf("process %d lists %q", i, keys)
					}
				}
			})
		})
	}
}

// A file that is missing is looked for at once, without an interval.
func TestNewFile(t *testing.T) {
	bubble(t, func(t *testing.T) {
		d := drivetest.New(drivetest.Options{})
		d.Put(tide, []byte("old"))
		s := open(t, d, gdrivestore.Options{Cache: cached(nil)})
		want(t, s, tide, "old")
		const key = "Maren Holloway/The Salt Road (2)/The Salt Road - Maren Holloway.epub"
		missing(t, s, key)
		d.Put(key, []byte("new"))
		<-time.After(6 * time.Second)
		want(t, s, key, "new")
		d.Reset()
		for range 50 {
			missing(t, s, "Nobody/Nothing/none.txt")
		}
		if n := d.Calls().API(); n > 1 {
			t.Errorf("%d requests for what is not there", n)
		}
	})
}

// A library that rclone has not brought up to date: files under the names that
// they had before Calibre changed title and author.
func TestBehind(t *testing.T) {
	bubble(t, func(t *testing.T) {
		d := drivetest.New(drivetest.Options{})
		dir := "Maren Holloway/The Tide Clerk (1)/"
		d.Put(dir+"cover.jpg", []byte("cover"))
		d.Put(tide, []byte("content"))
		d.Put("Maren Holloway/The Tide Clerk (11)/The Tide Clerk - Maren Holloway.epub", []byte("another book"))
		d.Put("Somebody/Else (2)/Else - Somebody.pdf", []byte("pdf"))
		s := open(t, d, gdrivestore.Options{Cache: cached(nil)})
		for key, content := range map[string]string{
			"Maren Holloway/A Clerk of Tides (1)/A Clerk of Tides - Maren Holloway.epub": "content",
			"M. Holloway/A Clerk of Tides (1)/A Clerk of Tides - M. Holloway.epub":       "content",
			"M. Holloway/The Tide Clerk (1)/cover.jpg":                                   "cover",
			"Maren Holloway/The Tide Clerk (1)/Renamed.EPUB":                             "content",
			"Maren Holloway/Else (2)/Else - Maren Holloway.pdf":                          "pdf",
		} {
			want(t, s, key, content)
		}
		for _, key := range []string{
			"Maren Holloway/The Tide Clerk (1)/Renamed.mobi",
			"Maren Holloway/The Tide Clerk (1)/metadata.opf",
			"M. Holloway/A Clerk of Tides (3)/A Clerk of Tides - M. Holloway.epub",
			"Maren Holloway/The Tide Clerk/The Tide Clerk.epub",
		} {
			missing(t, s, key)
		}
	})
}

func TestNames(t *testing.T) {
	bubble(t, func(t *testing.T) {
		d := drivetest.New(drivetest.Options{})
		d.Put(`O'Dwyer \ Söhne/It's \'quoted\' (1)/a'b\.epub`, []byte("quotes"))
		d.Put("Cafe\u0301/e\u0301.txt", []byte("decomposed"))
		d.Put("Caf\u00e9 2/\u00e9.txt", []byte("composed"))
		d.AddFile(d.Root(), "with/slash.txt", []byte("no key"))
		d.AddDocument(d.Root(), "document")
		log := &bytes.Buffer{}
		s := open(t, d, gdrivestore.Options{Cache: cached(nil), Logger: slog.New(slog.NewTextHandler(log, nil))})
		want(t, s, `O'Dwyer \ Söhne/It's \'quoted\' (1)/a'b\.epub`, "quotes")
		want(t, s, "Caf\u00e9/\u00e9.txt", "decomposed")
		want(t, s, "Cafe\u0301 2/e\u0301.txt", "composed")
		missing(t, s, "with/slash.txt")
		missing(t, s, "document")

		// Two of one name, and two folders.
		folder := d.AddFolder(d.Root(), "twice")
		d.AddFile(folder, "file", []byte("older"))
		<-time.After(time.Second)
		d.AddFile(folder, "file", []byte("newer"))
		<-time.After(time.Second)
		again := d.AddFolder(d.Root(), "twice")
		d.AddFile(again, "only here", []byte("again"))
		<-time.After(10 * time.Second)
		want(t, s, "twice/only here", "again")
		want(t, s, "twice/file", "newer")
		if got := listed(t, s, "twice/"); !slices.Equal(got, []string{"twice/file", "twice/only here"}) {
			t.Errorf("lists %q", got)
		}
		if !strings.Contains(log.String(), "have one name") || !strings.Contains(log.String(), "name=file") {
			t.Errorf("nobody is told: %s", log)
		}

		// Shortcuts, to a file, to a folder, and to nothing.
		elsewhere := d.AddFolder("", "elsewhere")
		file := d.AddFile(elsewhere, "some file", []byte("linked"))
		d.AddShortcut(folder, "link.txt", file)
		d.AddShortcut(d.Root(), "linked", elsewhere)
		d.AddShortcut(folder, "nothing.txt", "nope")
		<-time.After(10 * time.Second)
		want(t, s, "twice/link.txt", "linked")
		want(t, s, "linked/some file", "linked")
		missing(t, s, "twice/nothing.txt")
		if got := listed(t, s, "twice/l"); !slices.Equal(got, []string{"twice/link.txt"}) {
			t.Errorf("lists %q", got)
		}
		d.Replace(file, []byte("linked anew"))
		<-time.After(5 * time.Minute)
		missing(t, s, "nothing")
		want(t, s, "twice/link.txt", "linked anew")
	})
}

// While Drive does not answer, what is known is used.
func TestOutage(t *testing.T) {
	bubble(t, func(t *testing.T) {
		d, keys := lib(drivetest.Options{}, 50)
		s := open(t, d, gdrivestore.Options{Cache: cached(nil)})
		listed(t, s, "")
		<-time.After(5 * time.Minute)
		listed(t, s, "")
		d.Fail(func(drivetest.Request) drivetest.Fault { return drivetest.Fault{Status: http.StatusServiceUnavailable} })
		for range 3 {
			<-time.After(time.Hour)
			for _, key := range keys {
				if _, err := s.Stat(t.Context(), key); err != nil {
					t.Fatal(err)
				}
			}
		}
		if _, err := get(t, s, keys[0], storage.Range{}); !errors.Is(err, storage.ErrUnavailable) {
			t.Errorf("a download: %v", err)
		}
		d.Fail(nil)
		<-time.After(time.Minute)
		want(t, s, keys[0], "content of "+keys[0])
	})
}

// A list that Drive says is not complete is not believed.
func TestIncomplete(t *testing.T) {
	bubble(t, func(t *testing.T) {
		d, keys := lib(drivetest.Options{}, 5)
		n := 0
		d.Fail(func(r drivetest.Request) drivetest.Fault {
			if r.Op == drivetest.OpList {
				n++
			}
			return drivetest.Fault{Incomplete: r.Op == drivetest.OpList && n < 4}
		})
		s := open(t, d, gdrivestore.Options{Cache: cached(nil)})
		want(t, s, keys[0], "content of "+keys[0])
		d.Fail(func(drivetest.Request) drivetest.Fault { return drivetest.Fault{Incomplete: true} })
		s = open(t, d, gdrivestore.Options{Cache: cached(nil)})
		if _, err := s.Stat(t.Context(), "nothing"); !errors.Is(err, storage.ErrUnavailable) {
			t.Errorf("%v, want storage.ErrUnavailable", err)
		}
	})
}

// Many ask for one book at once, and Drive is asked once.
func TestTogether(t *testing.T) {
	bubble(t, func(t *testing.T) {
		d, keys := lib(drivetest.Options{Latency: 150 * time.Millisecond}, 300)
		s := open(t, d, gdrivestore.Options{Cache: cached(nil)})
		done := make(chan error)
		for range 200 {
			go func() {
				_, err := s.Stat(t.Context(), keys[17])
				done <- err
			}()
		}
		for range 200 {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		<-time.After(time.Minute)
		if n := d.Calls().API(); n > 7 { // a token for changes takes 2, the walk 3, a guess 1
			t.Errorf("%d requests: %+v", n, d.Calls())
		}
	})
}
