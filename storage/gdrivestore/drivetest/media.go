package drivetest

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// media answers files.get with alt=media. A range of an empty file cannot be had,
// as with the real one.
func (d *Drive) media(w *body, req Request, bytesPerSecond int) error {
	v, err := d.lookup(req.FileID, req.Query)
	switch {
	case err != nil:
		return err
	case v.content == nil:
		return notDownloadable()
	case v.forbidden != "":
		return failed(http.StatusForbidden, v.forbidden)
	}
	from, n, part, ok := parseRange(req.Range, v.content.size)
	if !ok {
		return &failure{
			status: http.StatusRequestedRangeNotSatisfiable, reason: "requestedRangeNotSatisfiable",
			message: "Request range not satisfiable", location: "Range", locationType: "header",
			contentRange: fmt.Sprintf("bytes */%d", v.content.size),
		}
	}
	h, status := w.Header(), http.StatusOK
	if part {
		status = http.StatusPartialContent
		h.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, from+n-1, v.content.size))
	}
	h.Set("Content-Type", v.mime)
	h.Set("Content-Length", strconv.FormatInt(n, 10))
	h.Set("Cache-Control", "private, max-age=0, must-revalidate")
	w.bytesPerSecond, w.sent = bytesPerSecond, d.sent
	w.WriteHeader(status)
	_, _ = io.CopyBuffer(onlyWriter{w}, io.NewSectionReader(v.content, from, n), make([]byte, min(n+1, 64<<10)))
	return nil // the header is out; what failed is the client's connection
}

// onlyWriter keeps io.CopyBuffer to its buffer.
type onlyWriter struct{ io.Writer }

// parseRange reads the Range header for a file of so many bytes. As HTTP allows,
// what is not one range is ignored: the whole is sent then, and part is false. ok is
// false if there is nothing in the range.
func parseRange(s string, size int64) (from, n int64, part, ok bool) {
	spec, found := strings.CutPrefix(s, "bytes=")
	first, last, dash := strings.Cut(strings.TrimSpace(spec), "-")
	if !found || !dash {
		return 0, size, false, true
	}
	if first == "" { // the last bytes
		n, err := number(last)
		if err != nil {
			return 0, size, false, true
		}
		n = min(n, size)
		return size - n, n, true, n > 0
	}
	from, err := number(first)
	if err != nil {
		return 0, size, false, true
	}
	to := size - 1
	if last != "" {
		if to, err = number(last); err != nil || to < from {
			return 0, size, false, true
		}
	}
	to = min(to, size-1)
	return from, to - from + 1, true, from < size
}

// number reads digits, without the signs that strconv takes.
func number(s string) (int64, error) {
	n, err := strconv.ParseUint(s, 10, 63)
	return int64(n), err
}
