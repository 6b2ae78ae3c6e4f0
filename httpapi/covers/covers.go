// Package covers makes small pictures out of the covers of a library, and
// keeps them.
//
// # What comes out
//
// A [Cache] makes thumbnails in three sizes ([Thumb], [Small], [Medium]) and,
// for books without a cover, placeholders of the same sizes: a calm colour
// that depends on the title, with title and author drawn on it where the
// built-in font has their letters (Latin, Greek, Cyrillic). Everything is a
// baseline JPEG. A thumbnail keeps the cover's proportions, fits in its size's
// box and is never larger than the cover itself; transparency becomes white.
// Notes in the file about its orientation are not read, as Calibre does not
// write any.
//
// # What goes in
//
// JPEG, PNG, GIF (its first frame) and WebP, recognised by their content; the
// name of the file means nothing, as a cover.jpg often is a PNG. Everything
// else, SVG included, and everything damaged or cut short is [ErrNotImage]. The
// files are not trusted: dimensions are read before anything is decoded, and
// an image with more pixels than [Options.MaxPixels] is [ErrTooLarge]. At most
// as many pixels as that are in memory at once, over all images that are being
// decoded, so memory is bounded whatever a library holds.
//
// # What is kept
//
// Each picture is made once for each version of its cover: its key is made of
// the cover's name, its [storage.Info] Tag and the size. So nothing is ever
// invalidated; pictures of versions that nobody asks for any more age out.
// Calls for one picture at the same time share the work, and a caller that
// gives up does not fail the others. The work ends early when all have given up,
// and after 30 seconds.
//
// Finished pictures are kept in process, in a namespace of [Options.Cache], and in
// the folder [Options.Dir] up to [Options.MaxBytes], where they survive a restart
// and those that were used least recently go first; without a folder they are kept
// in the shared tier of the cache, if it has one. In the folder each is a file
// that image viewers can open, with a checksum behind the image: what a crash
// has left damaged is found when it is read, and is made anew. Several caches,
// also of several processes, can share a folder, and anything in it may be
// deleted at any time. If the folder cannot be written (disk full, read-only)
// the pictures are still made and kept in memory, the fault is logged, and the
// folder is tried again a minute later.
//
// # Failure
//
//   - [ErrNotImage], [ErrTooLarge]: the cover cannot be shown small.
//   - [ErrBusy]: too many are asked for at once.
//   - [storage.ErrChanged]: the cover is not the version any more that the
//     caller described. Stat it again.
//   - Errors of the store, as it gave them; errors of the context.
//
// Faults of the cache itself are never errors, only slower.
package covers

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/image/font/opentype"
	"golang.org/x/sync/semaphore"

	"github.com/pressmark/pressmark/cache"
	"github.com/pressmark/pressmark/storage"
)

var (
	// ErrNotImage is returned for a file that is not a JPEG, PNG, GIF or
	// WebP image, or is damaged.
	ErrNotImage = errors.New("not an image")

	// ErrTooLarge is returned for an image that has more pixels than
	// Options.MaxPixels, or whose file is larger than 64 MiB.
	ErrTooLarge = errors.New("image too large")

	// ErrBusy is returned when Options.MaxWaiting pictures are being made, or wait
	// for it. Trying again in a moment may help.
	ErrBusy = errors.New("too many pictures are being made")
)

// Size is a size in which pictures are made.
type Size string

// The sizes and the boxes, in pixels, that their pictures fit in.
const (
	Thumb  Size = "thumb"  // 120 × 180
	Small  Size = "small"  // 240 × 360
	Medium Size = "medium" // 480 × 720
)

// Box returns the width and height in pixels that a picture of this size can
// have at most. ok is false if s is none of the sizes.
func (s Size) Box() (width, height int, ok bool) {
	switch s {
	case Thumb:
		return 120, 180, true
	case Small:
		return 240, 360, true
	case Medium:
		return 480, 720, true
	}
	return 0, 0, false
}

// Options are the settings of a [Cache]. The zero value keeps nothing.
type Options struct {
	// Dir is the folder in which pictures are kept; it is made when it is
	// needed, and should hold nothing else. Empty keeps them in Cache only.
	Dir string
	// MaxBytes bounds the files in Dir. 0 means 1 GiB; negative is the same
	// as an empty Dir.
	MaxBytes int64
	// Cache keeps pictures in its namespace thumbnail. nil keeps none.
	Cache *cache.Cache
	// SealKey authenticates pictures in the shared tier of Cache, as 32 random bytes
	// that all processes have. nil believes what is there.
	SealKey []byte
	// MaxPixels is the largest image, in pixels, that is decoded. 0 means
	// 50 million. A pixel takes about 4 bytes while its image is decoded.
	MaxPixels int64
	// Concurrency is how many images are decoded at once. 0 means
	// GOMAXPROCS.
	Concurrency int
	// MaxWaiting is how many pictures may be made, or wait for it, at once. 0 means
	// 128 for each of Concurrency, which takes about a second.
	MaxWaiting int
	// Logger gets one line when Dir cannot be used. nil is slog.Default.
	Logger *slog.Logger
	// Now is the clock for use times of files. nil is time.Now.
	Now func() time.Time
}

// Cache makes pictures and keeps them. Make one with [New]. Its methods may be
// called by several goroutines at once.
type Cache struct {
	maxPixels, minWeight int64
	pixels               *semaphore.Weighted // pixels that may be decoded at the same time
	disk                 *disk               // nil without a folder
	pictures             *cache.Namespace[picture]
	mostMaking           int64
	making               atomic.Int64
	refused              atomic.Uint64
	font                 func() (*opentype.Font, error) // parsed when the first placeholder is drawn
}

