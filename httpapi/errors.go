package httpapi

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"net/http"

	"github.com/pressmark/pressmark/auth"
	"github.com/pressmark/pressmark/catalog"
	"github.com/pressmark/pressmark/httpapi/admission"
	"github.com/pressmark/pressmark/httpapi/covers"
	"github.com/pressmark/pressmark/readerstate"
	"github.com/pressmark/pressmark/storage"
)

// statusError is an error that a handler wants answered in these words. Its
// text is written for clients.
type statusError struct {
	status     int
	detail     string
	location   string // what was wrong with the request: "query.sort", "path.id"
	value      string
	message    string
	expected   string // what could stand at position in value; empty leaves both out
	position   int
	retryAfter int               // seconds; 0 leaves Retry-After out
	challenge  string            // WWW-Authenticate of a 401, if it is not the usual one
	stored     any               // of a 409: what is there
	headers    map[string]string // beside those of every problem
	err        error             // for the log, may be nil
}

func (e *statusError) Error() string {
	if e.err != nil {
		return e.detail + ": " + e.err.Error()
	}
	return e.detail
}

func (e *statusError) Unwrap() error { return e.err }

var (
	errUnauthorized = &statusError{status: http.StatusUnauthorized, detail: "This server shows its library to known users only."}
	errNoRoute      = &statusError{status: http.StatusNotFound, detail: "Nothing is served at this path."}
)

// invalid says that a part of the request ("query.limit", "path.id") cannot
// be what it is. The reason is a phrase that the value can follow.
func invalid(location, value, reason string) error {
	return atFault(http.StatusUnprocessableEntity, location, value, reason)
}

// notFound says that there is nothing of this value.
func notFound(location, value, reason string) error {
	return atFault(http.StatusNotFound, location, value, reason)
}

func atFault(status int, location, value, reason string) *statusError {
	value = clip(value)
	detail := fmt.Sprintf("%s: %s %q", lastPart(location), reason, value)
	if value == "" {
		detail = lastPart(location) + ": " + reason
	}
	return &statusError{status: status, detail: detail, location: location, value: value, message: reason}
}

// lastPart is the name in a location: "sort" of "query.sort".
func lastPart(location string) string {
	for i := range len(location) {
		if location[i] == '.' {
			return location[i+1:]
		}
	}
	return location
}

// clip keeps an answer from repeating a long value to its sender.
func clip(s string) string {
	const most = 200
	if len(s) <= most {
		return s
	}
	return s[:most] + "…"
}

// unavailable says that trying again after some seconds may help.
func unavailable(detail string, retryAfter int, err error) error {
	return &statusError{status: http.StatusServiceUnavailable, detail: detail, retryAfter: retryAfter, err: err}
}

// statusCanceled is nginx's code for a client that went away. It is logged,
// never sent.
const statusCanceled = 499

