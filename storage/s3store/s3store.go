// Package s3store keeps objects in a bucket of Amazon S3, or of a server that
// speaks its protocol.
//
//	cfg, err := config.LoadDefaultConfig(ctx) // github.com/aws/aws-sdk-go-v2/config
//	...
//	store := s3store.New(s3.NewFromConfig(cfg), "my-books", s3store.Options{})
//	books := storage.Prefixed(store, "books/")
//
// A [Store] is a [storage.Store], a [storage.Writer] and a [storage.Signer]. The
// client, and with it credentials, region, endpoint, path style, checksums and how
// often a request is tried, are the caller's.
//
// # Keys, tags and times
//
// A storage key is the object's key, byte by byte. S3 allows 1,024 bytes: Put
// refuses longer ones with [fs.ErrInvalid], and nothing is found under them.
// Objects whose keys are no storage keys, such as the "folders" that some tools
// make ("covers/"), are not there for this package. The tag is the ETag, and times
// are of full seconds, as HTTP has them.
//
// # Failures
//
// Requests are tried again by the client, as its Retryer says, with jitter and as
// long as ctx lasts. A download that breaks off, or of which nothing comes for
// [Options.StallTimeout], is taken up at the byte where it ended, if the object is
// still the same version; else it fails with [storage.ErrChanged]. So does one of a
// whole object whose MD5 is not the tag, where tags have been seen to be that: some
// servers mix up versions that are replaced while they are read.
//
// S3 answers 403 for an object that is not there to who may not list the bucket:
// then this package says [fs.ErrPermission], too. A bucket that is missing,
// credentials that are wrong or have expired, and a clock that is wrong are
// [storage.ErrUnavailable], as they say nothing about the object.
package s3store

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/pressmark/pressmark/storage"
)

// Options are the settings of a [Store]. The zero value works.
type Options struct {
	// PartSize is how many bytes are sent in one request at most; larger objects
	// are sent in parts of this size. A Put holds one part in memory, or three of a
	// large object. 0 means 8 MiB, and less than 5 MiB, which S3 refuses, means 5.
	PartSize int64

	// StallTimeout is how long a download may stand still before it is taken up
	// anew. 0 means 30 s.
	StallTimeout time.Duration

	// Encryption is how S3 encrypts what is put: "AES256" with its own keys,
	// "aws:kms" with those of KMS. Empty leaves it to the bucket.
	Encryption types.ServerSideEncryption

	// KMSKeyID is the key in KMS. Empty is the account's own.
	KMSKeyID string
}

const (
	defaultPartSize     = 8 << 20
	minPartSize         = 5 << 20
	defaultStallTimeout = 30 * time.Second
	maxKey              = 1024    // bytes
	maxSize             = 1 << 50 // bytes, more than any object has; servers calculate with what they are sent
)

// Store is a bucket. Make one with [New]. Its methods may be called by several
// goroutines at once.
type Store struct {
	client  *s3.Client
	presign *s3.PresignClient
	bucket  *string
	o       Options
	seen    atomic.Int64 // when the bucket was last known to be there, in Unix seconds
	digests atomic.Bool  // the server has been seen to tag what it does not encrypt with its MD5
}

var (
	_ storage.Store  = (*Store)(nil)
	_ storage.Writer = (*Store)(nil)
	_ storage.Signer = (*Store)(nil)
)

// New returns the store of a bucket. It does no I/O.
func New(client *s3.Client, bucket string, o Options) *Store {
	if o.PartSize == 0 {
		o.PartSize = defaultPartSize
	}
	o.PartSize = max(o.PartSize, minPartSize)
	if o.StallTimeout <= 0 {
		o.StallTimeout = defaultStallTimeout
	}
	return &Store{client: client, presign: s3.NewPresignClient(client), bucket: aws.String(bucket), o: o}
}

// Stat asks for the object by HEAD.
func (s *Store) Stat(ctx context.Context, key string) (storage.Info, error) {
	const op = "stat"
	if err := storage.CheckKey(op, key); err != nil {
		return storage.Info{}, err
	}
	return s.head(ctx, op, key, nil)
}

// head returns what HEAD says of an object, or of the version with that ETag.
func (s *Store) head(ctx context.Context, op, key string, etag *string) (storage.Info, error) {
	if len(key) > maxKey {
		return storage.Info{}, fail(op, key, fs.ErrNotExist)
	}
	out, err := s.client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: s.bucket, Key: &key, IfMatch: etag})
	if err != nil {
		err = s.explain(ctx, op, key, err)
		switch { // HEAD does not say why
		case errors.Is(err, fs.ErrNotExist):
			err = s.sure(ctx, op, key, err)
		case errors.Is(err, fs.ErrPermission):
			err = s.why(ctx, op, key, err)
		}
		return storage.Info{}, err
	}
	s.there()
	if other(etag, out.ETag) {
		return storage.Info{}, fail(op, key, storage.ErrChanged)
	}
	return describe(key, aws.ToInt64(out.ContentLength), out.LastModified, out.ETag), nil
}

// other reports whether a server has answered for another version than it was
// asked for: not all know conditions. nil is any.
func other(want, got *string) bool { return want != nil && aws.ToString(want) != aws.ToString(got) }

