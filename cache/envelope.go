package cache

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"time"
)

// Codec turns values into bytes and back. Decode must refuse what Encode did not
// make, and may keep data.
type Codec[V any] interface {
	Encode(V) ([]byte, error)
	Decode(data []byte) (V, error)
}

type jsonCodec[V any] struct{}

func (jsonCodec[V]) Encode(v V) ([]byte, error) { return json.Marshal(v) }

func (jsonCodec[V]) Decode(data []byte) (v V, err error) { return v, json.Unmarshal(data, &v) }

// What is kept in the shared store begins with one byte: what it is, and of which
// version. A lease is followed by a random number. A value is followed by
//
//	 8 bytes  the tag of its namespace
//	16 bytes  the generation of its namespace, zeros if that is unchanging
//	 8 bytes  when it was loaded, and
//	 8 bytes  when it ends, Unix times in milliseconds, big endian
//	          the value as the Codec has it, nothing for one that is absent
//	16 bytes  of a HMAC-SHA256 of the key and all that, if there is a seal
const (
	isLease1  = 'L'
	isValue1  = 'V'
	isAbsent1 = 'N'
	header    = 1 + 8 + 16 + 8 + 8
)

type tag [8]byte

func newLease() []byte { return append([]byte{isLease1}, random()...) }

func isLease(kept []byte) bool { return len(kept) == 17 && kept[0] == isLease1 }

func random() []byte {
	b := make([]byte, 16)
	rand.Read(b) // never fails
	return b
}

// write returns e as it is kept in the shared store.
func (n *Namespace[V]) write(e *entry[V], generation [16]byte) ([]byte, error) {
	var data []byte
	kind := byte(isAbsent1)
	if !e.absent {
		kind = isValue1
		var err error
		if data, err = n.o.Codec.Encode(e.value); err != nil {
			return nil, err
		}
	}
	b := make([]byte, 0, header+len(data))
	b = append(b, kind)
	b = append(b, n.tag[:]...)
	b = append(b, generation[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(e.loaded.UnixMilli()))
	b = binary.BigEndian.AppendUint64(b, uint64(e.expires.UnixMilli()))
	b = append(b, data...)
	if n.o.Seal != nil {
		b = append(b, n.seal(e.key, b)...)
	}
	return b, nil
}

// sealed is how many bytes a seal has.
const sealed = 16

// seal authenticates what is kept under a key.
func (n *Namespace[V]) seal(key string, kept []byte) []byte {
	h := hmac.New(sha256.New, n.o.Seal)
	name := n.prefix + key // or it would be good under another key
	h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(name))))
	h.Write([]byte(name))
	h.Write(kept)
	return h.Sum(nil)[:sealed]
}

// read fills e with what is kept in the shared store, and tells whether that is a
// value of this namespace, generation and time.
func (n *Namespace[V]) read(e *entry[V], kept []byte, generation [16]byte) bool {
	if len(kept) < header || kept[0] != isValue1 && kept[0] != isAbsent1 {
		return false
	}
	if !bytes.Equal(kept[1:9], n.tag[:]) || !bytes.Equal(kept[9:25], generation[:]) {
		return false
	}
	if n.o.Seal != nil {
		end := len(kept) - sealed
		if end < header || !hmac.Equal(kept[end:], n.seal(e.key, kept[:end])) {
			return false
		}
		kept = kept[:end]
	}
	absent, now := kept[0] == isAbsent1, e.loaded
	loaded := time.UnixMilli(int64(binary.BigEndian.Uint64(kept[25:])))
	expires := time.UnixMilli(int64(binary.BigEndian.Uint64(kept[33:])))
	// The clock of who put it there may be another.
	if loaded.After(now) {
		loaded = now
	}
	if latest := loaded.Add(n.o.TTL); expires.After(latest) {
		expires = latest
	}
	if !now.Before(expires) || absent && n.o.NotFound == nil || n.marks != nil && !n.heardOf(loaded, now) {
		return false
	}
	if !absent {
		value, err := n.decode(kept[header:])
		if err != nil {
			n.cache.log.Warn("A value in the shared store cannot be decoded", "namespace", n.o.Name, "err", err)
			return false
		}
		e.value = value
	}
	e.absent, e.loaded, e.expires = absent, loaded, expires
	return true
}

// errCodec is a codec that has panicked.
var errCodec = errors.New("panic in the codec")

// decode is Decode, which panics for nobody.
func (n *Namespace[V]) decode(data []byte) (v V, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v", errCodec, p)
		}
	}()
	return n.o.Codec.Decode(data)
}

// tagOf returns what tells values of V from those of other namespaces and other
// versions of V.
func tagOf[V any](name, shape string) (t tag) {
	h := sha256.New()
	fmt.Fprintf(h, "%q %q ", name, shape)
	shapeOf(h.Write, reflect.TypeFor[V](), nil)
	copy(t[:], h.Sum(nil))
	return t
}

// shapeOf writes what encoding/json makes of a type.
func shapeOf(write func([]byte) (int, error), t reflect.Type, outer []reflect.Type) {
	put := func(s string) { write([]byte(s)) } // a hash takes everything
	for _, o := range outer {
		if o == t {
			put("^")
			return
		}
	}
	outer = append(outer[:len(outer):len(outer)], t)
	put(t.Kind().String())
	put("(")
	switch t.Kind() {
	case reflect.Struct:
		if t.PkgPath() == "time" {
			put(t.Name())
			break
		}
		for i := range t.NumField() {
			f := t.Field(i)
			if !f.IsExported() && !f.Anonymous {
				continue
			}
			put(fmt.Sprintf("%s %q ", f.Name, f.Tag.Get("json")))
			shapeOf(write, f.Type, outer)
		}
	case reflect.Map:
		shapeOf(write, t.Key(), outer)
		shapeOf(write, t.Elem(), outer)
	case reflect.Array:
		put(fmt.Sprint(t.Len()))
		shapeOf(write, t.Elem(), outer)
	case reflect.Pointer, reflect.Slice:
		shapeOf(write, t.Elem(), outer)
	}
	put(")")
}

func sizeOf[V any]() int64 { return int64(reflect.TypeFor[V]().Size()) }
