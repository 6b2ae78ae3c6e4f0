package covers

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/pressmark/pressmark/cache"
	"github.com/pressmark/pressmark/cache/memcache"
	"github.com/pressmark/pressmark/storage"
	"github.com/pressmark/pressmark/storage/memstore"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// counting is a store that counts reads and can be made to wait.
type counting struct {
	*memstore.Store
	opens atomic.Int64
	wait  chan struct{} // nil does not wait
}

func (c *counting) Open(ctx context.Context, key string, r storage.Range) (io.ReadCloser, storage.Info, error) {
	c.opens.Add(1)
	if c.wait != nil {
		select {
		case <-c.wait:
		case <-ctx.Done():
			return nil, storage.Info{}, ctx.Err()
		}
	}
	return c.Store.Open(ctx, key, r)
}

func newCounting() *counting { return &counting{Store: memstore.New(memstore.Options{})} }

// source puts content into the store as the cover of that name.
func (c *counting) source(tb testing.TB, name string, content []byte) Source {
	tb.Helper()
	info, err := c.Put(context.Background(), name+"/cover.jpg", bytes.NewReader(content), storage.PutOptions{})
	if err != nil {
		tb.Fatal(err)
	}
	return Source{Name: name, Store: c, Info: info}
}

func open(tb testing.TB, o Options) *Cache {
	tb.Helper()
	o.Logger = slog.New(slog.DiscardHandler)
	c, err := New(o)
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// inMemory keeps pictures in memory.
func inMemory(o Options) Options {
	o.Cache = cache.New(cache.Options{Local: memcache.NewLocal(memcache.Options{}), Logger: slog.New(slog.DiscardHandler)})
	return o
}

// photo is an image with something in it.
func photo(w, h int) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			img.SetRGBA(x, y, color.RGBA{uint8(x * 255 / w), uint8(y * 255 / h), uint8(x ^ y), 255})
		}
	}
	return img
}

func jpegBytes(tb testing.TB, img image.Image) []byte {
	tb.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, nil); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

func decoded(tb testing.TB, b []byte, err error) image.Image {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
	img, err := jpeg.Decode(bytes.NewReader(b))
	if err != nil {
		tb.Fatal(err)
	}
	return img
}

func TestThumbnailDimensions(t *testing.T) {
	store, c := newCounting(), open(t, inMemory(Options{}))
	for _, d := range []struct{ w, h, wantW, wantH int }{
		{600, 800, 240, 320},
		{400, 600, 240, 360},
		{1000, 200, 240, 48},
		{200, 1500, 48, 360},
		{100, 150, 100, 150},
		{240, 360, 240, 360},
		{241, 361, 240, 360},
		{1, 1, 1, 1},
		{3000, 1, 240, 1},
		{1, 3000, 1, 360},
	} {
		src := store.source(t, "x", jpegBytes(t, photo(d.w, d.h)))
		b, err := c.Thumbnail(t.Context(), src, Small)
		if got := decoded(t, b, err).Bounds(); got.Dx() != d.wantW || got.Dy() != d.wantH {
			t.Errorf("%d × %d became %v, want %d × %d", d.w, d.h, got, d.wantW, d.wantH)
		}
	}
}

