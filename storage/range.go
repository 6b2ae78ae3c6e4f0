package storage

import "io/fs"

// Range selects a part of an object. The zero Range is the whole of it.
//
//	Range{}                         everything
//	Range{Offset: 100}              from byte 100 to the end
//	Range{Offset: 100, Length: 50}  bytes 100 to 149
//	Range{Offset: -22}              the last 22 bytes
type Range struct {
	// Offset is the first byte. Negative counts from the end, and a count
	// larger than the object means its beginning, as in HTTP.
	Offset int64

	// Length is the number of bytes. 0 means up to the end; a length that
	// reaches behind the end is cut there. Negative is an error.
	Length int64
}

// Resolve says which bytes the range selects in an object of the given size:
// n of them, from start. An offset equal to size selects nothing, without an
// error, so that an empty object can be read like any other; an offset beyond
// it is [ErrRange]. A negative length is [fs.ErrInvalid].
func (r Range) Resolve(size int64) (start, n int64, err error) {
	switch {
	case r.Length < 0:
		return 0, 0, fs.ErrInvalid
	case r.Offset > size:
		return 0, 0, ErrRange
	case r.Offset < 0:
		start = max(size+r.Offset, 0)
	default:
		start = r.Offset
	}
	n = size - start
	if r.Length > 0 {
		n = min(n, r.Length)
	}
	return start, n, nil
}
