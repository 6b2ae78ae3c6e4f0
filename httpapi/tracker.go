package httpapi

import (
	"io"
	"net/http"
	"time"
)

// tracker notes whether an answer has begun, after which it cannot become a
// problem any more, and what an observer is told of it. It keeps the way to sendfile open (ReadFrom), and to
// http.ResponseController (Unwrap).
type tracker struct {
	http.ResponseWriter
	begun bool
	seen
}

func (t *tracker) WriteHeader(status int) {
	if status >= 200 {
		t.begin(status)
	}
	t.ResponseWriter.WriteHeader(status)
}

func (t *tracker) Write(b []byte) (int, error) {
	t.begin(http.StatusOK)
	n, err := t.ResponseWriter.Write(b)
	t.bytes += int64(n)
	return n, err
}

func (t *tracker) ReadFrom(r io.Reader) (int64, error) {
	t.begin(http.StatusOK)
	n, err := io.Copy(t.ResponseWriter, r)
	t.bytes += n
	return n, err
}

func (t *tracker) begin(status int) {
	if t.begun {
		return
	}
	t.begun, t.status = true, status
	if t.streaming {
		t.at = time.Now()
	}
}

func (t *tracker) Unwrap() http.ResponseWriter { return t.ResponseWriter }
