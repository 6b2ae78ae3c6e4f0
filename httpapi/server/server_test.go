package server

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/pressmark/pressmark/cache/rediscache/redistest"
	"github.com/pressmark/pressmark/catalog/calibre"
	"github.com/pressmark/pressmark/catalog/calibre/calibretest"
	"github.com/pressmark/pressmark/migrations/migrationstest"
	"github.com/pressmark/pressmark/storage/s3store/s3test"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(s3test.Main{M: redistest.Main{M: migrationstest.Main{M: m}}})
}

// sampleConfig serves a copy of the sample library, quickly.
func sampleConfig(t testing.TB) Config {
	t.Helper()
	return Config{
		Libraries:   []Library{{Path: calibretest.Sample(t)}},
		PublicRead:  true,
		ListenAddr:  "127.0.0.1:0",
		DataDir:     t.TempDir(),
		WatchSettle: -1,
		Logger:      slog.New(slog.DiscardHandler),
	}
}

func open(t testing.TB, c Config) *Server {
	t.Helper()
	s, err := Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// run keeps the libraries of s current until the test ends.
func run(t *testing.T, s *Server) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- s.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("Run: %v", err)
		}
	})
}

// ask returns the status and the JSON body of an answer of h.
func ask(t *testing.T, h http.Handler, path string) (status int, body map[string]any) {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
		t.Fatalf("%s: %d, %v: %s", path, w.Code, err, w.Body)
	}
	return w.Code, body
}

func total(t *testing.T, h http.Handler, path string) int {
	t.Helper()
	status, body := ask(t, h, path)
	n, ok := body["total"].(float64)
	if status != http.StatusOK || !ok {
		t.Fatalf("%s: %d, %v", path, status, body)
	}
	return int(n)
}

// TestTwoServers runs two servers in one process that share a library and a
// data folder, with other settings each, and closes one of them first.
func TestTwoServers(t *testing.T) {
	c := sampleConfig(t)
	first := open(t, c)
	c.BaseURL = "https://books.example/shelf/"
	c.Libraries = []Library{{Name: "a", Path: c.Libraries[0].Path}, {Name: "b", Path: calibretest.Sample(t)}}
	second, err := Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if err := calibretest.Alter(filepath.Join(c.Libraries[1].Path, "metadata.db"), `DELETE FROM books WHERE id = 1`); err != nil {
		t.Fatal(err)
	}
	if err := second.libraries[1].Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]int{"/shelf/api/books": 24, "/shelf/api/books?library=a": 24, "/shelf/api/books?library=b": 23} {
		if got := total(t, second.Handler(), path); got != want {
			t.Errorf("%s: %d books, want %d", path, got, want)
		}
	}
	_, page := ask(t, second.Handler(), "/shelf/api/books?library=b&limit=1")
	cover := page["items"].([]any)[0].(map[string]any)["cover"].(map[string]any)["url"].(string)
	if !strings.HasPrefix(cover, "/shelf/api/files/cover/") || !strings.Contains(cover, "library=b") {
		t.Errorf("address of a cover: %s", cover)
	}
	if err := second.Close(); err != nil {
		t.Fatal(err)
	}
	if got := total(t, first.Handler(), "/api/books"); got != 24 {
		t.Errorf("the other server shows %d books after the first was closed", got)
	}
	if err := first.libraries[0].Load(t.Context()); err != nil {
		t.Errorf("the other server cannot load any more: %v", err)
	}
}

// TestChangeArrives is the whole way from Calibre's commit to an answer.
func TestChangeArrives(t *testing.T) {
	c := sampleConfig(t)
	s := open(t, c)
	changes := s.libraries[0].Subscribe(t.Context())
	run(t, s)
	if err := calibretest.Alter(filepath.Join(c.Libraries[0].Path, "metadata.db"), `DELETE FROM books WHERE id = 24`); err != nil {
		t.Fatal(err)
	}
	if got := <-changes; len(got.Removed) != 1 || got.Removed[0] != 24 {
		t.Errorf("the change is %+v", got)
	}
	if got := total(t, s.Handler(), "/api/books"); got != 23 {
		t.Errorf("%d books", got)
	}
}

