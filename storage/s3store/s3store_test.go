package s3store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/pressmark/pressmark/storage"
	"github.com/pressmark/pressmark/storage/s3store"
	"github.com/pressmark/pressmark/storage/s3store/s3test"
)

// servers runs a test with each server.
func servers(t *testing.T, test func(t *testing.T, s s3test.Server)) {
	for name, server := range map[string]func(testing.TB) s3test.Server{"versitygw": s3test.Open, "InProcess": s3test.InProcess} {
		t.Run(name, func(t *testing.T) { test(t, server(t)) })
	}
}

// inProcess reports whether a test of servers has the one that is less exact.
func inProcess(t *testing.T) bool { return strings.HasSuffix(t.Name(), "/InProcess") }

// quick is a client that does not wait long before it tries again.
func quick(s s3test.Server) *s3.Client {
	return s3.New(s.Client().Options(), func(o *s3.Options) {
		o.Retryer = retry.NewStandard(func(r *retry.StandardOptions) { r.MaxBackoff = 5 * time.Millisecond })
	})
}

func pattern(n int) []byte {
	b := make([]byte, 0, n+8)
	for len(b) < n {
		b = fmt.Appendf(b, "%07x,", len(b))
	}
	return b[:n]
}

func put(t *testing.T, s *s3store.Store, key string, content []byte) storage.Info {
	t.Helper()
	info, err := s.Put(t.Context(), key, bytes.NewReader(content), storage.PutOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return info
}

func readAll(t *testing.T, s *s3store.Store, key string) ([]byte, error) {
	t.Helper()
	rc, _, err := s.Open(t.Context(), key, storage.Range{})
	if err != nil {
		return nil, err
	}
	defer rc.Close()
	return io.ReadAll(rc)
}

// A list is of 1,000 objects at a time.
func TestManyKeys(t *testing.T) {
	servers(t, func(t *testing.T, s s3test.Server) {
		front := s.Front(t)
		bucket := s.Bucket(t)
		client := s.Client()
		store := s3store.New(front.Client(), bucket, s3store.Options{})
		const n = 1001
		var want []string
		work := make(chan string)
		done := make(chan error)
		for range 16 {
			go func() {
				var failed error
				for key := range work {
					_, err := client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: strings.NewReader(key)})
					failed = errors.Join(failed, err)
				}
				done <- failed
			}()
		}
		for i := range n {
			key := fmt.Sprintf("covers/%05d é+&%%.jpg", i)
			want = append(want, key)
			work <- key
		}
		close(work)
		for range 16 {
			if err := <-done; err != nil {
				t.Fatal(err)
			}
		}
		// What tools leave in buckets, and is no key.
		if _, err := client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &bucket, Key: aws.String("covers/")}); err != nil {
			t.Fatal(err)
		}
		front.Requests()
		i := 0
		for info, err := range store.List(t.Context(), "covers/") {
			if err != nil {
				t.Fatal(err)
			}
			if i >= n || info.Key != want[i] {
				t.Fatalf("object %d is %q", i, info.Key)
			}
			i++
		}
		if i != n {
			t.Errorf("%d objects are listed of %d", i, n)
		}
		if asked := front.Requests(); len(asked) != 2 {
			t.Errorf("asked %q, want 2 pages", asked)
		}
	})
}

