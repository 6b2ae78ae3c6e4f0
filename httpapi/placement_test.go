package httpapi_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pressmark/pressmark/auth"
	"github.com/pressmark/pressmark/cache"
	"github.com/pressmark/pressmark/cache/memcache"
	"github.com/pressmark/pressmark/catalog"
	"github.com/pressmark/pressmark/httpapi"
	"github.com/pressmark/pressmark/httpapi/covers"
	"github.com/pressmark/pressmark/httpapi/upload"
	"github.com/pressmark/pressmark/storage"
	"github.com/pressmark/pressmark/storage/localstore"
	"github.com/pressmark/pressmark/storage/s3store"
	"github.com/pressmark/pressmark/storage/s3store/s3test"
)

// placed is a sample whose covers and books are in S3.
type placed struct {
	*sample
	front         *s3test.Front
	covers, books storage.Store
	clock         *atomic.Int64 // of the cache, in ns beside the real one
}

// newPlaced sends the covers, a thumbnail of the first, and the EPUBs.
func newPlaced(t *testing.T, change ...func(*httpapi.Options)) *placed {
	t.Helper()
	server := s3test.InProcess(t)
	p := &placed{front: server.Front(t), clock: new(atomic.Int64)}
	bucket := s3store.New(p.front.Client(), server.Bucket(t), s3store.Options{})
	p.covers, p.books = storage.Prefixed(bucket, "covers"), storage.Prefixed(bucket, "books")
	now := func() time.Time { return time.Now().Add(time.Duration(p.clock.Load())) }
	place := func(o *httpapi.Options) {
		o.Cache = cache.New(cache.Options{Local: memcache.NewLocal(memcache.Options{}), Now: now, Logger: o.Logger})
		o.Libraries[0].Placement = httpapi.Placement{Covers: p.covers, Books: map[string]storage.Store{"EPUB": p.books}}
	}
	p.sample = newSample(t, append([]func(*httpapi.Options){place}, change...)...)
	p.upload(upload.Covers, p.covers)
	p.upload(upload.Books, p.books)
	at, err := p.covers.Stat(t.Context(), covers.ObjectKey(1, "", ""))
	if err != nil {
		t.Fatal(err)
	}
	w, _ := storage.As[storage.Writer](p.covers)
	if _, err := w.Put(t.Context(), covers.ObjectKey(1, at.Tag, covers.Thumb), strings.NewReader("thumbnail"), storage.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	p.front.Requests()
	return p
}

func (p *placed) upload(send func(context.Context, upload.Options) (upload.Count, error), to storage.Store) upload.Count {
	p.tb.Helper()
	n, err := send(p.tb.Context(), upload.Options{
		Catalog: p.lib, From: localstore.New(p.root, localstore.Options{}), To: to, Formats: []string{"EPUB"},
	})
	if err != nil {
		p.tb.Fatal(err)
	}
	return n
}

// sent asks for a path and returns where the answer leads.
func (p *placed) sent(path string, header ...string) string {
	p.tb.Helper()
	w := get(p.api, path, header...)
	to := w.Header().Get("Location")
	if w.Code != http.StatusFound || !strings.HasPrefix(w.Header().Get("Cache-Control"), "private, max-age=") {
		p.tb.Errorf("%s: %d %v", path, w.Code, w.Header())
	}
	return to
}

// fetched is what is at an address.
func (p *placed) fetched(to string) (*http.Response, []byte) {
	p.tb.Helper()
	res, err := http.Get(to)
	if err != nil {
		p.tb.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		p.tb.Errorf("%s: %s %s", to, res.Status, body)
	}
	return res, body
}

func (p *placed) coverPath(id int) string {
	p.tb.Helper()
	b, err := p.lib.Book(p.tb.Context(), catalog.BookID(id))
	if err != nil || b.Cover == "" {
		p.tb.Fatalf("book %d has no cover: %v", id, err)
	}
	return filepath.Join(p.root, filepath.FromSlash(b.Cover))
}

func (p *placed) file(path string) []byte {
	p.tb.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		p.tb.Fatal(err)
	}
	return b
}

