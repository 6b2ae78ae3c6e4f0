package upload

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"regexp"
	"strconv"
	"sync"
	"time"

	"github.com/pressmark/pressmark/catalog"
	"github.com/pressmark/pressmark/httpapi/covers"
	"github.com/pressmark/pressmark/storage"
)

// Cache-Control of covers under keys that stay and keys that do not.
const (
	forGood   = "public, max-age=31536000, immutable"
	forAWhile = "public, max-age=300"
)

// maxCover is the largest cover that is sent. Real ones are below 10 MiB.
const maxCover = 64 << 20

// grace is how long a cover that was replaced stays under its own key: clients may
// have been sent there.
const grace = 2 * time.Hour

// Covers sends the covers of a library under the keys of [covers.ObjectKey]: first
// those with the tag that the cover will have, then the one that leads to them. It
// reads every cover, and sends those of which the store has another digest. Where
// tags are no digests, as in buckets encrypted by KMS, it sends those of which the
// store has another size, or an older time.
func Covers(ctx context.Context, o Options) (Count, error) {
	if len(o.Sizes) > 0 && o.Thumbnails == nil {
		return Count{}, errors.New("upload: nobody makes the smaller covers")
	}
	r, err := begin(ctx, o)
	if err != nil {
		return Count{}, err
	}
	w := wantedCovers{tags: map[catalog.BookID]string{}}
	err = r.books(ctx, func(ctx context.Context, b *catalog.Book) (Count, error) { return r.cover(ctx, b, &w) })
	if err != nil {
		return r.count, err
	}
	return r.finish(ctx, r.stale(func(key string) bool { return w.stale(r, key) }))
}

// cover sends the cover of a book.
func (r *run) cover(ctx context.Context, b *catalog.Book, w *wantedCovers) (c Count, err error) {
	if b.Cover == "" {
		return c, nil
	}
	at := r.there[covers.ObjectKey(int64(b.ID), "", "")]
	w.add(b.ID, at.Tag)
	content, info, err := r.read(ctx, b.Path+"/"+path.Base(b.Cover))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		c.Missing++
		return c, nil
	case err != nil:
		return c, err
	}
	mediaType := covers.Sniff(content[:min(len(content), covers.SniffLen)])
	if mediaType == "" {
		c.Unfit++
		return c, nil
	}
	sum := md5.Sum(content)
	tag := hex.EncodeToString(sum[:])
	same := at.Tag == tag
	// Two objects of one content have one tag, if tags are digests.
	if twin, ok := r.there[covers.ObjectKey(int64(b.ID), at.Tag, "")]; ok && at.Tag != "" && twin.Tag != at.Tag {
		if same = at.Size == info.Size && !at.ModTime.Before(info.ModTime.Truncate(time.Second)); same {
			tag = at.Tag
		}
	}
	src := covers.Source{Name: r.Library + "/" + strconv.FormatInt(int64(b.ID), 10), Store: r.From, Info: info}
	if err := r.tagged(ctx, &c, b.ID, tag, src, content, mediaType); err != nil {
		return c, err
	}
	if same {
		c.Same++
		w.add(b.ID, tag)
		return c, nil
	}
	err = r.put(ctx, &c, info.Size, func() error {
		got, err := r.to.Put(ctx, covers.ObjectKey(int64(b.ID), "", ""), bytes.NewReader(content), storage.PutOptions{ContentType: mediaType, CacheControl: forAWhile})
		if err != nil || got.Tag == tag {
			return err
		}
		tag = got.Tag
		return r.tagged(ctx, &c, b.ID, tag, src, content, mediaType)
	})
	w.add(b.ID, tag)
	return c, err
}

// read reads a cover.
func (r *run) read(ctx context.Context, key string) ([]byte, storage.Info, error) {
	in, info, err := r.From.Open(ctx, key, storage.Range{})
	if err != nil {
		return nil, info, err
	}
	defer in.Close()
	if info.Size > maxCover {
		return nil, info, fmt.Errorf("%s has %d bytes: %w", key, info.Size, covers.ErrTooLarge)
	}
	content, err := io.ReadAll(in)
	return content, info, err
}

// tagged sends a cover under the keys that stay, in all sizes, if it is not there.
func (r *run) tagged(ctx context.Context, c *Count, id catalog.BookID, tag string, src covers.Source, content []byte, mediaType string) error {
	for _, size := range append([]covers.Size{""}, r.Sizes...) {
		key := covers.ObjectKey(int64(id), tag, size)
		if _, ok := r.there[key]; ok {
			c.Same++
			continue
		}
		body, kind := content, mediaType
		if size != "" && !r.DryRun {
			var err error
			body, err = r.Thumbnails.Thumbnail(ctx, src, size)
			if errors.Is(err, covers.ErrNotImage) || errors.Is(err, covers.ErrTooLarge) {
				c.Unfit++
				continue
			}
			if err != nil {
				return err
			}
			kind = "image/jpeg"
		}
		err := r.put(ctx, c, int64(len(body)), func() error {
			_, err := r.to.Put(ctx, key, bytes.NewReader(body), storage.PutOptions{ContentType: kind, CacheControl: forGood})
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// wantedCovers are the covers that the library has.
type wantedCovers struct {
	mu   sync.Mutex
	tags map[catalog.BookID]string // "" where the store had none
}

func (w *wantedCovers) add(id catalog.BookID, tag string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tags[id] = tag
}

// coverObject matches the keys of covers.ObjectKey with tags as S3 has them. Others
// may be somebody else's.
var coverObject = regexp.MustCompile(`^([1-9][0-9]*)(?:-([0-9a-f]{32}(?:-[0-9]+)?))?(?:-(?:thumb|small|medium))?\.jpg$`)

// stale reports whether the object of a key is one of ours that the library does
// not have any more.
func (w *wantedCovers) stale(r *run, key string) bool {
	m := coverObject.FindStringSubmatch(key)
	if m == nil {
		return false
	}
	id, err := strconv.ParseInt(m[1], 10, 64)
	if err != nil {
		return false
	}
	tag, ok := w.tags[catalog.BookID(id)]
	if !ok {
		return true
	}
	if m[2] == "" || m[2] == tag {
		return false
	}
	// Of a cover that was replaced a moment ago, or in this run.
	now, ok := r.there[covers.ObjectKey(id, "", "")]
	return ok && now.Tag == tag && time.Since(now.ModTime) > grace
}
