package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/pressmark/pressmark/auth"
	"github.com/pressmark/pressmark/catalog/calibre/calibretest"
	"github.com/pressmark/pressmark/httpapi/covers"
	"github.com/pressmark/pressmark/httpapi/upload"
	"github.com/pressmark/pressmark/storage/s3store/s3test"
)

// inS3 is a configuration with two libraries whose covers and books are in a bucket
// of a real server.
func inS3(t *testing.T) (Config, *s3test.Front) {
	t.Helper()
	server := s3test.Open(t)
	front := server.Front(t)
	return Config{
		Libraries: []Library{{Name: "main", Path: calibretest.Sample(t)}, {Name: "second", Path: calibretest.Sample(t)}},
		DataDir:   t.TempDir(), Logger: slog.New(slog.DiscardHandler), PublicRead: true,
		S3: S3{
			Covers: true, Bucket: server.Bucket(t), Endpoint: front.Endpoint, AccessKeyID: server.AccessKeyID, SecretAccessKey: server.SecretAccessKey,
			CDN: "cdn.example",
		},
		BooksStore: map[string]string{"": "s3"},
	}, front
}

// asking is a GET with names and values of its header.
func asking(t *testing.T, url string, header ...string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return r
}

// sent asks without following, and returns where the answer leads.
func sent(t *testing.T, url string, header ...string) (int, string) {
	t.Helper()
	res, err := http.DefaultTransport.RoundTrip(asking(t, url, header...))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, res.Body)
	return res.StatusCode, res.Header.Get("Location")
}

