package gdrivestore_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/api/option"

	"github.com/pressmark/pressmark/cache/memcache"
	"github.com/pressmark/pressmark/storage"
	"github.com/pressmark/pressmark/storage/gdrivestore"
	"github.com/pressmark/pressmark/storage/gdrivestore/drivetest"
)

const tide = "Maren Holloway/The Tide Clerk (1)/The Tide Clerk - Maren Holloway.epub"

// bubble runs a test with a clock of its own, and lets what it has begun end.
func bubble(t *testing.T, f func(*testing.T)) {
	synctest.Test(t, func(t *testing.T) {
		f(t)
		<-time.After(time.Hour)
	})
}

func get(t testing.TB, s storage.Store, key string, r storage.Range) (string, error) {
	t.Helper()
	rc, _, err := s.Open(t.Context(), key, r)
	if err != nil {
		return "", err
	}
	defer rc.Close()
	content, err := io.ReadAll(rc)
	return string(content), err
}

func want(t testing.TB, s storage.Store, key, content string) {
	t.Helper()
	if got, err := get(t, s, key, storage.Range{}); err != nil || got != content {
		t.Errorf("%s: %.40q, %v; want %.40q", key, got, err, content)
	}
}

func missing(t testing.TB, s storage.Store, key string) {
	t.Helper()
	if _, err := s.Stat(t.Context(), key); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%s: %v, want fs.ErrNotExist", key, err)
	}
}

// lib makes a Drive with books of n authors, two of each.
func lib(o drivetest.Options, authors int) (*drivetest.Drive, []string) {
	d := drivetest.New(o)
	var keys []string
	for a := range authors {
		for b := range 2 {
			id := 2*a + b + 1
			dir := fmt.Sprintf("Author %d/Title %d (%d)/", a, id, id)
			d.Put(dir+"cover.jpg", []byte("cover"))
			d.Put(dir+"metadata.opf", []byte("opf"))
			key := fmt.Sprintf("%sTitle %d - Author %d.epub", dir, id, a)
			d.Put(key, []byte("content of "+key))
			keys = append(keys, key)
		}
	}
	return d, keys
}

// What is in folders is asked for together, once, and by one process for all.
func TestFewRequests(t *testing.T) {
	bubble(t, func(t *testing.T) {
		d, keys := lib(drivetest.Options{Latency: 150 * time.Millisecond}, 2000)
		shared := memcache.NewShared(nil)
		s := open(t, d, gdrivestore.Options{Cache: cached(shared)})
		for _, key := range keys {
			if _, err := s.Stat(t.Context(), key); err != nil {
				t.Fatal(err)
			}
		}
		// 2 pages of authors, 64 groups of these, 2 groups of books for each, and guesses.
		if n := d.Calls().API(); n > 300 {
			t.Errorf("%d requests for %d books, want less than 300: %+v", n, len(keys), d.Calls())
		}
		d.Reset()
		other := open(t, d, gdrivestore.Options{Cache: cached(shared)})
		for _, key := range keys {
			if _, err := other.Stat(t.Context(), key); err != nil {
				t.Fatal(err)
			}
		}
		if n := d.Calls().API(); n > 10 {
			t.Errorf("%d requests for what another process knows: %+v", n, d.Calls())
		}
	})
}