// Large objects go in parts, of which none are left when one fails.
func TestParts(t *testing.T) {
	servers(t, func(t *testing.T, s s3test.Server) {
		front := s.Front(t)
		bucket := s.Bucket(t)
		client := quick(front.Server)
		store := s3store.New(client, bucket, s3store.Options{PartSize: 5 << 20})
		content := pattern(12 << 20)
		for _, size := range []int{5 << 20, 5<<20 + 1, 12 << 20} {
			info, err := store.Put(t.Context(), "large", iotest.HalfReader(bytes.NewReader(content[:size])), storage.PutOptions{ContentType: "application/epub+zip", CacheControl: "max-age=60"})
			if err != nil || info.Size != int64(size) {
				t.Fatalf("Put of %d bytes: %+v, %v", size, info, err)
			}
			got, err := readAll(t, store, "large")
			if err != nil || !bytes.Equal(got, content[:size]) {
				t.Fatalf("%d bytes come back as %d: %v", size, len(got), err)
			}
			head, err := client.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: &bucket, Key: aws.String("large")})
			if err != nil || aws.ToString(head.ContentType) != "application/epub+zip" || !inProcess(t) && aws.ToString(head.CacheControl) != "max-age=60" {
				t.Errorf("HEAD: type %q, cache control %q, %v", aws.ToString(head.ContentType), aws.ToString(head.CacheControl), err)
			}
		}
		broken := errors.New("the body broke")
		bodies := map[string]func(context.CancelFunc) io.Reader{
			"body":   func(context.CancelFunc) io.Reader { return iotest.ErrReader(broken) },
			"cancel": func(cancel context.CancelFunc) io.Reader { cancel(); return bytes.NewReader(content) },
		}
		for name, rest := range bodies {
			ctx, cancel := context.WithCancel(t.Context())
			started := false
			body := io.MultiReader(bytes.NewReader(content), readerFunc(func([]byte) (int, error) {
				started = true
				return 0, io.EOF
			}), deferred(func() io.Reader { return rest(cancel) }))
			_, err := store.Put(ctx, "large", body, storage.PutOptions{})
			cancel()
			if err == nil || !started {
				t.Errorf("%s: Put: %v", name, err)
			}
			got, err := readAll(t, store, "large")
			if err != nil || !bytes.Equal(got, content) {
				t.Errorf("%s: the old object is %d bytes, %v", name, len(got), err)
			}
		}
		front.Fail(func(r *http.Request) s3test.Fault {
			if r.Method == http.MethodPut && r.URL.Query().Get("partNumber") == "2" {
				return s3test.Fault{Status: http.StatusInternalServerError, Code: "InternalError"}
			}
			return s3test.Fault{}
		})
		if _, err := store.Put(t.Context(), "large", bytes.NewReader(content), storage.PutOptions{}); !errors.Is(err, storage.ErrUnavailable) {
			t.Errorf("Put of a part that fails: %v", err)
		}
		front.Fail(nil)
		uploads, err := client.ListMultipartUploads(t.Context(), &s3.ListMultipartUploadsInput{Bucket: &bucket})
		if err != nil || len(uploads.Uploads) > 0 {
			t.Errorf("%d uploads are left, %v", len(uploads.Uploads), err)
		}
	})
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// deferred is a reader that is made when it is read.
func deferred(open func() io.Reader) io.Reader {
	var r io.Reader
	return readerFunc(func(p []byte) (int, error) {
		if r == nil {
			r = open()
		}
		return r.Read(p)
	})
}

// A download that breaks off goes on where it was.
func TestResume(t *testing.T) {
	servers(t, func(t *testing.T, s s3test.Server) {
		front := s.Front(t)
		store := s3store.New(quick(front.Server), s.Bucket(t), s3store.Options{StallTimeout: 50 * time.Millisecond})
		content := pattern(1 << 20)
		put(t, store, "book", content)
		never := make(chan struct{})
		defer close(never)
		for name, fault := range map[string]s3test.Fault{"cut": {Cut: 300_000}, "stalled": {Cut: 300_000, Stall: never}} {
			front.Requests()
			front.Fail(func(*http.Request) s3test.Fault { return fault })
			got, err := readAll(t, store, "book")
			if err != nil || !bytes.Equal(got, content) {
				t.Errorf("%s: %d bytes, %v", name, len(got), err)
			}
			if asked := front.Requests(); len(asked) != 4 {
				t.Errorf("%s: asked %q, want 4 requests for what is cut at every 300,000 bytes", name, asked)
			}
		}
		// Nothing comes any more.
		var n atomic.Int32
		front.Fail(func(*http.Request) s3test.Fault {
			if n.Add(1) == 1 {
				return s3test.Fault{Cut: 1000}
			}
			return s3test.Fault{Status: http.StatusServiceUnavailable, Code: "SlowDown"}
		})
		if got, err := readAll(t, store, "book"); !errors.Is(err, storage.ErrUnavailable) || len(got) != 1000 {
			t.Errorf("a server that is gone: %d bytes, %v", len(got), err)
		}
		// Another version.
		n.Store(0)
		front.Fail(func(r *http.Request) s3test.Fault {
			if r.Method == http.MethodGet && n.Add(1) == 1 {
				return s3test.Fault{Cut: 1000}
			}
			return s3test.Fault{}
		})
		rc, _, err := store.Open(t.Context(), "book", storage.Range{})
		if err != nil {
			t.Fatal(err)
		}
		defer rc.Close()
		put(t, store, "book", bytes.ToUpper(content))
		if got, err := io.ReadAll(rc); !errors.Is(err, storage.ErrChanged) {
			t.Errorf("a new version in the middle: %d bytes, %v", len(got), err)
		}
	})
}

