package snapshot

import (
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// journalMagic begins a rollback journal (SQLite file format, 3), and ends one
// that names a super-journal. A header of zeros or an empty file is what
// journal_mode PERSIST and TRUNCATE leave, and a writer that has not yet
// touched the database.
const journalMagic = "\xd9\xd5\x05\xf9\x20\xa1\x63\xd7"

// maxSuperName bounds the name of a super-journal (a path).
const maxSuperName = 64 << 10

// openHotJournal opens the journal of a writer that died in the middle of a
// change, or returns nil. It is called while the lock is held: then nobody can
// roll it back.
//
// Where RESERVED cannot be asked a live writer's journal is taken for hot, too.
// That is harmless: as long as the lock is held that writer has not touched the
// file, and its journal restores what is there already.
func (s *source) openHotJournal(l *sharedLock) (_ *os.File, err error) {
	f, err := os.Open(s.path + journalSuffix)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	hot := false
	defer func() {
		if !hot {
			f.Close()
		}
	}()
	var magic [len(journalMagic)]byte
	if _, err := f.ReadAt(magic[:], 0); errors.Is(err, io.EOF) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	if string(magic[:]) != journalMagic {
		return nil, nil
	}
	if l.reserved != nil {
		live, err := l.reserved()
		if err != nil || live {
			return nil, err
		}
	}
	super, _, err := superJournal(f)
	if err != nil {
		return nil, err
	}
	if super != "" {
		// A transaction over several databases (Calibre attaches its notes) is
		// committed by deleting the super-journal. It lies beside the main
		// database; the folder in its name is the writer's view and may be
		// another machine's.
		_, err := os.Stat(filepath.Join(filepath.Dir(s.path), super))
		if errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
	}
	hot = true
	return f, nil
}

// copyJournal copies a hot journal, without the name of a super-journal: SQLite
// would look for that at the original's place, and delete it when it is done.
func copyJournal(src *os.File, path string, step func() error) error {
	info, err := src.Stat()
	if err != nil {
		return err
	}
	_, end, err := superJournal(src)
	if err != nil {
		return err
	}
	dst, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer dst.Close()
	if err := copyBytes(dst, src, min(end, info.Size()), step); err != nil {
		return err
	}
	return dst.Close()
}

// superJournal returns the base name of the super-journal that f names at its
// end, or "", and where the records before that name end. The name is laid out
// as in pager.c, writeSuperJournal: the number of the lock page, the name, its
// length, the sum of its bytes, the magic.
func superJournal(f *os.File) (name string, end int64, err error) {
	info, err := f.Stat()
	if err != nil {
		return "", 0, err
	}
	size := info.Size()
	var tail [16]byte
	if size < int64(len(tail)) {
		return "", size, nil
	}
	if _, err := f.ReadAt(tail[:], size-int64(len(tail))); err != nil {
		return "", 0, err
	}
	length := int64(binary.BigEndian.Uint32(tail[:]))
	start := size - int64(len(tail)) - length
	if string(tail[8:]) != journalMagic || length == 0 || length > maxSuperName || start < 4 {
		return "", size, nil
	}
	b := make([]byte, length)
	if _, err := f.ReadAt(b, start); err != nil {
		return "", 0, err
	}
	var signed, unsigned uint32 // C's char is the one or the other, by machine
	for _, c := range b {
		signed += uint32(int8(c))
		unsigned += uint32(c)
	}
	if sum := binary.BigEndian.Uint32(tail[4:]); sum != signed && sum != unsigned {
		return "", size, nil
	}
	name = string(b)
	name = name[strings.LastIndexAny(name, `/\`)+1:]
	return name, start - 4, nil
}
