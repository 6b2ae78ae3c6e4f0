package storage

import (
	"context"
	"io"
	"os"
	"time"
)

// Writer is a [Store] that can be changed.
type Writer interface {
	// Put stores what body holds, up to io.EOF, as the object at key and
	// describes it. It is all or nothing: until Put returns nil every reader
	// sees the old object or none, afterwards every new reader sees the new
	// one. After an error of body or ctx the old one is still there; after an
	// error of the store too, unless the store lost its answer or its disk at
	// the very end, and then the new one is there, whole. Readers that were
	// open keep the version that they opened or fail. Of several Puts to one
	// key at once one wins.
	//
	// A replaced object has another Tag, unless the content is the same.
	Put(ctx context.Context, key string, body io.Reader, o PutOptions) (Info, error)

	// Delete removes the object at key. That there is none, because it was
	// deleted before or because key is a folder, is not an error.
	Delete(ctx context.Context, key string) error
}

// PutOptions is advice for stores that serve their objects over HTTP
// themselves (see [Signer]); others ignore it.
type PutOptions struct {
	// ContentType is the object's media type. "" leaves it to the store.
	ContentType string

	// CacheControl is the value of the Cache-Control header. "" is none.
	CacheControl string
}

// Signer is a [Store] that serves its objects over HTTP to whoever holds a
// signed URL.
type Signer interface {
	// SignedURL returns a URL from which a client can GET the object at key
	// without credentials, and the time when it ends to work, which may be
	// earlier than asked when the store's own credentials end before. It
	// does not look whether the object exists.
	SignedURL(ctx context.Context, key string, o SignOptions) (url string, expires time.Time, err error)
}

// SignOptions say what a signed URL is for.
type SignOptions struct {
	// Lifetime is how long the URL works. 0 means one hour.
	Lifetime time.Duration

	// ContentType and ContentDisposition replace these headers of the answer.
	// "" leaves what the store has.
	ContentType, ContentDisposition string
}

// FileOpener is a [Store] whose objects are files on this machine.
//
// It hands out an open file and not a path: a path could be redirected, by a
// symbolic link, between the store's check and the caller's open, while a
// file is the one that was checked. And only a file itself can be sent with
// sendfile.
type FileOpener interface {
	// OpenFile opens the object at key for reading. The caller closes the
	// file. ctx governs the call only: what is read from the file afterwards
	// cannot be interrupted by it.
	OpenFile(ctx context.Context, key string) (*os.File, Info, error)
}

// As finds the capability T of a store: the store itself if it is a T, else
// what its wrappers hold. A wrapper takes part by one of two methods:
//
//	Unwrap() Store      // for wrappers that leave keys and content alone
//	As(target any) bool // for wrappers that change them, such as Prefixed
//
// Unwrap lets callers reach past the wrapper, so a wrapper that must see
// every write, for instance, has to be a [Writer] itself. As gets a *T; it
// sets the target and returns true if the wrapper can do what T promises,
// with its own keys. As is asked before Unwrap.
func As[T any](s Store) (T, bool) {
	var target T
	for s != nil {
		if t, ok := s.(T); ok {
			return t, true
		}
		if w, ok := s.(interface{ As(target any) bool }); ok && w.As(&target) {
			return target, true
		}
		w, ok := s.(interface{ Unwrap() Store })
		if !ok {
			break
		}
		s = w.Unwrap()
	}
	return target, false
}
