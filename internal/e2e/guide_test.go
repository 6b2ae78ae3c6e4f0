package e2e

import (
	"bytes"
	"encoding/json"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pressmark/pressmark/catalog/calibre/calibretest"
	"github.com/pressmark/pressmark/catalog/calibre/calibretest/sample"
	"github.com/pressmark/pressmark/storage/gdrivestore/drivetest"
)

const password = "correct horse battery staple"

// TestGuide does what docs/deployment.md says, in its order.
func TestGuide(t *testing.T) {
	if os.Getenv("PRESSMARK_E2E") != "1" {
		t.Skip(`"make e2e" runs it`)
	}
	calibretest.RequireCalibre(t)
	library, drive := libraries(t)
	in := newInstallation(t, library)
	in.set(map[string]string{
		"USE_S3_COVERS": "true", "S3_BUCKET_NAME": "books", "AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "a long secret key",
		"S3_ENDPOINT_URL":  "http://" + in.network + ".1:" + in.env["S3_PORT"],
		"USE_GOOGLE_DRIVE": "true", "GOOGLE_DRIVE_FOLDER_ID": drive.Root(), "METRICS_ADDR": ":9100",
	})
	in.must(nil, "up", "--no-start")
	in.set(serveDrive(t, drive, in.network+".1"))
	in.must(nil, "up", "--detach", "--no-build")

	checkStart(t, in)
	said := in.pressmark(password+"\n", "user", "create", "--email", "admin@example.com", "--username", "admin", "--full-name", "Admin User", "--admin")
	if !strings.Contains(said, "admin@example.com") {
		t.Errorf("user create says %q", said)
	}
	s := login(t, in.backend())
	if n := s.total(t, in.backend()); n != 24 {
		t.Errorf("%d books at the backend", n)
	}
	if n := s.total(t, in.front()); n != 24 {
		t.Errorf("%d books at nginx", n)
	}
	checkFiles(t, in, s, library, drive)
	checkBudgets(t, in, s)
	checkCare(t, in)
	checkCalibre(t, in, s, library)

	before := s.get(t, in.front()+"/api/books?limit=100")
	in.must(nil, "exec", "-T", "redis", "redis-cli", "FLUSHDB")
	if after := s.get(t, in.front()+"/api/books?limit=100"); !bytes.Equal(before, after) {
		t.Error("answers are others after FLUSHDB")
	}

	s.put(t, in.front()+"/api/me/books/3/progress", `{"progression": 0.25, "locator": "17", "locator_type": "page"}`)
	s.put(t, in.front()+"/api/me/favorites/5", ``)
	checkRestore(t, in)
	checkUpgrade(t, in)
	checkScale(t, in)
}

// libraries returns a library without the book that is only in Drive, and a Drive
// that has all.
func libraries(t *testing.T) (string, *drivetest.Drive) {
	t.Helper()
	library := filepath.Join(t.TempDir(), "library")
	if err := sample.Unpack(library); err != nil {
		t.Fatal(err)
	}
	drive := drivetest.New(drivetest.Options{})
	copyTo(t, drive, library)
	epub := one(t, library, "*/* (1)/*.epub")
	if err := os.Remove(epub); err != nil {
		t.Fatal(err)
	}
	openTo(t, library)
	return library, drive
}

// serveDrive serves a Drive where the containers reach this machine, and returns
// the settings that lead there.
func serveDrive(t *testing.T, drive *drivetest.Drive, host string) map[string]string {
	t.Helper()
	ln, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: drive.Handler(), ReadHeaderTimeout: time.Minute}
	go srv.Serve(ln)
	t.Cleanup(func() { srv.Close() })
	address := "http://" + ln.Addr().String()
	key := filepath.Join(t.TempDir(), "google-credentials.json")
	if err := os.WriteFile(key, drive.Credentials(address), 0o644); err != nil {
		t.Fatal(err)
	}
	return map[string]string{"GOOGLE_DRIVE_CREDENTIALS_PATH": key, "GOOGLE_DRIVE_ENDPOINT_URL": address}
}

// started is what the log says, in this order.
var started = []string{
	"PostgreSQL initialized", "Redis connected", "Database migrations complete", "Google Drive storage initialized",
	"S3 cover storage initialized", "Started watching Calibre database",
}

// checkStart looks at the log, and at health, which needs no login.
func checkStart(t *testing.T, in *installation) {
	t.Helper()
	in.await("the start", func() bool { return strings.Contains(in.try("logs", "--no-color", "backend"), started[len(started)-1]) })
	log := in.must(nil, "logs", "--no-color", "backend")
	at := -1
	for _, line := range started {
		i := strings.Index(log, line)
		if i < at || i < 0 {
			t.Errorf("%q is missing in the log, or comes too early", line)
		}
		at = i
	}
	if n, users := strings.Count(log, `"WARN"`), strings.Count(log, "There are no users"); n > users {
		t.Errorf("the log warns:\n%s", log)
	}
	for _, secret := range []string{in.env["SECRET_KEY"], in.env["POSTGRES_PASSWORD"], in.env["AWS_SECRET_ACCESS_KEY"]} {
		if strings.Contains(log, secret) {
			t.Error("the log has a secret")
		}
	}
	base := in.backend()
	var health struct {
		Status, Version string
		Checks          []struct{ Name, Status string }
	}
	in.await("health", func() bool {
		res, err := http.Get(base + "/api/health")
		if err != nil {
			return false
		}
		defer res.Body.Close()
		return res.StatusCode == http.StatusOK && json.NewDecoder(res.Body).Decode(&health) == nil
	})
	if health.Status != "ok" || health.Version != "v0.0.0-e2e" {
		t.Errorf("health is %+v", health)
	}
	for _, c := range health.Checks {
		if c.Status != "ok" {
			t.Errorf("%s is %s", c.Name, c.Status)
		}
	}
	in.healthy()
}

