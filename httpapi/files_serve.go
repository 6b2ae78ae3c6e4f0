package httpapi

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"

	"github.com/pressmark/pressmark/storage"
)

// serveFile sends an object, or the parts of it that r asks for. The caller
// has set Content-Type and what else belongs to it. The entity tag is strong
// and comes from the store, so it changes with the content and with nothing
// else.
//
// A file of this machine reaches net/http as *os.File, and goes from the disk
// to the network inside the kernel.
func (a *API) serveFile(w http.ResponseWriter, r *http.Request, content io.ReadSeeker, info storage.Info) error {
	h := w.Header()
	h["Etag"] = []string{`"` + info.Tag + `"`}
	h["Accept-Ranges"] = []string{"bytes"}
	s := &sender{ResponseWriter: w}
	http.ServeContent(s, withUsableRange(r), "", info.ModTime, content)
	switch {
	case s.err != nil:
		return fmt.Errorf("send %s: %w", info.Key, s.err)
	case s.status == http.StatusRequestedRangeNotSatisfiable:
		a.writeProblem(rangeHeader{w, info.Size}, r, explain(storage.ErrRange))
		return nil
	case s.status == http.StatusPreconditionFailed:
		return &statusError{status: http.StatusPreconditionFailed, detail: "The file is not the version that the request is about."}
	}
	s.sendHeader()
	return nil
}

// Limits of ranges in one request. A browser's PDF viewer asks for a few; each
// costs a part header and, in some stores, a request.
const maxRanges = 16

// withUsableRange leaves Range out of r where RFC 9110, 14.2 wants or allows
// that it is ignored: another unit than bytes, and very many parts. What is
// damaged or lies behind the end stays, and is answered 416.
func withUsableRange(r *http.Request) *http.Request {
	given := r.Header["Range"]
	if given == nil {
		return r
	}
	const unit = "bytes="
	v := given[0]
	if len(given) == 1 && strings.HasPrefix(v, unit) && strings.Count(v, ",") < maxRanges {
		return r
	}
	r2 := *r
	r2.Header = r.Header.Clone()
	if len(given) == 1 && len(v) >= len(unit) && strings.EqualFold(v[:len(unit)], unit) && strings.Count(v, ",") < maxRanges {
		r2.Header["Range"] = []string{unit + v[len(unit):]} // units are case-insensitive
	} else {
		delete(r2.Header, "Range")
	}
	return &r2
}

// rangeHeader adds the size of the file to an answer, as 416 should have it.
type rangeHeader struct {
	http.ResponseWriter
	size int64
}

func (w rangeHeader) WriteHeader(status int) {
	w.Header()["Content-Range"] = []string{"bytes */" + strconv.FormatInt(w.size, 10)}
	w.ResponseWriter.WriteHeader(status)
}

// sender is what ServeContent writes to. It holds the header back until the first
// bytes are there: a store that fails at once can still be answered with a problem.
// That clients take what is sent is seen to below net/http (package conns).
type sender struct {
	http.ResponseWriter
	status int // given by ServeContent
	sent   bool
	err    error // of the content, not of the client
}

func (s *sender) WriteHeader(status int) { s.status = status }

func (s *sender) sendHeader() {
	if !s.sent && s.status != 0 {
		s.sent = true
		s.ResponseWriter.WriteHeader(s.status)
	}
}

// Write gets only the text that ServeContent has for a 416; ours is better.
func (s *sender) Write(b []byte) (int, error) {
	if s.status >= http.StatusBadRequest {
		return len(b), nil
	}
	s.sendHeader()
	return s.ResponseWriter.Write(b)
}

// ReadFrom sends what src has. ServeContent passes an *io.LimitedReader around
// the content, which is the shape in which net looks for a file to call sendfile
// with.
func (s *sender) ReadFrom(src io.Reader) (n int64, err error) {
	all, ok := src.(*io.LimitedReader)
	if !ok {
		all = &io.LimitedReader{R: src, N: 1<<63 - 1}
	}
	if _, isFile := all.R.(*os.File); !isFile {
		in := &content{Reader: all.R}
		all = &io.LimitedReader{R: in, N: all.N}
		defer func() { s.err = errors.Join(s.err, in.err) }()
		if n, err = s.first(all); err != nil {
			return n, err
		}
	}
	s.sendHeader()
	done, err := io.Copy(s.ResponseWriter, all)
	return n + done, err
}

// first sends the beginning of src, and the header before it if there is one.
func (s *sender) first(src io.Reader) (int64, error) {
	buf := make([]byte, 4<<10)
	var n int
	var err error
	for n == 0 && err == nil {
		n, err = src.Read(buf)
	}
	if n == 0 {
		if err == io.EOF {
			return 0, nil
		}
		return 0, err
	}
	s.sendHeader()
	n, err = s.ResponseWriter.Write(buf[:n])
	return int64(n), err
}

// content remembers why reading failed: ServeContent does not tell.
type content struct {
	io.Reader
	err error
}

func (c *content) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	if err != nil && err != io.EOF {
		c.err = err
	}
	return n, err
}
