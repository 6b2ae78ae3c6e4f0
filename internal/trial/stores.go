package main

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/pressmark/pressmark/storage/gdrivestore/drivetest"
)

const (
	bucket = "books"
	region = "us-east-1"
)

// objectsEnv are the settings that lead to S3.
func (s *site) objectsEnv() []string {
	return []string{
		"S3_ENDPOINT_URL=http://" + s.objects.addr, "S3_BUCKET_NAME=" + bucket, "AWS_REGION=" + region,
		"AWS_ACCESS_KEY_ID=" + objectsKey, "AWS_SECRET_ACCESS_KEY=" + objectsSecret,
	}
}

// fillStores puts books and covers where they belong, with the program's own
// commands, and takes the books out of the library's folder.
func (s *site) fillStores(ctx context.Context) error {
	client := s3.New(s3.Options{
		BaseEndpoint: aws.String("http://" + s.objects.addr), UsePathStyle: true, Region: region,
		Credentials: credentials.NewStaticCredentialsProvider(objectsKey, objectsSecret, ""),
	})
	if _, err := client.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String(bucket)}); err != nil {
		return err
	}
	if err := s.command(ctx, "books", "push", "--formats", "PDF"); err != nil {
		return err
	}
	if err := s.command(ctx, "covers", "upload"); err != nil {
		return err
	}
	for _, c := range []class{s3Downloads, driveDownloads} {
		for _, f := range s.library.files[c] {
			name := filepath.Join(s.library.dir, filepath.FromSlash(f.key))
			if c == driveDownloads {
				content, err := os.ReadFile(name)
				if err != nil {
					return err
				}
				s.drive.Put(f.key, content)
			}
			if err := os.Remove(name); err != nil {
				return err
			}
		}
	}
	return nil
}

// drive is a Google Drive of this process on a port that stays the same.
type drive struct {
	*drivetest.Drive
	addr   string
	mu     sync.Mutex
	server *http.Server
}

func newDrive() (*drive, error) {
	addrs, err := freeAddrs(1)
	if err != nil {
		return nil, err
	}
	d := &drive{Drive: drivetest.New(drivetest.Options{Latency: 20 * time.Millisecond}), addr: addrs[0]}
	return d, d.start()
}

// env writes the key of its account into a folder, and returns the settings that
// lead to it.
func (d *drive) env(dir string) []string {
	key := filepath.Join(dir, "google-credentials.json")
	if _, err := os.Stat(key); err != nil {
		// Should it fail, the servers say so.
		_ = os.WriteFile(key, d.Credentials("http://"+d.addr), 0o600)
	}
	return []string{
		"GOOGLE_DRIVE_CREDENTIALS_PATH=" + key, "GOOGLE_DRIVE_FOLDER_ID=" + d.Root(), "GOOGLE_DRIVE_ENDPOINT_URL=http://" + d.addr,
		"GOOGLE_DRIVE_REQUESTS_PER_100S=100000",
	}
}

func (d *drive) start() error {
	l, err := net.Listen("tcp", d.addr)
	if err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	server := &http.Server{Handler: d.Handler(), ReadHeaderTimeout: time.Minute}
	d.server = server
	go func() { _ = server.Serve(l) }() // until it is closed
	return nil
}

// stop breaks off what is under way; connections are refused from then on.
func (d *drive) stop() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.server == nil {
		return nil
	}
	err := d.server.Close()
	d.server = nil
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// freeze lets it take requests and answer none, until thaw.
func (d *drive) freeze() {
	d.Fail(func(drivetest.Request) drivetest.Fault { return drivetest.Fault{Delay: time.Hour} })
}

func (d *drive) thaw() { d.Fail(nil) }
