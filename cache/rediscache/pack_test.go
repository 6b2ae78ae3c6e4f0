package rediscache

import (
	"bytes"
	"net/url"
	"strings"
	"testing"
)

// FuzzUnpack: what anybody may have left in Redis is read as something or as
// nothing, and what was packed as it was.
func FuzzUnpack(f *testing.F) {
	s := New(nil, Options{CompressFrom: 64})
	f.Add([]byte("short"))
	f.Add(bytes.Repeat([]byte("long and even "), 1000))
	f.Add([]byte{s2of1, 0xff, 0xff, 0xff, 0xff, 0x7f, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		if got := unpack(s.pack(b)); !bytes.Equal(got, b) {
			t.Errorf("%q is read as %q", b, got)
		}
		unpack(b)
	})
}

// FuzzParseURL: no address makes it panic, and no error shows a password.
func FuzzParseURL(f *testing.F) {
	f.Add("redis://user:secret@a:7000,b:7001/0?pool_size=3")
	f.Add("rediss://:secret@[::1]:6379")
	f.Add("unix:///run/redis.sock")
	f.Fuzz(func(t *testing.T, text string) {
		_, err := ParseURL(text)
		u, bad := url.Parse(text)
		if err == nil || bad != nil || u.User == nil {
			return
		}
		if p, ok := u.User.Password(); ok && len(p) > 5 && strings.Contains(err.Error(), p) && !strings.Contains(errExpected.Error(), p) && !strings.Contains(u.Host+u.RawQuery+u.Path+u.Fragment, p) {
			t.Errorf("%q: %v", text, err)
		}
	})
}