// explain is the one table from errors to answers. It is total: what it does
// not know is a fault of ours, whose text the client does not see.
func explain(err error) *statusError {
	var (
		known    *statusError
		unfit    *auth.InvalidError
		taken    *auth.ConflictError
		locked   *auth.LockedError
		query    *catalog.InvalidError
		unkept   *readerstate.InvalidError
		changed  *readerstate.ConflictError
		tooLarge *http.MaxBytesError
	)
	switch {
	case errors.As(err, &known):
		return known
	case errors.As(err, &query):
		e := atFault(http.StatusUnprocessableEntity, "query."+query.Part, query.Value, query.Reason)
		if e.err = err; query.Expected != "" {
			e.expected, e.position = query.Expected, query.Position
			e.detail += fmt.Sprintf(" at character %d; expected %s", e.position+1, e.expected)
		}
		return e
	case errors.As(err, &tooLarge):
		return &statusError{status: http.StatusRequestEntityTooLarge, detail: fmt.Sprintf("The body is larger than %d bytes.", tooLarge.Limit)}
	case errors.Is(err, context.Canceled):
		return &statusError{status: statusCanceled}
	case errors.Is(err, context.DeadlineExceeded):
		return &statusError{status: http.StatusServiceUnavailable, detail: "The request took too long.", retryAfter: 5, err: err}
	case errors.As(err, &unfit):
		return atFault(http.StatusUnprocessableEntity, "body."+unfit.Field, "", unfit.Reason)
	case errors.As(err, &unkept):
		return atFault(http.StatusUnprocessableEntity, "body."+unkept.Field, "", unkept.Reason)
	case errors.As(err, &changed):
		return &statusError{status: http.StatusConflict, detail: fmt.Sprintf("Somebody else has changed it: the stored version is %d.", changed.Version), stored: toStored(changed.Stored)}
	case errors.Is(err, readerstate.ErrTaken):
		return &statusError{status: http.StatusConflict, detail: "This id is that of another list, or of one that was deleted."}
	case errors.Is(err, readerstate.ErrNotFound):
		return &statusError{status: http.StatusNotFound, detail: "Nothing like this is kept."}
	case errors.Is(err, readerstate.ErrUnavailable):
		return &statusError{status: http.StatusServiceUnavailable, detail: "The database of users does not answer.", retryAfter: 5, err: err}
	case errors.As(err, &taken):
		return atFault(http.StatusConflict, "body."+taken.Field, taken.Value, "another account has")
	case errors.As(err, &locked):
		return &statusError{status: http.StatusTooManyRequests, detail: "Too many attempts have failed. Wait before the next one.", retryAfter: max(1, int(math.Ceil(locked.For.Seconds())))}
	case errors.Is(err, auth.ErrLastAdmin):
		return &statusError{status: http.StatusConflict, detail: "This would leave nobody who manages accounts: the last enabled admin has to stay."}
	case errors.Is(err, auth.ErrUnavailable):
		return &statusError{status: http.StatusServiceUnavailable, detail: "The database of accounts does not answer.", retryAfter: 5, err: err}
	case errors.Is(err, admission.ErrBusy), errors.Is(err, covers.ErrBusy):
		return &statusError{status: http.StatusServiceUnavailable, detail: "More is asked for than this server can do at the moment.", retryAfter: soon(), err: err}
	case errors.Is(err, errPressed):
		return &statusError{status: http.StatusServiceUnavailable, detail: "This server has no memory left for this at the moment.", retryAfter: 1 + soon(), err: err}
	case errors.Is(err, auth.ErrBusy):
		return &statusError{status: http.StatusServiceUnavailable, detail: "Too many are logging in at the moment.", retryAfter: 1, err: err}
	case errors.Is(err, catalog.ErrUnavailable):
		return &statusError{status: http.StatusServiceUnavailable, detail: "The library has not been loaded yet.", retryAfter: 2, err: err}
	case errors.Is(err, storage.ErrUnavailable):
		return &statusError{status: http.StatusServiceUnavailable, detail: "The place where the files are cannot be reached.", retryAfter: 10, err: err}
	case errors.Is(err, storage.ErrChanged):
		return &statusError{status: http.StatusServiceUnavailable, detail: "The file was replaced while it was read.", retryAfter: 1, err: err}
	case errors.Is(err, storage.ErrRange):
		return &statusError{status: http.StatusRequestedRangeNotSatisfiable, detail: "The range lies behind the end of the file."}
	case errors.Is(err, catalog.ErrNotFound):
		return &statusError{status: http.StatusNotFound, detail: "Not in the catalog."}
	case errors.Is(err, fs.ErrNotExist):
		return &statusError{status: http.StatusNotFound, detail: "There is no such file.", err: err}
	case errors.Is(err, fs.ErrInvalid): // a path that leaves the library
		return &statusError{status: http.StatusNotFound, detail: "There is no such file.", err: err}
	case errors.Is(err, errors.ErrUnsupported):
		return &statusError{status: http.StatusNotImplemented, detail: "This is not possible with this library."}
	}
	return &statusError{status: http.StatusInternalServerError, detail: "Something went wrong here. The server's log says what.", err: err}
}