// Every pixel of the original counts: a fine chequerboard becomes grey, not
// black or white.
func TestThumbnailAverages(t *testing.T) {
	img := image.NewGray(image.Rect(0, 0, 1200, 1800))
	for i := range img.Pix {
		img.Pix[i] = uint8((i + i/1200) % 2 * 255)
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	out, err := open(t, Options{}).Thumbnail(t.Context(), newCounting().source(t, "x", b.Bytes()), Thumb)
	thumb := decoded(t, out, err)
	for _, at := range []image.Point{{0, 0}, {59, 90}, {119, 179}} {
		if y := color.GrayModel.Convert(thumb.At(at.X, at.Y)).(color.Gray).Y; y < 112 || y > 144 {
			t.Errorf("at %v it is %d, want about 128", at, y)
		}
	}
}

const tinyWebP = "UklGRiQAAABXRUJQVlA4IBgAAAAwAQCdASoBAAEAAgA0JaQAA3AA/vuUAAA="

func TestThumbnailFormats(t *testing.T) {
	store, c := newCounting(), open(t, inMemory(Options{}))
	clear := image.NewNRGBA(image.Rect(0, 0, 300, 300)) // transparent
	var asPNG, asGIF bytes.Buffer
	if err := png.Encode(&asPNG, clear); err != nil {
		t.Fatal(err)
	}
	if err := gif.Encode(&asGIF, photo(300, 300), nil); err != nil {
		t.Fatal(err)
	}
	asWebP, err := base64.StdEncoding.DecodeString(tinyWebP)
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{"png": asPNG.Bytes(), "gif": asGIF.Bytes(), "webp": asWebP} {
		b, err := c.Thumbnail(t.Context(), store.source(t, name, content), Thumb)
		img := decoded(t, b, err)
		if r, g, b, _ := img.At(0, 0).RGBA(); name == "png" && min(r, g, b) < 0xf000 {
			t.Errorf("transparency became %x %x %x, want white", r, g, b)
		}
		if got := Sniff(content); got != "image/"+name {
			t.Errorf("%s is sniffed as %q", name, got)
		}
	}
	whole := jpegBytes(t, photo(300, 300))
	for name, content := range map[string][]byte{
		"empty": nil, "text": []byte("not an image at all"), "svg": []byte("<svg/>"), "head only": whole[:3],
		"cut short": whole[:len(whole)*2/3], "damaged": append(bytes.Clone(whole[:200]), bytes.Repeat([]byte{0xff}, 500)...),
		"png header": []byte("\x89PNG\r\n\x1a\n"), "webp header": []byte("RIFF\x00\x00\x00\x00WEBPVP8X"),
	} {
		src := store.source(t, name, content)
		if b, err := c.Thumbnail(t.Context(), src, Thumb); !errors.Is(err, ErrNotImage) || b != nil {
			t.Errorf("%s: %v, want ErrNotImage", name, err)
		}
		before := store.opens.Load()
		if _, err := c.Thumbnail(t.Context(), src, Thumb); !errors.Is(err, ErrNotImage) || store.opens.Load() != before {
			t.Errorf("%s: %v the second time, after %d more reads", name, err, store.opens.Load()-before)
		}
	}
}

func TestThumbnailTooLarge(t *testing.T) {
	store, c := newCounting(), open(t, inMemory(Options{MaxPixels: 10_000}))
	if _, err := c.Thumbnail(t.Context(), store.source(t, "x", jpegBytes(t, photo(101, 100))), Thumb); !errors.Is(err, ErrTooLarge) {
		t.Errorf("more than MaxPixels: %v", err)
	}
	if _, err := c.Thumbnail(t.Context(), store.source(t, "y", jpegBytes(t, photo(100, 100))), Thumb); err != nil {
		t.Errorf("exactly MaxPixels: %v", err)
	}
}

func TestThumbnailOfAnotherVersion(t *testing.T) {
	store, c := newCounting(), open(t, inMemory(Options{}))
	old := store.source(t, "x", jpegBytes(t, photo(10, 10)))
	store.source(t, "x", jpegBytes(t, photo(20, 20)))
	if _, err := c.Thumbnail(t.Context(), old, Thumb); !errors.Is(err, storage.ErrChanged) {
		t.Errorf("%v, want ErrChanged", err)
	}
	gone := old
	gone.Info.Key = "nowhere"
	if _, err := c.Thumbnail(t.Context(), gone, Thumb); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v, want the store's error", err)
	}
}

func TestPlaceholder(t *testing.T) {
	c := open(t, Options{})
	seen := map[string]string{}
	for _, title := range []string{"", "The Tide Clerk", "Приключения", "吾輩は猫である", strings.Repeat("Long title ", 500), strings.Repeat("x", 5000), "\xff\x00\n"} {
		for _, s := range []Size{Thumb, Small, Medium} {
			b, err := c.Placeholder(t.Context(), title, "Maren Holloway", s)
			w, h, _ := s.Box()
			if got := decoded(t, b, err).Bounds(); got.Dx() != w || got.Dy() != h {
				t.Errorf("%.20q %s is %v", title, s, got)
			}
			again, err := c.Placeholder(t.Context(), title, "Maren Holloway", s)
			if err != nil || !bytes.Equal(b, again) {
				t.Errorf("%.20q %s differs the second time, %v", title, s, err)
			}
			if other, dup := seen[string(b)]; dup {
				t.Errorf("%.20q looks like %.20q", title, other)
			}
			seen[string(b)] = title
		}
	}
}

