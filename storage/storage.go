// Package storage is the contract for places that hold files: a folder, a
// bucket, a shared drive, memory. Pressmark reads books and covers through it
// and knows nothing else about where they are.
//
// # Objects and keys
//
// A [Store] holds objects. An object is a run of bytes with a key, a size and
// a [Info.Tag] that names this version of its content. Keys are relative
// paths with slashes: "Maren Holloway/The Tide Clerk (1)/cover.jpg". [CheckKey]
// says exactly which strings are keys; everything else is refused with
// [fs.ErrInvalid], by every store, before anything is touched. Keys are
// compared byte by byte: upper and lower case, and the composed and decomposed
// forms of "é", are different keys.
//
// Folders are not objects. They exist only as the beginnings of keys: Stat and
// Open of a folder answer [fs.ErrNotExist], and List finds what is in it.
// Whether "a" can be an object while "a/b" is one depends on the store; a
// program that wants to run on all of them does not try.
//
// # Reading
//
// [Store.Open] reads a [Range] of an object as a stream; the context governs
// the whole read, not just the call. [NewReadSeeker] makes a seekable file out
// of any store, and [OpenSeeker] prefers a real *os.File where the store has
// one, so that [net/http.ServeContent] can use the kernel's sendfile.
//
// # Capabilities
//
// What only some stores can do are interfaces of their own: [Writer],
// [Signer], [FileOpener]. They are found with [As], which looks through
// wrappers. A store that has the method but cannot do it for this call
// answers [errors.ErrUnsupported].
//
// # Errors
//
// Every error names the operation and the key and is recognised with
// errors.Is, never by its text:
//
//   - [fs.ErrNotExist]: no such object. Only a store that has looked says so.
//   - [fs.ErrInvalid]: not a key, not a prefix, or a Range that means nothing.
//   - [fs.ErrPermission]: the object may be there, but this process, or these
//     credentials, may not touch it.
//   - [ErrRange]: the Range begins behind the object's end.
//   - [ErrChanged]: the object was replaced while it was read.
//   - [ErrUnavailable]: the store itself cannot be reached now; nothing is
//     known about the object, and a later attempt may succeed.
//   - [context.Canceled], [context.DeadlineExceeded]: the caller's context ended.
//   - [errors.ErrUnsupported]: the store cannot do this.
//
// # Writing a store
//
// Implement the three methods, begin each with [CheckKey] or [CheckPrefix],
// turn the Range into numbers with [Range.Resolve], return the stream through
// [NewReader], and prove it with storagetest.Run. A store must be safe for
// use by several goroutines at once. The examples/customstore program is a
// complete one over a zip file.
package storage

import (
	"context"
	"errors"
	"io"
	"iter"
	"strconv"
	"time"
)

var (
	// ErrRange is returned by [Store.Open] when the Range's offset lies
	// behind the end of the object.
	ErrRange = errors.New("range begins behind the end of the object")

	// ErrChanged is returned when an object was replaced between two reads
	// that must see the same content.
	ErrChanged = errors.New("object changed while it was read")

	// ErrUnavailable is returned when the store cannot be reached: the folder
	// is not mounted, the network is down, the quota is used up. It says
	// nothing about the object.
	ErrUnavailable = errors.New("store unavailable")
)

// Store reads objects. Its methods may be called by several goroutines at
// once.
type Store interface {
	// Stat describes the object at key without reading it.
	Stat(ctx context.Context, key string) (Info, error)

	// Open returns the bytes of the object that r selects, and the Info of
	// the version that is being read; Info.Size is always the size of the
	// whole object. The caller closes the reader, also after an error of
	// Read.
	//
	// ctx governs the whole read: when it ends, Read fails with its error.
	// A read that ended with io.EOF has delivered every byte of the range,
	// all from one version of the object; otherwise Read returns another
	// error, never a short or mixed result.
	Open(ctx context.Context, key string, r Range) (io.ReadCloser, Info, error)

	// List goes through all objects whose key begins with prefix, however
	// deep, in ascending byte order of their keys. The prefix is compared as
	// a string: "a/b" finds "a/b", "a/bc" and "a/b/c", and "" finds
	// everything. That nothing matches is not an error.
	//
	// A prefix that ends in a slash costs no more than the folder it names.
	// Each Info is what Stat would answer. Objects that come or go meanwhile
	// may be seen or missed. An error is yielded once, with the zero Info,
	// and ends the list; so does the end of ctx.
	List(ctx context.Context, prefix string) iter.Seq2[Info, error]
}

// Info describes one version of an object.
type Info struct {
	// Key is the object's key in the store that was asked.
	Key string

	// Size is the length of the whole object in bytes.
	Size int64

	// ModTime is when the content was last changed, as precisely as the
	// store knows; the zero time means that it does not.
	ModTime time.Time

	// Tag names this version of the content. It is never empty, changes
	// whenever the content changes, and is the same from Stat, Open and List.
	// It is opaque, made of at most 128 letters, digits, '-', '_' and '.', so
	// that it can stand in an HTTP entity tag, a key or a file name. Tags of
	// different keys or stores are not comparable.
	Tag string
}

// ModTag makes an [Info.Tag] from size and modification time, for stores that
// know nothing better about the version of an object.
func ModTag(size int64, modTime time.Time) string {
	var ns uint64 // the zero time has no nanoseconds since 1970
	if !modTime.IsZero() {
		ns = uint64(modTime.UnixNano())
	}
	b := make([]byte, 0, 32)
	b = strconv.AppendInt(b, size, 36)
	b = append(b, '-')
	return string(strconv.AppendUint(b, ns, 36))
}