// A server that names one version and sends another is noticed, if its tags are
// digests.
func TestMixedVersions(t *testing.T) {
	servers(t, func(t *testing.T, s s3test.Server) {
		front := s.Front(t)
		bucket := s.Bucket(t)
		put(t, s3store.New(s.Client(), bucket, s3store.Options{}), "key", []byte("content"))
		other := func(*http.Request) s3test.Fault { return s3test.Fault{ETag: `"0123456789abcdef0123456789abcdef"`} }

		store := s3store.New(front.Client(), bucket, s3store.Options{})
		front.Fail(other)
		if _, err := readAll(t, store, "key"); err != nil {
			t.Errorf("a tag that may be anything: %v", err)
		}
		front.Fail(nil)
		if _, err := readAll(t, store, "key"); err != nil {
			t.Errorf("a digest: %v", err)
		}
		front.Fail(other)
		if _, err := readAll(t, store, "key"); !errors.Is(err, storage.ErrChanged) {
			t.Errorf("another digest: %v", err)
		}
		rc, _, err := store.Open(t.Context(), "key", storage.Range{})
		if err != nil {
			t.Fatal(err)
		}
		defer rc.Close()
		if n, err := io.CopyN(io.Discard, rc, int64(len("content"))); !errors.Is(err, storage.ErrChanged) {
			t.Errorf("who reads no further than the last byte gets %d bytes, %v", n, err)
		}
		store = s3store.New(front.Client(), bucket, s3store.Options{})
		front.Fail(nil)
		put(t, store, "key", []byte("new"))
		front.Fail(other)
		if _, err := readAll(t, store, "key"); !errors.Is(err, storage.ErrChanged) {
			t.Errorf("another digest than that of a Put: %v", err)
		}
	})
}

// Requests that fail are sent again, in the caller's time.
func TestRetries(t *testing.T) {
	servers(t, func(t *testing.T, s s3test.Server) {
		front := s.Front(t)
		store := s3store.New(quick(front.Server), s.Bucket(t), s3store.Options{})
		put(t, store, "key", []byte("content"))
		var n atomic.Int32
		twice := func(*http.Request) s3test.Fault {
			if n.Add(1) <= 2 {
				return s3test.Fault{Status: http.StatusServiceUnavailable, Code: "SlowDown"}
			}
			return s3test.Fault{}
		}
		for name, call := range map[string]func() error{
			"Stat": func() error { _, err := store.Stat(t.Context(), "key"); return err },
			"Open": func() error { _, err := readAll(t, store, "key"); return err },
			"List": func() error { return listed(t.Context(), store) },
			"Put": func() error {
				_, err := store.Put(t.Context(), "key", strings.NewReader("new"), storage.PutOptions{})
				return err
			},
			"Delete": func() error { return store.Delete(t.Context(), "other") },
		} {
			n.Store(0)
			front.Fail(twice)
			if err := call(); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		front.Fail(func(*http.Request) s3test.Fault {
			return s3test.Fault{Status: http.StatusServiceUnavailable, Code: "SlowDown"}
		})
		if _, err := store.Stat(t.Context(), "key"); !errors.Is(err, storage.ErrUnavailable) {
			t.Errorf("a server that is busy: %v", err)
		}
		slow := s3store.New(s3.New(front.Client().Options(), func(o *s3.Options) {
			o.Retryer = retry.NewStandard(func(r *retry.StandardOptions) {
				r.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return time.Hour, nil })
			})
		}), "bucket", s3store.Options{})
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		if _, err := slow.Stat(ctx, "key"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a deadline: %v", err)
		}
	})
}

func listed(ctx context.Context, s storage.Store) error {
	for _, err := range s.List(ctx, "") {
		if err != nil {
			return err
		}
	}
	return nil
}

