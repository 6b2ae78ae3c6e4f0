package drivetest

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"sync"

	"google.golang.org/api/drive/v3"
	"google.golang.org/api/option"
)

// Client returns a client that calls d within this process, whatever host it is
// told. Requests that have no token of their own need none.
func (d *Drive) Client() *http.Client { return &http.Client{Transport: d.Transport()} }

// Transport returns what [Drive.Client] uses: bodies are streamed, and end with the
// context of the request; a request that sets no Authorization is let in. It starts a
// goroutine per request, which ends when the body was read or closed.
func (d *Drive) Transport() http.RoundTripper { return trusting{d} }

// Service returns the generated client over [Drive.Client].
func (d *Drive) Service(ctx context.Context) (*drive.Service, error) {
	return drive.NewService(ctx, option.WithHTTPClient(d.Client()))
}

// trusted is the key in the context of requests that need no token.
type trusted struct{}

type trusting struct{ d *Drive }

// RoundTrip implements [http.RoundTripper].
func (t trusting) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Header.Get("Authorization") == "" {
		r = r.WithContext(context.WithValue(r.Context(), trusted{}, t.d))
	}
	return t.d.rt.RoundTrip(r)
}

// transport hands requests to a handler, with no network between.
type transport struct{ handler http.Handler }

func newTransport(h http.Handler) http.RoundTripper { return transport{h} }

// RoundTrip implements [http.RoundTripper].
func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancel(r.Context())
	in := r.Clone(ctx)
	in.RequestURI, in.RemoteAddr = r.URL.RequestURI(), "drivetest"
	in.Proto, in.ProtoMajor, in.ProtoMinor = "HTTP/1.1", 1, 1
	if in.Host == "" {
		in.Host = r.URL.Host
	}
	if in.Body == nil {
		in.Body = http.NoBody
	}
	pr, pw := io.Pipe()
	a := &answer{header: make(http.Header), out: pw, began: make(chan *http.Response, 1), left: -1}
	a.request, a.body = r, &answerBody{PipeReader: pr, cancel: cancel}
	ended := make(chan struct{})
	stop := context.AfterFunc(ctx, func() { _ = pw.CloseWithError(context.Cause(ctx)) })
	go func() {
		defer close(ended)
		defer cancel()
		defer stop()
		defer func() { _ = in.Body.Close() }()
		err := a.run(t.handler, in)
		if why := context.Cause(ctx); why != nil && !errors.Is(err, io.EOF) {
			err = why // which is why the handler ended
		}
		_ = pw.CloseWithError(err)
	}()
	select {
	case res := <-a.began:
		return res, nil
	case <-ended:
	case <-ctx.Done():
	}
	select { // it may have begun before it ended
	case res := <-a.began:
		return res, nil
	default:
	}
	if err := context.Cause(r.Context()); err != nil {
		cancel()
		return nil, err
	}
	return nil, io.EOF // as a connection that closes before an answer
}

// answer is the http.ResponseWriter.
type answer struct {
	header  http.Header
	out     *io.PipeWriter
	began   chan *http.Response
	once    sync.Once
	request *http.Request
	body    io.ReadCloser
	left    int64 // of Content-Length, or -1
}

// run returns how the body ends.
func (a *answer) run(h http.Handler, r *http.Request) (err error) {
	defer func() {
		switch p := recover(); {
		case p == http.ErrAbortHandler:
			err = io.ErrUnexpectedEOF
		case p != nil:
			panic(p)
		}
	}()
	h.ServeHTTP(a, r)
	a.WriteHeader(http.StatusOK)
	if a.left > 0 {
		return io.ErrUnexpectedEOF
	}
	return io.EOF
}

// Header implements [http.ResponseWriter].
func (a *answer) Header() http.Header { return a.header }

// WriteHeader implements [http.ResponseWriter].
func (a *answer) WriteHeader(status int) {
	a.once.Do(func() {
		if n, err := strconv.ParseInt(a.header.Get("Content-Length"), 10, 64); err == nil {
			a.left = n
		}
		a.began <- &http.Response{
			Status: strconv.Itoa(status) + " " + http.StatusText(status), StatusCode: status,
			Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
			Header: a.header.Clone(), Body: a.body, ContentLength: a.left, Request: a.request,
		}
	})
}

// Write implements [http.ResponseWriter].
func (a *answer) Write(p []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	if a.left >= 0 && int64(len(p)) > a.left {
		return 0, http.ErrContentLength
	}
	n, err := a.out.Write(p)
	if a.left >= 0 {
		a.left -= int64(n)
	}
	return n, err
}

// Flush implements [http.Flusher]. Nothing is held back.
func (a *answer) Flush() { a.WriteHeader(http.StatusOK) }

// answerBody is the body that the client reads.
type answerBody struct {
	*io.PipeReader
	cancel context.CancelFunc
}

// Close ends the handler.
func (b *answerBody) Close() error {
	b.cancel()
	return b.PipeReader.Close()
}
