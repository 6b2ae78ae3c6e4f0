package httpapi

import (
	"io"
	"net/http"
	"time"
)

// timedBody is a body that has to come in time. Reading it fails when the time is
// over, and so does net/http's reading what a handler has left.
type timedBody struct {
	io.ReadCloser
	ctl *http.ResponseController
}

func newTimedBody(w http.ResponseWriter, body io.ReadCloser, d time.Duration) io.ReadCloser {
	t := &timedBody{body, http.NewResponseController(w)}
	if t.ctl.SetReadDeadline(time.Now().Add(d)) != nil {
		return body // not every writer has deadlines
	}
	return t
}

// Read lifts the deadline when the body is there: it would end the request's
// context while the answer is made.
func (t *timedBody) Read(p []byte) (int, error) {
	n, err := t.ReadCloser.Read(p)
	if err == io.EOF {
		_ = t.ctl.SetReadDeadline(time.Time{})
	}
	return n, err
}

// streamWriter writes to a stream of HTTP/2. A client can leave one unread while
// it goes on reading others of the same connection, so that only the stream knows.
type streamWriter struct {
	http.ResponseWriter
	ctl *http.ResponseController
}

// Of each piece something must be taken within streamStall.
const (
	streamPiece = 16 << 10
	streamStall = time.Minute
)

func newStreamWriter(w http.ResponseWriter) *streamWriter {
	return &streamWriter{w, http.NewResponseController(w)}
}

func (s *streamWriter) Write(b []byte) (n int, err error) {
	for {
		part := b[n:min(len(b), n+streamPiece)]
		_ = s.ctl.SetWriteDeadline(time.Now().Add(streamStall)) // not every writer has deadlines
		done, err := s.ResponseWriter.Write(part)
		if n += done; err != nil || n == len(b) {
			return n, err
		}
	}
}

func (s *streamWriter) Unwrap() http.ResponseWriter { return s.ResponseWriter }
