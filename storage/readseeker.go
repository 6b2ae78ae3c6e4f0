package storage

import (
	"context"
	"errors"
	"io"
	"io/fs"
)

// NewReadSeeker makes a seekable file of the object that info describes (an
// answer of s about the object's whole), for [net/http.ServeContent] and
// others that need one.
//
// Nothing is opened until the first Read, and a Seek costs nothing until the
// Read after it; a Read where the last one ended goes on in the same stream.
// Every stream is checked to be of info's version: if the object was replaced
// meanwhile, Read fails with [ErrChanged] and never mixes two contents. After
// an error the next Read tries again at the same position. ctx governs all
// reads. The result is for one goroutine at a time.
func NewReadSeeker(ctx context.Context, s Store, info Info) io.ReadSeekCloser {
	return &readSeeker{ctx: ctx, store: s, info: info}
}

// OpenSeeker opens the whole object at key for reading with seeks: as an
// *os.File if the store is a [FileOpener], so that [net/http.ServeContent]
// sends it with sendfile, else as a [NewReadSeeker]. The caller closes it.
func OpenSeeker(ctx context.Context, s Store, key string) (io.ReadSeekCloser, Info, error) {
	if files, ok := As[FileOpener](s); ok {
		f, info, err := files.OpenFile(ctx, key)
		if err == nil {
			return f, info, nil
		}
		if !errors.Is(err, errors.ErrUnsupported) {
			return nil, Info{}, err
		}
	}
	info, err := s.Stat(ctx, key)
	if err != nil {
		return nil, Info{}, err
	}
	return NewReadSeeker(ctx, s, info), info, nil
}

type readSeeker struct {
	ctx    context.Context
	store  Store
	info   Info
	pos    int64         // where the next Read begins
	rc     io.ReadCloser // open stream, or nil
	at     int64         // where rc stands
	closed bool
}

func (f *readSeeker) Read(p []byte) (int, error) {
	switch {
	case f.closed:
		return 0, f.fail(fs.ErrClosed)
	case len(p) == 0:
		return 0, nil
	case f.pos >= f.info.Size:
		return 0, io.EOF
	}
	if f.rc != nil && f.at != f.pos {
		f.drop()
	}
	if f.rc == nil {
		if err := f.open(); err != nil {
			return 0, err
		}
	}
	n, err := f.rc.Read(p)
	f.pos += int64(n)
	f.at = f.pos
	if err == nil {
		return n, nil
	}
	f.drop()
	if err == io.EOF && f.pos < f.info.Size {
		err = f.fail(io.ErrUnexpectedEOF)
	}
	return n, err
}

func (f *readSeeker) open() error {
	rc, info, err := f.store.Open(f.ctx, f.info.Key, Range{Offset: f.pos})
	if errors.Is(err, ErrRange) { // it was longer when info was made
		return f.fail(ErrChanged)
	}
	if err != nil {
		return err
	}
	if info.Tag != f.info.Tag || info.Size != f.info.Size {
		rc.Close()
		return f.fail(ErrChanged)
	}
	f.rc, f.at = rc, f.pos
	return nil
}

// drop closes the stream. Its error says nothing about the bytes that were
// read, so there is nobody to tell.
func (f *readSeeker) drop() {
	if f.rc != nil {
		f.rc.Close()
		f.rc = nil
	}
}

func (f *readSeeker) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekStart:
	case io.SeekCurrent:
		offset += f.pos
	case io.SeekEnd:
		offset += f.info.Size
	default:
		return 0, &fs.PathError{Op: "seek", Path: f.info.Key, Err: fs.ErrInvalid}
	}
	if offset < 0 {
		return 0, &fs.PathError{Op: "seek", Path: f.info.Key, Err: fs.ErrInvalid}
	}
	f.pos = offset
	return offset, nil
}

func (f *readSeeker) Close() error {
	if f.closed {
		return f.fail(fs.ErrClosed)
	}
	f.closed = true
	f.drop()
	return nil
}

func (f *readSeeker) fail(err error) error {
	return &fs.PathError{Op: "read", Path: f.info.Key, Err: err}
}
