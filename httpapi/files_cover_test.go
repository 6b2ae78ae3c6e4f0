package httpapi_test

import (
	"bytes"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pressmark/pressmark/catalog"
)

const coverURL = "/api/files/cover/1"

func TestCover(t *testing.T) {
	s, _ := tideShelf(t)
	original := jpegOf(t, 600, 800)
	wantBody(t, s.api, coverURL, original)
	wantBody(t, s.api, coverURL+"?size=full&library=main", original)
	for size, want := range map[string]image.Point{"thumb": {120, 160}, "small": {240, 320}, "medium": {480, 640}} {
		w := get(s.api, coverURL+"?size="+size)
		cfg, err := jpeg.DecodeConfig(bytes.NewReader(w.Body.Bytes()))
		if w.Code != 200 || err != nil || cfg.Width != want.X || cfg.Height != want.Y || w.Header().Get("Content-Type") != "image/jpeg" {
			t.Errorf("%s is %d, %d × %d, %v, want %v", size, w.Code, cfg.Width, cfg.Height, err, want)
		}
		again := get(s.api, coverURL+"?size="+size)
		if !bytes.Equal(again.Body.Bytes(), w.Body.Bytes()) {
			t.Errorf("%s differs when it is asked for again", size)
		}
		tag, modified := w.Header().Get("Etag"), w.Header().Get("Last-Modified")
		if w := get(s.api, coverURL+"?size="+size, "If-None-Match", tag); w.Code != 304 || w.Header().Get("Etag") != tag {
			t.Errorf("%s with its tag is %d", size, w.Code)
		}
		if w := get(s.api, coverURL+"?size="+size, "If-Modified-Since", modified); w.Code != 304 {
			t.Errorf("%s since %s is %d", size, modified, w.Code)
		}
		if w := get(s.api, coverURL+"?size="+size, "Range", "bytes=0-9"); w.Code != 206 || w.Body.Len() != 10 {
			t.Errorf("range of %s is %d with %d bytes", size, w.Code, w.Body.Len())
		}
		if w := do(s.api, http.MethodHead, coverURL+"?size="+size); w.Code != 200 || w.Body.Len() != 0 || w.Header().Get("Etag") != tag {
			t.Errorf("HEAD of %s is %d with %d bytes", size, w.Code, w.Body.Len())
		}
	}
	if w := get(s.api, coverURL+"?size=thumb"); w.Header().Get("Etag") == get(s.api, coverURL+"?size=small").Header().Get("Etag") {
		t.Error("two sizes have one tag")
	}
}

// A cover that is replaced is another one: at once if Calibre did it, also
// under a URL that could be kept; a moment later if only the file changed.
func TestCoverReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := tideShelf(t)
		b := tide(tideFolder)
		versioned := func() string {
			return decode[struct{ Cover struct{ URL string } }](t, get(s.api, "/api/books/1")).Cover.URL + "&size=thumb"
		}
		for i, c := range []struct {
			path   func() string
			change func()
		}{
			{versioned, func() { b.Modified = b.Modified.Add(time.Second); s.catalog(b) }},
			{func() string { return coverURL + "?size=thumb" }, func() { b.Modified = b.Modified.Add(time.Second); s.catalog(b) }},
			{func() string { return coverURL + "?size=thumb" }, func() { time.Sleep(time.Second) }},
			{versioned, func() { time.Sleep(time.Minute) }},
		} {
			old := get(s.api, c.path())
			s.write(tideFolder+"/cover.jpg", jpegOf(t, 500+10*i, 800))
			c.change()
			w := get(s.api, c.path(), "If-None-Match", old.Header().Get("Etag"))
			if w.Code != 200 || w.Header().Get("Etag") == old.Header().Get("Etag") || bytes.Equal(w.Body.Bytes(), old.Body.Bytes()) {
				t.Errorf("%d: replaced cover is %d, or the old one", i, w.Code)
			}
		}
	})
}

// The URL in a card may be kept for long, everything else not.
func TestCoverCacheControl(t *testing.T) {
	s, _ := tideShelf(t)
	card := decode[struct{ Cover struct{ URL string } }](t, get(s.api, "/api/books/1"))
	for _, c := range []struct{ url, auth, want string }{
		{card.Cover.URL, "", "public, max-age=604800"},
		{card.Cover.URL + "&size=thumb", "", "public, max-age=604800"},
		{card.Cover.URL + "&size=thumb", "Bearer x", "private, max-age=604800"},
		{coverURL, "", "public, max-age=0, s-maxage=2"},
		{coverURL + "?v=old&size=thumb", "", "public, max-age=0, s-maxage=2"},
		{coverURL + "?v=old", "Bearer x", "private, no-cache"},
	} {
		var header []string
		if c.auth != "" {
			header = []string{"Authorization", c.auth}
		}
		w := get(s.api, c.url, header...)
		if got := w.Header().Get("Cache-Control"); w.Code != 200 || got != c.want {
			t.Errorf("%s (%s) is %d, %q, want %q", c.url, c.auth, w.Code, got, c.want)
		}
	}
}