// TestS3: what the commands send is where the server looks, per library, and
// restricted users get nothing of what they may not see.
func TestS3(t *testing.T) {
	c, front := inS3(t)
	var counts []upload.Count
	u := Upload{Sizes: []covers.Size{covers.Thumb}, Finished: func(_ string, n upload.Count) { counts = append(counts, n) }}
	for range 2 {
		if err := UploadCovers(t.Context(), c, u); err != nil {
			t.Fatal(err)
		}
		if err := UploadBooks(t.Context(), c, Upload{Finished: u.Finished}); err != nil {
			t.Fatal(err)
		}
	}
	for i, n := range counts {
		if n.Books != 24 || n.Done != 24 || n.Failed+n.Missing+n.Unfit+n.Stale > 0 || (n.Sent == 0) != (i >= 4) {
			t.Errorf("run %d: %+v", i, n)
		}
	}
	head, err := front.Client().HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: &c.S3.Bucket, Key: aws.String("covers/second/1.jpg")})
	if err != nil || aws.ToString(head.ContentType) != "image/jpeg" || aws.ToString(head.CacheControl) != "public, max-age=300" {
		t.Errorf("the cover of the second library: %+v, %v", head, err)
	}
	tag := strings.Trim(aws.ToString(head.ETag), `"`)
	head, err = front.Client().HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: &c.S3.Bucket, Key: aws.String("covers/second/1-" + tag + ".jpg")})
	if err != nil || aws.ToString(head.CacheControl) != "public, max-age=31536000, immutable" {
		t.Errorf("under its own key: %+v, %v", head, err)
	}

	logs := new(locked)
	c.Logger = slog.New(slog.NewTextHandler(logs, nil))
	_, url := servingAt(t, c)
	if !strings.Contains(logs.String(), `msg="S3 cover storage initialized"`) {
		t.Errorf("the log does not say that covers are in S3:\n%s", logs)
	}
	for _, at := range []struct{ query, want string }{{"", "https://cdn.example/covers/1-"}, {"?library=second", "https://cdn.example/covers/second/1-"}} {
		if code, to := sent(t, url+"/api/files/cover/1"+at.query); code != 302 || !strings.HasPrefix(to, at.want) || strings.Contains(to, "?") {
			t.Errorf("%s: %d %s", at.query, code, to)
		}
	}
	code, to := sent(t, url+"/api/files/download/1/epub?library=second")
	if code != 302 || !strings.HasPrefix(to, front.Endpoint+"/"+c.S3.Bucket+"/books/second/") {
		t.Errorf("a book: %d %s", code, to)
	}
	got, err := http.Get(to)
	if err != nil {
		t.Fatal(err)
	}
	got.Body.Close()
	if got.StatusCode != http.StatusOK || got.Header.Get("Content-Type") != "application/epub+zip" || !strings.HasPrefix(got.Header.Get("Content-Disposition"), "attachment; ") {
		t.Errorf("%s %v", got.Status, got.Header)
	}

	// From the first restricted user on, addresses are signed.
	state, err := OpenState(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	defer state.Close()
	const password = "correct horse"
	hash, err := state.Passwords.Hash(t.Context(), password)
	if err != nil {
		t.Fatal(err)
	}
	_, err = state.Users.Create(t.Context(), auth.User{
		Email: "bob@example.com", Username: "bob", Role: auth.Reader,
		Access: auth.Access{Restricted: true, Libraries: map[string]auth.Rule{"main": {Kind: auth.Matching, Expression: "id:>12"}}},
	}, hash)
	if err != nil {
		t.Fatal(err)
	}
	within(t, "addresses are signed", func() bool {
		_, to := sent(t, url+"/api/files/cover/1")
		return strings.HasPrefix(to, front.Endpoint+"/") && strings.Contains(to, "X-Amz-Signature=")
	})
	_, text := status(t, "POST", url+"/api/auth/login", `{"username": "bob", "password": "`+password+`"}`)
	var g struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.Unmarshal([]byte(text), &g); err != nil {
		t.Fatal(err, text)
	}
	bob := []string{"Authorization", "Bearer " + g.AccessToken}
	for path, want := range map[string]int{
		"/api/files/cover/13": 302, "/api/files/cover/1": 404, "/api/files/cover/1?size=thumb": 404, "/api/files/cover/13?library=second": 404,
		"/api/files/download/1/epub": 404, "/api/files/download/13/epub?library=second": 404,
	} {
		if code, to := sent(t, url+path, bob...); code != want || (to != "") != (want == 302) {
			t.Errorf("%s for who may not: %d %s", path, code, to)
		}
	}
	// What can be guessed is not for who has no signature.
	for _, key := range []string{"covers/1.jpg", "covers/1-" + tag + ".jpg", "books/"} {
		if code, _ := sent(t, front.Endpoint+"/"+c.S3.Bucket+"/"+key); code != 403 {
			t.Errorf("%s without a signature: %d", key, code)
		}
	}
	// Nothing more is asked for once it is known.
	path := "/api/files/cover/14"
	sent(t, url+path)
	front.Requests()
	for range 50 {
		sent(t, url+path)
	}
	if asked := front.Requests(); len(asked) > 0 {
		t.Errorf("S3 was asked %q for what is known", asked)
	}
	_, text = status(t, "GET", url+"/api/health", "")
	if !strings.Contains(text, `{"name":"s3","status":"ok"`) {
		t.Error(text)
	}
	front.Fail(func(*http.Request) s3test.Fault { return s3test.Fault{Status: 503, Code: "SlowDown"} })
	if code, _ := sent(t, url+"/api/files/cover/15"); code != 200 {
		t.Errorf("with S3 gone: %d", code)
	}
	_, text = status(t, "GET", url+"/api/health", "")
	if !strings.Contains(text, `{"name":"s3","status":"degraded"`) {
		t.Error(text)
	}
}

