package snapshot

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
)

// headerSize is the length of a database's header (SQLite file format, 1.3).
const headerSize = 100

const headerMagic = "SQLite format 3\x00"

// header is the header of a database file. Two are equal when all of their
// bytes are.
type header [headerSize]byte

// readHeader reads the header of f, which is at its beginning. A file that does
// not begin with one is ErrDamaged.
func readHeader(f *os.File) (header, error) {
	var h header
	n, err := f.ReadAt(h[:], 0)
	switch {
	case err != nil && !errors.Is(err, io.EOF):
		return h, err
	case n == 0:
		return h, fmt.Errorf("%w: the file is empty (0 bytes)", ErrDamaged)
	case string(h[:min(n, len(headerMagic))]) != headerMagic[:min(n, len(headerMagic))]:
		return h, fmt.Errorf("%w: expected a file that begins with %q, found %q", ErrDamaged, headerMagic, h[:min(n, len(headerMagic))])
	case n < headerSize:
		return h, fmt.Errorf("%w: expected a header of %d bytes, found %d", ErrDamaged, headerSize, n)
	}
	if size := h.pageSize(); size < 512 || size > 65536 || size&(size-1) != 0 {
		return h, fmt.Errorf("%w: expected a page size that is a power of two from 512 to 65536, found %d", ErrDamaged, size)
	}
	return h, nil
}

func (h header) pageSize() int64 {
	if n := binary.BigEndian.Uint16(h[16:]); n != 1 {
		return int64(n)
	}
	return 65536
}

// wal reports that the file is in WAL mode, by its write and read version.
func (h header) wal() bool { return h[18] == 2 || h[19] == 2 }

func (h header) changeCounter() uint32 { return binary.BigEndian.Uint32(h[24:]) }

// verify checks a file of size bytes against the page count in its header. The
// file may be longer: SQLite can extend it ahead of need.
func (h header) verify(size int64) error {
	pages := int64(binary.BigEndian.Uint32(h[28:]))
	if pages == 0 || binary.BigEndian.Uint32(h[92:]) != h.changeCounter() {
		// The count is not in use: last written by SQLite before 3.7.0.
		if size%h.pageSize() != 0 {
			return fmt.Errorf("%w: expected pages of %d bytes, found %d bytes in all", ErrDamaged, h.pageSize(), size)
		}
		return nil
	}
	if want := pages * h.pageSize(); size < want {
		return fmt.Errorf("%w: truncated: expected %d pages of %d bytes (%d bytes), found %d", ErrDamaged, pages, h.pageSize(), want, size)
	}
	return nil
}