// bucketSeen is for how long a bucket that was there is taken to be there.
const bucketSeen = time.Minute

func (s *Store) there() { s.seen.Store(time.Now().Unix()) }

// sure returns err, that there is no such object, if the bucket is there: HEAD
// answers 404 for both.
func (s *Store) sure(ctx context.Context, op, key string, err error) error {
	if time.Since(time.Unix(s.seen.Load(), 0)) < bucketSeen {
		return err
	}
	if _, bad := s.client.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: s.bucket}); bad != nil {
		bad = s.explain(ctx, op, key, bad)
		switch {
		case errors.Is(bad, fs.ErrNotExist):
			return fail(op, key, unavailable(errNoBucket))
		case errors.Is(bad, fs.ErrPermission): // it may not be looked at
			return err
		}
		return bad
	}
	s.there()
	return err
}

// why returns err, that an object is not given away, or that this process is not
// known, as GET says.
func (s *Store) why(ctx context.Context, op, key string, err error) error {
	out, bad := s.client.GetObject(ctx, &s3.GetObjectInput{Bucket: s.bucket, Key: &key, Range: aws.String("bytes=0-0")})
	if bad == nil {
		out.Body.Close()
		return err
	}
	if bad = s.explain(ctx, op, key, bad); errors.Is(bad, storage.ErrUnavailable) || ctx.Err() != nil {
		return bad
	}
	return err
}

// describe makes an Info of what S3 says of an object.
func describe(key string, size int64, modified *time.Time, etag *string) storage.Info {
	info := storage.Info{Key: key, Size: size}
	if modified != nil {
		info.ModTime = modified.Truncate(time.Second)
	}
	info.Tag = tagOf(aws.ToString(etag))
	if info.Tag == "" {
		info.Tag = storage.ModTag(size, info.ModTime)
	}
	return info
}

// Open reads an object by GET.
func (s *Store) Open(ctx context.Context, key string, r storage.Range) (io.ReadCloser, storage.Info, error) {
	const op = "open"
	if err := storage.CheckKey(op, key); err != nil {
		return nil, storage.Info{}, err
	}
	if r.Length < 0 {
		return nil, storage.Info{}, fail(op, key, fs.ErrInvalid)
	}
	if len(key) > maxKey {
		return nil, storage.Info{}, fail(op, key, fs.ErrNotExist)
	}
	st := &stream{store: s, ctx: ctx, key: key}
	if r.Offset < 0 && r.Length > 0 { // HTTP has no such range
		info, err := s.head(ctx, op, key, nil)
		if err != nil {
			return nil, info, err
		}
		start, n, _ := r.Resolve(info.Size) // which is in there, and n is not negative
		if n == 0 {
			return storage.NewReader(ctx, key, st, 0), info, nil
		}
		return s.part(ctx, key, st, info, storage.Range{Offset: start, Length: n})
	}
	if r.Offset > maxSize {
		return s.nothing(ctx, key, r, st)
	}
	info, n, err := st.open(r)
	if errors.Is(err, storage.ErrRange) {
		return s.nothing(ctx, key, r, st)
	}
	if err != nil {
		return nil, storage.Info{}, err
	}
	return storage.NewReader(ctx, key, st, n), info, nil
}

// nothing answers for a range that S3 refuses: also when it selects nothing, of
// an empty object for instance.
func (s *Store) nothing(ctx context.Context, key string, r storage.Range, st *stream) (io.ReadCloser, storage.Info, error) {
	const op = "open"
	info, err := s.head(ctx, op, key, nil)
	if err != nil {
		return nil, info, err
	}
	start, n, err := r.Resolve(info.Size)
	if err != nil {
		return nil, storage.Info{}, fail(op, key, err)
	}
	switch {
	case n == 0:
		return storage.NewReader(ctx, key, st, 0), info, nil
	case r.Offset < 0: // more than there is, which some servers refuse
		return s.part(ctx, key, st, info, storage.Range{Offset: start, Length: n})
	}
	return nil, storage.Info{}, fail(op, key, storage.ErrChanged) // it has grown
}

// part opens a range of the version that HEAD has told of.
func (s *Store) part(ctx context.Context, key string, st *stream, of storage.Info, r storage.Range) (io.ReadCloser, storage.Info, error) {
	info, n, err := st.open(r)
	if err != nil {
		return nil, storage.Info{}, err
	}
	if info.Tag != of.Tag || info.Size != of.Size {
		st.drop()
		return nil, storage.Info{}, fail("open", key, storage.ErrChanged)
	}
	return storage.NewReader(ctx, key, st, n), info, nil
}

// header returns r as HTTP has it; nil is everything.
func header(r storage.Range) *string {
	var b strings.Builder
	b.WriteString("bytes=")
	switch {
	case r == storage.Range{}:
		return nil
	case r.Offset < 0:
		b.WriteString("-" + strconv.FormatInt(-max(r.Offset, -maxSize), 10))
	default:
		b.WriteString(strconv.FormatInt(r.Offset, 10) + "-")
		if r.Length > 0 && r.Length < maxSize {
			b.WriteString(strconv.FormatInt(r.Offset+r.Length-1, 10))
		}
	}
	return aws.String(b.String())
}
