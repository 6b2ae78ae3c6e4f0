package server

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/pressmark/pressmark/auth"
	"github.com/pressmark/pressmark/cache"
	"github.com/pressmark/pressmark/httpapi"
	"github.com/pressmark/pressmark/storage"
	"github.com/pressmark/pressmark/storage/s3store"
)

// S3 says where files are in Amazon S3, or in a server that speaks its protocol.
type S3 struct {
	// Covers has covers be there. They are {CoversPrefix}{id}.jpg for the first
	// library, {CoversPrefix}{name}/{id}.jpg for others.
	Covers bool
	// Bucket is the bucket's name. It has to be given if anything is there.
	Bucket string
	// CoversPrefix and BooksPrefix are what keys begin with. Empty means covers/
	// and books/.
	CoversPrefix, BooksPrefix string
	// Region is the bucket's. Empty is what the AWS environment says, or us-east-1
	// with Endpoint.
	Region string
	// AccessKeyID and SecretAccessKey are credentials. Empty are those that the AWS
	// environment has: variables, files, roles.
	AccessKeyID, SecretAccessKey string
	// SessionToken goes with credentials that are good for a while. Empty is none.
	SessionToken string
	// Endpoint is the address of a server that is not Amazon's, such as
	// https://s3.example. Empty is Amazon's.
	Endpoint string
	// HostStyle has the bucket in the host of Endpoint, and not in the path.
	HostStyle bool
	// CDN is the host of a content delivery network that has the bucket, such as
	// d123.cloudfront.net. Empty is none.
	CDN string
	// Encryption is AES256 or aws:kms, with KMSKeyID. Empty leaves it to the bucket.
	Encryption, KMSKeyID string
}

// The places of books, as BooksStore has them.
const (
	placeLocal = "local"
	placeS3    = "s3"
	placeDrive = "gdrive"
)

// places reports whether any books are in a place.
func (c *Config) places(place string) bool {
	for _, p := range c.BooksStore {
		if p == place {
			return true
		}
	}
	return false
}

// usesS3 reports whether anything is in S3.
func (c *Config) usesS3() bool { return c.S3.Covers || c.places(placeS3) }

// withStoreDefaults checks and fills in where files are.
func (c Config) withStoreDefaults() (Config, error) {
	var errs []error
	refuse := func(setting, format string, args ...any) {
		errs = append(errs, &ConfigError{setting, fmt.Sprintf(format, args...)})
	}
	if c.Drive.Use {
		if _, placed := c.BooksStore[""]; !placed {
			c.BooksStore = maps.Clone(c.BooksStore)
			if c.BooksStore == nil {
				c.BooksStore = map[string]string{}
			}
			c.BooksStore[""] = placeDrive
		}
		if !c.usesDrive() {
			refuse("USE_GOOGLE_DRIVE", "BOOKS_STORE has no books in Google Drive; leave it out, or name formats: local,PDF=gdrive")
		}
	}
	c.checkDrive(refuse)
	o := &c.S3
	if c.usesS3() && o.Bucket == "" {
		refuse("S3_BUCKET_NAME", "name the bucket that USE_S3_COVERS or BOOKS_STORE is about")
	}
	for _, p := range []struct{ setting, value string }{{"S3_COVERS_PREFIX", o.CoversPrefix}, {"S3_BOOKS_PREFIX", o.BooksPrefix}} {
		if storage.CheckPrefix(p.value) != nil {
			refuse(p.setting, "%q is not the beginning of a key such as covers/", p.value)
		}
	}
	o.CoversPrefix, o.BooksPrefix = folderOr(o.CoversPrefix, "covers/"), folderOr(o.BooksPrefix, "books/")
	if o.CoversPrefix == o.BooksPrefix {
		refuse("S3_BOOKS_PREFIX", "it is S3_COVERS_PREFIX, too: each needs its own")
	}
	if (o.AccessKeyID == "") != (o.SecretAccessKey == "") {
		refuse("AWS_ACCESS_KEY_ID", "it goes with AWS_SECRET_ACCESS_KEY: give both or none")
	}
	if o.SessionToken != "" && o.AccessKeyID == "" {
		refuse("AWS_SESSION_TOKEN", "it goes with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
	}
	if o.Endpoint != "" {
		if u, err := url.Parse(o.Endpoint); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
			refuse("S3_ENDPOINT_URL", "%q is not like https://s3.example", o.Endpoint)
		}
	}
	if o.CDN != "" {
		u, err := url.Parse("https://" + o.CDN)
		switch {
		case err != nil || u.Host != o.CDN || u.Hostname() == "":
			refuse("CDN_DOMAIN", "%q is not a host such as d123.cloudfront.net", o.CDN)
		case !o.Covers:
			refuse("CDN_DOMAIN", "it goes with USE_S3_COVERS=true")
		}
	}
	if e := types.ServerSideEncryption(o.Encryption); e != "" && !slices.Contains(e.Values(), e) {
		refuse("S3_ENCRYPTION", "%q is none of %v", o.Encryption, e.Values())
	}
	if o.KMSKeyID != "" && !strings.HasPrefix(o.Encryption, "aws:kms") {
		refuse("S3_KMS_KEY_ID", "it goes with S3_ENCRYPTION=aws:kms")
	}
	for format, place := range c.BooksStore {
		if place != placeLocal && place != placeS3 && place != placeDrive {
			refuse("BOOKS_STORE", "%q for %q is none of %s, %s and %s", place, format, placeLocal, placeS3, placeDrive)
		}
	}
	if !c.places(placeS3) && !c.usesDrive() {
		c.BooksStore = nil // all in the folder
	}
	return c, errors.Join(errs...)
}