// TestUploads: what differs is sent, and what is stale deleted if that is asked for.
func TestUploads(t *testing.T) {
	c, front := inS3(t)
	c.Libraries = c.Libraries[:1]
	root := c.Libraries[0].Path
	var n upload.Count
	run := func(u Upload, want func() bool) {
		t.Helper()
		u.Finished = func(_ string, c upload.Count) { n = c }
		if err := UploadCovers(t.Context(), c, u); err != nil {
			t.Fatal(err)
		}
		if !want() {
			t.Errorf("%+v", n)
		}
	}
	keys := func() (all []string) {
		page, err := front.Client().ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: &c.S3.Bucket})
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range page.Contents {
			all = append(all, *o.Key)
		}
		return all
	}
	run(Upload{DryRun: true}, func() bool { return n.Sent == 44 && len(keys()) == 0 })
	run(Upload{}, func() bool { return n.Sent == 44 && len(keys()) == 44 })
	// Somebody else's, and another library's.
	for _, key := range []string{"covers/1.png", "covers/999-back.jpg", "covers/second/1.jpg", "other/1.jpg"} {
		if _, err := front.Client().PutObject(t.Context(), &s3.PutObjectInput{Bucket: &c.S3.Bucket, Key: &key, Body: strings.NewReader("x")}); err != nil {
			t.Fatal(err)
		}
	}
	for _, key := range []string{"covers/999.jpg", "covers/999-0123456789abcdef0123456789abcdef-thumb.jpg"} { // books that are gone
		if _, err := front.Client().PutObject(t.Context(), &s3.PutObjectInput{Bucket: &c.S3.Bucket, Key: &key, Body: strings.NewReader("x")}); err != nil {
			t.Fatal(err)
		}
	}
	covers, err := filepath.Glob(filepath.Join(root, "*", "* (1)", "cover.jpg"))
	if err != nil || len(covers) != 1 {
		t.Fatal(covers, err)
	}
	content, err := os.ReadFile(covers[0])
	if err != nil {
		t.Fatal(err)
	}
	changed := bytes.Replace(content, content[len(content)-10:len(content)-9], []byte{content[len(content)-10] ^ 1}, 1) // of the same size
	if err := os.WriteFile(covers[0], changed, 0o600); err != nil {
		t.Fatal(err)
	}
	run(Upload{DryRun: true, DeleteStale: true}, func() bool { return n.Sent == 2 && n.Stale == 2 && n.Deleted == 0 && len(keys()) == 50 })
	run(Upload{}, func() bool { return n.Sent == 2 && n.Same == 42 && n.Stale == 2 && len(keys()) == 51 })
	// The one that was replaced stays a while, as clients may have been sent there.
	run(Upload{DeleteStale: true}, func() bool { return n.Sent == 0 && n.Same == 44 && n.Deleted == 2 && len(keys()) == 49 })
	// Every write fails.
	if err := os.WriteFile(covers[0], content, 0o600); err != nil {
		t.Fatal(err)
	}
	front.Fail(func(r *http.Request) s3test.Fault {
		if r.Method == http.MethodPut {
			return s3test.Fault{Status: 403, Code: "AccessDenied"}
		}
		return s3test.Fault{}
	})
	if err := UploadCovers(t.Context(), c, Upload{DeleteStale: true}); !errors.Is(err, upload.ErrIncomplete) {
		t.Errorf("a cover that cannot be sent: %v", err)
	}
	if _, err := os.Stat(filepath.Join(root, "metadata.db")); err != nil {
		t.Error(err)
	}
}

// TestSignedCover: a signed address works without more, and for no longer than it
// says. That it ends is in package s3store's TestSigned.
func TestSignedCover(t *testing.T) {
	c, _ := inS3(t)
	c.S3.CDN = ""
	if err := UploadCovers(t.Context(), c, Upload{Library: "main"}); err != nil {
		t.Fatal(err)
	}
	_, url := servingAt(t, c)
	_, to := sent(t, url+"/api/files/cover/1")
	if code, _ := sent(t, to); code != 200 {
		t.Errorf("%s: %d", to, code)
	}
	if code, _ := sent(t, strings.Replace(to, "X-Amz-Expires=3600", "X-Amz-Expires=360000", 1)); code != 403 {
		t.Errorf("for longer than it is signed for: %d", code)
	}
	if err := UploadCovers(t.Context(), c, Upload{Library: "nobody"}); err == nil || !strings.Contains(fmt.Sprint(err), "nobody") {
		t.Errorf("a library that is not there: %v", err)
	}
}
