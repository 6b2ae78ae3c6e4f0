package covers

import (
	"errors"
	"fmt"
	"time"

	"github.com/pressmark/pressmark/cache"
)

// picture is a finished picture, or why there is none: ErrNotImage or ErrTooLarge.
type picture struct {
	jpeg []byte
	err  error
}

// How long a picture is kept that nobody asks for, and the work on one: a slow
// store takes most of it.
const (
	pictureTTL = 24 * time.Hour
	workTime   = 30 * time.Second
)

// newPictures returns where pictures are kept. Where there is a folder, that is
// nearer than a store that others share.
func newPictures(o *Options, hasFolder bool) (*cache.Namespace[picture], error) {
	return cache.NewNamespace(o.Cache, cache.NamespaceOptions[picture]{
		Name: "thumbnail", TTL: pictureTTL, Unchanging: true, LocalOnly: hasFolder, Codec: pictureCodec{}, Shape: "kind, picture", Seal: o.SealKey, LoadTimeout: workTime,
		Cost: func(p picture) int64 { return int64(cap(p.jpeg)) },
	})
}

// pictureCodec has pictures begin with a byte that says what follows: a JPEG, or
// nothing and why.
type pictureCodec struct{}

const (
	isJPEG byte = iota
	isNotImage
	isTooLarge
)

func (pictureCodec) Encode(p picture) ([]byte, error) {
	switch {
	case p.err == nil:
		return append([]byte{isJPEG}, p.jpeg...), nil
	case errors.Is(p.err, ErrTooLarge):
		return []byte{isTooLarge}, nil
	default:
		return []byte{isNotImage}, nil
	}
}

func (pictureCodec) Decode(data []byte) (picture, error) {
	if len(data) > 0 {
		switch data[0] {
		case isJPEG:
			return picture{jpeg: data[1:]}, nil
		case isNotImage:
			return picture{err: ErrNotImage}, nil
		case isTooLarge:
			return picture{err: ErrTooLarge}, nil
		}
	}
	return picture{}, fmt.Errorf("not a picture: %.16q", data)
}
