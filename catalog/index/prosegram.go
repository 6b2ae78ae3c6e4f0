package index

import "unicode/utf8"

// A gram is a piece of text that an index of pieces knows: three characters in
// a row, or one or two where they are of a script that writes words with one
// or two (from firstWide on: ideographs, kana, syllables).
const (
	firstWide = 0x2e80
	runeBits  = 21
	gramMask  = 1<<(3*runeBits) - 1
	// widePair sets a pair apart from three characters, of which it has the
	// last two.
	widePair = 1 << (2 * runeBits)
)

// eachGram calls f for the grams of a text, as often as they are in it, by the
// number of a bucket of 2^bits.
func eachGram(text []byte, bits uint, f func(bucket uint32)) {
	shift := 64 - bits
	var last uint64 // the characters up to here, the last one lowest
	narrow := 0     // how many of them are narrow and in a row
	for i := 0; i < len(text); {
		r, n := rune(text[i]), 1
		if r >= utf8.RuneSelf {
			r, n = utf8.DecodeRune(text[i:])
		}
		i += n
		last = (last<<runeBits | uint64(r)) & gramMask
		if r < firstWide {
			if narrow++; narrow >= 3 {
				f(uint32(last * gramHash >> shift))
			}
			continue
		}
		f(uint32(uint64(r) * gramHash >> shift))
		if before := last >> runeBits & (1<<runeBits - 1); before >= firstWide {
			f(uint32((last&(widePair-1) | widePair) * gramHash >> shift))
		}
		narrow = 0
	}
}

// gramHash spreads grams over the buckets: 2^64 divided by the golden ratio.
const gramHash = 0x9e3779b97f4a7c15