// versioned is the URL that cards have for a cover.
func (p *placed) versioned(id int) string {
	p.tb.Helper()
	b, err := p.lib.Book(p.tb.Context(), catalog.BookID(id))
	if err != nil {
		p.tb.Fatal(err)
	}
	v := decode[struct{ Cover struct{ URL string } }](p.tb, p.ok(fmt.Sprint("/api/books/", b.ID)))
	return v.Cover.URL
}

func TestCoversElsewhere(t *testing.T) {
	p := newPlaced(t)
	path := p.versioned(1)
	to := p.sent(path)
	if _, body := p.fetched(to); !bytes.Equal(body, p.file(p.coverPath(1))) {
		t.Error("it is not the book's cover")
	}
	if small := p.sent(path + "&size=thumb"); !strings.Contains(small, "-thumb.jpg?") || small == to {
		t.Errorf("the thumbnail is at %s", small)
	}
	if w := get(p.api, path+"&size=medium"); w.Code != 200 || w.Header().Get("Content-Type") != "image/jpeg" {
		t.Errorf("a size that was not sent: %d", w.Code)
	}
	p.front.Requests()
	for range 100 { // nothing more is asked for
		if again := p.sent(path); again != to {
			t.Fatalf("another address: %s", again)
		}
		p.sent(path + "&size=thumb")
		p.sent("/api/files/cover/1")
		get(p.api, path+"&size=medium")
	}
	if asked := p.front.Requests(); len(asked) > 0 {
		t.Errorf("S3 was asked %q for what is known", asked)
	}
	p.clock.Store(int64(30 * time.Minute))                        // the same for half an hour at least
	if again := p.sent(path + "&placeholder=true"); again != to { // in other words, so that it is not the answer of before
		t.Errorf("another address after 30 minutes: %s", again)
	}
	p.clock.Store(int64(40 * time.Minute))
	for begun := time.Now().Unix(); time.Now().Unix() == begun; time.Sleep(10 * time.Millisecond) { // what is signed in one second is the same
	}
	if again := p.sent(path + "&placeholder=false"); again == to {
		t.Error("the same address after 40 minutes, as it is about to end")
	}
}