// A file is there after one request for its name, and one for its content.
func TestFirstByte(t *testing.T) {
	bubble(t, func(t *testing.T) {
		d, _ := lib(drivetest.Options{Latency: 150 * time.Millisecond, BytesPerSecond: 10 << 20}, 500)
		author := d.AddFolder(d.Root(), "Long")
		const size = 200_000_000
		d.AddGenerated(d.AddFolder(author, "Book (9999)"), "Book - Long.pdf", size, 1)
		s := open(t, d, gdrivestore.Options{Cache: cached(nil)})
		start := time.Now()
		rc, info, err := s.Open(t.Context(), "Long/Book (9999)/Book - Long.pdf", storage.Range{})
		if err != nil || info.Size != size {
			t.Fatal(info, err)
		}
		defer rc.Close()
		if _, err := rc.Read(make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took > 400*time.Millisecond {
			t.Errorf("the first byte came after %v of Drive's time", took)
		}
	})
}

func TestRead(t *testing.T) {
	big := strings.Repeat("0123456789", 30_000)
	newer := strings.ToUpper(strings.Repeat("abcdefghij", 30_000))
	for name, test := range map[string]struct {
		fault func(r drivetest.Request, replace func()) drivetest.Fault
		r     storage.Range
		want  error
	}{
		"cut, three times": {fault: func(r drivetest.Request, _ func()) drivetest.Fault {
			if r.N <= 3 {
				return drivetest.Fault{Cut: 70_000}
			}
			return drivetest.Fault{}
		}},
		"stalled": {fault: func(r drivetest.Request, _ func()) drivetest.Fault {
			if r.N == 1 {
				return drivetest.Fault{Stall: 70_000}
			}
			return drivetest.Fault{}
		}},
		"too short": {fault: func(r drivetest.Request, _ func()) drivetest.Fault {
			if r.N == 1 {
				return drivetest.Fault{Truncate: 50_000}
			}
			return drivetest.Fault{}
		}},
		"cut in a part": {r: storage.Range{Offset: 1000, Length: 200_000}, fault: func(r drivetest.Request, _ func()) drivetest.Fault {
			if r.N == 1 {
				return drivetest.Fault{Cut: 70_000}
			}
			return drivetest.Fault{}
		}},
		"altered": {want: storage.ErrChanged, fault: func(drivetest.Request, func()) drivetest.Fault { return drivetest.Fault{Flip: 200_000} }},
		"gone": {want: storage.ErrUnavailable, fault: func(r drivetest.Request, _ func()) drivetest.Fault {
			return drivetest.Fault{Drop: r.N > 1, Cut: 70_000}
		}},
		"replaced": {want: storage.ErrChanged, fault: func(r drivetest.Request, replace func()) drivetest.Fault {
			if r.N == 1 {
				return drivetest.Fault{Cut: 70_000}
			}
			replace()
			return drivetest.Fault{}
		}},
		"replaced before a part": {r: storage.Range{Offset: 10, Length: 10}, fault: func(_ drivetest.Request, replace func()) drivetest.Fault {
			replace()
			return drivetest.Fault{}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				d := drivetest.New(drivetest.Options{})
				id := d.Put(tide, []byte(big))
				s := open(t, d, gdrivestore.Options{Cache: cached(nil)})
				if _, err := s.Stat(t.Context(), tide); err != nil {
					t.Fatal(err)
				}
				d.Reset()
				content := big
				d.Fail(func(r drivetest.Request) drivetest.Fault {
					if r.Op != drivetest.OpMedia {
						return drivetest.Fault{}
					}
					return test.fault(r, func() {
						content = newer
						d.Replace(id, []byte(newer))
					})
				})
				got, err := get(t, s, tide, test.r)
				start, n, _ := test.r.Resolve(int64(len(content)))
				if !errors.Is(err, test.want) || test.want == nil && got != content[start:start+n] {
					t.Errorf("%d bytes, %v; want %v", len(got), err, test.want)
				}
				d.Fail(nil)
				want(t, s, tide, content)
			})
		})
	}
}

