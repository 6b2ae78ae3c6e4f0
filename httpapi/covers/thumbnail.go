package covers

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"

	"golang.org/x/image/draw"
	"golang.org/x/image/webp"

	"github.com/pressmark/pressmark/storage"
)

// SniffLen is how many bytes of a file [Sniff] wants to see.
const SniffLen = 16

// Sniff returns the media type of an image by the first bytes of its file, ""
// if it is not one that browsers show and this package can read.
func Sniff(head []byte) string {
	if k := kindOf(head); k != nil {
		return k.mediaType
	}
	return ""
}

// kind is a file format of images.
type kind struct {
	mediaType string
	config    func(io.Reader) (image.Config, error)
	decode    func(io.Reader) (image.Image, error)
}

func kindOf(head []byte) *kind {
	begins := func(s string) bool { return bytes.HasPrefix(head, []byte(s)) }
	switch {
	case begins("\xff\xd8\xff"):
		return &kind{"image/jpeg", jpeg.DecodeConfig, jpeg.Decode}
	case begins("\x89PNG\r\n\x1a\n"):
		return &kind{"image/png", png.DecodeConfig, png.Decode}
	case begins("GIF87a"), begins("GIF89a"):
		return &kind{"image/gif", gif.DecodeConfig, gif.Decode}
	case begins("RIFF") && len(head) >= 16 && string(head[8:15]) == "WEBPVP8":
		return &kind{"image/webp", webp.DecodeConfig, webp.Decode}
	}
	return nil
}

// maxFile is the largest file that is read. Real covers are below 10 MiB.
const maxFile = 64 << 20

// quality of JPEGs: at 80 the artefacts are not seen at this size.
const quality = 80

func (c *Cache) thumbnail(ctx context.Context, src Source, boxW, boxH int) ([]byte, error) {
	f, info, err := storage.OpenSeeker(ctx, src.Store, src.Info.Key)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info.Tag != src.Info.Tag {
		return nil, fmt.Errorf("thumbnail of %s: %w", info.Key, storage.ErrChanged)
	}
	if info.Size > maxFile {
		return nil, fmt.Errorf("thumbnail of %s: %w: the file has %d bytes", info.Key, ErrTooLarge, info.Size)
	}
	in := &input{ctx: ctx, r: f}
	img, release, err := c.decode(ctx, in)
	if in.err != nil { // what the decoder made of it says less
		err = in.err
	}
	if err != nil {
		return nil, fmt.Errorf("thumbnail of %s: %w", info.Key, err)
	}
	defer release()
	w, h := fit(img.Bounds().Dx(), img.Bounds().Dy(), boxW, boxH)
	return encode(shrink(img, w, h))
}

// decode reads an image after its dimensions were found to be harmless. The
// caller calls release when it is done with the image.
func (c *Cache) decode(ctx context.Context, r io.ReadSeeker) (img image.Image, release func(), err error) {
	br := bufio.NewReaderSize(r, 32<<10)
	head, _ := br.Peek(SniffLen)
	kind := kindOf(head)
	if kind == nil {
		return nil, nil, ErrNotImage
	}
	cfg, err := kind.config(br)
	if err != nil {
		return nil, nil, notImage(err)
	}
	if cfg.Width <= 0 || cfg.Height <= 0 {
		return nil, nil, ErrNotImage
	}
	pixels := int64(cfg.Width) * int64(cfg.Height) // both are below 2³², products below 2⁶³ in all four formats
	if pixels > c.maxPixels {
		return nil, nil, fmt.Errorf("%w: %d × %d pixels", ErrTooLarge, cfg.Width, cfg.Height)
	}
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		return nil, nil, err
	}
	weight := max(pixels, c.minWeight)
	if err := c.pixels.Acquire(ctx, weight); err != nil {
		return nil, nil, err
	}
	defer func() {
		if img == nil { // failed, or the decoder panicked
			c.pixels.Release(weight)
		}
	}()
	br.Reset(r)
	img, err = kind.decode(br)
	if err != nil {
		return nil, nil, notImage(err)
	}
	return img, func() { c.pixels.Release(weight) }, nil
}

func notImage(err error) error { return fmt.Errorf("%w: %w", ErrNotImage, err) }

// input reads from a store on behalf of a decoder. It keeps the store's own
// error, which decoders report as damage of the image, and ends when ctx does.
type input struct {
	ctx context.Context
	r   io.ReadSeeker
	err error
}

func (in *input) Read(p []byte) (int, error) {
	if in.err == nil {
		in.err = in.ctx.Err()
	}
	if in.err != nil {
		return 0, in.err
	}
	n, err := in.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		in.err = err
	}
	return n, err
}

func (in *input) Seek(offset int64, whence int) (int64, error) { return in.r.Seek(offset, whence) }

// fit returns the largest dimensions of an image of w × h that lie in the box,
// without enlarging it.
func fit(w, h, boxW, boxH int) (int, int) {
	if w > boxW {
		w, h = boxW, (h*boxW+w/2)/w
	}
	if h > boxH {
		w, h = (w*boxH+h/2)/h, boxH
	}
	return max(w, 1), max(h, 1)
}

// shrink scales img down to w × h on white. ApproxBiLinear looks at four
// pixels only, so shrinking by more than 2 at once would leave details out and
// make others glitter; halving looks at each pixel, and costs a third more
// than a single half.
func shrink(img image.Image, w, h int) *image.RGBA {
	op := draw.Src
	if o, ok := img.(interface{ Opaque() bool }); !ok || !o.Opaque() {
		op = draw.Over
	}
	for {
		b := img.Bounds()
		next := image.NewRGBA(image.Rect(0, 0, max(w, (b.Dx()+1)/2), max(h, (b.Dy()+1)/2)))
		if op == draw.Over {
			draw.Draw(next, next.Bounds(), image.NewUniform(color.White), image.Point{}, draw.Src)
		}
		draw.ApproxBiLinear.Scale(next, next.Bounds(), img, b, op, nil)
		if next.Bounds().Dx() == w && next.Bounds().Dy() == h {
			return next
		}
		img, op = next, draw.Src
	}
}

func encode(img image.Image) ([]byte, error) {
	var out bytes.Buffer
	if err := jpeg.Encode(&out, img, &jpeg.Options{Quality: quality}); err != nil {
		return nil, err
	}
	return bytes.Clone(out.Bytes()), nil // it is kept: without the buffer's spare room
}
