package drivetest

import (
	"bytes"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"sync"
)

// source is the content of a file in one version. It is never changed.
type source struct {
	io.ReaderAt
	size              int64
	md5, sha1, sha256 func() string // found once, when first asked for
}

func newSource(r io.ReaderAt, size int64) *source {
	digest := func(h func() hash.Hash) func() string {
		return sync.OnceValue(func() string {
			h := h()
			_, _ = io.Copy(h, io.NewSectionReader(r, 0, size)) // memory does not fail
			return hex.EncodeToString(h.Sum(nil))
		})
	}
	return &source{r, size, digest(md5.New), digest(sha1.New), digest(sha256.New)}
}

func bytesSource(content []byte) *source {
	content = bytes.Clone(content)
	return newSource(bytes.NewReader(content), int64(len(content)))
}

// generated makes bytes from where they are, so that none are kept.
type generated struct {
	size int64
	seed uint64
}

// ReadAt implements [io.ReaderAt].
func (g generated) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, errors.New("drivetest: negative offset")
	}
	n := 0
	var word [8]byte
	for n < len(p) && off < g.size {
		if off%8 == 0 { // as many whole words as there are
			for end := min(int64(len(p)-n), g.size-off); end >= 8; end -= 8 {
				binary.LittleEndian.PutUint64(p[n:], g.word(uint64(off/8)))
				n += 8
				off += 8
			}
			if n == len(p) || off == g.size {
				break
			}
		}
		binary.LittleEndian.PutUint64(word[:], g.word(uint64(off/8)))
		some := word[off%8:]
		some = some[:min(int64(len(some)), g.size-off)]
		k := copy(p[n:], some)
		n += k
		off += int64(k)
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// word is splitmix64 (Steele, Lea and Flood, 2014), which can be had at any place.
func (g generated) word(i uint64) uint64 {
	z := g.seed + (i+1)*0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}
