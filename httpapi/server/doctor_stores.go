package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/pressmark/pressmark/cache"
	"github.com/pressmark/pressmark/cache/memcache"
	"github.com/pressmark/pressmark/catalog"
	"github.com/pressmark/pressmark/httpapi/covers"
	"github.com/pressmark/pressmark/storage"
	"github.com/pressmark/pressmark/storage/gdrivestore"
)

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }

// sampled is how many books of a library are looked for at each place that is
// not this machine, where every look costs.
const sampled = 20

// checkS3 looks at the bucket, by the calls that the server makes.
func (e *examination) checkS3(ctx context.Context, r *findings) {
	o := &e.config.S3
	if o.Bucket == "" {
		return // the check of the settings says so
	}
	bucket, err := o.open(ctx)
	if err != nil {
		r.fault("set what the error names", "S3 cannot be used: %v", err)
		return
	}
	fine := e.checkS3Clock(ctx, r)
	prefix := o.CoversPrefix
	if !o.Covers {
		prefix = o.BooksPrefix
	}
	ask, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	first := ""
	for info, err := range bucket.List(ask, prefix) {
		if err != nil {
			r.fault("see that S3_BUCKET_NAME, AWS_REGION and S3_ENDPOINT_URL are those of the bucket, that the access key is good, and that it has the rights s3:ListBucket and s3:GetObject", "bucket %s cannot be listed: %v", o.Bucket, err)
			return
		}
		first = info.Key
		break
	}
	if first == "" {
		command := "covers upload"
		if !o.Covers {
			command = "books push"
		}
		r.warn("run \"pressmark "+command+"\", or set the prefix under which they are (S3_COVERS_PREFIX, S3_BOOKS_PREFIX)", "bucket %s has nothing that begins with %s", o.Bucket, prefix)
		return
	}
	if err := fetchSigned(ctx, bucket, first); err != nil {
		fine = false
		r.fault("let the access key read objects (s3:GetObject), and see that clients reach the endpoint at this address and no bucket policy refuses signed addresses", "a signed address does not work: %v", err)
	}
	if o.CDN != "" {
		address := (&url.URL{Scheme: "https", Host: o.CDN, Path: "/" + first}).String()
		if err := reachable(ctx, address); err != nil {
			fine = false
			r.fault("see that CDN_DOMAIN is the distribution's, that it is deployed and may read the bucket", "the content delivery network does not have what the bucket has: %v", err)
		}
	}
	if o.Covers && !e.checkS3Covers(ctx, r, bucket) {
		fine = false
	}
	if fine {
		r.ok("bucket %s can be read, also by signed addresses", o.Bucket)
	}
}

// checkS3Clock compares clocks: signatures are refused when they are apart.
func (e *examination) checkS3Clock(ctx context.Context, r *findings) bool {
	o := &e.config.S3
	address := o.Endpoint
	if address == "" {
		address = "https://s3.amazonaws.com"
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, address, nil)
	if err != nil {
		return true
	}
	client := &http.Client{Timeout: askLimit / 3, Transport: &http.Transport{DisableKeepAlives: true, Proxy: http.ProxyFromEnvironment}}
	res, err := client.Do(req)
	if err != nil {
		return true // what follows says more
	}
	res.Body.Close()
	then, err := http.ParseTime(res.Header.Get("Date"))
	return err != nil || e.checkSkew(r, "S3", then)
}

// fetchSigned fetches an object as a client would.
func fetchSigned(ctx context.Context, store storage.Store, key string) error {
	signer, ok := storage.As[storage.Signer](store)
	if !ok {
		return errors.ErrUnsupported
	}
	address, _, err := signer.SignedURL(ctx, key, storage.SignOptions{Lifetime: time.Minute})
	if err != nil {
		return err
	}
	return reachable(ctx, address)
}

// reachable asks for an address. Its errors do not repeat it, as it may be signed.
func reachable(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeout(ctx, askLimit/2)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return errors.New("the address cannot be read")
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, Proxy: http.ProxyFromEnvironment}}
	res, err := client.Do(req)
	if err != nil {
		var bad *url.Error
		if errors.As(err, &bad) {
			err = bad.Err
		}
		return fmt.Errorf("%s: %w", req.URL.Host, err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", req.URL.Host, res.Status)
	}
	return nil
}

// checkS3Covers compares the bucket's list of covers with the catalogs.
func (e *examination) checkS3Covers(ctx context.Context, r *findings, bucket storage.Store) bool {
	fine := true
	for i, l := range e.config.Libraries {
		x := e.libraries[i]
		if x.load(ctx) != nil {
			continue // another check says so
		}
		there := map[string]bool{}
		store := storage.Prefixed(bucket, e.config.S3.CoversPrefix+e.config.folder(i))
		for info, err := range store.List(ctx, "") {
			if err != nil {
				r.fault("see the error; the right s3:ListBucket is needed", "the covers of library %s cannot be listed: %v", l.Name, err)
				return false
			}
			if !strings.Contains(info.Key, "-") {
				there[info.Key] = true
			}
		}
		missing := &examples{}
		_, err := x.each(ctx, func(b *catalog.Book) error {
			if b.Cover != "" && !there[covers.ObjectKey(int64(b.ID), "", "")] {
				missing.add("book " + strconv.FormatInt(int64(b.ID), 10))
			}
			return nil
		})
		if err == nil && missing.n > 0 {
			fine = false
			r.warn("run \"pressmark covers upload\", now and after changes", "library %s: covers are not in S3, and are served from the folder (%d): %v", l.Name, missing.n, missing)
		}
	}
	return fine
}