// answers tells whether an address is answered with 200.
func answers(address string) bool {
	res, err := http.Get(address)
	if err != nil {
		return false
	}
	res.Body.Close()
	return res.StatusCode == http.StatusOK
}

// checkFiles downloads from Drive and looks at a cover in S3.
func checkFiles(t *testing.T, in *installation, s *session, library string, drive *drivetest.Drive) {
	t.Helper()
	want, err := sample.Archive()
	if err != nil {
		t.Fatal(err)
	}
	epub := ""
	for _, f := range want.File {
		if strings.HasSuffix(f.Name, ".epub") && strings.Contains(f.Name, " (1)/") {
			epub = f.Name
		}
	}
	body, err := readArchive(want, epub)
	if err != nil {
		t.Fatal(err)
	}
	if got := s.get(t, in.backend()+"/api/files/download/1/epub"); !bytes.Equal(got, body) {
		t.Errorf("the download has %d bytes, and the book %d", len(got), len(body))
	}
	if n := drive.Calls().Media; n == 0 {
		t.Error("it did not come from Drive")
	}

	in.pressmark("", "covers", "upload")
	res := s.do(t, http.MethodGet, in.front()+"/api/files/cover/2", "")
	res.Body.Close()
	to, err := url.Parse(res.Header.Get("Location"))
	if err != nil || res.StatusCode != http.StatusFound || to.Port() != in.env["S3_PORT"] || to.Query().Get("X-Amz-Expires") != "3600" {
		t.Fatalf("the cover: %s, to %q", res.Status, res.Header.Get("Location"))
	}
	cover, err := os.ReadFile(one(t, library, "*/* (2)/cover.jpg"))
	if err != nil {
		t.Fatal(err)
	}
	if got := fetch(t, to.String()); !bytes.Equal(got, cover) {
		t.Errorf("S3 has %d bytes of the cover, and the library %d", len(got), len(cover))
	}
}

// checkCare: what looks after an installation finds nothing wrong with it, and
// nothing to do.
func checkCare(t *testing.T, in *installation) {
	t.Helper()
	for _, command := range []string{"doctor", "verify", "config check"} {
		args := append([]string{"exec", "-T", "backend", "pressmark"}, strings.Fields(command)...)
		if out, err := in.run(nil, args...); err != nil {
			t.Errorf("pressmark %s: %v\n%s", command, err, out)
		}
	}
	if said := in.said("covers", "upload", "--dry-run"); !strings.Contains(said, " 0 objects ") {
		t.Errorf("covers that were uploaded would be again: %s", said)
	}
	metrics := string(fetch(t, "http://"+in.address("backend")+":9100/metrics"))
	for _, name := range []string{
		`request_duration_seconds_count{`, `cache_hits_total{namespace="`, `catalog_age_seconds{`, `store_operation_duration_seconds_count{`, "go_goroutines ",
	} {
		if !strings.Contains(metrics, "\n"+name) {
			t.Errorf("%s is not among the metrics", name)
		}
	}
	if log := in.must(nil, "logs", "--no-color", "backend"); !strings.Contains(log, `"component":"watcher"`) {
		t.Error("the log does not name the watcher")
	}
}

// checkBudgets: 50 covers come at once, and the API has a bound.
func checkBudgets(t *testing.T, in *installation, s *session) {
	t.Helper()
	count := func(path string, n int) (refused int) {
		t.Helper()
		codes := s.burst(t, in.front()+path, n)
		for _, code := range codes {
			if code == http.StatusTooManyRequests {
				refused++
			} else if code >= 400 {
				t.Errorf("%s: %d", path, code)
			}
		}
		return refused
	}
	if n := count("/api/files/cover/2", 120); n > 0 {
		t.Errorf("%d of 120 covers were refused", n)
	}
	if n := count("/api/books?limit=1", 400); n == 0 || n > 390 {
		t.Errorf("%d of 400 lists were refused", n)
	}
}

// checkCalibre adds a book by Calibre beside the server.
func checkCalibre(t *testing.T, in *installation, s *session, library string) {
	t.Helper()
	calibretest.CalibreDB(t, library, "add", "--empty", "--title", "A book from Calibre", "--authors", "An Author")
	began := time.Now()
	in.await("the new book", func() bool { return s.total(t, in.front()) == 25 })
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("it took %s until the new book appeared", took)
	}
}

// one is the file of a folder that matches.
func one(t *testing.T, dir, pattern string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, pattern))
	if err != nil || len(found) != 1 {
		t.Fatalf("%s: %q, %v", pattern, found, err)
	}
	return found[0]
}

// await looks again and again until something holds. A minute is enough for all.
func (in *installation) await(what string, holds func() bool) {
	in.t.Helper()
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	over := time.NewTimer(time.Minute)
	defer over.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-over.C:
			in.t.Fatalf("%s: it did not come within a minute", what)
		}
	}
}

// addresses are those in nginx's log of what has answered.
func addresses(log string) []string {
	var all []string
	for line := range strings.Lines(log) {
		for field := range strings.SplitSeq(line, `"`) {
			if host, port, err := net.SplitHostPort(field); err == nil && port == "8000" && !slices.Contains(all, host) {
				all = append(all, host)
			}
		}
	}
	return all
}