// folderOr returns a prefix that ends in a slash.
func folderOr(prefix, other string) string {
	if prefix = strings.TrimSuffix(prefix, "/"); prefix == "" {
		return other
	}
	return prefix + "/"
}

// id tells what o leads to, and as whom, from anything else.
func (o *S3) id() string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %q %q %q %q", o.Endpoint, o.Region, o.Bucket, o.CoversPrefix, o.BooksPrefix, o.AccessKeyID))
	return hex.EncodeToString(sum[:6])
}

// Bounds of a request to S3, beside that of who makes it.
const (
	s3Dial   = 5 * time.Second
	s3Header = 15 * time.Second
	s3Check  = 5 * time.Second
	s3Conns  = 64 // that are kept open
)

// open returns the bucket. It does not ask for anything.
func (o *S3) open(ctx context.Context, change ...func(*s3.Options)) (*s3store.Store, error) {
	if o.Bucket == "" {
		return nil, &ConfigError{"S3_BUCKET_NAME", "name the bucket"}
	}
	load := []func(*config.LoadOptions) error{
		config.WithHTTPClient(awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
			t.ResponseHeaderTimeout = s3Header
			t.MaxIdleConnsPerHost = s3Conns
		}).WithDialerOptions(func(d *net.Dialer) { d.Timeout = s3Dial })),
	}
	if o.Region != "" {
		load = append(load, config.WithRegion(o.Region))
	}
	if o.AccessKeyID != "" {
		load = append(load, config.WithCredentialsProvider(credentials.NewStaticCredentialsProvider(o.AccessKeyID, o.SecretAccessKey, o.SessionToken)))
	}
	cfg, err := config.LoadDefaultConfig(ctx, load...)
	if err != nil {
		return nil, fmt.Errorf("configure S3: %w", err)
	}
	if cfg.Region == "" {
		if o.Endpoint == "" {
			return nil, &ConfigError{"AWS_REGION", "name the region that the bucket is in, such as eu-central-1"}
		}
		cfg.Region = "us-east-1"
	}
	client := s3.NewFromConfig(cfg, append([]func(*s3.Options){func(so *s3.Options) {
		if o.Endpoint != "" {
			so.BaseEndpoint = aws.String(strings.TrimSuffix(o.Endpoint, "/"))
			so.UsePathStyle = !o.HostStyle
		}
		so.DisableLogOutputChecksumValidationSkipped = true // of objects in parts
	}}, change...)...)
	return s3store.New(client, o.Bucket, s3store.Options{Encryption: types.ServerSideEncryption(o.Encryption), KMSKeyID: o.KMSKeyID}), nil
}

// openStores opens what is not in the folders of the libraries.
func (s *Server) openStores(ctx context.Context, o *httpapi.Options) error {
	o.Files.Redirect = s.config.DownloadRedirect
	if err := s.openDownloads(); err != nil {
		return err
	}
	if err := s.openDrive(ctx); err != nil {
		return err
	}
	if !s.config.usesS3() {
		return nil
	}
	bucket, err := s.config.S3.open(ctx, s.instruments.s3Client()...)
	if err != nil {
		return err
	}
	s.bucket = &observed{Store: s.instruments.store(bucket, placeS3), name: "S3"}
	if s.config.S3.Covers {
		s.log.Info("S3 cover storage initialized", "bucket", s.config.S3.Bucket, "prefix", s.config.S3.CoversPrefix)
	}
	if o.Files.Restricted, err = s.restricted(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, s3Check)
	defer cancel()
	for _, err := range s.bucket.List(ctx, s.config.S3.CoversPrefix) { // any call that needs the same rights
		if err != nil {
			s.log.Warn("S3 does not answer as it should; what is in the library's folder is served from there", "component", "s3", "bucket", s.config.S3.Bucket, "err", err)
		}
		break
	}
	return nil
}

