package httpapi_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"testing"

	"github.com/pressmark/pressmark/catalog"
	"github.com/pressmark/pressmark/httpapi"
	"github.com/pressmark/pressmark/storage"
	"github.com/pressmark/pressmark/storage/s3store/s3test"
)

// With S3 gone the folder serves, at once, and what it does not have is a 503.
func TestStoreGone(t *testing.T) {
	p := newPlaced(t)
	if err := os.Remove(p.coverPath(3)); err != nil {
		t.Fatal(err)
	}
	p.front.Fail(func(*http.Request) s3test.Fault {
		return s3test.Fault{Status: http.StatusServiceUnavailable, Code: "SlowDown"}
	})
	for id := range 10 {
		path := fmt.Sprintf("/api/files/cover/%d", id+1)
		want := 200
		if id+1 == 3 {
			want = 503
		}
		if b, err := p.lib.Book(t.Context(), catalog.BookID(id+1)); err != nil || b.Cover == "" {
			continue
		}
		if w := get(p.api, path); w.Code != want {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
	if asked := p.front.Requests(); len(asked) > 3 { // of one request, and its retries
		t.Errorf("a store that is gone was asked %q", asked)
	}
	if w := get(p.api, "/api/files/download/1/epub"); w.Code != 200 {
		t.Errorf("a book: %d", w.Code)
	}
}

// TestOtherStoreGone has one of two stores of books fail: the books of the other
// one are sent as before.
func TestOtherStoreGone(t *testing.T) {
	p := newPlaced(t, func(o *httpapi.Options) {
		books := o.Libraries[0].Placement.Books
		books["PDF"] = failing{books["EPUB"]}
		o.Files.Redirect = httpapi.RedirectNever
	})
	for _, format := range []string{"epub", "pdf"} {
		for _, name := range p.glob("*/*(1)/*." + format) {
			if err := os.Remove(name); err != nil {
				t.Fatal(err)
			}
		}
	}
	for range 2 {
		if w := get(p.api, "/api/files/download/1/pdf"); w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
			t.Errorf("of the store that is gone: %d %s", w.Code, w.Body)
		}
		if w := get(p.api, "/api/files/download/1/epub"); w.Code != http.StatusOK {
			t.Errorf("of the other: %d %s", w.Code, w.Body)
		}
	}
}

// failing is a store that cannot be reached.
type failing struct{ storage.Store }

func (failing) Stat(context.Context, string) (storage.Info, error) {
	return storage.Info{}, storage.ErrUnavailable
}
