package server

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pressmark/pressmark/catalog/calibre/calibretest"
	"github.com/pressmark/pressmark/storage/gdrivestore/drivetest"
	"github.com/pressmark/pressmark/storage/s3store/s3test"
)

// inDrive is a configuration with a library of which only metadata.db is here. The
// folder that is returned has all of it.
func inDrive(t *testing.T) (Config, *drivetest.Drive, string) {
	t.Helper()
	all := calibretest.Sample(t)
	d := drivetest.New(drivetest.Options{})
	err := filepath.WalkDir(all, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || strings.HasPrefix(e.Name(), "metadata.db") {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		key, err := filepath.Rel(all, path)
		d.Put(filepath.ToSlash(key), content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	library, key := t.TempDir(), filepath.Join(t.TempDir(), "google-credentials.json")
	url := d.Start(t)
	db, err := os.ReadFile(filepath.Join(all, "metadata.db"))
	for path, content := range map[string][]byte{filepath.Join(library, "metadata.db"): db, key: d.Credentials(url)} {
		if err := errors.Join(err, os.WriteFile(path, content, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	return Config{
		Libraries: []Library{{Name: "main", Path: library, DriveFolder: d.Root()}},
		DataDir:   t.TempDir(), Logger: slog.New(slog.DiscardHandler), PublicRead: true,
		Drive: Drive{Use: true, Credentials: key, Endpoint: url},
	}, d, all
}

// file returns a file of a library by the end of its path.
func file(t *testing.T, library, pattern string) []byte {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(library, pattern))
	if err != nil || len(found) != 1 {
		t.Fatalf("%s: %q, %v", pattern, found, err)
	}
	content, err := os.ReadFile(found[0])
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// fetched is an answer and its body.
func fetched(t *testing.T, url string, header ...string) (*http.Response, []byte) {
	t.Helper()
	res, err := http.DefaultClient.Do(asking(t, url, header...))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, body
}

// TestDrive: books and covers come from Drive once, and then from this machine,
// also while Drive does not answer.
func TestDrive(t *testing.T) {
	c, d, all := inDrive(t)
	logs := new(locked)
	c.Logger = slog.New(slog.NewTextHandler(logs, nil))
	s, url := servingAt(t, c)
	if !strings.Contains(logs.String(), `msg="Google Drive storage initialized"`) || strings.Contains(logs.String(), "WARN") {
		t.Errorf("the log:\n%s", logs)
	}
	if got := d.Scopes(); len(got) != 1 || !strings.HasSuffix(got[0], "/drive.readonly") {
		t.Errorf("scopes %q", got)
	}
	epub := file(t, all, "*/* (1)/*.epub")
	res, body := fetched(t, url+"/api/files/download/1/epub")
	if res.StatusCode != http.StatusOK || !bytes.Equal(body, epub) || res.Header.Get("Content-Type") != "application/epub+zip" {
		t.Errorf("%s, %d bytes, %v", res.Status, len(body), res.Header)
	}
	res, cover := fetched(t, url+"/api/files/cover/1")
	if res.StatusCode != http.StatusOK || !bytes.Equal(cover, file(t, all, "*/* (1)/cover.jpg")) {
		t.Errorf("the cover: %s, %d bytes", res.Status, len(cover))
	}

	d.Fail(func(drivetest.Request) drivetest.Fault { return drivetest.Fault{Reason: "dailyLimitExceeded"} })
	d.Reset()
	res, body = fetched(t, url+"/api/files/download/1/epub")
	if res.StatusCode != http.StatusOK || !bytes.Equal(body, epub) {
		t.Errorf("again: %s, %d bytes", res.Status, len(body))
	}
	res, body = fetched(t, url+"/api/files/download/1/epub", "Range", "bytes=100-199")
	if res.StatusCode != http.StatusPartialContent || !bytes.Equal(body, epub[100:200]) {
		t.Errorf("a part: %s, %d bytes", res.Status, len(body))
	}
	res, _ = fetched(t, url+"/api/files/download/1/epub", "If-None-Match", res.Header.Get("ETag"))
	if res.StatusCode != http.StatusNotModified {
		t.Errorf("the same version: %s", res.Status)
	}
	if n := d.Calls().API(); n > 0 {
		t.Errorf("%d requests for what is here: %+v", n, d.Requests())
	}
	res, body = fetched(t, url+"/api/files/download/2/epub")
	if res.StatusCode != http.StatusServiceUnavailable || res.Header.Get("Retry-After") == "" {
		t.Errorf("another one while Drive does not answer: %s %s", res.Status, body)
	}
	_, body = fetched(t, url+"/api/health")
	if !bytes.Contains(body, []byte(`{"name":"drive","status":"degraded"`)) || !bytes.Contains(body, []byte(`{"name":"downloads","status":"ok"`)) {
		t.Errorf("health: %s", body)
	}
	w := httptest.NewRecorder()
	s.Metrics().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if text := w.Body.String(); !strings.Contains(text, "\ndownload_cache_fetches_total ") || strings.Contains(text, "\ndownload_cache_fetches_total 0\n") || strings.Contains(text, "\ndownload_cache_hits_total 0\n") {
		t.Errorf("metrics: %s", text)
	}
	d.Fail(nil)
	within(t, "a book after Drive answers again", func() bool {
		res, _ := fetched(t, url+"/api/files/download/2/epub")
		return res.StatusCode == http.StatusOK
	})
	if _, body = fetched(t, url+"/api/health"); !bytes.Contains(body, []byte(`{"name":"drive","status":"ok"`)) {
		t.Errorf("health: %s", body)
	}
}

// TestDriveAndS3: the log has the lines of the deployment guide in its order.
func TestDriveAndS3(t *testing.T) {
	c, _, _ := inDrive(t)
	bucket := s3test.InProcess(t)
	c.S3 = S3{Covers: true, Bucket: bucket.Bucket(t), Endpoint: bucket.Endpoint, AccessKeyID: bucket.AccessKeyID, SecretAccessKey: bucket.SecretAccessKey}
	logs := new(locked)
	c.Logger = slog.New(slog.NewTextHandler(logs, nil))
	_, url := servingAt(t, c)
	within(t, "the last line", func() bool { return strings.Contains(logs.String(), "Started watching Calibre database") })
	at := -1
	for _, line := range []string{"Database migrations complete", "Google Drive storage initialized", "S3 cover storage initialized", "Started watching Calibre database"} {
		i := strings.Index(logs.String(), `msg="`+line+`"`)
		if i < at {
			t.Errorf("%q is at %d, after %d:\n%s", line, i, at, logs)
		}
		at = i
	}
	if res, body := fetched(t, url+"/api/files/download/1/epub"); res.StatusCode != http.StatusOK {
		t.Errorf("%s %s", res.Status, body)
	}
	if res, _ := fetched(t, url+"/api/files/cover/1"); res.StatusCode != http.StatusOK {
		t.Errorf("a cover that only Drive has: %s", res.Status)
	}
}

// What cannot work is said at the start: before it, if it is a setting.
func TestDriveSettings(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*Config)
		want   string // the setting, or a line of the log
	}{
		"no folder":      {func(c *Config) { c.Libraries[0].DriveFolder = "" }, "GOOGLE_DRIVE_FOLDER_ID"},
		"an address":     {func(c *Config) { c.Libraries[0].DriveFolder = "https://drive.google.com/drive/folders/1abc" }, "GOOGLE_DRIVE_FOLDER_ID"},
		"no key":         {func(c *Config) { c.Drive.Credentials += "x" }, "GOOGLE_DRIVE_CREDENTIALS_PATH"},
		"not a key":      {func(c *Config) { c.Drive.Credentials = filepath.Join(c.Libraries[0].Path, "metadata.db") }, "GOOGLE_DRIVE_CREDENTIALS_PATH"},
		"nothing there":  {func(c *Config) { c.BooksStore = map[string]string{"": placeLocal} }, "USE_GOOGLE_DRIVE"},
		"endpoint":       {func(c *Config) { c.Drive.Endpoint = "drive.example" }, "GOOGLE_DRIVE_ENDPOINT_URL"},
		"small cache":    {func(c *Config) { c.DownloadCacheMaxBytes = 1000 }, "DOWNLOAD_CACHE_MAX_BYTES"},
		"in the library": {func(c *Config) { c.DownloadCacheDir = filepath.Join(c.Libraries[0].Path, "cache") }, "DOWNLOAD_CACHE_DIR"},
		"no cache there": {func(c *Config) { c.DownloadCacheDir = filepath.Join(c.Drive.Credentials, "cache") }, "DOWNLOAD_CACHE_DIR"},
		"another folder": {func(c *Config) { c.Libraries[0].DriveFolder = "nope" }, "Google Drive does not answer as it should"},
	} {
		t.Run(name, func(t *testing.T) {
			c, _, _ := inDrive(t)
			logs := new(locked)
			c.Logger = slog.New(slog.NewTextHandler(logs, nil))
			test.change(&c)
			s, err := Open(t.Context(), c)
			if err == nil {
				if err := s.Close(); err != nil {
					t.Error(err)
				}
				if !strings.Contains(logs.String(), test.want) {
					t.Errorf("no error, and the log has no %q:\n%s", test.want, logs)
				}
				return
			}
			if wrong, ok := errors.AsType[*ConfigError](err); !ok || wrong.Setting != test.want {
				t.Errorf("%v, want one of %s", err, test.want)
			}
		})
	}
}

// Files that Google does not give away are not there.
func TestDriveRefuses(t *testing.T) {
	c, d, all := inDrive(t)
	_, url := servingAt(t, c)
	found, err := filepath.Glob(filepath.Join(all, "*/* (1)/*.epub"))
	if err != nil || len(found) != 1 {
		t.Fatal(found, err)
	}
	key, err := filepath.Rel(all, found[0])
	if err != nil {
		t.Fatal(err)
	}
	id, _ := d.Lookup(filepath.ToSlash(key))
	for reason, status := range map[string]int{
		"cannotDownloadAbusiveFile": http.StatusNotFound, "insufficientFilePermissions": http.StatusNotFound, "downloadQuotaExceeded": http.StatusServiceUnavailable,
	} {
		if err := d.Forbid(id, reason); err != nil {
			t.Fatal(err)
		}
		if res, body := fetched(t, url+"/api/files/download/1/epub"); res.StatusCode != status {
			t.Errorf("%s: %s %s", reason, res.Status, body)
		}
	}
}

// Without a cache of downloads each one is passed on; what Drive has said of folders
// is kept in any case.
func TestDriveWithoutCache(t *testing.T) {
	c, d, all := inDrive(t)
	c.DownloadCacheMaxBytes, c.CacheLocalMaxBytes = -1, -1
	c.Libraries = append(c.Libraries, Library{Name: "second", Path: all})
	_, url := servingAt(t, c)
	for range 2 {
		d.Reset()
		res, body := fetched(t, url+"/api/files/download/1/epub")
		if res.StatusCode != http.StatusOK || !bytes.Equal(body, file(t, all, "*/* (1)/*.epub")) || d.Calls().Media != 1 || d.Calls().List > 4 {
			t.Errorf("%s, %d bytes, %+v", res.Status, len(body), d.Calls())
		}
	}
	d.Reset()
	res, _ := fetched(t, url+"/api/files/download/1/epub?library=second")
	if res.StatusCode != http.StatusOK || d.Calls().API() > 0 {
		t.Errorf("a library that is not in Drive: %s, %+v", res.Status, d.Calls())
	}
	if _, err := os.Stat(filepath.Join(c.DataDir, "downloads")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a folder for downloads: %v", err)
	}
}

// TestDriveTwice: two servers with one DataDir each have a cache of downloads.
func TestDriveTwice(t *testing.T) {
	c, _, all := inDrive(t)
	c.ListenAddr = "127.0.0.1:0"
	epub := file(t, all, "*/* (1)/*.epub")
	for range 2 {
		_, url := servingAt(t, c)
		if res, body := fetched(t, url+"/api/files/download/1/epub"); res.StatusCode != http.StatusOK || !bytes.Equal(body, epub) {
			t.Errorf("%s, %d bytes", res.Status, len(body))
		}
	}
	c.DownloadCacheDir = filepath.Join(c.DataDir, "downloads")
	if _, err := Open(t.Context(), c); err == nil || !strings.Contains(err.Error(), "DOWNLOAD_CACHE_DIR") {
		t.Errorf("a folder that is named and in use: %v", err)
	}
}
