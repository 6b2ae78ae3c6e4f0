package storage

import (
	"io/fs"
	"strings"
)

// CheckKey returns nil if key can name an object, else an error for op that
// is [fs.ErrInvalid]. A key is what [fs.ValidPath] accepts (valid UTF-8,
// elements separated by single slashes, no slash at either end, no element
// "." or ".."), except "." itself, and holds no NUL byte. A backslash is an
// ordinary character.
//
// Every method of a store that takes a key begins with this check, so a path
// from an untrusted catalogue can be passed as it is.
func CheckKey(op, key string) error {
	if validKey(key) {
		return nil
	}
	return &fs.PathError{Op: op, Path: key, Err: fs.ErrInvalid}
}

// CheckPrefix returns nil if a key can begin with prefix, else an error of
// operation "list" that is [fs.ErrInvalid]. So "", "a/" and "a/.." (of
// "a/..x") are prefixes though they are not keys; "/", "../" and "a//" are not.
func CheckPrefix(prefix string) error {
	if validKey(prefix + "x") {
		return nil
	}
	return &fs.PathError{Op: "list", Path: prefix, Err: fs.ErrInvalid}
}

func validKey(key string) bool {
	return key != "." && fs.ValidPath(key) && strings.IndexByte(key, 0) < 0
}
