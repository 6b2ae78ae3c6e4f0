package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/pressmark/pressmark/internal/rig"
	"github.com/pressmark/pressmark/storage/gdrivestore/drivetest"
)

// A book in a Google Drive of this process, which takes a while to answer, and
// sends no faster than some networks.
const (
	driveBook    = 200_000_000
	driveLatency = 150 * time.Millisecond
	driveSpeed   = 10_000_000 // bytes a second
)

// driven is what downloads from Drive take.
type driven struct {
	first         time.Duration // until the first byte, of a server that has just started
	memory        int64         // more than before, while the book came
	calls         drivetest.Counts
	whole         time.Duration
	again, before time.Duration // all of it from this machine: of Drive, and of the folder
}

func (l *lab) driveRows(n int) []row {
	var found *driven
	figure := func(of func(*driven) outcome) func(context.Context) (outcome, error) {
		return func(ctx context.Context) (outcome, error) {
			if found == nil {
				d, err := l.fromDrive(ctx, n)
				if err != nil {
					return outcome{}, err
				}
				found = d
			}
			return of(found), nil
		}
	}
	speed := func(d time.Duration) float64 { return driveBook / 1e6 / d.Seconds() }
	return []row{
		{"drive-first", "first byte of 200 MB in Google Drive, just started", n, below(400 * time.Millisecond), figure(func(d *driven) outcome {
			return outcome{value: d.first.Seconds(), unit: seconds, note: fmt.Sprintf("Drive answers after %v and sends 10 MB/s: all was there after %.1f s, with %d requests", driveLatency, d.whole.Seconds(), d.calls.API())}
		})},
		{"drive-memory", "memory for it", n, budget{false, 16 << 20, bytesIn}, figure(func(d *driven) outcome {
			return outcome{value: float64(d.memory), unit: bytesIn}
		})},
		{"drive-again", "the same again ÷ as fast from the folder", n, atLeast(0.5), figure(func(d *driven) outcome {
			return outcome{value: d.before.Seconds() / d.again.Seconds(), note: fmt.Sprintf("%.0f MB/s from the cache on disk, checked; %.0f MB/s from the folder by sendfile", speed(d.again), speed(d.before))}
		})},
	}
}

// fromDrive downloads the large book of a library that is in Drive.
func (l *lab) fromDrive(ctx context.Context, books int) (_ *driven, err error) {
	l.rest()
	lib, err := l.library(ctx, books)
	if err != nil {
		return nil, err
	}
	key, err := filepath.Rel(lib.dir, lib.bigPath)
	if err != nil {
		return nil, err
	}
	d := drivetest.New(drivetest.Options{Latency: driveLatency, BytesPerSecond: driveSpeed})
	folder := d.Root()
	dir, name := path.Split(filepath.ToSlash(key))
	for part := range strings.SplitSeq(strings.TrimSuffix(dir, "/"), "/") {
		folder = d.AddFolder(folder, part)
	}
	id := d.AddGenerated(folder, name, driveBook, 1)
	service, err := d.Service(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := service.Files.Get(id).SupportsAllDrives(true).Fields("md5Checksum").Do(); err != nil { // which takes a while the first time
		return nil, err
	}
	d.Reset()
	empty, env, stop, err := l.driveOf(lib, d)
	if err != nil {
		return nil, err
	}
	defer stop()
	found := &driven{}
	request := fmt.Sprintf("/api/files/download/%d/epub", lib.big)
	err = l.withBook(ctx, empty, func(srv *process) error {
		before, err := rig.RSSAnon(srv.PID())
		if err != nil {
			return err
		}
		watch := rig.WatchPeak(srv.PID())
		found.first, found.whole, err = fetch(ctx, srv.Addr, request)
		found.memory = max(watch.Stop()-before, 0)
		found.calls = d.Calls()
		if err != nil {
			return err
		}
		for range 3 {
			_, again, err := fetch(ctx, srv.Addr, request)
			if err != nil {
				return err
			}
			if found.again == 0 || again < found.again {
				found.again = again
			}
		}
		return nil
	}, env...)
	if err != nil {
		return nil, err
	}
	return found, errors.Join(l.putBook(filepath.Join(empty, key), d.Open(id)), l.withBook(ctx, empty, func(srv *process) error {
		for range 4 {
			_, took, err := fetch(ctx, srv.Addr, request)
			if err != nil {
				return err
			}
			if found.before == 0 || took < found.before {
				found.before = took
			}
		}
		return nil
	}))
}

// driveOf serves a Drive, and returns a folder that has a library's metadata.db alone,
// and the settings that lead to the Drive.
func (l *lab) driveOf(lib *library, d *drivetest.Drive) (dir string, env []string, stop func(), err error) {
	drive, err := d.Serve()
	if err != nil {
		return "", nil, nil, err
	}
	stop = func() { drive.Close() }
	dir, err = l.copyDatabase(lib)
	credentials := filepath.Join(dir, "google-credentials.json")
	if err == nil {
		err = os.WriteFile(credentials, d.Credentials(drive.URL), 0o600)
	}
	if err != nil {
		stop()
		return "", nil, nil, err
	}
	return dir, []string{
		"CALIBRE_LIBRARY_PATH=" + dir, "USE_GOOGLE_DRIVE=true", "GOOGLE_DRIVE_CREDENTIALS_PATH=" + credentials,
		"GOOGLE_DRIVE_FOLDER_ID=" + d.Root(), "GOOGLE_DRIVE_ENDPOINT_URL=" + drive.URL,
	}, stop, nil
}

func (l *lab) putBook(name string, content io.Reader) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, content)
	return errors.Join(err, f.Close())
}

// withBook has a server of a folder for a while.
func (l *lab) withBook(ctx context.Context, folder string, use func(*process) error, env ...string) error {
	srv, err := l.serve(folder, env...)
	if err != nil {
		return err
	}
	defer srv.stop()
	if _, err := srv.Prepared(ctx, readyWait); err != nil {
		return err
	}
	return use(srv)
}

// fetch downloads a book, and returns when the first and the last byte were there.
func fetch(ctx context.Context, addr, request string) (first, last time.Duration, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+request, nil)
	if err != nil {
		return 0, 0, err
	}
	began := time.Now()
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, 0, err
	}
	defer res.Body.Close()
	buf := make([]byte, 1<<20)
	n, err := io.ReadFull(res.Body, buf[:1])
	first = time.Since(began)
	if err != nil || res.StatusCode != http.StatusOK {
		return first, 0, fmt.Errorf("GET %s: %s, %w", request, res.Status, err)
	}
	all, err := io.CopyBuffer(io.Discard, struct{ io.Reader }{res.Body}, buf)
	if all+int64(n) != driveBook {
		err = errors.Join(err, fmt.Errorf("GET %s: %d bytes, and not %d", request, all+int64(n), driveBook))
	}
	return first, time.Since(began), err
}