// The client keeps in mind where a cover is for less time than it is there.
func TestRedirectEndsFirst(t *testing.T) {
	p := newPlaced(t)
	for path, want := range map[string]string{p.versioned(1): "private, max-age=900", "/api/files/cover/1": "private, max-age=60", "/api/files/download/1/epub": "private, max-age=0"} {
		if got := get(p.api, path).Header().Get("Cache-Control"); got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
}

// A cover that Calibre changes has a new address when it is sent, and until then it
// comes from the folder.
func TestChangedCover(t *testing.T) {
	for _, between := range []bool{false, true} {
		t.Run(fmt.Sprint("asked between=", between), func(t *testing.T) {
			p := newPlaced(t)
			old := p.sent(p.versioned(1))
			picture := p.file(p.coverPath(2))
			if err := os.WriteFile(p.coverPath(1), picture, 0o600); err != nil {
				t.Fatal(err)
			}
			p.alter(`UPDATE books SET last_modified = '2031-01-01 00:00:00+00:00' WHERE id = 1`)
			p.refresh()
			if between {
				for range 2 {
					if w := get(p.api, p.versioned(1)); w.Code != 200 || !bytes.Equal(w.Body.Bytes(), picture) {
						t.Errorf("before it is sent: %d, %d bytes", w.Code, w.Body.Len())
					}
				}
				if w := get(p.api, p.versioned(1)+"&size=thumb"); w.Code != 200 {
					t.Errorf("its thumbnail, before it is sent: %d", w.Code)
				}
			}
			if n := p.upload(upload.Covers, p.covers); n.Sent != 2 {
				t.Errorf("sent %+v", n)
			}
			if between {
				p.clock.Store(int64(2 * time.Minute))
			}
			now := p.sent(p.versioned(1))
			if now == old {
				t.Error("the new cover has the address of the old one")
			}
			if _, body := p.fetched(now); !bytes.Equal(body, picture) {
				t.Error("it is the old cover")
			}
		})
	}
}

// What is not in S3 is served from the folder, and what is not in the folder from S3.
func TestFallback(t *testing.T) {
	p := newPlaced(t)
	writer, _ := storage.As[storage.Writer](p.covers)
	for _, key := range []string{covers.ObjectKey(2, "", "")} {
		if err := writer.Delete(t.Context(), key); err != nil {
			t.Fatal(err)
		}
	}
	if w := get(p.api, p.versioned(2)); w.Code != 200 || !bytes.Equal(w.Body.Bytes(), p.file(p.coverPath(2))) {
		t.Errorf("a cover that is missing in S3: %d", w.Code)
	}
	picture := p.file(p.coverPath(3))
	if err := os.Remove(p.coverPath(3)); err != nil {
		t.Fatal(err)
	}
	for _, header := range [][]string{nil, {"Sec-Fetch-Mode", "cors"}} {
		for _, path := range []string{"/api/files/cover/3", "/api/files/cover/3?size=thumb", "/api/files/cover/3?size=small"} {
			if w := get(p.api, path, header...); w.Code != 200 && w.Code != 302 {
				t.Errorf("%s, which is missing in the folder: %d %s", path, w.Code, w.Body)
			}
		}
	}
	if w := get(p.api, "/api/files/cover/3", "Sec-Fetch-Mode", "cors"); !bytes.Equal(w.Body.Bytes(), picture) {
		t.Errorf("a cover that is missing in the folder: %d, %d bytes", w.Code, w.Body.Len())
	}
	// Of a book.
	b, err := p.lib.Book(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(b.Formats, func(f catalog.Format) bool { return f.Name == "EPUB" })
	local := filepath.Join(p.root, filepath.FromSlash(b.Formats[i].Key))
	content := p.file(local)
	if err := os.Remove(local); err != nil {
		t.Fatal(err)
	}
	to := p.sent("/api/files/download/1/epub")
	res, body := p.fetched(to)
	if !bytes.Equal(body, content) || res.Header.Get("Content-Type") != "application/epub+zip" || !strings.HasPrefix(res.Header.Get("Content-Disposition"), `attachment; filename="The Tide Clerk`) {
		t.Errorf("%d bytes, %v", len(body), res.Header)
	}
	proxied := get(p.api, "/api/files/download/1/epub", "User-Agent", "Wget/1.21", "Range", "bytes=10-19")
	if proxied.Code != 206 || !bytes.Equal(proxied.Body.Bytes(), content[10:20]) {
		t.Errorf("a part: %d %q", proxied.Code, proxied.Body)
	}
	tag := get(p.api, "/api/files/download/1/epub", "User-Agent", "Wget/1.21").Header().Get("Etag")
	if w := get(p.api, "/api/files/download/1/epub", "If-None-Match", tag); w.Code != 304 {
		t.Errorf("who has it is answered %d", w.Code)
	}
	bookWriter, _ := storage.As[storage.Writer](p.books)
	if err := bookWriter.Delete(t.Context(), b.Formats[i].Key); err != nil {
		t.Fatal(err)
	}
	p.clock.Store(int64(20 * time.Minute))
	if w := get(p.api, "/api/files/download/1/epub"); w.Code != 404 {
		t.Errorf("a book that is nowhere: %d %s", w.Code, w.Body)
	}
	if err := os.WriteFile(local, content, 0o600); err != nil {
		t.Fatal(err)
	}
	if w := get(p.api, "/api/files/download/1/epub"); w.Code != 200 || !bytes.Equal(w.Body.Bytes(), content) {
		t.Errorf("a book that is missing in S3: %d", w.Code)
	}
	// A format that is not placed there.
	for _, f := range b.Formats {
		if f.Name != "EPUB" {
			if w := get(p.api, "/api/files/download/1/"+strings.ToLower(f.Name)); w.Code != 200 {
				t.Errorf("%s: %d", f.Name, w.Code)
			}
		}
	}
}

// Calibre renames a folder: until the book is sent again, it is found under its old
// name.
func TestRenamedElsewhere(t *testing.T) {
	p := newPlaced(t)
	b, err := p.lib.Book(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(p.root, filepath.FromSlash(b.Path))); err != nil {
		t.Fatal(err)
	}
	p.alter(`UPDATE books SET path = 'Maren Holloway/Another Title (1)', last_modified = '2031-01-01 00:00:00+00:00' WHERE id = 1`)
	p.refresh()
	if w := get(p.api, "/api/files/download/1/epub"); w.Code != 200 || w.Body.Len() < 1000 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// Who cannot follow, or is known to fail, is not sent.
func TestRedirectModes(t *testing.T) {
	type client struct {
		method string
		header []string
		want   int
	}
	for name, c := range map[string]struct {
		mode    httpapi.Redirect
		clients []client // that ask one after the other for the same
	}{
		"auto": {httpapi.RedirectAuto, []client{
			{"GET", nil, 302},
			{"HEAD", nil, 200},
			{"GET", []string{"Sec-Fetch-Mode", "cors"}, 200},
			{"GET", []string{"Sec-Fetch-Mode", "no-cors"}, 302},
			{"GET", []string{"User-Agent", "Wget/1.21.3"}, 200},
			{"GET", nil, 302},
		}},
		"always": {httpapi.RedirectAlways, []client{{"HEAD", nil, 200}, {"GET", []string{"Sec-Fetch-Mode", "cors"}, 302}}},
		"never":  {httpapi.RedirectNever, []client{{"GET", nil, 200}, {"GET", nil, 200}}},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlaced(t, func(o *httpapi.Options) { o.Files.Redirect = c.mode })
			for _, path := range []string{"/api/files/cover/1", "/api/files/cover/1?size=thumb", "/api/files/download/1/epub"} {
				for _, c := range c.clients {
					if w := do(p.api, c.method, path, c.header...); w.Code != c.want {
						t.Errorf("%s %s %s: %d, want %d", c.method, path, c.header, w.Code, c.want)
					}
				}
			}
		})
	}
	p := newPlaced(t)
	r := httptest.NewRequest(http.MethodGet, "https://books.example/api/files/cover/1", nil) // with TLS
	w := httptest.NewRecorder()
	p.api.ServeHTTP(w, r)
	if w.Code != 200 {
		t.Errorf("from HTTPS to HTTP: %d", w.Code)
	}
}

// glob lists files of the library's folder.
func (p *placed) glob(pattern string) []string {
	p.tb.Helper()
	names, err := filepath.Glob(filepath.Join(p.root, pattern))
	if err != nil || len(names) == 0 {
		p.tb.Fatalf("%s: nothing, %v", pattern, err)
	}
	return names
}

// An unsigned address is given only while everybody sees everything, and nobody
// gets an address of what they may not see.
func TestCDN(t *testing.T) {
	var restricted atomic.Bool
	d := newDoor(t)
	p := newPlaced(t, d.option, func(o *httpapi.Options) {
		o.PublicRead = false
		o.Libraries[0].Placement.CDN = "https://cdn.example/covers/"
		o.Files.Restricted = func(context.Context) (bool, error) { return restricted.Load(), nil }
	})
	all := []string{"Authorization", "Bearer " + d.login(t, auth.Rule{})}
	const path = "/api/files/cover/1"
	to := p.sent(path, all...)
	if want := "https://cdn.example/covers/1-"; !strings.HasPrefix(to, want) || strings.Contains(to, "?") {
		t.Errorf("%s does not begin with %s", to, want)
	}
	// One restricted user is enough, at once.
	some := []string{"Authorization", "Bearer " + d.login(t, auth.Rule{Kind: auth.Matching, Expression: "id:>12"})}
	restricted.Store(true)
	if to := p.sent(path, all...); !strings.HasPrefix(to, p.front.Endpoint) || !strings.Contains(to, "X-Amz-Signature=") {
		t.Errorf("%s is not signed", to)
	}
	p.sent("/api/files/cover/13", some...)
	for _, size := range []string{"", "?size=thumb", "?size=small", "?placeholder=true"} {
		for range 2 {
			hidden, unknown := get(p.api, path+size, some...), get(p.api, "/api/files/cover/999"+size, some...)
			if hidden.Code != 404 || unknown.Code != 404 || hidden.Header().Get("Location") != "" {
				t.Errorf("a hidden cover%s: %d, one that is not there: %d", size, hidden.Code, unknown.Code)
			}
		}
	}
	if w := get(p.api, "/api/files/download/1/epub", some...); w.Code != 404 {
		t.Errorf("a hidden book: %d", w.Code)
	}
	// Where objects without a tag are all that there is, they are not for a CDN.
	restricted.Store(false)
	writer, _ := storage.As[storage.Writer](p.covers)
	for info, err := range p.covers.List(t.Context(), "2-") {
		if err != nil {
			t.Fatal(err)
		}
		if err := writer.Delete(t.Context(), info.Key); err != nil {
			t.Fatal(err)
		}
	}
	if to := p.sent("/api/files/cover/2", all...); !strings.Contains(to, "/covers/2.jpg?") || !strings.Contains(to, "X-Amz-Signature=") {
		t.Errorf("the only cover that may change is at %s", to)
	}
}

// TestFolderGone: with the library's folder gone S3 serves.
func TestFolderGone(t *testing.T) {
	p := newPlaced(t)
	if err := os.Rename(p.root, p.root+".away"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.Rename(p.root+".away", p.root); err != nil {
			t.Error(err)
		}
	})
	p.sent("/api/files/cover/1")
	p.sent("/api/files/download/1/epub")
	for _, path := range []string{"/api/files/cover/2", "/api/files/cover/2?size=small", "/api/files/download/1/epub"} {
		if w := get(p.api, path, "Sec-Fetch-Mode", "cors"); w.Code != http.StatusOK {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
}

// TestChangedBook: a book that was changed in the folder comes from there until it
// was sent.
func TestChangedBook(t *testing.T) {
	p := newPlaced(t)
	p.sent("/api/files/download/1/epub")
	found, err := filepath.Glob(filepath.Join(p.root, "*", "* (1)", "*.epub"))
	if err != nil || len(found) != 1 {
		t.Fatal(found, err)
	}
	content := append(p.file(found[0]), "more"...)
	if err := os.WriteFile(found[0], content, 0o600); err != nil {
		t.Fatal(err)
	}
	p.alter(`UPDATE books SET last_modified = '2031-01-01 00:00:00+00:00' WHERE id = 1`)
	p.refresh()
	for range 2 {
		if w := get(p.api, "/api/files/download/1/epub"); w.Code != http.StatusOK || !bytes.Equal(w.Body.Bytes(), content) {
			t.Errorf("before it is sent: %d, %d bytes", w.Code, w.Body.Len())
		}
	}
	if n := p.upload(upload.Books, p.books); n.Sent != 1 {
		t.Errorf("%+v", n)
	}
	p.clock.Store(int64(2 * time.Minute))
	if _, body := p.fetched(p.sent("/api/files/download/1/epub")); !bytes.Equal(body, content) {
		t.Errorf("when it was sent it is %d bytes", len(body))
	}
}
