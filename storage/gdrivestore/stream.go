package gdrivestore

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/pressmark/pressmark/storage"
)

// stream is a part of a file that is read, over as many requests as it takes.
type stream struct {
	store *Store
	ctx   context.Context
	file  entry

	at, end int64 // where the next byte stands, and the first one behind the part
	failed  int   // requests that broke off since enough came
	came    int   // bytes, since then

	body  io.ReadCloser // nil: there is none
	stop  context.CancelFunc
	stall *time.Timer // breaks body off
	sum   hash.Hash   // of all of the file; nil for a part
}

// maxResumes is how often a download is taken up until so many bytes have come.
const (
	maxResumes = 4
	progress   = 64 << 10
)

// open begins to read.
func (st *stream) open() error {
	if st.file.Digest == "" {
		return unavailable(errNoDigest)
	}
	if st.at == 0 && st.end == st.file.Size {
		st.sum = md5.New()
	}
	return st.request()
}

// request asks for what is left. An answer is of one version of the file, so that
// one that is still the same after it has begun is the right one.
func (st *stream) request() error {
	body, stop, err := st.store.media(st.ctx, st.file, st.at, st.end)
	if err != nil {
		return err
	}
	if st.sum == nil {
		if err := st.same(); err != nil {
			stop()
			body.Close()
			return err
		}
	}
	st.body, st.stop, st.stall = body, stop, nil
	return nil
}

// same asks Drive whether the file is still what it was.
func (st *stream) same() error {
	now, err := st.store.file(st.ctx, st.file.ID)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return storage.ErrChanged
	case err != nil:
		return err
	case now.Digest != st.file.Digest || now.Size != st.file.Size:
		return storage.ErrChanged
	}
	return nil
}

// media asks for the bytes from at to end of a file. stop ends the answer.
func (s *Store) media(ctx context.Context, e entry, at, end int64) (body io.ReadCloser, stop context.CancelFunc, err error) {
	var res *http.Response
	err = s.pacer.do(ctx, func(ctx context.Context) error {
		ctx, cancel := context.WithCancel(ctx)
		late := &atomic.Bool{}
		timer := time.AfterFunc(callTimeout, func() { late.Store(true); cancel() })
		get := s.drive.Files.Get(e.ID).SupportsAllDrives(true).Context(ctx)
		// Also of the whole, as an answer with a range is not compressed on its way.
		get.Header().Set("Range", "bytes="+strconv.FormatInt(at, 10)+"-"+strconv.FormatInt(end-1, 10))
		var err error
		res, err = get.Download() //nolint:bodyclose // it is what is returned
		if !timer.Stop() && err == nil {
			res.Body.Close()
			err = context.DeadlineExceeded
		}
		if err != nil {
			cancel()
			if late.Load() {
				err = context.DeadlineExceeded // and not that somebody has given up
			}
			return err
		}
		stop = cancel
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	size, first, err := extent(res)
	if err == nil && (size != e.Size || first != at) {
		err = fmt.Errorf("%w: Drive has %d bytes from %d on, not %d from %d on", storage.ErrChanged, size, first, e.Size, at)
	}
	if err != nil {
		stop()
		res.Body.Close()
		return nil, nil, err
	}
	return res.Body, stop, nil
}

// extent returns the size of the file, and where what comes begins, as
// Content-Range says (RFC 9110, 14.4): "bytes 5-9/100".
func extent(res *http.Response) (size, first int64, err error) {
	text := res.Header.Get("Content-Range")
	if res.StatusCode == http.StatusOK {
		return res.ContentLength, 0, nil
	}
	part, total, _ := strings.Cut(strings.TrimPrefix(text, "bytes "), "/")
	begin, _, _ := strings.Cut(part, "-")
	f, err1 := strconv.ParseUint(begin, 10, 63)
	n, err2 := strconv.ParseUint(total, 10, 63)
	if err1 != nil || err2 != nil {
		return 0, 0, unavailable(fmt.Errorf("the answer has the range %q", text))
	}
	return int64(n), int64(f), nil
}

// Read reads on, in a new request if the last one broke off.
func (st *stream) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for {
		if st.at >= st.end {
			return 0, io.EOF
		}
		if st.body == nil {
			if err := st.resume(); err != nil {
				return 0, err
			}
		}
		n, err := st.read(p[:min(int64(len(p)), st.end-st.at)])
		st.at += int64(n)
		if st.sum != nil {
			st.sum.Write(p[:n])
		}
		if st.came += n; st.came >= progress {
			st.failed, st.came = 0, 0
		}
		switch {
		case st.at >= st.end:
			if err := st.finish(); err != nil {
				return 0, err // with the last bytes it might be overlooked, as by io.CopyN
			}
			return n, nil
		case n > 0 && (err == nil || err == io.EOF):
			return n, nil // of a body that is too short the rest comes with the next Read
		case err == nil:
			continue
		}
		if err := st.ctx.Err(); err != nil {
			return n, err
		}
		st.drop()
		if st.failed++; st.failed > maxResumes {
			return n, unavailable(err)
		}
		if n > 0 {
			return n, nil
		}
	}
}

// read reads from the body, and breaks it off if nothing comes.
func (st *stream) read(p []byte) (int, error) {
	if st.stall == nil {
		st.stall = time.AfterFunc(st.store.o.StallTimeout, st.stop)
	} else {
		st.stall.Reset(st.store.o.StallTimeout)
	}
	defer st.stall.Stop()
	return st.body.Read(p)
}

// finish is called when all bytes are there.
func (st *stream) finish() error {
	if st.sum == nil || hex.EncodeToString(st.sum.Sum(nil)) == st.file.Digest {
		return nil
	}
	st.store.changes.hit(st.file.ID)
	return fmt.Errorf("%w: the content is not that of its MD5", storage.ErrChanged)
}

// resume goes on where the last request broke off.
func (st *stream) resume() error {
	if st.failed > 0 {
		if err := sleep(st.ctx, 100*time.Millisecond<<min(st.failed-1, maxResumes)); err != nil {
			if errors.Is(err, errQuota) {
				err = context.DeadlineExceeded
			}
			return err
		}
	}
	err := st.request()
	if outdated(err) {
		st.store.changes.hit(st.file.ID)
		return storage.ErrChanged
	}
	return err
}

// drop ends the request.
func (st *stream) drop() {
	if st.body == nil {
		return
	}
	st.stop()
	st.body.Close()
	st.body = nil
}

// Close implements io.Closer.
func (st *stream) Close() error {
	st.drop()
	return nil
}
