package s3store

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/s3/transfermanager"
	transfer "github.com/aws/aws-sdk-go-v2/feature/s3/transfermanager/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/pressmark/pressmark/storage"
)

// Put sends an object in one request, or in parts if it is larger than
// [Options.PartSize]. Parts of one that fails are removed; those of a process that
// is killed stay, and a lifecycle rule of the bucket (AbortIncompleteMultipartUpload)
// removes them.
func (s *Store) Put(ctx context.Context, key string, body io.Reader, o storage.PutOptions) (storage.Info, error) {
	const op = "put"
	if err := storage.CheckKey(op, key); err != nil {
		return storage.Info{}, err
	}
	if len(key) > maxKey {
		return storage.Info{}, fail(op, key, fs.ErrInvalid)
	}
	in := &source{Reader: body, ctx: ctx}
	var start bytes.Buffer
	if _, err := io.CopyN(&start, in, s.o.PartSize+1); err != nil && err != io.EOF {
		return storage.Info{}, fail(op, key, err)
	}
	if err := ctx.Err(); err != nil {
		return storage.Info{}, fail(op, key, err)
	}
	var etag *string
	var err error
	if size := int64(start.Len()); size <= s.o.PartSize {
		etag, err = s.putSmall(ctx, key, start.Bytes(), o)
	} else {
		etag, err = s.putLarge(ctx, key, io.MultiReader(&start, in), o)
	}
	switch {
	case in.err != nil:
		return storage.Info{}, fail(op, key, in.err)
	case err != nil:
		return storage.Info{}, s.explain(ctx, op, key, err)
	}
	s.there()
	info, err := s.head(ctx, op, key, etag)
	if errors.Is(err, storage.ErrChanged) || errors.Is(err, fs.ErrNotExist) {
		// It was stored, and somebody else has put or deleted it since.
		now := time.Now()
		return describe(key, in.n, &now, etag), nil
	}
	return info, err
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func (s *Store) putSmall(ctx context.Context, key string, body []byte, o storage.PutOptions) (etag *string, err error) {
	out, err := s.client.PutObject(ctx, &s3.PutObjectInput{
		Bucket: s.bucket, Key: &key, Body: bytes.NewReader(body),
		ContentType: optional(o.ContentType), CacheControl: optional(o.CacheControl),
		ServerSideEncryption: s.o.Encryption, SSEKMSKeyId: optional(s.o.KMSKeyID),
	})
	if err != nil {
		return nil, err
	}
	if !s.digests.Load() && isDigest(out.ETag, out.ServerSideEncryption, out.SSECustomerAlgorithm) {
		sum := md5.Sum(body)
		if hex.EncodeToString(sum[:]) == tagOf(aws.ToString(out.ETag)) {
			s.digests.Store(true)
		}
	}
	return out.ETag, nil
}

// abortTime bounds the removal of parts after a failure.
const abortTime = 10 * time.Second

func (s *Store) putLarge(ctx context.Context, key string, body io.Reader, o storage.PutOptions) (etag *string, err error) {
	client := transfermanager.New(s.client, func(t *transfermanager.Options) {
		t.PartSizeBytes, t.MultipartUploadThreshold = s.o.PartSize, s.o.PartSize
		t.Concurrency = 2
		t.FailTimeout = abortTime
	})
	out, err := client.UploadObject(ctx, &transfermanager.UploadObjectInput{
		Bucket: s.bucket, Key: &key, Body: body,
		ContentType: optional(o.ContentType), CacheControl: optional(o.CacheControl),
		ServerSideEncryption: transfer.ServerSideEncryption(s.o.Encryption), SSEKMSKeyID: optional(s.o.KMSKeyID),
	})
	if err != nil {
		var failed transfermanager.MultipartUploadError
		if errors.As(err, &failed) {
			s.abort(ctx, key, failed.UploadID())
		}
		return nil, err
	}
	return out.ETag, nil
}

// abort ends an upload again, until it is not there: a part that was on its way when
// it was ended may have come after that.
func (s *Store) abort(ctx context.Context, key, upload string) {
	const attempts, pause = 5, 100 * time.Millisecond
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), abortTime)
	defer cancel()
	for range attempts {
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
		_, err := s.client.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: s.bucket, Key: &key, UploadId: &upload})
		if err != nil {
			return // there is none, or a rule of the bucket has to see to it
		}
	}
}

// source is a body. It remembers why it failed, and counts.
type source struct {
	io.Reader
	ctx context.Context
	n   int64
	err error
}

func (s *source) Read(p []byte) (int, error) {
	if s.err = s.ctx.Err(); s.err != nil {
		return 0, s.err
	}
	n, err := s.Reader.Read(p)
	s.n += int64(n)
	if err != nil && err != io.EOF {
		s.err = err
	}
	return n, err
}

// Delete removes an object.
func (s *Store) Delete(ctx context.Context, key string) error {
	const op = "delete"
	if err := storage.CheckKey(op, key); err != nil {
		return err
	}
	if len(key) > maxKey {
		return nil
	}
	_, err := s.client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: s.bucket, Key: &key})
	if err != nil {
		if err = s.explain(ctx, op, key, err); errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	}
	s.there()
	return nil
}

// maxSigned is the longest time for which S3 signs.
const maxSigned = 7 * 24 * time.Hour

// SignedURL signs a GET with the client's credentials. It asks nobody, except
// for credentials that have to be renewed.
func (s *Store) SignedURL(ctx context.Context, key string, o storage.SignOptions) (string, time.Time, error) {
	const op = "sign"
	if err := storage.CheckKey(op, key); err != nil {
		return "", time.Time{}, err
	}
	if err := ctx.Err(); err != nil {
		return "", time.Time{}, fail(op, key, err)
	}
	life := min(o.Lifetime, maxSigned)
	if life <= 0 {
		life = time.Hour
	}
	opts := s.client.Options()
	if opts.Credentials == nil {
		return "", time.Time{}, fail(op, key, errors.ErrUnsupported)
	}
	creds, err := opts.Credentials.Retrieve(ctx)
	if err != nil {
		return "", time.Time{}, fail(op, key, unavailable(err))
	}
	expires := time.Now().Add(life)
	if creds.CanExpire && creds.Expires.Before(expires) {
		expires = creds.Expires
	}
	signed, err := s.presign.PresignGetObject(ctx, &s3.GetObjectInput{
		Bucket: s.bucket, Key: &key,
		ResponseContentType: optional(o.ContentType), ResponseContentDisposition: optional(o.ContentDisposition),
	}, s3.WithPresignExpires(life), s3.WithPresignClientFromClientOptions(func(c *s3.Options) {
		c.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return creds, nil })
		c.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired // browsers have no use for it
	}))
	if err != nil {
		return "", time.Time{}, fail(op, key, unavailable(err))
	}
	return signed.URL, expires, nil
}
