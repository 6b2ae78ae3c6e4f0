package snapshot

import (
	"errors"
	"io/fs"
	"os"
)

const (
	journalSuffix = "-journal"
	walSuffix     = "-wal"
)

// Stamp is what a database and the files beside it look like from outside. Two
// are equal (==) when nothing was written between them, as far as the file
// system tells.
type Stamp struct {
	Main, WAL, Journal FileStamp
}

// FileStamp is one file of a Stamp, the zero value if there is none. Device,
// inode and change time are 0 on systems without them.
type FileStamp struct {
	Device, Inode uint64
	// Size is in bytes.
	Size int64
	// Modified and Changed (the inode) are in nanoseconds since 1970.
	Modified, Changed int64
}

// stamp looks at the database at path, with symbolic links resolved.
func stamp(path string) (Stamp, error) {
	main, err := os.Stat(path)
	if err != nil {
		return Stamp{}, err
	}
	s := Stamp{Main: fileStamp(main)}
	if s.WAL, err = stampOptional(path + walSuffix); err != nil {
		return Stamp{}, err
	}
	if s.Journal, err = stampOptional(path + journalSuffix); err != nil {
		return Stamp{}, err
	}
	return s, nil
}

func stampOptional(path string) (FileStamp, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return FileStamp{}, nil
	case err != nil:
		return FileStamp{}, err
	}
	return fileStamp(info), nil
}
