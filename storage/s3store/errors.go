package s3store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"strings"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"

	"github.com/pressmark/pressmark/storage"
)

// errNoBucket says that there is no such bucket.
var errNoBucket = errors.New("there is no such bucket")

func fail(op, key string, err error) error { return &fs.PathError{Op: op, Path: key, Err: err} }

// unavailable is [storage.ErrUnavailable], and why.
func unavailable(err error) error {
	if errors.Is(err, storage.ErrUnavailable) {
		return err
	}
	return fmt.Errorf("%w: %w", storage.ErrUnavailable, err)
}

// explain says what an error of the SDK means for an object. The codes are those
// of "Error responses" in Amazon's API reference of S3.
func (s *Store) explain(ctx context.Context, op, key string, err error) error {
	if ended := ctx.Err(); ended != nil {
		return fail(op, key, ended)
	}
	var code string
	if e, ok := errors.AsType[smithy.APIError](err); ok {
		code = e.ErrorCode()
	}
	switch code {
	case "NoSuchBucket":
		return fail(op, key, unavailable(errNoBucket))
	case "NoSuchKey", "NotFound", "NoSuchUpload":
		return fail(op, key, fs.ErrNotExist)
	case "InvalidRange":
		return fail(op, key, storage.ErrRange)
	case "PreconditionFailed", "ConditionalRequestConflict":
		return fail(op, key, storage.ErrChanged)
	case "KeyTooLongError", "InvalidURI":
		return fail(op, key, fs.ErrInvalid)
	case "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken", "TokenRefreshRequired", "RequestTimeTooSkewed":
		return fail(op, key, unavailable(err))
	}
	var status int
	if e, ok := errors.AsType[*awshttp.ResponseError](err); ok {
		status = e.HTTPStatusCode()
	}
	switch {
	case status == http.StatusNotFound && code == "": // to HEAD
		return fail(op, key, fs.ErrNotExist)
	case status == http.StatusForbidden:
		return fail(op, key, fmt.Errorf("%w: %w", fs.ErrPermission, err))
	case status == http.StatusPreconditionFailed:
		return fail(op, key, storage.ErrChanged)
	case status == http.StatusRequestedRangeNotSatisfiable:
		return fail(op, key, storage.ErrRange)
	}
	return fail(op, key, unavailable(err))
}

// tagOf makes a tag of an ETag. Those of Amazon, of other servers mostly too, can
// be tags as they are.
func tagOf(etag string) string {
	tag := strings.Trim(strings.TrimPrefix(etag, "W/"), `"`)
	const most = 128
	plain := strings.IndexFunc(tag, func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_' && c != '.'
	}) < 0
	if tag == "" || plain && len(tag) <= most {
		return tag
	}
	sum := sha256.Sum256([]byte(tag))
	return hex.EncodeToString(sum[:16])
}
