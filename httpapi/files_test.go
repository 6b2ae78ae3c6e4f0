package httpapi_test

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/jpeg"
	"io"
	"log/slog"
	"math/rand/v2"
	"mime"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pressmark/pressmark/catalog"
	"github.com/pressmark/pressmark/catalog/index"
	"github.com/pressmark/pressmark/httpapi"
	"github.com/pressmark/pressmark/storage/localstore"
)

// shelf is a library with files on disk, whose catalog the test changes.
type shelf struct {
	tb   testing.TB
	dir  string
	live *refreshing
	api  *httpapi.API
}

// refreshing is a Live reader that the test tells what a refresh does.
type refreshing struct {
	*swapping
	status  catalog.Status
	refresh func(context.Context) error
}

func (r *refreshing) Status() catalog.Status            { return r.status }
func (r *refreshing) Refresh(ctx context.Context) error { return r.refresh(ctx) }

func newShelf(tb testing.TB, books ...catalog.Book) *shelf {
	tb.Helper()
	s := &shelf{tb: tb, dir: tb.TempDir(), live: &refreshing{swapping: newSwapping(nil), refresh: func(context.Context) error { return nil }}}
	s.catalog(books...)
	s.remake()
	return s
}

// remake makes the API, with other options.
func (s *shelf) remake(change ...func(*httpapi.Options)) {
	s.tb.Helper()
	files := localstore.New(s.dir, localstore.Options{Hidden: []string{"metadata.db"}})
	o := httpapi.Options{
		PublicRead: true, Logger: slog.New(slog.DiscardHandler),
		Libraries: []httpapi.Library{{Name: "main", Catalog: s.live, Files: files}},
	}
	for _, c := range change {
		c(&o)
	}
	var err error
	if s.api, err = httpapi.New(o); err != nil {
		s.tb.Fatal(err)
	}
}

// catalog makes these the books of the library.
func (s *shelf) catalog(books ...catalog.Book) {
	s.tb.Helper()
	b, err := index.NewBuilder(index.Meta{Library: "uuid", Fields: catalog.Builtin(false)},
		index.Options{Dir: s.tb.TempDir(), Encode: httpapi.BookEncoder("main", "")})
	if err != nil {
		s.tb.Fatal(err)
	}
	for i := range books {
		if err := b.Add(&books[i]); err != nil {
			s.tb.Fatal(err)
		}
	}
	ix, err := b.Build(context.Background())
	if err != nil {
		s.tb.Fatal(err)
	}
	s.live.set(ix)
}

func (s *shelf) write(key string, content []byte) {
	s.tb.Helper()
	name := filepath.Join(s.dir, filepath.FromSlash(key))
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		s.tb.Fatal(err)
	}
	if err := os.WriteFile(name, content, 0o644); err != nil {
		s.tb.Fatal(err)
	}
}

func (s *shelf) rename(from, to string) {
	s.tb.Helper()
	to = filepath.Join(s.dir, to)
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		s.tb.Fatal(err)
	}
	if err := os.Rename(filepath.Join(s.dir, from), to); err != nil {
		s.tb.Fatal(err)
	}
}

// tide is book 1 with two formats and a cover, in the folder given.
func tide(folder string) catalog.Book {
	name := "The Tide Clerk - Maren Holloway"
	return catalog.Book{
		ID: 1, UUID: "3b483bb1-14b5-4b7c-86bb-3f3f77d1806e", Title: "The Tide Clerk", TitleSort: "Tide Clerk, The",
		Authors: []catalog.Item{{ID: 1, Name: "Maren Holloway", Sort: "Holloway, Maren"}}, AuthorSort: "Holloway, Maren",
		Modified: time.Date(2026, 11, 23, 19, 31, 2, 412e6, time.UTC),
		Path:     folder, Cover: folder + "/cover.jpg",
		Formats: []catalog.Format{
			{Name: "EPUB", File: name + ".epub", Size: 8120, Key: folder + "/" + name + ".epub"},
			{Name: "PDF", File: name + ".pdf", Size: 10, Key: folder + "/" + name + ".pdf"},
		},
	}
}

const (
	tideFolder = "Maren Holloway/The Tide Clerk (1)"
	tideEPUB   = tideFolder + "/The Tide Clerk - Maren Holloway.epub"
	tideURL    = "/api/files/download/1/epub"
)

// tideShelf has book 1 with all files where they belong.
func tideShelf(tb testing.TB, change ...func(*httpapi.Options)) (*shelf, []byte) {
	content := noise(8120)
	s := newShelf(tb, tide(tideFolder))
	s.remake(change...)
	s.write(tideEPUB, content)
	s.write(strings.TrimSuffix(tideEPUB, "epub")+"pdf", []byte("%PDF-1.7\n…"))
	s.write(tideFolder+"/cover.jpg", jpegOf(tb, 600, 800))
	return s, content
}