// TestLinkedDatabase follows a metadata.db that is a link, whose changes are
// made where nobody would look.
func TestLinkedDatabase(t *testing.T) {
	c := sampleConfig(t)
	db := filepath.Join(c.Libraries[0].Path, "metadata.db")
	elsewhere := filepath.Join(t.TempDir(), "real.db")
	if err := os.Rename(db, elsewhere); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(elsewhere, db); err != nil {
		t.Skipf("this system makes no links: %v", err)
	}
	if got := watched(calibre.Options{Root: c.Libraries[0].Path}.Files()); len(got) != 6 {
		t.Errorf("watched are %q", got)
	}
	s := open(t, c)
	changes := s.libraries[0].Subscribe(t.Context())
	run(t, s)
	if err := calibretest.Alter(elsewhere, `DELETE FROM books WHERE id = 24`); err != nil {
		t.Fatal(err)
	}
	if got := <-changes; len(got.Removed) != 1 {
		t.Errorf("the change is %+v", got)
	}
}

func TestNoWatch(t *testing.T) {
	c := sampleConfig(t)
	c.NoWatch = true
	s := open(t, c)
	run(t, s)
	_, body := ask(t, s.Handler(), "/api/health")
	if lib := body["libraries"].([]any)[0].(map[string]any); lib["watching"] != false || body["status"] != "ok" {
		t.Errorf("health is %v", body)
	}
}

// TestDatabaseElsewhere serves a library whose metadata.db lies outside, and
// one whose metadata.db has another name inside, which must not be served.
func TestDatabaseElsewhere(t *testing.T) {
	c := sampleConfig(t)
	root := c.Libraries[0].Path
	for _, db := range []string{filepath.Join(t.TempDir(), "metadata.db"), filepath.Join(root, "Anonymous", "books.db")} {
		if err := os.Rename(filepath.Join(root, "metadata.db"), db); err != nil {
			t.Fatal(err)
		}
		c.Libraries[0].Database = db
		s := open(t, c)
		if got := total(t, s.Handler(), "/api/books"); got != 24 {
			t.Errorf("%s: %d books", db, got)
		}
		if rel, err := filepath.Rel(root, db); err == nil && filepath.IsLocal(rel) {
			if _, err := c.Libraries[0].files().Stat(t.Context(), filepath.ToSlash(rel)); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("the database is served as a file: %v", err)
			}
		}
		if err := os.Rename(db, filepath.Join(root, "metadata.db")); err != nil {
			t.Fatal(err)
		}
	}
}

// TestOpenRefuses lists what no waiting would heal.
func TestOpenRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		change func(t *testing.T, c *Config)
		is     error  // nil: not looked at
		text   string // part of the message
	}{
		"no library":      {func(_ *testing.T, c *Config) { c.Libraries = nil }, nil, "CALIBRE_LIBRARY_PATH"},
		"weak key":        {func(_ *testing.T, c *Config) { c.SecretKey = "short" }, nil, "SECRET_KEY"},
		"example key":     {func(_ *testing.T, c *Config) { c.SecretKey = "change-me-change-me-change-me-change-me" }, nil, "openssl rand"},
		"short session":   {func(_ *testing.T, c *Config) { c.RefreshTokenTTL = time.Minute }, nil, "REFRESH_TOKEN_TTL"},
		"database":        {func(_ *testing.T, c *Config) { c.DatabaseURL = "mysql://db" }, nil, "DATABASE_URL"},
		"bad name":        {func(_ *testing.T, c *Config) { c.Libraries[0].Name = "a/b" }, nil, `"a/b"`},
		"same name":       {func(_ *testing.T, c *Config) { c.Libraries = append(c.Libraries, c.Libraries[0]) }, nil, "two libraries"},
		"address":         {func(_ *testing.T, c *Config) { c.ListenAddr = "8000" }, nil, "LISTEN_ADDR"},
		"base":            {func(_ *testing.T, c *Config) { c.BaseURL = "books.example" }, nil, "BASE_URL"},
		"half of TLS":     {func(_ *testing.T, c *Config) { c.TLSKeyFile = "key" }, nil, "TLS_CERT_FILE"},
		"TLS":             {func(_ *testing.T, c *Config) { c.TLSKeyFile, c.TLSCertFile = "/no/key", "/no/cert" }, fs.ErrNotExist, "TLS"},
		"data in library": {func(_ *testing.T, c *Config) { c.DataDir = filepath.Join(c.Libraries[0].Path, "x", "y") }, nil, "DATA_DIR"},
		"data by a link": {func(t *testing.T, c *Config) {
			link := filepath.Join(t.TempDir(), "link")
			if err := os.Symlink(c.Libraries[0].Path, link); err != nil {
				t.Skipf("this system makes no links: %v", err)
			}
			c.DataDir = filepath.Join(link, "data")
		}, nil, "DATA_DIR"},
		"no folder": {func(_ *testing.T, c *Config) { c.Libraries[0].Path = "/no/such/books" }, fs.ErrNotExist, "/no/such/books"},
		"a file":    {func(_ *testing.T, c *Config) { c.Libraries[0].Path += "/metadata.db" }, nil, "is not a folder"},
		"no database": {func(t *testing.T, c *Config) {
			c.Libraries[0].Path = t.TempDir()
		}, fs.ErrNotExist, "Calibre's database was expected at"},
		"another application's": {func(t *testing.T, c *Config) {
			alter(t, c, calibretest.Foreign)
		}, calibre.ErrNotCalibre, `"main"`},
	} {
		t.Run(name, func(t *testing.T) {
			conf := sampleConfig(t)
			c.change(t, &conf)
			s, err := Open(t.Context(), conf)
			if err == nil {
				s.Close()
				t.Fatal("it was opened")
			}
			if c.is != nil && !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.text) {
				t.Errorf("got %v", err)
			}
			var misconfigured *ConfigError
			if setting := c.is == nil && name != "a file"; errors.As(err, &misconfigured) != setting {
				t.Errorf("a setting is to blame: %v, in %v", !setting, err)
			}
			if left, _ := filepath.Glob(filepath.Join(conf.DataDir, "snapshots", "snapshot-*")); len(left) > 0 {
				t.Errorf("left behind: %q", left)
			}
		})
	}
}

