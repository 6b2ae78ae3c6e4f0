package httpapi

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"strings"
)

// rendering is part of every entity tag. It is raised whenever the bytes of
// an answer change though version and contents do not.
const rendering = "1"

// renderVersion is what answers depend on beside contents and query: the
// program and its settings.
func renderVersion(o *Options) string {
	return strings.Join([]string{rendering, o.Version, o.Prefix}, "\x00")
}

// entityTag names an answer: equal tags mean equal bytes, on every replica.
// It is strong, and differs between encodings.
func entityTag(render string, v *view, path string, canonical []param, enc encoding) string {
	var scratch [512]byte
	b := scratch[:0]
	add := func(s string) {
		b = binary.AppendUvarint(b, uint64(len(s))) // so that no two lists of parts are equal when joined
		b = append(b, s...)
	}
	add(render)
	add(v.lib.Name)
	add(v.rev.Library)
	add(v.rev.Digest)
	add(v.meaning)
	add(path)
	add(enc.name())
	for _, p := range canonical {
		add(p.name)
		add(p.value)
	}
	sum := sha256.Sum256(b)
	var tag [24]byte
	tag[0], tag[23] = '"', '"'
	base64.RawURLEncoding.Encode(tag[1:23], sum[:16])
	return string(tag[:])
}

// matches says whether the values of an If-None-Match header include tag, by
// the weak comparison of RFC 9110, 13.1.2. "*" counts if any does.
func matches(values []string, tag string, any bool) bool {
	for _, v := range values {
		if v == tag { // what browsers send
			return true
		}
		for v != "" {
			v = strings.TrimLeft(v, " \t,")
			if strings.HasPrefix(v, "*") {
				return any
			}
			t := strings.TrimPrefix(v, "W/")
			if !strings.HasPrefix(t, `"`) {
				break // not a list of tags
			}
			end := strings.IndexByte(t[1:], '"')
			if end < 0 {
				break
			}
			if t[:end+2] == tag {
				return true
			}
			v = t[end+2:]
		}
	}
	return false
}
