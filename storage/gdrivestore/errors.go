package gdrivestore

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"slices"
	"strconv"
	"time"

	"golang.org/x/oauth2"
	"google.golang.org/api/googleapi"

	"github.com/pressmark/pressmark/storage"
)

var (
	errNoFolder   = errors.New("there is no such folder, or it is not shared with this account")
	errNotFolder  = errors.New("it is not a folder")
	errTrashed    = errors.New("it is in the trash")
	errSlow       = errors.New("it takes too long to answer")
	errIncomplete = errors.New("the answer is not complete")
	errNoDigest   = errors.New("the file has no MD5")
)

func fail(op, key string, err error) error { return &fs.PathError{Op: op, Path: key, Err: err} }

// unavailable is [storage.ErrUnavailable], and why.
func unavailable(err error) error {
	if errors.Is(err, storage.ErrUnavailable) {
		return err
	}
	return fmt.Errorf("%w: %w", storage.ErrUnavailable, err)
}

// outdated reports whether an error means that what is known of a file is old.
func outdated(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, storage.ErrChanged)
}

// verdict is what an error of Drive means.
type verdict struct {
	err error
	// again is set if the request may be sent again, crowded if Drive wants fewer
	// of all requests, and after is when at the earliest.
	again, crowded bool
	after          time.Duration
}

// judge says what an error of a request means. The reasons are those of "Resolve
// errors" in the guides of the Drive API.
func judge(err error) verdict {
	if e, ok := errors.AsType[*oauth2.RetrieveError](err); ok { // from where tokens are given
		busy := e.Response == nil || e.Response.StatusCode == http.StatusTooManyRequests || e.Response.StatusCode == http.StatusRequestTimeout || e.Response.StatusCode >= http.StatusInternalServerError
		return verdict{err: unavailable(err), again: busy}
	}
	e, ok := errors.AsType[*googleapi.Error](err)
	if !ok { // the network
		return verdict{err: unavailable(err), again: true}
	}
	v := verdict{err: unavailable(err), after: retryAfter(e.Header)}
	switch {
	case e.Code == http.StatusTooManyRequests,
		e.Code == http.StatusForbidden && has(e, "rateLimitExceeded", "userRateLimitExceeded"):
		v.again, v.crowded = true, true
	case e.Code == http.StatusRequestTimeout, e.Code >= http.StatusInternalServerError:
		v.again = true
	case e.Code == http.StatusNotFound:
		v.err = fs.ErrNotExist
	case e.Code == http.StatusRequestedRangeNotSatisfiable:
		v.err = storage.ErrChanged
	case e.Code == http.StatusForbidden && has(e, "insufficientFilePermissions", "cannotDownloadFile", "cannotDownloadAbusiveFile", "fileNotDownloadable", "appNotAuthorizedToFile"):
		v.err = fmt.Errorf("%w: %w", fs.ErrPermission, err)
	}
	return v
}

// has reports whether an error has one of some reasons.
func has(e *googleapi.Error, reasons ...string) bool {
	return slices.ContainsFunc(e.Errors, func(item googleapi.ErrorItem) bool { return slices.Contains(reasons, item.Reason) })
}

// retryAfter reads Retry-After (RFC 9110, 10.2.3).
func retryAfter(h http.Header) time.Duration {
	text := h.Get("Retry-After")
	if s, err := strconv.ParseUint(text, 10, 31); err == nil {
		return time.Duration(s) * time.Second
	}
	if t, err := http.ParseTime(text); err == nil {
		return max(0, time.Until(t))
	}
	return 0
}
