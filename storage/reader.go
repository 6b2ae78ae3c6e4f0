package storage

import (
	"context"
	"io"
	"io/fs"
)

// NewReader returns the next n bytes of rc as [Store.Open] must deliver them:
// Read fails with ctx's error once ctx has ended, with [io.ErrUnexpectedEOF]
// if rc ends before n bytes, and otherwise with rc's error, each with key.
// Close closes rc.
//
// A Read that waits inside rc is not interrupted; a store on a network gives
// ctx to its client as well.
func NewReader(ctx context.Context, key string, rc io.ReadCloser, n int64) io.ReadCloser {
	return &reader{ctx: ctx, key: key, rc: rc, left: n}
}

type reader struct {
	ctx  context.Context
	key  string
	rc   io.ReadCloser
	left int64
}

func (r *reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, r.fail(err)
	}
	if r.left <= 0 {
		return 0, io.EOF
	}
	if int64(len(p)) > r.left {
		p = p[:r.left]
	}
	n, err := r.rc.Read(p)
	r.left -= int64(n)
	switch {
	case err == nil:
		return n, nil
	case err != io.EOF:
		return n, r.fail(err)
	case r.left > 0:
		return n, r.fail(io.ErrUnexpectedEOF)
	}
	return n, io.EOF
}

func (r *reader) Close() error { return r.rc.Close() }

func (r *reader) fail(err error) error {
	return &fs.PathError{Op: "read", Path: r.key, Err: err}
}
