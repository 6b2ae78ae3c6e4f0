package covers

import (
	"hash/fnv"
	"image"
	"image/color"
	"math"
	"strings"
	"unicode"

	"golang.org/x/image/draw"
	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
	"golang.org/x/text/unicode/norm"
)

func parseFont() (*opentype.Font, error) { return opentype.Parse(goregular.TTF) }

// placeholder draws title and author on a colour.
func (c *Cache) placeholder(title, author string, w, h int) ([]byte, error) {
	f, err := c.font()
	if err != nil {
		return nil, err
	}
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	fill(img, img.Bounds(), calm(title))
	margin := w / 10
	fill(img, image.Rect(margin, h/6, w-margin, h/6+max(h/180, 1)), ink)
	if err := writeText(img, f, title, float64(w)/9, h/6+margin/2, 5); err != nil {
		return nil, err
	}
	if err := writeText(img, f, author, float64(w)/14, h*3/4, 2); err != nil {
		return nil, err
	}
	return encode(img)
}

var ink = color.RGBA{0xf4, 0xf1, 0xea, 0xff}

func fill(img draw.Image, r image.Rectangle, c color.Color) {
	draw.Draw(img, r, image.NewUniform(c), image.Point{}, draw.Src)
}

// calm returns a colour that depends on the text: any hue, muted, and dark
// enough for light letters.
func calm(text string) color.RGBA {
	sum := fnv.New32a()
	sum.Write([]byte(text))
	hue := float64(sum.Sum32()%360) / 60
	const lightness, chroma = 0.36, 0.20
	channel := func(shift float64) uint8 {
		x := math.Mod(hue+shift, 6)
		v := max(0, min(x, 4-x, 1)) // the six-part ramp of the hue circle
		return uint8(255 * (lightness + chroma*(v-0.5)))
	}
	return color.RGBA{channel(2), channel(0), channel(4), 0xff}
}

// writeText draws text in lines from top on. Text in letters that the font does
// not have is left out: boxes in their place tell nobody anything.
func writeText(img draw.Image, f *opentype.Font, text string, size float64, top, most int) error {
	text = clean(text)
	if text == "" || !hasGlyphs(f, text) {
		return nil
	}
	face, err := opentype.NewFace(f, &opentype.FaceOptions{Size: size, DPI: 72, Hinting: font.HintingNone})
	if err != nil {
		return err
	}
	defer face.Close()
	width := img.Bounds().Dx()
	d := font.Drawer{Dst: img, Src: image.NewUniform(ink), Face: face}
	step := fixed.Int26_6(size * 1.25 * 64)
	y := fixed.I(top)
	for _, line := range wrap(face, text, fixed.I(width*8/10), most) {
		y += step
		d.Dot = fixed.Point26_6{X: fixed.I(width / 10), Y: y}
		d.DrawString(line)
	}
	return nil
}

// clean composes letters and accents, turns what is not printed into spaces
// and cuts very long texts, of which no more could be drawn anyway.
func clean(text string) string {
	const mostBytes = 1000
	if len(text) > mostBytes {
		text = strings.ToValidUTF8(text[:mostBytes], "")
	}
	text = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, norm.NFC.String(text))
	return strings.Join(strings.Fields(text), " ")
}

func hasGlyphs(f *opentype.Font, text string) bool {
	var buf sfnt.Buffer
	for _, r := range text {
		if i, err := f.GlyphIndex(&buf, r); err != nil || i == 0 {
			return false
		}
	}
	return true
}

// wrap breaks text into at most so many lines, between words where it can.
func wrap(face font.Face, text string, width fixed.Int26_6, most int) []string {
	var lines []string
	for text != "" {
		line := fitting(face, text, width)
		if len(lines) == most-1 && len(line) < len(text) {
			return append(lines, fitting(face, text, width-font.MeasureString(face, "…"))+"…")
		}
		lines = append(lines, line)
		text = strings.TrimLeft(text[len(line):], " ")
	}
	return lines
}

// fitting returns as much of the beginning of text as is not wider than width:
// whole words, or part of a word that is too long itself, at least one letter.
func fitting(face font.Face, text string, width fixed.Int26_6) string {
	end, lastSpace := 0, 0
	var x fixed.Int26_6
	for i, r := range text {
		advance, _ := face.GlyphAdvance(r)
		if x += advance; x > width && i > 0 {
			if lastSpace > 0 {
				return text[:lastSpace]
			}
			return text[:end]
		}
		if r == ' ' {
			lastSpace = i
		}
		end = i + len(string(r))
	}
	return text
}
