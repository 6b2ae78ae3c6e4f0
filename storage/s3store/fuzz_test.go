package s3store

import (
	"strings"
	"testing"

	"github.com/pressmark/pressmark/storage"
)

// FuzzContentRange: what a server says of a range is a place in the object, or an
// error.
func FuzzContentRange(f *testing.F) {
	for _, text := range []string{"bytes 0-9/10", "bytes 5-9/100", "bytes */10", "bytes 5-9/*", "", "bytes -1-5/-3", "bytes 9-1/5", "5-9/10"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		size, first, err := contentRange(text)
		if err == nil && (first < 0 || size < first) {
			t.Errorf("%q: byte %d of %d", text, first, size)
		}
	})
}

// FuzzTag: whatever ETag a server has, the tag is one.
func FuzzTag(f *testing.F) {
	for _, etag := range []string{`"d41d8cd98f00b204e9800998ecf8427e"`, `W/"x"`, `"a-12"`, `""`, "", `"<&>"`, strings.Repeat("a", 200)} {
		f.Add(etag)
	}
	f.Fuzz(func(t *testing.T, etag string) {
		const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."
		info := describe("key", 1, nil, &etag)
		if info.Tag == "" || len(info.Tag) > 128 || strings.Trim(info.Tag, alphabet) != "" {
			t.Errorf("%q is the tag %q", etag, info.Tag)
		}
	})
}

// FuzzHeader: what is asked for is what the range means.
func FuzzHeader(f *testing.F) {
	for _, r := range []storage.Range{{}, {Length: 1}, {Offset: 5}, {Offset: -5}, {Offset: 1 << 40, Length: 1 << 62}, {Offset: -1 << 63}} {
		f.Add(r.Offset, r.Length)
	}
	f.Fuzz(func(t *testing.T, offset, length int64) {
		r := storage.Range{Offset: offset, Length: length}
		if length < 0 || offset > maxSize || offset < 0 && length > 0 {
			return // Open does not ask for those
		}
		h := header(r)
		if (h == nil) != (r == storage.Range{}) || h != nil && (!strings.HasPrefix(*h, "bytes=") || strings.Contains((*h)[6:], "--")) {
			t.Errorf("%+v: %v", r, h)
		}
	})
}
