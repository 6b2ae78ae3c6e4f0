package httpapi_test

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pressmark/pressmark/catalog"
)

func TestDownloadOfMovedFiles(t *testing.T) {
	const ext = "Maren Holloway/The Tide Clerk (1)/"
	for name, move := range map[string]func(*shelf){
		"title renamed":      func(s *shelf) { s.rename(tideFolder, "Maren Holloway/The Ebb Clerk (1)") },
		"title and file":     func(s *shelf) { s.rename(tideEPUB, "Maren Holloway/The Ebb Clerk (1)/The Ebb Clerk - M.epub") },
		"author renamed":     func(s *shelf) { s.rename(tideFolder, "Maren Hollowell/The Tide Clerk (1)") },
		"author and file":    func(s *shelf) { s.rename(tideEPUB, "M/T (1)/t.EPUB") },
		"deeper":             func(s *shelf) { s.rename(tideFolder, "Old/Maren Holloway/The Tide Clerk (1)") },
		"only the extension": func(s *shelf) { s.rename(tideEPUB, ext+"anything at all.epub") },
	} {
		t.Run(name, func(t *testing.T) {
			s, content := tideShelf(t)
			s.write("Maren Holloway/Another (11)/Another.epub", []byte("another book"))
			s.write("Maren Holloway/The Tide Clerk (1)x/y.epub", []byte("another book"))
			move(s)
			wantBody(t, s.api, tideURL, content)
		})
	}
}

// What is not the book's own must not be served in its place.
func TestDownloadMissing(t *testing.T) {
	s, _ := tideShelf(t)
	s.write("Maren Holloway/Another (11)/Another.epub", []byte("another book"))
	s.write(".caltrash/b/The Tide Clerk (1)/x.epub", []byte("deleted"))
	s.write(tideFolder+"/data/inside.epub", []byte("an extra file"))
	if err := os.Remove(filepath.Join(s.dir, tideEPUB)); err != nil {
		t.Fatal(err)
	}
	p := wantProblem(t, get(s.api, tideURL), http.StatusNotFound, "path.id")
	if !strings.Contains(p.Detail, tideEPUB) || strings.Contains(p.Detail, s.dir) {
		t.Errorf("detail must name the file in the library: %s", p.Detail)
	}
}

func TestDownloadOfHostilePaths(t *testing.T) {
	outside := filepath.Join(t.TempDir(), "Secret (1)")
	if err := os.MkdirAll(outside, 0o755); err != nil {
		t.Fatal(err)
	}
	secret := filepath.Join(outside, "x.epub")
	for _, name := range []string{secret, filepath.Join(outside, "cover.jpg")} {
		if err := os.WriteFile(name, jpegOf(t, 10, 10), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct{ folder, file string }{
		{outside, "x.epub"},
		{"../" + filepath.Base(filepath.Dir(outside)) + "/Secret (1)", "x.epub"},
		{"A/../../Secret (1)", "x.epub"},
		{"A/./B (1)", "x.epub"},
		{"", "x.epub"},
		{".", "x.epub"},
		{"/", "etc/passwd"},
		{`..\Secret (1)`, "x.epub"},
		{`A\B (1)`, "x.epub"},
		{"A/B (1)\x00", "x.epub"},
		{"A/link (1)", "x.epub"},
		{"A/B (1)", "../../metadata.epub"},
		{"A/B (1)", "link.epub"},
		{"link/Secret (1)", "x.epub"},
	} {
		b := tide(c.folder)
		b.Formats = []catalog.Format{{Name: "EPUB", File: c.file, Key: c.folder + "/" + c.file}}
		s := newShelf(t, b)
		s.write("metadata.epub", []byte("the library's own"))
		s.write("A/B (2)/x.epub", []byte("another book"))
		s.write("A/B (1)/y.txt", nil)
		for link, to := range map[string]string{"A/link (1)": outside, "A/B (1)/link.epub": secret, "link": filepath.Dir(outside)} {
			if err := os.Symlink(to, filepath.Join(s.dir, link)); err != nil {
				t.Fatal(err)
			}
		}
		for _, path := range []string{tideURL, "/api/files/cover/1", "/api/files/cover/1?size=thumb"} {
			if w := get(s.api, path); w.Code != http.StatusNotFound || strings.Contains(w.Body.String(), s.dir) {
				t.Errorf("%q %q: %s is %d: %.200s", c.folder, c.file, path, w.Code, w.Body)
			}
		}
	}
}

func TestDownloadAfterRefresh(t *testing.T) {
	s, content := tideShelf(t)
	const moved = "Maren Hollowell/The Ebb Clerk (1)"
	s.rename(tideFolder, moved)
	s.live.refresh = func(context.Context) error { s.catalog(tide(moved)); return nil }
	wantBody(t, s.api, tideURL, content)
	wantBody(t, s.api, "/api/files/cover/1", jpegOf(t, 600, 800))
	if b, err := s.live.Book(t.Context(), 1); err != nil || b.Path != moved {
		t.Errorf("the catalog was not told to look: %q, %v", b.Path, err)
	}

	// The refresh finds the book deleted.
	s.rename(moved, ".caltrash/b/1")
	s.live.status.Changed = time.Now()
	s.live.refresh = func(context.Context) error { s.catalog(); return nil }
	p := wantProblem(t, get(s.api, tideURL), http.StatusNotFound, "path.id")
	if !strings.Contains(p.Detail, "no book") {
		t.Error(p.Detail)
	}
}

// A refresh that does not end in time leaves open whether the file is missing.
func TestDownloadWhileLibraryChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, content := tideShelf(t)
		if err := os.Remove(filepath.Join(s.dir, tideEPUB)); err != nil {
			t.Fatal(err)
		}
		s.live.status.Changed = time.Now()
		s.live.refresh = func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
		begin := time.Now()
		w := get(s.api, tideURL)
		wantProblem(t, w, http.StatusServiceUnavailable, "")
		if w.Header().Get("Retry-After") != "2" || time.Since(begin) != time.Second {
			t.Errorf("Retry-After %q after %v", w.Header().Get("Retry-After"), time.Since(begin))
		}
		// A placeholder would be kept by people's eyes: the cover is there.
		if err := os.Remove(filepath.Join(s.dir, tideFolder, "cover.jpg")); err != nil {
			t.Fatal(err)
		}
		wantProblem(t, get(s.api, "/api/files/cover/1?placeholder=true"), http.StatusServiceUnavailable, "")

		// A library that cannot be read for long is not changing.
		time.Sleep(time.Minute)
		failed := errors.New("locked")
		s.live.refresh = func(context.Context) error { return failed }
		s.live.status.Problem, s.live.status.Since = failed, time.Now()
		wantProblem(t, get(s.api, tideURL), http.StatusServiceUnavailable, "")
		time.Sleep(time.Minute)
		wantProblem(t, get(s.api, tideURL), http.StatusNotFound, "path.id")

		s.write(tideEPUB, content)
		wantBody(t, s.api, tideURL, content)
	})
}

// Files that are missing for good must not keep the catalog busy.
func TestMissingFilesLookSeldom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShelf(t, tide(tideFolder))
		looks := 0
		s.live.refresh = func(context.Context) error { looks++; return nil }
		for range 50 {
			wantProblem(t, get(s.api, tideURL), http.StatusNotFound, "path.id")
			wantProblem(t, get(s.api, "/api/files/cover/1"), http.StatusNotFound, "path.id")
			time.Sleep(100 * time.Millisecond)
		}
		if looks < 4 || looks > 5 {
			t.Errorf("%d looks in 5 s, want one a second", looks)
		}
	})
}
