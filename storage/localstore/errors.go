package localstore

import (
	"errors"
	"io/fs"
	"slices"
	"syscall"

	"github.com/pressmark/pressmark/storage"
)

// An object cannot exist under such a key: it goes through a file, is too long
// for the file system, or through links that end nowhere.
var errsMissing = []error{syscall.ENOTDIR, syscall.ENAMETOOLONG, syscall.ELOOP}

// The folder or the machine is in trouble, and the object is not to blame.
var errsUnavailable = []error{
	syscall.EIO, syscall.ESTALE, syscall.ENOTCONN, syscall.ETIMEDOUT, syscall.EHOSTDOWN,
	syscall.EMFILE, syscall.ENFILE,
}

// fail wraps err, as the os package reports it, in the terms of storage.
func fail(op, key string, err error) error {
	return &fs.PathError{Op: op, Path: key, Err: translate(err)}
}

func translate(err error) error {
	is := func(target error) bool { return errors.Is(err, target) }
	switch {
	case is(fs.ErrNotExist), is(fs.ErrPermission):
		return cause(err)
	case slices.ContainsFunc(errsMissing, is):
		return as{fs.ErrNotExist, cause(err)}
	case slices.ContainsFunc(errsUnavailable, is):
		return unavailable{cause(err)}
	case is(syscall.EROFS):
		return as{fs.ErrPermission, cause(err)}
	case escapes(err):
		return as{fs.ErrPermission, errOutside}
	}
	return cause(err)
}

// escapes reports whether os.Root refused a path. That error is not exported;
// it is the only one of a Root's operations on a valid path that comes neither
// from the system nor from the list of the fs package.
func escapes(err error) bool {
	var pe *fs.PathError
	var errno syscall.Errno
	return errors.As(err, &pe) && !errors.As(err, &errno) && !errors.Is(err, fs.ErrInvalid)
}

// cause takes off the operation and path of the os package: its path is the
// key again, or a name that means nothing to the caller.
func cause(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}

// as is an error that counts as kind and reads like err.
type as struct{ kind, err error }

func (e as) Error() string   { return e.err.Error() }
func (e as) Unwrap() []error { return []error{e.kind, e.err} }

// unavailable hides what err is from errors.Is: that the folder does not exist
// must not be taken for a missing object.
type unavailable struct{ err error }

func (e unavailable) Error() string { return storage.ErrUnavailable.Error() + ": " + e.err.Error() }
func (e unavailable) Unwrap() error { return storage.ErrUnavailable }

// errOutside says what os.Root found.
var errOutside = errors.New("a symbolic link leads out of the folder")
