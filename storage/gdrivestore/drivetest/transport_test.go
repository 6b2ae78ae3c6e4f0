package drivetest

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestTransportLeavesNothing: synctest fails if a goroutine stays behind.
func TestTransportLeavesNothing(t *testing.T) {
	for name, use := range map[string]func(t *testing.T, c *http.Client, url string){
		"read and closed": func(t *testing.T, c *http.Client, url string) {
			res, err := c.Get(url)
			if err != nil {
				t.Fatal(err)
			}
			if n, err := io.Copy(io.Discard, res.Body); n != 1<<20 || err != nil {
				t.Error(n, err)
			}
			res.Body.Close()
		},
		"read, not closed": func(t *testing.T, c *http.Client, url string) {
			res, err := c.Get(url)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := io.Copy(io.Discard, res.Body); err != nil {
				t.Error(err)
			}
		},
		"closed, not read": func(t *testing.T, c *http.Client, url string) {
			res, err := c.Get(url)
			if err != nil {
				t.Fatal(err)
			}
			res.Body.Close()
			if _, err := res.Body.Read(make([]byte, 1)); err == nil {
				t.Error("a closed body can be read")
			}
		},
		"cancelled, not read": func(t *testing.T, c *http.Client, url string) {
			ctx, cancel := context.WithCancelCause(t.Context())
			r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
			if err != nil {
				t.Fatal(err)
			}
			res, err := c.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			why := errors.New("enough")
			cancel(why)
			synctest.Wait()
			if _, err := io.ReadAll(res.Body); !errors.Is(err, why) {
				t.Error(err)
			}
		},
		"cancelled before": func(t *testing.T, c *http.Client, url string) {
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
			if err != nil {
				t.Fatal(err)
			}
			if _, err = c.Do(r); !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		},
		"stalled, closed": func(t *testing.T, c *http.Client, url string) {
			res, err := c.Get(url + "&stall")
			if err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			res.Body.Close()
		},
		"client's time-out": func(t *testing.T, c *http.Client, url string) {
			c.Timeout = time.Second
			if _, err := c.Get(url + "&slow"); !errors.Is(err, context.DeadlineExceeded) {
				t.Error(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := New(Options{})
				id := d.AddGenerated(d.Root(), "f", 1<<20, 1)
				d.Fail(func(r Request) Fault {
					if r.Query.Has("slow") {
						return Fault{Delay: time.Hour}
					}
					if r.Query.Has("stall") {
						return Fault{Stall: -1}
					}
					return Fault{}
				})
				use(t, d.Client(), "https://x/files/"+id+"?alt=media")
			})
		})
	}
}

func TestTransportAnswers(t *testing.T) {
	for name, c := range map[string]struct {
		handler http.HandlerFunc
		body    string
		length  int64
		err     error
	}{
		"nothing":   {func(http.ResponseWriter, *http.Request) {}, "", -1, nil},
		"no length": {func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ab") }, "ab", -1, nil},
		"short": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "3")
			_, _ = io.WriteString(w, "ab")
		}, "ab", 3, io.ErrUnexpectedEOF},
		"long": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "2")
			_, _ = io.WriteString(w, "ab")
			if _, err := io.WriteString(w, "c"); !errors.Is(err, http.ErrContentLength) {
				t.Error(err)
			}
		}, "ab", 2, nil},
		"abort": {func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "ab")
			panic(http.ErrAbortHandler)
		}, "ab", -1, io.ErrUnexpectedEOF},
		"echo": {func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(w, io.MultiReader(strings.NewReader(r.Host+r.RequestURI+" "), r.Body))
		}, "host/a?b question", -1, nil},
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://host/a?b", strings.NewReader("question"))
		if err != nil {
			t.Fatal(err)
		}
		res, err := transport{c.handler}.RoundTrip(r)
		if err != nil {
			t.Fatal(name, err)
		}
		body, err := io.ReadAll(res.Body)
		res.Body.Close()
		if string(body) != c.body || !errors.Is(err, c.err) || res.ContentLength != c.length || res.StatusCode != http.StatusOK {
			t.Errorf("%s: %q, %v, %+v", name, body, err, res)
		}
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://host/", nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = transport{http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })}.RoundTrip(r)
	if !errors.Is(err, io.EOF) {
		t.Error(err)
	}
}
