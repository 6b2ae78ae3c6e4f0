package storage

import (
	"context"
	"io"
	"iter"
	"os"
	"strings"
	"time"
)

// Prefixed shows the folder prefix of s as a store of its own: its keys are
// those of s that begin with the prefix, without it. "covers" and "covers/"
// mean the same; with "" the answer is s itself. With a prefix that is not a
// key every operation fails with [fs.ErrInvalid].
//
// The result has those of [Writer], [Signer] and [FileOpener] that s has,
// with the prefix applied; capabilities of other packages do not pass. Errors
// name the key in s, which is where an operator has to look.
func Prefixed(s Store, prefix string) Store {
	if prefix == "" {
		return s
	}
	return &prefixed{s, strings.TrimSuffix(prefix, "/") + "/"}
}

type prefixed struct {
	store  Store
	prefix string // ends in a slash
}

func (p *prefixed) inner(info Info, err error) (Info, error) {
	info.Key = strings.TrimPrefix(info.Key, p.prefix)
	return info, err
}

// key translates to the key in the inner store. The check is made here too:
// an error then shows the key that the caller passed.
func (p *prefixed) key(op, key string) (string, error) {
	return p.prefix + key, CheckKey(op, key)
}

func (p *prefixed) Stat(ctx context.Context, key string) (Info, error) {
	key, err := p.key("stat", key)
	if err != nil {
		return Info{}, err
	}
	return p.inner(p.store.Stat(ctx, key))
}

func (p *prefixed) Open(ctx context.Context, key string, r Range) (io.ReadCloser, Info, error) {
	key, err := p.key("open", key)
	if err != nil {
		return nil, Info{}, err
	}
	rc, info, err := p.store.Open(ctx, key, r)
	info, err = p.inner(info, err)
	return rc, info, err
}

func (p *prefixed) List(ctx context.Context, prefix string) iter.Seq2[Info, error] {
	return func(yield func(Info, error) bool) {
		if err := CheckPrefix(prefix); err != nil {
			yield(Info{}, err)
			return
		}
		for info, err := range p.store.List(ctx, p.prefix+prefix) {
			if !yield(p.inner(info, err)) {
				return
			}
		}
	}
}

// As implements the search of [As]. There is no Unwrap: the inner store's
// capabilities expect the inner store's keys.
func (p *prefixed) As(target any) bool {
	var ok bool
	switch t := target.(type) {
	case *Writer:
		var w Writer
		if w, ok = As[Writer](p.store); ok {
			*t = prefixedWriter{p, w}
		}
	case *Signer:
		var s Signer
		if s, ok = As[Signer](p.store); ok {
			*t = prefixedSigner{p, s}
		}
	case *FileOpener:
		var f FileOpener
		if f, ok = As[FileOpener](p.store); ok {
			*t = prefixedFiles{p, f}
		}
	}
	return ok
}

type prefixedWriter struct {
	*prefixed
	w Writer
}

func (p prefixedWriter) Put(ctx context.Context, key string, body io.Reader, o PutOptions) (Info, error) {
	key, err := p.key("put", key)
	if err != nil {
		return Info{}, err
	}
	return p.inner(p.w.Put(ctx, key, body, o))
}

func (p prefixedWriter) Delete(ctx context.Context, key string) error {
	key, err := p.key("delete", key)
	if err != nil {
		return err
	}
	return p.w.Delete(ctx, key)
}

type prefixedSigner struct {
	*prefixed
	s Signer
}

func (p prefixedSigner) SignedURL(ctx context.Context, key string, o SignOptions) (string, time.Time, error) {
	key, err := p.key("sign", key)
	if err != nil {
		return "", time.Time{}, err
	}
	return p.s.SignedURL(ctx, key, o)
}

type prefixedFiles struct {
	*prefixed
	f FileOpener
}

func (p prefixedFiles) OpenFile(ctx context.Context, key string) (*os.File, Info, error) {
	key, err := p.key("open", key)
	if err != nil {
		return nil, Info{}, err
	}
	f, info, err := p.f.OpenFile(ctx, key)
	info, err = p.inner(info, err)
	return f, info, err
}
