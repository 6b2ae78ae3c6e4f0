package httpapi_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
)

// BenchmarkThumbnailCached measures thumbnails that were made before, beside a
// bare handler that writes the same bytes with the same type and tag.
func BenchmarkThumbnailCached(b *testing.B) {
	s, _ := tideShelf(b)
	const path = coverURL + "?size=small&library=main"
	w := get(s.api, path)
	jpeg, tag := w.Body.Bytes(), w.Header()["Etag"]
	kind, length := []string{"image/jpeg"}, []string{fmt.Sprint(len(jpeg))}
	request := "GET " + path + " HTTP/1.1\r\nHost: x\r\n\r\n"
	b.Run("ours", func(b *testing.B) { run(b, s.api, request) })
	b.Run("bare", func(b *testing.B) {
		run(b, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			h := w.Header()
			h["Content-Type"], h["Etag"], h["Content-Length"] = kind, tag, length
			w.Write(jpeg)
		}), request)
	})
	b.Run("not modified", func(b *testing.B) {
		run(b, s.api, "GET "+path+" HTTP/1.1\r\nHost: x\r\nIf-None-Match: "+tag[0]+"\r\n\r\n")
	})
}

// BenchmarkDownload5MB measures a file of 5 MB over loopback, beside
// http.ServeContent on the same file. The reader throws the bytes away.
func BenchmarkDownload5MB(b *testing.B) {
	s, _ := tideShelf(b)
	content := noise(5_000_000)
	s.write(tideEPUB, content)
	name := filepath.Join(s.dir, filepath.FromSlash(tideEPUB))
	bare := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f, err := os.Open(name)
		if err != nil {
			b.Error(err)
			return
		}
		defer f.Close()
		fi, err := f.Stat()
		if err != nil {
			b.Error(err)
			return
		}
		w.Header().Set("Content-Type", "application/epub+zip")
		http.ServeContent(w, r, "", fi.ModTime(), f)
	})
	for name, h := range map[string]http.Handler{"ours": s.api, "bare": bare, "no file": remoteShelf(b, content, noWrapper)} {
		b.Run(name, func(b *testing.B) {
			srv := httptest.NewServer(h)
			defer srv.Close()
			conn, err := net.Dial("tcp", srv.Listener.Addr().String())
			if err != nil {
				b.Fatal(err)
			}
			defer conn.Close()
			in := bufio.NewReaderSize(conn, 256<<10)
			b.SetBytes(int64(len(content)))
			for b.Loop() {
				if _, err := io.WriteString(conn, "GET "+tideURL+" HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
					b.Fatal(err)
				}
				res, err := http.ReadResponse(in, nil)
				if err != nil {
					b.Fatal(err)
				}
				if n, err := io.Copy(io.Discard, res.Body); n != int64(len(content)) || err != nil {
					b.Fatal(n, err)
				}
			}
		})
	}
}