// New makes a cache. It does no I/O.
func New(o Options) (_ *Cache, err error) {
	if o.MaxBytes == 0 {
		o.MaxBytes = 1 << 30
	}
	if o.MaxPixels <= 0 {
		o.MaxPixels = 50_000_000
	}
	if o.Concurrency <= 0 {
		o.Concurrency = runtime.GOMAXPROCS(0)
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Cache == nil {
		o.Cache = cache.New(cache.Options{Logger: o.Logger})
	}
	c := &Cache{
		maxPixels: o.MaxPixels,
		minWeight: max(o.MaxPixels/int64(o.Concurrency), 1),
		pixels:    semaphore.NewWeighted(o.MaxPixels),
		font:      sync.OnceValues(parseFont),
	}
	if o.MaxWaiting <= 0 {
		o.MaxWaiting = 128 * o.Concurrency
	}
	c.mostMaking = int64(o.MaxWaiting)
	if o.Dir != "" && o.MaxBytes > 0 {
		c.disk = &disk{dir: o.Dir, limit: o.MaxBytes, log: o.Logger, now: o.Now}
	}
	if c.pictures, err = newPictures(&o, c.disk != nil); err != nil {
		return nil, fmt.Errorf("covers: %w", err)
	}
	return c, nil
}

// Source is a cover.
type Source struct {
	// Name tells the cover from all others that share the cache and stays
	// the same when its file moves: "main/17" for book 17 of a library.
	Name string
	// Store holds the cover, and Info is what it says about it.
	Store storage.Store
	Info  storage.Info
}

// Thumbnail returns the cover in the given size, as a JPEG. The caller must not
// change the bytes. A size that is none of the three is an error.
func (c *Cache) Thumbnail(ctx context.Context, src Source, size Size) ([]byte, error) {
	w, h, ok := size.Box()
	if !ok {
		return nil, unknownSize(size)
	}
	return c.get(ctx, pictureKey("thumbnail", src.Name, src.Info.Tag, string(size)), func(ctx context.Context) ([]byte, error) {
		return c.thumbnail(ctx, src, w, h)
	})
}

// Placeholder returns a picture, as a JPEG, for a book that has no cover. The
// caller must not change the bytes. Equal arguments give equal bytes. A size that is none of the
// three is an error.
func (c *Cache) Placeholder(ctx context.Context, title, author string, size Size) ([]byte, error) {
	w, h, ok := size.Box()
	if !ok {
		return nil, unknownSize(size)
	}
	return c.get(ctx, pictureKey("placeholder", title, author, string(size)), func(context.Context) ([]byte, error) {
		return c.placeholder(title, author, w, h)
	})
}

func unknownSize(s Size) error {
	return fmt.Errorf("cover size %q: thumb, small or medium was expected", string(s))
}

// get returns the picture of that key: from the cache, else from the folder, else
// made. That a cover is no image is remembered too, in the cache.
func (c *Cache) get(ctx context.Context, k key, paint func(context.Context) ([]byte, error)) ([]byte, error) {
	p, err := c.pictures.Get(ctx, k.String(), func(ctx context.Context) (picture, error) {
		if jpeg := c.disk.get(k); jpeg != nil {
			return picture{jpeg: jpeg}, nil
		}
		if c.making.Add(1) > c.mostMaking {
			c.making.Add(-1)
			c.refused.Add(1)
			return picture{}, ErrBusy
		}
		defer c.making.Add(-1)
		jpeg, err := safely(ctx, paint)
		switch {
		case err == nil:
			c.disk.put(k, jpeg)
		case errors.Is(err, ErrNotImage), errors.Is(err, ErrTooLarge):
			return picture{err: err}, nil
		}
		return picture{jpeg: jpeg}, err
	})
	if err != nil {
		return nil, err
	}
	return p.jpeg, p.err
}

// Stats are what a [Cache] does.
type Stats struct {
	Making  int64  // pictures that are being made now, or wait for it
	Refused uint64 // calls that failed with ErrBusy
}

// Stats returns what has been counted.
func (c *Cache) Stats() Stats { return Stats{max(0, c.making.Load()), c.refused.Load()} }

// safely paints. Image decoders have panicked on hostile files before.
func safely(ctx context.Context, paint func(context.Context) ([]byte, error)) (jpeg []byte, err error) {
	defer func() {
		if p := recover(); p != nil {
			jpeg, err = nil, fmt.Errorf("%w: panic in the decoder: %v", ErrNotImage, p)
		}
	}()
	return paint(ctx)
}

// Generation is part of every key, and should be of entity tags. It is raised
// when pictures come to look different.
const Generation = "1"

// key names a picture.
type key [16]byte

func pictureKey(parts ...string) key {
	b := append(make([]byte, 0, 256), Generation...)
	for _, p := range parts {
		b = binary.AppendUvarint(b, uint64(len(p))) // so that ("a", "bc") is not ("ab", "c")
		b = append(b, p...)
	}
	sum := sha256.Sum256(b)
	return key(sum[:16])
}

func (k key) String() string { return hex.EncodeToString(k[:]) }

// ObjectKey is the key of a book's cover in a store that has covers by book:
// "{id}.jpg", which may change, or "{id}-{tag}.jpg" and, made smaller,
// "{id}-{tag}-{size}.jpg", which do not. tag is the Tag of the first.
func ObjectKey(book int64, tag string, size Size) string {
	key := strconv.FormatInt(book, 10)
	if tag != "" {
		key += "-" + tag
	}
	if size != "" {
		key += "-" + string(size)
	}
	return key + ".jpg"
}