// checkDrive looks at the folders in Google Drive.
func (e *examination) checkDrive(ctx context.Context, r *findings) {
	c := &e.config
	const key = "make a key for a service account (JSON) in the Google Cloud console, and set GOOGLE_DRIVE_CREDENTIALS_PATH to it"
	if c.Drive.Credentials != "" {
		content, err := os.ReadFile(c.Drive.Credentials)
		if err != nil {
			r.fault(key, "the credentials cannot be read: %v", err)
			return
		}
		var account struct {
			Type string `json:"type"`
		}
		if err := json.Unmarshal(content, &account); err != nil || account.Type != "service_account" {
			r.fault(key, "%s is not the key of a service account", c.Drive.Credentials)
			return
		}
	}
	service, err := c.Drive.service(ctx)
	if err != nil {
		r.fault(key, "the credentials cannot be used: %v", err)
		return
	}
	fine := true
	for i, l := range c.Libraries {
		if l.DriveFolder == "" {
			continue
		}
		doubles := &doubled{}
		store, err := gdrivestore.New(service, l.DriveFolder, gdrivestore.Options{
			Cache: cache.New(cache.Options{Local: memcache.NewLocal(memcache.Options{}), Logger: discard()}),
			Name:  "doctor-" + strconv.Itoa(i), RequestsPer100s: c.Drive.RequestsPer100s, Logger: slog.New(doubles),
		})
		if err != nil {
			r.fault("see the error", "Google Drive: %v", err)
			return
		}
		ask, cancel := context.WithTimeout(ctx, 2*askLimit)
		_, err = store.Folder(ask)
		cancel()
		if err != nil {
			r.fault("share the folder with the service account's e-mail address, set GOOGLE_DRIVE_FOLDER_ID to the end of the folder's address, enable the Drive API in the account's project, and see that the key was not deleted", "library %s: the folder in Google Drive cannot be seen: %v", l.Name, err)
			fine = false
			continue
		}
		if !e.checkDriveFiles(ctx, r, e.libraries[i], store) {
			fine = false
		}
		if double := doubles.found(); double.n > 0 {
			fine = false
			r.warn("delete one of them in Google Drive; \"rclone dedupe\" does it for many", "library %s: files in Google Drive have one name, of which the one that was changed last is served (%d): %v", l.Name, double.n, double)
		}
	}
	if fine {
		r.ok("the folders in Google Drive can be seen, and have what was looked for")
	}
}

// checkDriveFiles looks for some books, and reads the beginning of one.
func (e *examination) checkDriveFiles(ctx context.Context, r *findings, x *libraryExam, store *gdrivestore.Store) bool {
	if x.load(ctx) != nil {
		return true // another check says so
	}
	books, err := x.sampleOf(ctx, sampled)
	if err != nil {
		return true // as above
	}
	missing, read := &examples{}, false
	for i := range books {
		for _, f := range books[i].Formats {
			if place, named := e.config.BooksStore[f.Name]; named && place != placeDrive || !named && e.config.BooksStore[""] != placeDrive {
				continue
			}
			_, err := store.Stat(ctx, f.Key)
			if err == nil && !read {
				read = true
				err = head(ctx, store, f.Key)
			}
			switch {
			case errors.Is(err, fs.ErrNotExist):
				missing.add(f.Key)
			case err != nil:
				r.fault("see the error; quotas of Google pass by themselves", "library %s: a file in Google Drive cannot be read: %v", x.Name, err)
				return false
			}
		}
	}
	if missing.n > 0 {
		r.fault("upload the library again: rclone sync LIBRARY REMOTE: --exclude \"metadata.db*\"; \"pressmark verify\" lists all that is missing", "library %s: books are not in Google Drive; of %d that were looked for (%d files): %v", x.Name, len(books), missing.n, missing)
	}
	return missing.n == 0
}

// head reads the first bytes of an object.
func head(ctx context.Context, store storage.Store, key string) error {
	rc, _, err := store.Open(ctx, key, storage.Range{Length: 1024})
	if err != nil {
		return err
	}
	defer rc.Close()
	_, err = io.Copy(io.Discard, rc)
	return err
}

// doubled takes what the store in Drive logs of files of one name.
type doubled struct {
	mu  sync.Mutex
	all examples
}

func (d *doubled) found() *examples {
	d.mu.Lock()
	defer d.mu.Unlock()
	return &d.all
}

// Enabled implements slog.Handler.
func (d *doubled) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelWarn }

// Handle implements slog.Handler.
func (d *doubled) Handle(_ context.Context, rec slog.Record) error {
	rec.Attrs(func(a slog.Attr) bool {
		if a.Key == "name" {
			d.mu.Lock()
			defer d.mu.Unlock()
			d.all.add(a.Value.String())
			return false
		}
		return true
	})
	return nil
}

// WithAttrs implements slog.Handler.
func (d *doubled) WithAttrs([]slog.Attr) slog.Handler { return d }

// WithGroup implements slog.Handler.
func (d *doubled) WithGroup(string) slog.Handler { return d }
