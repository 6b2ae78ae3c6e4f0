package s3store

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/pressmark/pressmark/storage"
)

// stream is a part of an object that is read, over as many requests as it takes.
type stream struct {
	store *Store
	ctx   context.Context
	key   string
	etag  *string // of the version that is read

	at, end int64 // where the next byte stands, and the first one behind the range
	failed  int   // requests that broke off since a byte came

	body  io.ReadCloser // nil: there is none
	stop  context.CancelFunc
	whole bool        // body has a checksum at its end
	sum   hash.Hash   // of what came, if the tag is to be compared with it; else nil
	stall *time.Timer // breaks body off
}

// open asks for a range and returns what it is of, and how many bytes come.
func (st *stream) open(r storage.Range) (info storage.Info, n int64, err error) {
	const op = "open"
	s := st.store
	in := &s3.GetObjectInput{Bucket: s.bucket, Key: &st.key, Range: header(r), IfMatch: st.etag}
	ctx, stop := context.WithCancel(st.ctx)
	out, err := s.client.GetObject(ctx, in, func(o *s3.Options) {
		if in.Range != nil { // S3 has no checksums of parts, but some servers send that of the whole
			o.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
		}
	})
	if err != nil {
		stop()
		return info, 0, s.explain(st.ctx, op, st.key, err)
	}
	opened := false
	defer func() {
		if !opened {
			out.Body.Close()
			stop()
		}
	}()
	s.there()
	if other(st.etag, out.ETag) {
		return info, 0, fail(op, st.key, storage.ErrChanged)
	}
	size, first, err := extent(out)
	if err != nil {
		return info, 0, fail(op, st.key, err)
	}
	start, n, err := r.Resolve(size)
	if err == nil && first > start {
		err = fmt.Errorf("the answer begins at byte %d and not at %d", first, start)
	}
	if err != nil {
		return info, 0, fail(op, st.key, err)
	}
	st.body, st.stop, st.stall = out.Body, stop, nil
	st.at, st.end, st.etag, st.whole = start, start+n, out.ETag, in.Range == nil
	if st.sum = nil; st.whole && isDigest(out.ETag, out.ServerSideEncryption, out.SSECustomerAlgorithm) {
		st.sum = md5.New()
	}
	if first < start { // a server without ranges
		if _, err := io.CopyN(io.Discard, st.body, start-first); err != nil {
			st.body = nil
			return info, 0, fail(op, st.key, unavailable(err))
		}
	}
	opened = true
	return describe(st.key, size, out.LastModified, out.ETag), n, nil
}

// extent returns the size of the object, and where what comes begins.
func extent(out *s3.GetObjectOutput) (size, first int64, err error) {
	if out.ContentRange == nil {
		if out.ContentLength == nil {
			return 0, 0, errors.New("the answer does not say how long it is")
		}
		return *out.ContentLength, 0, nil
	}
	return contentRange(*out.ContentRange)
}

// contentRange reads Content-Range (RFC 9110, 14.4), such as "bytes 5-9/100".
func contentRange(text string) (size, first int64, err error) {
	part, total, _ := strings.Cut(strings.TrimPrefix(text, "bytes "), "/")
	begin, _, _ := strings.Cut(part, "-")
	f, err1 := strconv.ParseUint(begin, 10, 63)
	n, err2 := strconv.ParseUint(total, 10, 63)
	if err1 != nil || err2 != nil || f > n {
		return 0, 0, fmt.Errorf("the answer has the range %q", text)
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
			if err := st.reopen(); err != nil {
				return 0, err
			}
		}
		if int64(len(p)) > st.end-st.at {
			p = p[:st.end-st.at]
		}
		n, err := st.read(p)
		st.at += int64(n)
		if st.sum != nil {
			st.sum.Write(p[:n])
		}
		if n > 0 {
			st.failed = 0
		}
		switch {
		case st.at >= st.end:
			if err := st.finish(err); err != nil {
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

// isDigest reports whether an ETag can be the MD5 of the content, as that of an
// object is that was put in one request and is not encrypted.
func isDigest(etag *string, encryption types.ServerSideEncryption, customer *string) bool {
	return encryption == "" && customer == nil && len(tagOf(aws.ToString(etag))) == hex.EncodedLen(md5.Size)
}

// compare compares what came with its tag, once the server has shown that this can
// be done: some read the tag, the checksum and the content one after the other
// while an object is replaced.
func (st *stream) compare() error {
	switch {
	case st.sum == nil:
	case hex.EncodeToString(st.sum.Sum(nil)) == tagOf(aws.ToString(st.etag)):
		st.store.digests.Store(true)
	case st.store.digests.Load():
		return fmt.Errorf("%w: the content is not that of its tag", storage.ErrChanged)
	}
	return nil
}

// finish is called when all bytes are there: the checksum comes after the last.
func (st *stream) finish(err error) error {
	if err == nil && st.whole {
		for err == nil {
			var n int
			if n, err = st.read(make([]byte, 1)); n > 0 {
				err = errors.New("the answer is longer than it says")
			}
		}
	}
	if err == nil || err == io.EOF {
		return st.compare()
	}
	if ended := st.ctx.Err(); ended != nil {
		return ended
	}
	// It was damaged on its way, or a server that is not exact has mixed two
	// versions: not what was to be read, in either case.
	return fmt.Errorf("%w: %w", storage.ErrChanged, err)
}

// maxResumes is how often a download is taken up without a byte having come.
const maxResumes = 4

// reopen goes on where the last request broke off, after a while that gets longer.
func (st *stream) reopen() error {
	if st.failed > 0 {
		wait := 100 * time.Millisecond << (st.failed - 1)
		t := time.NewTimer(wait/2 + rand.N(wait))
		defer t.Stop()
		select {
		case <-t.C:
		case <-st.ctx.Done():
			return st.ctx.Err()
		}
	}
	end := st.end
	_, n, err := st.open(storage.Range{Offset: st.at, Length: st.end - st.at})
	switch {
	case errors.Is(err, storage.ErrRange), errors.Is(err, fs.ErrNotExist):
		return storage.ErrChanged
	case err == nil && st.at+n != end:
		st.drop()
		return storage.ErrChanged
	}
	return err
}

func (st *stream) drop() {
	if st.body != nil {
		st.stop()
		st.body.Close() // says nothing about the bytes that were read
		st.body = nil
	}
}

// Close ends the request.
func (st *stream) Close() error {
	st.drop()
	st.at = st.end
	return nil
}