func alter(t *testing.T, c *Config, change func(path string) error) {
	t.Helper()
	if err := change(filepath.Join(c.Libraries[0].Path, "metadata.db")); err != nil {
		t.Fatal(err)
	}
}

// TestLockedAtStart starts while a writer holds the database, as Calibre does
// during a bulk edit. The server must come up, say so, and recover.
func TestLockedAtStart(t *testing.T) {
	c := sampleConfig(t)
	writer := start(t, roleExclusive, nil, database(c.Libraries[0].Path), "")
	writer.line(t)
	s := open(t, c)
	if status, body := ask(t, s.Handler(), "/api/health/ready"); status != http.StatusServiceUnavailable || body["status"] != "starting" {
		t.Errorf("ready: %d %v", status, body)
	}
	if status, _ := ask(t, s.Handler(), "/api/books"); status != http.StatusServiceUnavailable {
		t.Errorf("books: %d", status)
	}
	if status, _ := ask(t, s.Handler(), "/api/health/live"); status != http.StatusOK {
		t.Errorf("live: %d", status)
	}
	changes := s.libraries[0].Subscribe(t.Context())
	run(t, s)
	if err := writer.end(); err != nil {
		t.Fatal(err)
	}
	<-changes
	if status, body := ask(t, s.Handler(), "/api/health/ready"); status != http.StatusOK || total(t, s.Handler(), "/api/books") != 24 {
		t.Errorf("ready: %d %v", status, body)
	}
}

// TestDamagedAtStart starts on a database that a sync tool has copied half.
func TestDamagedAtStart(t *testing.T) {
	c := sampleConfig(t)
	whole, err := os.ReadFile(filepath.Join(c.Libraries[0].Path, "metadata.db"))
	if err != nil {
		t.Fatal(err)
	}
	alter(t, &c, calibretest.Truncate)
	s := open(t, c)
	changes := s.libraries[0].Subscribe(t.Context())
	run(t, s)
	alter(t, &c, func(path string) error {
		if err := os.WriteFile(path+".new", whole, 0o600); err != nil {
			return err
		}
		return os.Rename(path+".new", path)
	})
	<-changes
	if got := total(t, s.Handler(), "/api/books"); got != 24 {
		t.Errorf("%d books", got)
	}
}

func TestOpenEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if s, err := Open(ctx, sampleConfig(t)); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, %v", s, err)
	}
}

func TestNewLogger(t *testing.T) {
	var b strings.Builder
	zone, err := time.LoadLocation("Asia/Kolkata")
	if err != nil {
		t.Fatal(err)
	}
	log := Config{TimeZone: zone, LogLevel: slog.LevelWarn}.NewLogger(&b)
	log.Info("below the level")
	log.Warn("line", "took", 1500*time.Millisecond)
	var line struct{ Time, Msg, Took string }
	if err := json.Unmarshal([]byte(b.String()), &line); err != nil {
		t.Fatalf("%v: %s", err, b.String())
	}
	if !strings.HasSuffix(line.Time, "+05:30") || line.Msg != "line" || line.Took != "1.5s" {
		t.Errorf("got %s", b.String())
	}
	b.Reset()
	Config{LogFormat: "text"}.NewLogger(&b).Info("line")
	if !strings.Contains(b.String(), "level=INFO msg=line") {
		t.Errorf("got %s", b.String())
	}
}
