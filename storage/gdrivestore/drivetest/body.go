package drivetest

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"
)

var errTruncated = errors.New("drivetest: truncated, as was asked for")

// body writes an answer with what goes wrong with it, and not too fast.
type body struct {
	http.ResponseWriter
	ctx            context.Context
	fault          Fault
	bytesPerSecond int
	sent           func(n int)
	pos            int64
}

// place returns where in the body something is to happen: see Fault.
func place(n int64) (at int64, ok bool) { return max(n, 0), n != 0 }

// WriteHeader implements [http.ResponseWriter].
func (b *body) WriteHeader(status int) {
	if at, ok := place(b.fault.Truncate); ok {
		if n, err := strconv.ParseInt(b.Header().Get("Content-Length"), 10, 64); err == nil && n > at {
			b.Header().Set("Content-Length", strconv.FormatInt(at, 10))
		}
	}
	b.ResponseWriter.WriteHeader(status)
}

// Write implements [http.ResponseWriter].
func (b *body) Write(p []byte) (int, error) {
	n := 0
	for n < len(p) {
		part, err := b.part(p[n:])
		if err != nil {
			return n, err
		}
		k, err := b.ResponseWriter.Write(part)
		b.pos += int64(k)
		n += k
		b.sent(k)
		if err != nil {
			return n, err
		}
		if b.bytesPerSecond > 0 {
			b.flush()
		}
		b.halt()
	}
	return n, nil
}

// part returns how much of p can be sent at once, when it is time to.
func (b *body) part(p []byte) ([]byte, error) {
	b.halt()
	for _, stop := range []int64{b.fault.Cut, b.fault.Stall, b.fault.Truncate} {
		if at, ok := place(stop); ok {
			p = p[:max(0, min(int64(len(p)), at-b.pos))]
		}
	}
	if len(p) == 0 {
		return nil, errTruncated
	}
	if b.bytesPerSecond > 0 {
		p = p[:min(len(p), max(1, b.bytesPerSecond/20))]
		if !sleep(b.ctx, time.Duration(len(p))*time.Second/time.Duration(b.bytesPerSecond)) {
			panic(http.ErrAbortHandler)
		}
	}
	if at, ok := place(b.fault.Flip); ok && b.pos <= at && at < b.pos+int64(len(p)) {
		p = bytes.Clone(p)
		p[at-b.pos] ^= 0x20
	}
	return p, nil
}

// halt does not return if the connection ends here.
func (b *body) halt() {
	if at, ok := place(b.fault.Stall); ok && b.pos >= at {
		b.flush()
		<-b.ctx.Done()
		panic(http.ErrAbortHandler)
	}
	if at, ok := place(b.fault.Cut); ok && b.pos >= at {
		b.flush()
		panic(http.ErrAbortHandler)
	}
}

func (b *body) flush() {
	_ = http.NewResponseController(b.ResponseWriter).Flush() // if it can
}