// Calls for one picture share the work, and one that gives up fails alone.
func TestCallsAreMerged(t *testing.T) {
	store, c := newCounting(), open(t, Options{})
	src := store.source(t, "x", jpegBytes(t, photo(300, 300)))
	synctest.Test(t, func(t *testing.T) {
		store.wait = make(chan struct{})
		impatient, giveUp := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, err := c.Thumbnail(impatient, src, Thumb); !errors.Is(err, context.Canceled) {
				t.Errorf("who gave up got %v", err)
			}
		})
		synctest.Wait()
		for range 20 {
			wg.Go(func() {
				if b, err := c.Thumbnail(t.Context(), src, Thumb); err != nil || len(b) == 0 {
					t.Errorf("who waited got %d bytes, %v", len(b), err)
				}
			})
		}
		synctest.Wait()
		giveUp()
		synctest.Wait()
		close(store.wait)
		wg.Wait()
		if n := store.opens.Load(); n > 2 { // header, then image
			t.Errorf("the cover was opened %d times", n)
		}
	})
}

// When all have given up the work ends, and the next caller starts it anew.
func TestAbandonedWorkEnds(t *testing.T) {
	store, c := newCounting(), open(t, inMemory(Options{}))
	src := store.source(t, "x", jpegBytes(t, photo(300, 300)))
	synctest.Test(t, func(t *testing.T) {
		store.wait = make(chan struct{})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := c.Thumbnail(ctx, src, Thumb); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		synctest.Wait() // the bubble would not end with a goroutine in it
		close(store.wait)
		if _, err := c.Thumbnail(t.Context(), src, Thumb); err != nil {
			t.Error(err)
		}
	})
}

func TestPanicInWork(t *testing.T) {
	c := open(t, inMemory(Options{}))
	_, err := c.get(t.Context(), key{}, func(context.Context) ([]byte, error) { panic("decoder") })
	if !errors.Is(err, ErrNotImage) || !strings.Contains(err.Error(), "decoder") {
		t.Error(err)
	}
}

// TestPictureCodec: what is shared is read as it was, and nothing else is.
func TestPictureCodec(t *testing.T) {
	var codec pictureCodec
	for _, p := range []picture{{jpeg: []byte("picture")}, {err: ErrNotImage}, {err: ErrTooLarge}} {
		data, err := codec.Encode(p)
		if err != nil {
			t.Fatal(err)
		}
		got, err := codec.Decode(data)
		if err != nil || !bytes.Equal(got.jpeg, p.jpeg) || !errors.Is(got.err, p.err) {
			t.Errorf("%+v is read as %+v, %v", p, got, err)
		}
	}
	for _, data := range []string{"", "x", "\x03"} {
		if p, err := codec.Decode([]byte(data)); err == nil {
			t.Errorf("%q is read as %+v", data, p)
		}
	}
}

func TestConcurrentUse(t *testing.T) {
	store := newCounting()
	c := open(t, inMemory(Options{Dir: t.TempDir(), MaxBytes: 20_000, MaxPixels: 100_000}))
	var srcs []Source
	for _, name := range []string{"a", "b", "c", "d", "e", "f", "g", "h"} {
		srcs = append(srcs, store.source(t, name, jpegBytes(t, photo(200+len(srcs), 300))))
	}
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 40 {
				src := srcs[(g+i)%len(srcs)]
				b, err := c.Thumbnail(t.Context(), src, Thumb)
				if err != nil || decoded(t, b, err).Bounds().Dy() > 180 {
					t.Errorf("%s: %v", src.Name, err)
				}
			}
		})
	}
	wg.Wait()
}

// files lists what is in the cache's folder.
func files(tb testing.TB, dir string) []string {
	tb.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "*", "*"))
	if err != nil {
		tb.Fatal(err)
	}
	return found
}