// What says nothing about an object is never "there is none".
func TestWrong(t *testing.T) {
	servers(t, func(t *testing.T, s s3test.Server) {
		missing := s3store.New(quick(s), "no-such-bucket-"+s.Bucket(t), s3store.Options{})
		wrong := s
		wrong.AccessKeyID = "somebody-else"
		stores := map[string]*s3store.Store{"bucket": missing}
		if !inProcess(t) {
			bucket := s.Bucket(t)
			stores["credentials"] = s3store.New(quick(wrong), bucket, s3store.Options{})
			secret := s
			secret.SecretAccessKey = "something else"
			stores["secret"] = s3store.New(quick(secret), bucket, s3store.Options{})
		}
		gone := s
		gone.Endpoint = "http://127.0.0.1:1"
		stores["server"] = s3store.New(quick(gone), "bucket", s3store.Options{})
		for name, store := range stores {
			_, statErr := store.Stat(t.Context(), "key")
			_, openErr := readAll(t, store, "key")
			_, putErr := store.Put(t.Context(), "key", strings.NewReader("x"), storage.PutOptions{})
			for op, err := range map[string]error{"Stat": statErr, "Open": openErr, "Put": putErr, "List": listed(t.Context(), store), "Delete": store.Delete(t.Context(), "key")} {
				if !errors.Is(err, storage.ErrUnavailable) || errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
					t.Errorf("wrong %s: %s: %v", name, op, err)
				}
			}
		}
		store := s3store.New(s.Client(), s.Bucket(t), s3store.Options{})
		long := strings.Repeat("k", 1025)
		if _, err := store.Put(t.Context(), long, strings.NewReader("x"), storage.PutOptions{}); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("Put of a key of 1,025 bytes: %v", err)
		}
		if _, err := store.Stat(t.Context(), long); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("Stat of a key of 1,025 bytes: %v", err)
		}
	})
}

// A signed URL works without credentials, until it ends.
func TestSigned(t *testing.T) {
	s := s3test.Open(t)
	store := s3store.New(s.Client(), s.Bucket(t), s3store.Options{})
	const key = "covers/é 100% #1?&+.jpg"
	put(t, store, key, []byte("picture"))
	for _, shown := range []storage.Store{store, storage.Prefixed(store, "covers")} {
		signer, ok := storage.As[storage.Signer](shown)
		if !ok {
			t.Fatalf("%T cannot sign", shown)
		}
		own := key
		if shown != storage.Store(store) {
			own = strings.TrimPrefix(key, "covers/")
		}
		begun := time.Now()
		url, expires, err := signer.SignedURL(t.Context(), own, storage.SignOptions{Lifetime: 2 * time.Second, ContentType: "image/x-test", ContentDisposition: `attachment; filename="a b.jpg"`})
		if err != nil {
			t.Fatal(err)
		}
		if d := expires.Sub(begun); d < 2*time.Second || d > 3*time.Second {
			t.Errorf("it works for %v", d)
		}
		res, err := http.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(res.Body)
		res.Body.Close()
		if res.StatusCode != http.StatusOK || string(body) != "picture" || res.Header.Get("Content-Type") != "image/x-test" || res.Header.Get("Content-Disposition") != `attachment; filename="a b.jpg"` {
			t.Errorf("%s: %s %q %v", url, res.Status, body, res.Header)
		}
		for end := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
			res, err := http.Get(url)
			if err != nil {
				t.Fatal(err)
			}
			res.Body.Close()
			if res.StatusCode == http.StatusForbidden {
				break
			}
			if time.Now().After(end) {
				t.Fatalf("%s after it ended", res.Status)
			}
		}
		if time.Now().Before(expires.Add(-time.Second)) {
			t.Errorf("it ended %v before it was to", time.Until(expires))
		}
	}
}

// Credentials that end sooner end what they sign.
func TestSignedByTemporary(t *testing.T) {
	end := time.Now().Add(10 * time.Minute).Round(0)
	s := s3test.Server{Endpoint: "http://127.0.0.1:1"}
	client := s3.New(s.Client().Options(), func(o *s3.Options) {
		o.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "a", SecretAccessKey: "b", SessionToken: "c", CanExpire: true, Expires: end}, nil
		})
	})
	store := s3store.New(client, "bucket", s3store.Options{})
	if _, expires, err := store.SignedURL(t.Context(), "key", storage.SignOptions{}); err != nil || !expires.Equal(end) {
		t.Errorf("it ends at %v, %v; want %v", expires, err, end)
	}
	client = s3.New(client.Options(), func(o *s3.Options) { o.Credentials = credentials.NewStaticCredentialsProvider("a", "b", "") })
	store = s3store.New(client, "bucket", s3store.Options{})
	if _, expires, err := store.SignedURL(t.Context(), "key", storage.SignOptions{Lifetime: 1000 * time.Hour}); err != nil || time.Until(expires) > 7*24*time.Hour {
		t.Errorf("it ends at %v, %v; Amazon signs for a week at most", expires, err)
	}
	if _, _, err := store.SignedURL(t.Context(), "../key", storage.SignOptions{}); !errors.Is(err, fs.ErrInvalid) {
		t.Errorf("a key that is none: %v", err)
	}
}
