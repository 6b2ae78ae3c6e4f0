package httpapi

import (
	"net/http"
	"time"
)

// timeBody has the body of a request come in time. Reading it fails when the time
// is over, and so does net/http's reading what a handler has left. When the body is
// there net/http lifts the deadline.
func (a *API) timeBody(w http.ResponseWriter) {
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(a.opts.Limits.BodyTime)) // not every writer has deadlines
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

// bound gives the client streamStall from now on.
func (s *streamWriter) bound() {
	_ = s.ctl.SetWriteDeadline(time.Now().Add(streamStall)) // not every writer has deadlines
}

// Write bounds the time in which something is taken, and no other: in HTTP/2 a
// deadline that passes ends the stream also while nothing is written, because we
// wait for a store.
func (s *streamWriter) Write(b []byte) (n int, err error) {
	defer func() { _ = s.ctl.SetWriteDeadline(time.Time{}) }()
	for {
		part := b[n:min(len(b), n+streamPiece)]
		s.bound()
		done, err := s.ResponseWriter.Write(part)
		if n += done; err != nil || n == len(b) {
			return n, err
		}
	}
}

func (s *streamWriter) Unwrap() http.ResponseWriter { return s.ResponseWriter }