func noise(n int) []byte {
	b := make([]byte, n)
	r := rand.New(rand.NewPCG(1, 2))
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

func jpegOf(tb testing.TB, w, h int) []byte {
	img := image.NewYCbCr(image.Rect(0, 0, w, h), image.YCbCrSubsampleRatio420)
	for i := range img.Y {
		img.Y[i] = byte(i*7 + i/w)
	}
	var out bytes.Buffer
	if err := jpeg.Encode(&out, img, nil); err != nil {
		tb.Fatal(err)
	}
	return out.Bytes()
}

func wantBody(tb testing.TB, h http.Handler, path string, want []byte) {
	tb.Helper()
	if w := get(h, path); w.Code != http.StatusOK || !bytes.Equal(w.Body.Bytes(), want) {
		tb.Fatalf("GET %s is %d with %d bytes, want 200 with %d: %.300s", path, w.Code, w.Body.Len(), len(want), w.Body)
	}
}

func TestDownload(t *testing.T) {
	s, content := tideShelf(t)
	w := get(s.api, "/api/files/download/1/EPUB?library=main")
	if w.Code != http.StatusOK || !bytes.Equal(w.Body.Bytes(), content) {
		t.Fatalf("%d, %d bytes", w.Code, w.Body.Len())
	}
	for k, want := range map[string]string{
		"Content-Type": "application/epub+zip", "Content-Length": "8120", "Accept-Ranges": "bytes",
		"X-Content-Type-Options": "nosniff", "Content-Encoding": "",
		"Content-Security-Policy": "default-src 'none'; sandbox; frame-ancestors 'none'",
		"Content-Disposition":     `attachment; filename="The Tide Clerk - Maren Holloway.epub"; filename*=UTF-8''The%20Tide%20Clerk%20-%20Maren%20Holloway.epub`,
	} {
		if got := w.Header().Get(k); got != want {
			t.Errorf("%s: %q, want %q", k, got, want)
		}
	}
	tag, modified := w.Header().Get("Etag"), w.Header().Get("Last-Modified")
	if !strings.HasPrefix(tag, `"`) || modified == "" {
		t.Fatalf("ETag %q, Last-Modified %q", tag, modified)
	}
	for _, head := range []struct {
		header, value string
		status        int
	}{
		{"If-None-Match", tag, 304},
		{"If-None-Match", "W/" + tag, 304},
		{"If-None-Match", `"other"`, 200},
		{"If-Modified-Since", modified, 304},
		{"If-Match", tag, 200},
	} {
		if w := get(s.api, tideURL, head.header, head.value); w.Code != head.status {
			t.Errorf("%s: %s is %d, want %d", head.header, head.value, w.Code, head.status)
		}
	}
	wantProblem(t, get(s.api, tideURL, "If-Match", `"other"`), http.StatusPreconditionFailed, "")
	if w := do(s.api, http.MethodHead, tideURL); w.Code != 200 || w.Body.Len() != 0 || w.Header().Get("Content-Length") != "8120" {
		t.Errorf("HEAD is %d with %d bytes, Content-Length %s", w.Code, w.Body.Len(), w.Header().Get("Content-Length"))
	}

	// A file that changes though no row does has another tag.
	s.write(tideEPUB, content[1:])
	if w := get(s.api, tideURL, "If-None-Match", tag); w.Code != 200 || w.Body.Len() != len(content)-1 {
		t.Errorf("after a change: %d with %d bytes", w.Code, w.Body.Len())
	}
}

func TestDownloadRanges(t *testing.T) {
	s, content := tideShelf(t)
	tag := get(s.api, tideURL).Header().Get("Etag")
	many := "bytes=0-0" + strings.Repeat(",2-2", 99)
	for _, c := range []struct {
		rng, ifRange string
		status       int
		want         []byte
		contentRange string
	}{
		{"bytes=0-99", "", 206, content[:100], "bytes 0-99/8120"},
		{"bytes=8000-", "", 206, content[8000:], "bytes 8000-8119/8120"},
		{"bytes=8000-99999", "", 206, content[8000:], "bytes 8000-8119/8120"},
		{"bytes=-20", "", 206, content[8100:], "bytes 8100-8119/8120"},
		{"bytes=-99999", "", 206, content, "bytes 0-8119/8120"},
		{"BYTES=5-6", "", 206, content[5:7], "bytes 5-6/8120"},
		{"bytes=0-9", tag, 206, content[:10], "bytes 0-9/8120"},
		{"bytes=0-9", `"other"`, 200, content, ""},
		{"items=0-9", "", 200, content, ""}, // a unit that is not known is ignored
		{"nonsense", "", 200, content, ""},
		{many, "", 200, content, ""},
		{"bytes=8120-", "", 416, nil, "bytes */8120"},
		{"bytes=9999-10000", "", 416, nil, "bytes */8120"},
		{"bytes=9-5", "", 416, nil, "bytes */8120"},
		{"bytes=a-b", "", 416, nil, "bytes */8120"},
		{"bytes=--5", "", 416, nil, "bytes */8120"},
		{"bytes=99999999999999999999-", "", 416, nil, "bytes */8120"},
	} {
		header := []string{"Range", c.rng}
		if c.ifRange != "" {
			header = append(header, "If-Range", c.ifRange)
		}
		w := get(s.api, tideURL, header...)
		if w.Code != c.status || w.Header().Get("Content-Range") != c.contentRange {
			t.Errorf("Range %s is %d, %q, want %d, %q", c.rng, w.Code, w.Header().Get("Content-Range"), c.status, c.contentRange)
		}
		if c.status == 416 {
			wantProblem(t, w, 416, "")
		} else if !bytes.Equal(w.Body.Bytes(), c.want) {
			t.Errorf("Range %s gives %d bytes, want %d", c.rng, w.Body.Len(), len(c.want))
		}
	}

	w := get(s.api, tideURL, "Range", "bytes=0-9,-5")
	_, p, err := mime.ParseMediaType(w.Header().Get("Content-Type"))
	if w.Code != 206 || err != nil {
		t.Fatal(w.Code, err)
	}
	parts := multipart.NewReader(w.Body, p["boundary"])
	for _, want := range [][]byte{content[:10], content[8115:]} {
		part, err := parts.NextPart()
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(part); err != nil || !bytes.Equal(got, want) || part.Header.Get("Content-Type") != "application/epub+zip" {
			t.Errorf("part %v: %d bytes, %v", part.Header, len(got), err)
		}
	}
}

// FuzzRange checks that no Range makes anything but a right answer: the whole,
// exactly the part that Content-Range says, parts, or 416.
func FuzzRange(f *testing.F) {
	for _, s := range []string{"bytes=0-1", "bytes=-1", "bytes=5-", "bytes=0-1,4-5", "x=1", "bytes=", "bytes=,", "bytes= 1 - 2", "bytes=1-2-3", "bytes=-0"} {
		f.Add(s)
	}
	s, content := tideShelf(f)
	f.Fuzz(func(t *testing.T, rng string) {
		if strings.ContainsFunc(rng, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			t.Skip("net/http refuses such a header")
		}
		w := get(s.api, tideURL, "Range", rng)
		switch w.Code {
		case 200:
			if !bytes.Equal(w.Body.Bytes(), content) {
				t.Fatalf("200 with %d bytes", w.Body.Len())
			}
		case 206:
			if strings.HasPrefix(w.Header().Get("Content-Type"), "multipart/") {
				break
			}
			var from, to, size int
			if n, _ := fmt.Sscanf(w.Header().Get("Content-Range"), "bytes %d-%d/%d", &from, &to, &size); n != 3 || size != len(content) || !bytes.Equal(w.Body.Bytes(), content[from:to+1]) {
				t.Fatalf("206 %q with %d bytes", w.Header().Get("Content-Range"), w.Body.Len())
			}
		default:
			wantProblem(t, w, 416, "")
		}
	})
}

func TestDownloadBadInput(t *testing.T) {
	s, _ := tideShelf(t)
	for _, c := range []struct {
		path     string
		status   int
		location string
	}{
		{"/api/files/download/x/epub", 422, "path.id"},
		{"/api/files/download/0/epub", 422, "path.id"},
		{"/api/files/download/-1/epub", 422, "path.id"},
		{"/api/files/download/99999999999999999999/epub", 422, "path.id"},
		{"/api/files/download/2/epub", 404, "path.id"},
		{"/api/files/download/1/mobi", 404, "path.format"},
		{"/api/files/download/1/..%2f..%2fmetadata.db", 404, "path.format"},
		{"/api/files/download/1/%00", 404, "path.format"},
		{tideURL + "?library=other", 404, "query.library"},
		{tideURL + "?nope=1", 422, "query.nope"},
		{tideURL + "?%zz", 422, "query"},
		{"/api/files/cover/x", 422, "path.id"},
		{"/api/files/cover/2", 404, "path.id"},
		{"/api/files/cover/2?placeholder=true", 404, "path.id"},
		{"/api/files/cover/1?size=huge", 422, "query.size"},
		{"/api/files/cover/1?size=", 422, "query.size"},
		{"/api/files/cover/1?placeholder=maybe", 422, "query.placeholder"},
		{"/api/files/cover/1?library=other", 404, "query.library"},
		{"/api/files/cover/1?width=5", 422, "query.width"},
	} {
		wantProblem(t, get(s.api, c.path), c.status, c.location)
	}
	a, err := httpapi.New(httpapi.Options{Libraries: []httpapi.Library{{Name: "main", Catalog: s.live, Files: localstore.New(s.dir, localstore.Options{})}}})
	if err != nil {
		t.Fatal(err)
	}
	wantProblem(t, get(a, tideURL), 401, "")
	wantProblem(t, get(a, "/api/files/cover/1"), 401, "")
}
