package snapshot

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// walHeaderSize is the length of a -wal's header (SQLite file format, 4.1).
const walHeaderSize = 32

// walHeader holds the salts that are drawn anew whenever the -wal begins again.
// The zero value is that of a missing or empty one.
type walHeader [walHeaderSize]byte

func (h walHeader) valid() bool { return binary.BigEndian.Uint32(h[:])&^1 == 0x377f0682 }

func readWALHeader(f *os.File) (walHeader, error) {
	var h walHeader
	_, err := f.ReadAt(h[:], 0)
	if errors.Is(err, io.EOF) {
		return walHeader{}, nil // not begun
	}
	return h, err
}

// copyWAL copies a database in WAL mode to out, and its -wal beside it. The
// order matters: see the package's documentation.
func (s *source) copyWAL(ctx context.Context, out *os.File, c *Copy) error {
	var err error
	c.WAL = true
	if c.Stamp, err = stamp(s.path); err != nil {
		return err
	}
	if err := s.current(); err != nil {
		return err
	}
	before, err := s.walGeneration(func(*os.File) error { return nil })
	if err != nil {
		return err
	}
	if err := copyBytes(out, s.file, c.Stamp.Main.Size, ctx.Err); err != nil {
		return err
	}
	copied, err := s.walGeneration(func(wal *os.File) error { return copyWALFile(ctx, wal, c.Path+walSuffix) })
	if err != nil {
		return err
	}
	after, err := s.walGeneration(func(*os.File) error { return nil })
	if err != nil {
		return err
	}
	if copied != before || after != before {
		return fmt.Errorf("%w: its -wal was restarted", ErrUnstable)
	}
	if err := s.current(); err != nil {
		return err
	}
	if before.valid() {
		c.Method, c.Trusted = WALGeneration, localFS(s.file)
		return nil
	}
	// Without a -wal to compare only the file's times tell that there was one
	// for a moment, and they are coarse on older kernels.
	c.Method = Unlocked
	end, err := stamp(s.path)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnstable, err)
	}
	if end != c.Stamp {
		return fmt.Errorf("%w: it was written", ErrUnstable)
	}
	return nil
}

// walGeneration opens the -wal that is there now, reads its header and hands it
// to use. Without one it returns the zero header.
func (s *source) walGeneration(use func(*os.File) error) (walHeader, error) {
	f, err := os.Open(s.path + walSuffix)
	if errors.Is(err, fs.ErrNotExist) {
		return walHeader{}, nil
	}
	if err != nil {
		return walHeader{}, err
	}
	defer f.Close()
	h, err := readWALHeader(f)
	if err != nil || !h.valid() {
		return walHeader{}, err
	}
	return h, use(f)
}

func copyWALFile(ctx context.Context, wal *os.File, path string) error {
	info, err := wal.Stat()
	if err != nil {
		return err
	}
	dst, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer dst.Close()
	if err := copyBytes(dst, wal, info.Size(), ctx.Err); err != nil {
		return err
	}
	return dst.Close()
}
