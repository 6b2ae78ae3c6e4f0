package covers

import (
	"bytes"
	"errors"
	"image/jpeg"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestDiskSurvivesRestart(t *testing.T) {
	dir, store := t.TempDir(), newCounting()
	src := store.source(t, "main/1", jpegBytes(t, photo(300, 300)))
	first, err := open(t, inMemory(Options{Dir: dir})).Thumbnail(t.Context(), src, Thumb)
	if err != nil {
		t.Fatal(err)
	}
	before := store.opens.Load()
	second, err := open(t, inMemory(Options{Dir: dir})).Thumbnail(t.Context(), src, Thumb)
	if err != nil || !bytes.Equal(first, second) || store.opens.Load() != before {
		t.Errorf("%v, equal %v, %d more reads of the cover", err, bytes.Equal(first, second), store.opens.Load()-before)
	}
	f, err := os.Open(files(t, dir)[0])
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := jpeg.Decode(f); err != nil {
		t.Errorf("the file is not one that viewers open: %v", err)
	}
}

// Whatever a crash or a bad disk leaves behind is found, and made anew.
func TestDiskDamage(t *testing.T) {
	dir, store := t.TempDir(), newCounting()
	src := store.source(t, "main/1", jpegBytes(t, photo(300, 300)))
	want, err := open(t, inMemory(Options{Dir: dir})).Thumbnail(t.Context(), src, Thumb)
	if err != nil {
		t.Fatal(err)
	}
	name := files(t, dir)[0]
	whole, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	flipped := bytes.Clone(whole)
	flipped[len(flipped)/2] ^= 1
	for what, content := range map[string][]byte{
		"empty": {}, "cut short": whole[:len(whole)/2], "without its end": whole[:len(whole)-1], "only the end": whole[len(want):],
		"longer": append(bytes.Clone(whole), 0), "a bit flipped": flipped, "zeros": make([]byte, len(whole)),
	} {
		if err := os.WriteFile(name, content, 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := open(t, inMemory(Options{Dir: dir})).Thumbnail(t.Context(), src, Thumb)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %v, equal %v", what, err, bytes.Equal(got, want))
		}
		if mended, err := os.ReadFile(name); err != nil || !bytes.Equal(mended, whole) {
			t.Errorf("%s: not mended, %v", what, err)
		}
	}
}

// clock is a Now that the test moves.
type clock struct{ t time.Time }

func (c *clock) now() time.Time { return c.t }

func testDisk(dir string, limit int64, c *clock) *disk {
	return &disk{dir: dir, limit: limit, log: slog.New(slog.DiscardHandler), now: c.now}
}

func keyOf(i int) key { return pictureKey(string(rune('a' + i))) }

func TestDiskDropsLeastRecentlyUsed(t *testing.T) {
	dir, c := t.TempDir(), &clock{time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)}
	content := bytes.Repeat([]byte{1}, 1000-trailerLen)
	d := testDisk(dir, 10_000, c)
	fill := func(i int) {
		c.t = c.t.Add(time.Hour)
		d.put(keyOf(i), content)
	}
	for i := range 10 {
		fill(i)
	}
	c.t = c.t.Add(time.Hour)
	if d.get(keyOf(0)) == nil { // used again
		t.Fatal("0 is not there")
	}
	d = testDisk(dir, 10_000, c) // a restart forgets nothing
	for name, age := range map[string]time.Duration{tempPrefix + "dead": 2 * tempLife, tempPrefix + "alive": 0} {
		name = filepath.Join(dir, name)
		if err := errors.Join(os.WriteFile(name, nil, 0o600), os.Chtimes(name, c.t, c.t.Add(-age))); err != nil {
			t.Fatal(err)
		}
	}
	foreign := filepath.Join(dir, "notes.txt")
	if err := errors.Join(os.WriteFile(foreign, make([]byte, 5000), 0o600), os.Chtimes(foreign, time.Unix(0, 0), time.Unix(0, 0))); err != nil {
		t.Fatal(err)
	}
	fill(10) // 11,000 bytes: down to 9,000
	for i := range 11 {
		if want := i != 1 && i != 2; (d.get(keyOf(i)) != nil) != want {
			t.Errorf("%d is there: %v, want %v", i, !want, want)
		}
	}
	for name, want := range map[string]bool{tempPrefix + "dead": false, tempPrefix + "alive": true, "notes.txt": true} {
		if _, err := os.Stat(filepath.Join(dir, name)); (err == nil) != want {
			t.Errorf("%s: %v", name, err)
		}
	}
	d.put(keyOf(20), make([]byte, 20_000))
	if d.get(keyOf(20)) != nil {
		t.Error("what is larger than the folder may be was kept")
	}
}

// A folder that cannot be written costs a line in the log, not an answer.
func TestDiskCannotBeWritten(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "covers")
	if err := os.WriteFile(dir, nil, 0o600); err != nil { // a file in its place
		t.Fatal(err)
	}
	var log bytes.Buffer
	c := &clock{time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)}
	store := newCounting()
	cache, err := New(Options{Dir: dir, Now: c.now, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	src := store.source(t, "main/1", jpegBytes(t, photo(300, 300)))
	for range 5 {
		if _, err := cache.Thumbnail(t.Context(), src, Thumb); err != nil {
			t.Fatal(err)
		}
	}
	if n := strings.Count(log.String(), "\n"); n != 1 {
		t.Errorf("%d lines in the log, want 1:\n%s", n, &log)
	}
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	c.t = c.t.Add(offTime)
	if _, err := cache.Thumbnail(t.Context(), src, Thumb); err != nil || len(files(t, dir)) != 1 {
		t.Errorf("%v, %d files: the folder is not used again", err, len(files(t, dir)))
	}
}

func FuzzCheckTrailer(f *testing.F) {
	f.Add(appendTrailer([]byte("x")))
	f.Add([]byte(trailerMark))
	f.Fuzz(func(t *testing.T, b []byte) {
		if body := checkTrailer(b); body != nil && !bytes.Equal(appendTrailer(body), b) {
			t.Errorf("%q passed as %q", b, body)
		}
	})
}