func TestCoverFormats(t *testing.T) {
	img := image.NewPaletted(image.Rect(0, 0, 300, 400), color.Palette{color.White, color.Black})
	var asPNG, asGIF bytes.Buffer
	if err := png.Encode(&asPNG, img); err != nil {
		t.Fatal(err)
	}
	if err := gif.Encode(&asGIF, img, nil); err != nil {
		t.Fatal(err)
	}
	whole := jpegOf(t, 600, 800)
	for _, c := range []struct {
		name    string
		content []byte
		full    string // media type of the original, "" is none
		thumb   bool
	}{
		{"PNG", asPNG.Bytes(), "image/png", true},
		{"GIF", asGIF.Bytes(), "image/gif", true},
		{"truncated", whole[:len(whole)/2], "image/jpeg", false},
		{"30,000 pixels wide", wideJPEG(t, whole, 30000, 40000), "image/jpeg", false},
		{"SVG", []byte(`<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`), "", false},
		{"HTML", []byte("<html><script>alert(1)</script>"), "", false},
		{"empty", nil, "", false},
		{"short", []byte("\xff\xd8"), "", false},
	} {
		s, _ := tideShelf(t)
		s.write(tideFolder+"/cover.jpg", c.content)
		if c.full != "" {
			if w := get(s.api, coverURL); w.Code != 200 || w.Header().Get("Content-Type") != c.full || !bytes.Equal(w.Body.Bytes(), c.content) {
				t.Errorf("%s is %d, %s", c.name, w.Code, w.Header().Get("Content-Type"))
			}
		} else {
			wantProblem(t, get(s.api, coverURL), http.StatusNotFound, "")
			wantPlaceholder(t, s, coverURL+"?placeholder=true")
		}
		if c.thumb {
			if w := get(s.api, coverURL+"?size=small"); w.Code != 200 || w.Header().Get("Content-Type") != "image/jpeg" {
				t.Errorf("small %s is %d", c.name, w.Code)
			}
			continue
		}
		for range 2 { // the second time from memory
			wantProblem(t, get(s.api, coverURL+"?size=small"), http.StatusNotFound, "")
			wantPlaceholder(t, s, coverURL+"?size=small&placeholder=true")
		}
	}
}

func wantPlaceholder(t *testing.T, s *shelf, path string) {
	t.Helper()
	w := get(s.api, path)
	cc, tag := w.Header().Get("Cache-Control"), w.Header().Get("Etag")
	if _, err := jpeg.Decode(bytes.NewReader(w.Body.Bytes())); w.Code != 200 || err != nil || strings.Contains(cc, "604800") || tag == "" {
		t.Errorf("%s is %d, %v, Cache-Control %q, ETag %q", path, w.Code, err, cc, tag)
	}
	if w := get(s.api, path, "If-None-Match", tag); w.Code != 304 {
		t.Errorf("%s with its tag is %d", path, w.Code)
	}
}

func TestNoCover(t *testing.T) {
	without := tide(tideFolder)
	without.Cover = ""
	stale := tide("Maren Holloway/Another (2)") // has_cover, but no file
	stale.ID = 2
	s := newShelf(t, without, stale, catalog.Book{ID: 3, Title: "Nothing"})
	for path, location := range map[string]string{coverURL: "", "/api/files/cover/2": "path.id", "/api/files/cover/3": ""} {
		wantProblem(t, get(s.api, path), http.StatusNotFound, location)
		wantProblem(t, get(s.api, path+"?size=medium&placeholder=false"), http.StatusNotFound, location)
		card := get(s.api, "/api/books/2")
		_, v, _ := strings.Cut(decode[struct{ Cover struct{ URL string } }](t, card).Cover.URL, "v=")
		wantPlaceholder(t, s, path+"?placeholder=true&v="+v)
		wantPlaceholder(t, s, path+"?placeholder=true&size=thumb")
	}
}

// wideJPEG changes the dimensions that a JPEG's frame header claims.
func wideJPEG(tb testing.TB, whole []byte, w, h int) []byte {
	b := bytes.Clone(whole)
	i := bytes.Index(b, []byte{0xff, 0xc0})
	if i < 0 {
		tb.Fatal("no frame header")
	}
	b[i+5], b[i+6], b[i+7], b[i+8] = byte(h>>8), byte(h), byte(w>>8), byte(w)
	return b
}