// What Drive refuses because of its load is asked for again, later; what it refuses
// for good is not.
func TestFailures(t *testing.T) {
	for reason, test := range map[string]struct {
		fault drivetest.Fault
		want  error // while it fails
		calls int   // of the file's content
	}{
		"userRateLimitExceeded":       {drivetest.Fault{Status: http.StatusForbidden}, nil, 4},
		"rateLimitExceeded":           {drivetest.Fault{Status: http.StatusTooManyRequests, RetryAfter: 7 * time.Second}, nil, 4},
		"backendError":                {drivetest.Fault{Status: http.StatusInternalServerError}, nil, 4},
		"no connection":               {drivetest.Fault{Drop: true}, nil, 4},
		"dailyLimitExceeded":          {drivetest.Fault{Status: http.StatusForbidden}, storage.ErrUnavailable, 1},
		"downloadQuotaExceeded":       {drivetest.Fault{Status: http.StatusForbidden}, storage.ErrUnavailable, 1},
		"cannotDownloadAbusiveFile":   {drivetest.Fault{Status: http.StatusForbidden}, fs.ErrPermission, 1},
		"insufficientFilePermissions": {drivetest.Fault{Status: http.StatusForbidden}, fs.ErrPermission, 1},
	} {
		t.Run(reason, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				d := drivetest.New(drivetest.Options{})
				d.Put(tide, []byte("content"))
				s := open(t, d, gdrivestore.Options{Cache: cached(nil)})
				if _, err := s.Stat(t.Context(), tide); err != nil {
					t.Fatal(err)
				}
				d.Reset()
				d.Fail(func(r drivetest.Request) (f drivetest.Fault) {
					if r.Op == drivetest.OpMedia && r.N <= 3 {
						f = test.fault
						if !f.Drop {
							f.Reason = reason
						}
					}
					return f
				})
				start := time.Now()
				_, err := get(t, s, tide, storage.Range{})
				if !errors.Is(err, test.want) {
					t.Errorf("%v, want %v", err, test.want)
				}
				if n := d.Calls().Media; n != test.calls {
					t.Errorf("asked %d times, want %d", n, test.calls)
				}
				if took := time.Since(start); took < 3*test.fault.RetryAfter {
					t.Errorf("all was over in %v, though Drive wanted %v before each", took, test.fault.RetryAfter)
				}
			})
		})
	}
}

