package httpapi

import (
	"io"
	"strconv"
	"strings"
	"sync"

	"github.com/klauspost/compress/gzip"
)

// encoding is a content coding of an answer.
type encoding uint8

const (
	identity encoding = iota
	gzipped
)

func (e encoding) name() string {
	if e == gzipped {
		return "gzip"
	}
	return "identity"
}

// minCompressed is the size in bytes from which compressing pays.
const minCompressed = 1024

// acceptedEncoding chooses the coding for a request by its Accept-Encoding
// header, as RFC 9110, 12.5.3 says. A client that refuses everything gets
// identity: an answer helps it more than a 406.
func acceptedEncoding(values []string) encoding {
	gz, id, rest := -1.0, -1.0, -1.0 // quality; -1 is not named
	for _, v := range values {
		for v != "" {
			var part string
			part, v, _ = strings.Cut(v, ",")
			name, params, _ := strings.Cut(part, ";")
			q := quality(params)
			switch name = strings.TrimSpace(name); {
			case strings.EqualFold(name, "gzip"), strings.EqualFold(name, "x-gzip"):
				gz = max(gz, q)
			case strings.EqualFold(name, "identity"):
				id = q
			case name == "*":
				rest = q
			}
		}
	}
	if gz < 0 {
		gz = rest
	}
	if gz > 0 && gz >= id {
		return gzipped
	}
	return identity
}

// quality reads the q parameter; a coding without one counts 1, and one with
// a q that is not a number is not wanted.
func quality(params string) float64 {
	for params != "" {
		var p string
		p, params, _ = strings.Cut(params, ";")
		k, v, _ := strings.Cut(p, "=")
		if strings.EqualFold(strings.TrimSpace(k), "q") {
			q, err := strconv.ParseFloat(strings.TrimSpace(v), 64)
			if err != nil || q < 0 || q > 1 || q != q {
				return 0
			}
			return q
		}
	}
	return 1
}

// compressor compresses bodies, with writers that are used again.
type compressor struct{ pool sync.Pool }

// gzip appends body, compressed, to dst.
func (c *compressor) gzip(dst, body []byte) ([]byte, error) {
	out := appendWriter(dst)
	z, _ := c.pool.Get().(*gzip.Writer)
	if z == nil {
		z, _ = gzip.NewWriterLevel(io.Discard, 5) // 5 is a valid level
	}
	defer c.pool.Put(z)
	z.Reset(&out)
	if _, err := z.Write(body); err != nil {
		return nil, err
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return out, nil
}

type appendWriter []byte

func (w *appendWriter) Write(b []byte) (int, error) {
	*w = append(*w, b...)
	return len(b), nil
}