// placement says where the files of the library are that is the number i of all.
func (s *Server) placement(i int) (p httpapi.Placement) {
	o := &s.config.S3
	if s.bucket != nil {
		p.ID = o.id()
	}
	if o.Covers {
		prefix := o.CoversPrefix + s.config.folder(i)
		p.Covers = storage.Prefixed(s.bucket, prefix)
		if o.CDN != "" {
			p.CDN = (&url.URL{Scheme: "https", Host: o.CDN, Path: "/" + prefix}).String()
		}
	}
	places := map[string]storage.Store{}
	if s.bucket != nil {
		books := storage.Store(s.bucket)
		if s.config.DownloadCacheDir != "" {
			books = s.downloaded(books, "s3/"+o.id())
		}
		places[placeS3] = storage.Prefixed(books, o.BooksPrefix+s.config.folder(i))
	}
	if s.drive != nil && s.drive[i] != nil {
		id := s.config.driveID(s.config.Libraries[i].DriveFolder)
		p.ID += "+" + id
		places[placeDrive] = s.downloaded(s.drive[i], "drive/"+id)
	}
	p.Books = map[string]storage.Store{}
	for format, place := range s.config.BooksStore {
		p.Books[format] = places[place] // nil is the folder
	}
	return p
}

// folder is what the keys of a library begin with, behind the prefix.
func (c *Config) folder(i int) string {
	if i == 0 {
		return ""
	}
	return c.Libraries[i].Name + "/"
}

// restricted returns what tells whether any user may not see all books.
func (s *Server) restricted() (func(context.Context) (bool, error), error) {
	follow := auth.Follow(s.state.Changes)
	n, err := cache.NewNamespace(s.caches.Cache, cache.NamespaceOptions[bool]{
		Name: "restricted", TTL: time.Minute, LocalOnly: true, LoadTimeout: askTime,
		Feed: func(ctx context.Context, listening func(), changed func(string)) error {
			return follow(ctx, listening, func(string) { changed("") })
		},
	})
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) (bool, error) {
		return n.Get(ctx, "any", func(ctx context.Context) (bool, error) { return auth.AnyRestricted(ctx, s.state.Users) })
	}, nil
}

// observed is a store of which health tells how its last call went.
type observed struct {
	storage.Store
	name  string
	mu    sync.Mutex
	since time.Time // when it began to fail; zero: it does not
}

// Unwrap lets what else the store can do be found.
func (o *observed) Unwrap() storage.Store { return o.Store }

func (o *observed) note(err error) {
	if errors.Is(err, context.Canceled) {
		return // says nothing
	}
	failed := errors.Is(err, storage.ErrUnavailable) || errors.Is(err, context.DeadlineExceeded)
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case !failed:
		o.since = time.Time{}
	case o.since.IsZero():
		o.since = time.Now()
	}
}

func (o *observed) Stat(ctx context.Context, key string) (storage.Info, error) {
	info, err := o.Store.Stat(ctx, key)
	o.note(err)
	return info, err
}

func (o *observed) Open(ctx context.Context, key string, r storage.Range) (io.ReadCloser, storage.Info, error) {
	rc, info, err := o.Store.Open(ctx, key, r)
	o.note(err)
	return rc, info, err
}

func (o *observed) List(ctx context.Context, prefix string) iter.Seq2[storage.Info, error] {
	return func(yield func(storage.Info, error) bool) {
		for info, err := range o.Store.List(ctx, prefix) {
			o.note(err)
			if !yield(info, err) {
				return
			}
		}
	}
}

// check is what health says of it.
func (o *observed) check() httpapi.CheckResult {
	if o == nil {
		return httpapi.CheckResult{Status: "off"}
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.since.IsZero() {
		return httpapi.CheckResult{Status: "degraded", Since: o.since, Detail: o.name + " does not answer: what the folders of the libraries have is served from there"}
	}
	return httpapi.CheckResult{Status: "ok"}
}