// A deadline ends the attempts at once if the next one would come after it.
func TestDeadline(t *testing.T) {
	bubble(t, func(t *testing.T) {
		d := drivetest.New(drivetest.Options{})
		d.Put(tide, []byte("content"))
		s := open(t, d, gdrivestore.Options{Cache: cached(nil)})
		if _, err := s.Stat(t.Context(), tide); err != nil {
			t.Fatal(err)
		}
		d.Fail(func(drivetest.Request) drivetest.Fault {
			return drivetest.Fault{Status: http.StatusServiceUnavailable, RetryAfter: time.Minute}
		})
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		start := time.Now()
		_, _, err := s.Open(ctx, tide, storage.Range{})
		if !errors.Is(err, storage.ErrUnavailable) || time.Since(start) > time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
}

// However many ask, Drive is not asked more often than it allows.
func TestRate(t *testing.T) {
	bubble(t, func(t *testing.T) {
		d, keys := lib(drivetest.Options{PerUser100s: 1000}, 150)
		s := open(t, d, gdrivestore.Options{Cache: cached(nil), RequestsPer100s: 1000})
		for range 10 {
			for _, key := range keys {
				want(t, s, key, "content of "+key)
			}
		}
		if c := d.Calls(); c.Busiest > 1000 || c.Limited > 0 || c.Media != 3000 {
			t.Errorf("%+v", c)
		}
	})
}

// One request in five fails, and nobody notices.
func TestQuotaErrors(t *testing.T) {
	bubble(t, func(t *testing.T) {
		d, keys := lib(drivetest.Options{}, 500)
		n := 0
		d.Fail(func(r drivetest.Request) drivetest.Fault {
			n++ // requests come one after the other
			if n%5 == 0 {
				return drivetest.Fault{Status: http.StatusForbidden, Reason: "userRateLimitExceeded"}
			}
			return drivetest.Fault{}
		})
		s := open(t, d, gdrivestore.Options{Cache: cached(nil)})
		for _, key := range keys {
			want(t, s, key, "content of "+key)
		}
	})
}

// The key of a service account, with a token that ends before its time.
func TestCredentials(t *testing.T) {
	d := drivetest.New(drivetest.Options{})
	d.Put(tide, []byte("content"))
	url := d.Start(t)
	service, err := gdrivestore.NewService(t.Context(), d.Credentials(url), option.WithEndpoint(url))
	if err != nil {
		t.Fatal(err)
	}
	s, err := gdrivestore.New(service, d.Root(), gdrivestore.Options{Cache: cached(nil)})
	if err != nil {
		t.Fatal(err)
	}
	want(t, s, tide, "content")
	d.ExpireTokens()
	want(t, s, tide, "content")
	if f, err := s.Folder(t.Context()); err != nil || f.Name != "Library" {
		t.Errorf("%+v, %v", f, err)
	}
	if got := d.Scopes(); len(got) != 1 || got[0] != "https://www.googleapis.com/auth/drive.readonly" {
		t.Errorf("scopes %q", got)
	}

	// The credentials that the machine has.
	file := filepath.Join(t.TempDir(), "key.json")
	if err := os.WriteFile(file, d.Credentials(url), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", file)
	if service, err = gdrivestore.NewService(t.Context(), nil, option.WithEndpoint(url)); err != nil {
		t.Fatal(err)
	}
	if s, err = gdrivestore.New(service, d.Root(), gdrivestore.Options{}); err != nil {
		t.Fatal(err)
	}
	want(t, s, tide, "content")

	other := drivetest.New(drivetest.Options{}) // does not know this account
	service, err = gdrivestore.NewService(t.Context(), other.Credentials(url), option.WithEndpoint(url))
	if err != nil {
		t.Fatal(err)
	}
	s, err = gdrivestore.New(service, d.Root(), gdrivestore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Stat(t.Context(), tide); !errors.Is(err, storage.ErrUnavailable) {
		t.Errorf("a key that is not known: %v", err)
	}
	for what, key := range map[string]string{"nothing": "", "no JSON": "key", "no type": "{}", "another type": `{"type":"external_account"}`, "half a key": `{"type":"service_account","private_key":"x"}`} {
		if _, err := gdrivestore.NewService(t.Context(), []byte(key)); err == nil {
			t.Errorf("%s: no error", what)
		}
	}
}

// A folder that cannot be read is not a library without books.
func TestFolder(t *testing.T) {
	d := drivetest.New(drivetest.Options{})
	d.Put(tide, []byte("content"))
	service, err := d.Service(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	file, _ := d.Lookup(tide)
	for what, id := range map[string]string{"no such folder": "nope", "a file": file, "empty": ""} {
		s, err := gdrivestore.New(service, id, gdrivestore.Options{})
		if err != nil {
			t.Fatal(err)
		}
		_, err1 := s.Stat(t.Context(), tide)
		_, err2 := s.Folder(t.Context())
		var err3 error
		for _, err := range s.List(t.Context(), "") {
			err3 = err
		}
		if what == "a file" {
			err1, err3 = err2, err2 // it has nothing in it, as far as a list tells
		}
		for i, err := range []error{err1, err2, err3} {
			if !errors.Is(err, storage.ErrUnavailable) || errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s, %d: %v", what, i, err)
			}
		}
	}
}

// Memory does not grow with what is read.
func TestLarge(t *testing.T) {
	d := drivetest.New(drivetest.Options{})
	const size = 64 << 20
	id := d.AddGenerated(d.Root(), "large", size, 7)
	s := open(t, d, gdrivestore.Options{})
	rc, _, err := s.Open(t.Context(), "large", storage.Range{})
	if err != nil {
		t.Fatal(err)
	}
	defer rc.Close()
	expect, got := d.Open(id), make([]byte, 1<<16)
	exp := make([]byte, 1<<16)
	for at := 0; at < size; {
		n, err := rc.Read(got)
		if err != nil && (err != io.EOF || at+n < size) {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(expect, exp[:n]); err != nil || !bytes.Equal(got[:n], exp[:n]) {
			t.Fatalf("other bytes at %d, %v", at, err)
		}
		at += n
	}
}
