package httpapi

import (
	"io"
	"net/http"
)

// tracker notes whether an answer has begun, after which it cannot become a
// problem any more. It keeps the way to sendfile open (ReadFrom), and to
// http.ResponseController (Unwrap).
type tracker struct {
	http.ResponseWriter
	begun bool
}

func (t *tracker) WriteHeader(status int) {
	t.begun = t.begun || status >= 200
	t.ResponseWriter.WriteHeader(status)
}

func (t *tracker) Write(b []byte) (int, error) {
	t.begun = true
	return t.ResponseWriter.Write(b)
}

func (t *tracker) ReadFrom(r io.Reader) (int64, error) {
	t.begun = true
	return io.Copy(t.ResponseWriter, r)
}

func (t *tracker) Unwrap() http.ResponseWriter { return t.ResponseWriter }
