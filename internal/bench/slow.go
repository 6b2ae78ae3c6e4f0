package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"

	"github.com/pressmark/pressmark/internal/rig"
	"github.com/pressmark/pressmark/storage"
	"github.com/pressmark/pressmark/storage/gdrivestore/drivetest"
	"github.com/pressmark/pressmark/storage/s3store"
	"github.com/pressmark/pressmark/storage/s3store/s3test"
)

// Slow clients download a file of some 5 MB, with small windows, and stop reading
// when it has begun.
const (
	slowClients = 500
	slowWindow  = 4 << 10
	slowFor     = 5 * time.Second
)

// place has the large book of a library be somewhere: it returns the library's folder,
// and the settings that lead to the book.
type place func(context.Context, *library) (dir string, env []string, stop func(), err error)

// inFolder, inBucket and inDrive are places: S3 is one where the server may not send
// clients to.
func inFolder(_ context.Context, lib *library) (string, []string, func(), error) {
	return lib.dir, nil, func() {}, nil
}

func inBucket(ctx context.Context, lib *library) (string, []string, func(), error) {
	env, stop, err := bucketOf(ctx, lib)
	return lib.dir, append(env, "BOOKS_STORE=s3", "DOWNLOAD_REDIRECT=false"), stop, err
}

func (l *lab) inDrive(ctx context.Context, lib *library) (string, []string, func(), error) {
	d := drivetest.New(drivetest.Options{})
	content, err := os.ReadFile(lib.bigPath)
	if err != nil {
		return "", nil, nil, err
	}
	key, err := filepath.Rel(lib.dir, lib.bigPath)
	if err != nil {
		return "", nil, nil, err
	}
	d.Put(filepath.ToSlash(key), content)
	dir, env, stop, err := l.driveOf(lib, d)
	return dir, env, stop, err
}

// slow returns how much memory the server needs for clients that do not read a book
// in a place.
func (l *lab) slow(books int, at place) func(context.Context) (outcome, error) {
	return func(ctx context.Context) (outcome, error) {
		l.rest()
		lib, err := l.library(ctx, books)
		if err != nil {
			return outcome{}, err
		}
		dir, env, stop, err := at(ctx, lib)
		if err != nil {
			return outcome{}, err
		}
		defer stop()
		srv, err := l.serve(dir, env...)
		if err != nil {
			return outcome{}, err
		}
		defer srv.stop()
		if _, err := srv.Prepared(ctx, readyWait); err != nil {
			return outcome{}, err
		}
		request := get(nil, fmt.Sprintf("/api/files/download/%d/epub", lib.big))
		first, err := beginSlowly(ctx, srv.Addr, request) // the paths are warm
		if err != nil {
			return outcome{}, err
		}
		first.Close()
		before, err := rig.RSSAnon(srv.PID())
		if err != nil {
			return outcome{}, err
		}
		watch := rig.WatchPeak(srv.PID())
		for range slowClients {
			c, err := beginSlowly(ctx, srv.Addr, request)
			if err != nil {
				watch.Stop()
				return outcome{}, err
			}
			defer c.Close()
		}
		select {
		case <-ctx.Done():
		case <-time.After(slowFor):
		}
		most := watch.Stop()
		return outcome{
			value: float64(max(most-before, 0)), unit: bytesIn,
			note: fmt.Sprintf("%d clients that have read %d bytes each; anonymous memory %.1f MB before, %.1f at most", slowClients, len(slowStart{}), float64(before)/1e6, float64(most)/1e6),
		}, ctx.Err()
	}
}

// slowStart is what a slow client reads.
type slowStart [1024]byte

// beginSlowly begins a download and reads its beginning.
func beginSlowly(ctx context.Context, addr string, request []byte) (net.Conn, error) {
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	err = c.(*net.TCPConn).SetReadBuffer(slowWindow)
	if err == nil {
		_, err = c.Write(request)
	}
	var start slowStart
	if err == nil {
		_, err = io.ReadFull(c, start[:])
	}
	if err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// bucketOf puts the large book of a library into a bucket of this process, and
// returns the settings that lead there.
func bucketOf(ctx context.Context, lib *library) (env []string, stop func(), err error) {
	addr, err := rig.FreeAddr()
	if err != nil {
		return nil, nil, err
	}
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, nil, err
	}
	srv := &http.Server{Handler: gofakes3.New(s3mem.New(), gofakes3.WithLogger(gofakes3.DiscardLog())).Server(), ReadHeaderTimeout: readyWait}
	go srv.Serve(ln) // until stop, and there is nothing to be done about its end
	stop = func() { srv.Close() }
	defer func() {
		if err != nil {
			stop()
		}
	}()
	server := s3test.Server{Endpoint: "http://" + addr, AccessKeyID: "bench", SecretAccessKey: "bench"}
	bucket := "bench"
	if _, err := server.Client().CreateBucket(ctx, &s3.CreateBucketInput{Bucket: &bucket}); err != nil {
		return nil, nil, err
	}
	key, err := filepath.Rel(lib.dir, lib.bigPath)
	if err != nil {
		return nil, nil, err
	}
	f, err := os.Open(lib.bigPath)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	store := s3store.New(server.Client(), bucket, s3store.Options{})
	if _, err := store.Put(ctx, "books/"+filepath.ToSlash(key), f, storage.PutOptions{}); err != nil {
		return nil, nil, err
	}
	return []string{
		"S3_BUCKET_NAME=" + bucket, "S3_ENDPOINT_URL=" + server.Endpoint,
		"AWS_ACCESS_KEY_ID=" + server.AccessKeyID, "AWS_SECRET_ACCESS_KEY=" + server.SecretAccessKey,
	}, stop, nil
}
