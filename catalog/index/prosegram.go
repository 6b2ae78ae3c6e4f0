package index

import "unicode/utf8"

// A gram is a piece of text that an index of pieces knows: four characters in
// a row and, for what is no longer, three; or one or two where they are of a
// script that writes words with one or two (from firstWide on: ideographs, kana,
// syllables).
const (
	firstWide  = 0x2e80
	narrowGram = 4
	// narrowBits are enough for a character before firstWide, so that four fit
	// in a number.
	narrowBits = 14
	narrowMask = 1<<(narrowGram*narrowBits) - 1
	shortMask  = 1<<((narrowGram-1)*narrowBits) - 1
	// What sets pieces of three and of wide characters apart.
	narrowShort = 1 << 61
	wideOne     = 1 << 62
	widePair    = 1 << 63
	wideBits    = 21
)

// gramHash spreads grams over the buckets: 2^64 divided by the golden ratio.
const gramHash = 0x9e3779b97f4a7c15

// appendGrams appends the grams of a text to dst, as often as they are in it,
// by the number of a bucket of 2^bits. Those of three characters are left out
// unless short is set.
func appendGrams(dst []uint32, text []byte, bits uint, short bool) []uint32 {
	shift := 64 - bits
	var last uint64   // the narrow characters up to here, the last one lowest
	narrow := 0       // how many of them are in a row
	var before uint64 // the character before, if that was wide
	for i := 0; i < len(text); {
		r, n := rune(text[i]), 1
		if r >= utf8.RuneSelf {
			r, n = utf8.DecodeRune(text[i:])
		}
		i += n
		if r < firstWide {
			last = (last<<narrowBits | uint64(r)) & narrowMask
			narrow++
			if narrow >= narrowGram {
				dst = append(dst, uint32(last*gramHash>>shift))
			}
			if short && narrow >= narrowGram-1 {
				dst = append(dst, uint32((last&shortMask|narrowShort)*gramHash>>shift))
			}
			before = 0
			continue
		}
		dst = append(dst, uint32((uint64(r)|wideOne)*gramHash>>shift))
		if before != 0 {
			dst = append(dst, uint32((before<<wideBits|uint64(r)|widePair)*gramHash>>shift))
		}
		before, narrow = uint64(r), 0
	}
	return dst
}
