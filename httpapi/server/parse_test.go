package server

import (
	"errors"
	"flag"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/pressmark/pressmark/httpapi"
)

// env is an environment for Parse.
type env map[string]string

func (e env) get(name string) string { return e[name] }

func TestParse(t *testing.T) {
	file := filepath.Join(t.TempDir(), "value")
	if err := os.WriteFile(file, []byte("127.0.0.1:7000\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		args []string
		env  env
		want Config
	}{
		"nothing": {},
		"variables": {
			env: env{
				"CALIBRE_LIBRARY_PATH": "/books", "WATCH_CALIBRE_DB": "false", "WATCH_SETTLE": "3", "WATCH_MAX_DELAY": "1m30s",
				"PUBLIC_READ": "true", "CORS_ORIGINS": "https://a.example, http://b.example:81", "CACHE_LOCAL_MAX_BYTES": "64MiB",
			},
			want: Config{
				Libraries: []Library{{Name: "main", Path: "/books"}}, NoWatch: true, WatchSettle: 3 * time.Second, WatchMaxDelay: 90 * time.Second,
				PublicRead: true, CORSOrigins: []string{"https://a.example", "http://b.example:81"}, CacheLocalMaxBytes: 64 << 20,
			},
		},
		"flags": {
			args: []string{"--calibre-library-path", "/books", "--public", "--listen-addr=:8000", "-log-level=debug"},
			want: Config{Libraries: []Library{{Name: "main", Path: "/books"}}, PublicRead: true, ListenAddr: ":8000", LogLevel: -4},
		},
		"a flag beats a variable": {
			args: []string{"--listen-addr=:1", "--public-read=false"},
			env:  env{"LISTEN_ADDR": ":2", "PUBLIC_READ": "true"},
			want: Config{ListenAddr: ":1"},
		},
		"a file":              {env: env{"LISTEN_ADDR_FILE": file}, want: Config{ListenAddr: "127.0.0.1:7000"}},
		"a flag beats a file": {args: []string{"--listen-addr=:1"}, env: env{"LISTEN_ADDR_FILE": file}, want: Config{ListenAddr: ":1"}},
		"empty is not set":    {env: env{"LISTEN_ADDR": "", "WATCH_SETTLE": " "}},
		"0 is none":           {env: env{"WATCH_SETTLE": "0", "THUMBNAIL_CACHE_MAX_BYTES": "0"}, want: Config{WatchSettle: -1, ThumbnailCacheMaxBytes: -1}},
		"switched off":        {env: env{"USE_GOOGLE_DRIVE": "FALSE", "DOWNLOAD_REDIRECT": "AUTO", "REDIS_URL": "off", "METRICS_ADDR": "off"}},
		"Drive": {
			args: []string{"--use-google-drive", "--calibre-library-path=main=/a,comics=/b"},
			env: env{
				"BOOKS_STORE": "local,PDF=gdrive", "GOOGLE_DRIVE_FOLDER_ID": "main=1,comics=2", "GOOGLE_DRIVE_CREDENTIALS_PATH": "/key.json", "GOOGLE_DRIVE_REQUESTS_PER_100S": "500",
				"GOOGLE_DRIVE_ENDPOINT_URL": "http://x", "DOWNLOAD_CACHE_DIR": "/cache", "DOWNLOAD_CACHE_MAX_BYTES": "0",
			},
			want: Config{
				Libraries:  []Library{{Name: "main", Path: "/a", DriveFolder: "1"}, {Name: "comics", Path: "/b", DriveFolder: "2"}},
				Drive:      Drive{Use: true, Credentials: "/key.json", RequestsPer100s: 500, Endpoint: "http://x"},
				BooksStore: map[string]string{"": "local", "PDF": "gdrive"}, DownloadCacheDir: "/cache", DownloadCacheMaxBytes: -1,
			},
		},
		"S3": {
			env: env{
				"USE_S3_COVERS": "true", "S3_BUCKET_NAME": "b", "AWS_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "i", "AWS_SECRET_ACCESS_KEY_FILE": file, "AWS_SESSION_TOKEN": "t",
				"S3_ENDPOINT_URL": "http://s3", "S3_PATH_STYLE": "no", "S3_COVERS_PREFIX": "c/", "S3_BOOKS_PREFIX": "d", "CDN_DOMAIN": "cdn", "S3_ENCRYPTION": "aws:kms", "S3_KMS_KEY_ID": "k",
				"BOOKS_STORE": "s3, pdf=local", "DOWNLOAD_REDIRECT": "false",
			},
			want: Config{
				S3: S3{
					Covers: true, Bucket: "b", Region: "eu-west-1", AccessKeyID: "i", SecretAccessKey: "127.0.0.1:7000", SessionToken: "t", Endpoint: "http://s3", HostStyle: true,
					CoversPrefix: "c/", BooksPrefix: "d", CDN: "cdn", Encryption: "aws:kms", KMSKeyID: "k",
				},
				BooksStore: map[string]string{"": "s3", "PDF": "local"}, DownloadRedirect: httpapi.RedirectNever,
			},
		},
		"no proxies but those of Compose": {
			env:  env{"TRUSTED_PROXIES": "172.30.243.10,none"},
			want: Config{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("172.30.243.10/32")}},
		},
		"several libraries": {
			args: []string{"--calibre-library-path", "main=/a,comics=/b, with comma/c=d"},
			env:  env{"CALIBRE_DATABASE_PATH": "comics=/db/metadata.db"},
			want: Config{Libraries: []Library{{Name: "main", Path: "/a"}, {Name: "comics", Path: "/b, with comma/c=d", Database: "/db/metadata.db"}}},
		},
		"database of the only library": {
			env:  env{"CALIBRE_LIBRARY_PATH": "old=/a", "CALIBRE_DATABASE_PATH": "/db"},
			want: Config{Libraries: []Library{{Name: "old", Path: "/a", Database: "/db"}}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Parse(c.args, c.env.get)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, c.want) {
				t.Errorf("got  %+v\nwant %+v", got, c.want)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		env  env
		want string // part of the message, which begins with the setting
	}{
		"unknown flag":         {args: []string{"--nope=1"}, want: "--nope: "},
		"argument":             {args: []string{"/books"}, want: "/books: "},
		"no value":             {args: []string{"--listen-addr"}, want: "--listen-addr: "},
		"empty value":          {args: []string{"--listen-addr="}, want: "--listen-addr: "},
		"twice":                {args: []string{"--public", "--public-read"}, want: "--public-read: it is given twice"},
		"duration":             {env: env{"WATCH_SETTLE": "soon"}, want: `WATCH_SETTLE: "soon" is not a duration`},
		"negative duration":    {env: env{"WATCH_SETTLE": "-1s"}, want: `WATCH_SETTLE: "-1s" is not`},
		"poll":                 {env: env{"WATCH_POLL": "0"}, want: "WATCH_POLL: "},
		"bool":                 {env: env{"PUBLIC_READ": "maybe"}, want: "PUBLIC_READ: "},
		"size":                 {env: env{"THUMBNAIL_CACHE_MAX_BYTES": "many"}, want: "THUMBNAIL_CACHE_MAX_BYTES: "},
		"level":                {env: env{"LOG_LEVEL": "loud"}, want: "LOG_LEVEL: "},
		"format":               {env: env{"LOG_FORMAT": "xml"}, want: "LOG_FORMAT: "},
		"zone":                 {env: env{"TZ": "Mars/Base"}, want: "TZ: "},
		"origin":               {env: env{"CORS_ORIGINS": "https://a.example/path"}, want: "CORS_ORIGINS: "},
		"file that is missing": {env: env{"BASE_URL_FILE": "/no/such/file"}, want: "BASE_URL_FILE: "},
		"file beside a value":  {env: env{"BASE_URL": "http://x", "BASE_URL_FILE": "/f"}, want: "BASE_URL_FILE: BASE_URL is set as well"},
		"unnamed and named":    {env: env{"CALIBRE_LIBRARY_PATH": "/a,comics=/b"}, want: "CALIBRE_LIBRARY_PATH: "},
		"name":                 {env: env{"CALIBRE_LIBRARY_PATH": "Main=/a"}, want: `CALIBRE_LIBRARY_PATH: library name "Main"`},
		"name twice":           {env: env{"CALIBRE_LIBRARY_PATH": "a=/a,a=/b"}, want: `CALIBRE_LIBRARY_PATH: two values are named "a"`},
		"no folder":            {env: env{"CALIBRE_LIBRARY_PATH": "a=/a,b="}, want: `CALIBRE_LIBRARY_PATH: library "b" has no folder`},
		"database of nothing":  {env: env{"CALIBRE_DATABASE_PATH": "/a"}, want: "CALIBRE_DATABASE_PATH: it goes with CALIBRE_LIBRARY_PATH"},
		"database of whom":     {env: env{"CALIBRE_LIBRARY_PATH": "/a", "CALIBRE_DATABASE_PATH": "b=/b"}, want: "CALIBRE_DATABASE_PATH: "},
		"later by variable":    {env: env{"PUBLISH_CATALOG_URL": "abc"}, want: "PUBLISH_CATALOG_URL: what this sets is not available in this version"},
		"folder of nothing":    {env: env{"GOOGLE_DRIVE_FOLDER_ID": "abc"}, want: "GOOGLE_DRIVE_FOLDER_ID: it goes with CALIBRE_LIBRARY_PATH"},
		"few requests":         {env: env{"GOOGLE_DRIVE_REQUESTS_PER_100S": "9"}, want: "GOOGLE_DRIVE_REQUESTS_PER_100S: "},
		"Redis is no address":  {env: env{"REDIS_URL": "cache:6379"}, want: "REDIS_URL: an address such as redis://"},
		"later by flag":        {args: []string{"--publish-catalog-url=true"}, want: "--publish-catalog-url: what this sets is not available"},
		"later, a bare flag":   {args: []string{"--publish-catalog-url"}, want: "--publish-catalog-url: "},
		"later, out of a file": {env: env{"SECRET_KEY_FILE": "/run/secrets/key"}, want: "SECRET_KEY_FILE: "},
		"too much memory":      {env: env{"CACHE_LOCAL_MAX_BYTES": "4TB"}, want: "CACHE_LOCAL_MAX_BYTES: "},
		"books nowhere":        {env: env{"BOOKS_STORE": "local,PDF=tape"}, want: `BOOKS_STORE: "tape" is not a place`},
		"books twice":          {env: env{"BOOKS_STORE": "PDF=s3,pdf=local"}, want: "BOOKS_STORE: "},
		"redirect":             {env: env{"DOWNLOAD_REDIRECT": "sometimes"}, want: "DOWNLOAD_REDIRECT: "},
		"library on the web":   {env: env{"CALIBRE_LIBRARY_URL": "https://x"}, want: "CALIBRE_LIBRARY_URL: "},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse(c.args, c.env.get)
			var wrong *ConfigError
			if !errors.As(err, &wrong) || !strings.HasPrefix(err.Error(), c.want) {
				t.Fatalf("got %v, want %s", err, c.want)
			}
			if strings.Contains(err.Error(), "secret@") {
				t.Errorf("the message shows a secret: %v", err)
			}
		})
	}
}

func TestParseReportsAllAtOnce(t *testing.T) {
	_, err := Parse([]string{"--nope"}, env{"WATCH_SETTLE": "soon", "REDIS_URL": "redis:6379"}.get)
	for _, name := range []string{"--nope", "WATCH_SETTLE", "REDIS_URL"} {
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s is not in: %v", name, err)
		}
	}
}

func TestParseHelp(t *testing.T) {
	for _, arg := range []string{"-h", "--help"} {
		if _, err := Parse([]string{"--public", arg}, env{}.get); !errors.Is(err, flag.ErrHelp) {
			t.Errorf("%s: %v", arg, err)
		}
	}
}

func TestSizes(t *testing.T) {
	for s, want := range map[string]int64{
		"0": 0, "17": 17, "17B": 17, "2KiB": 2048, "128MiB": 128 << 20, "10 GiB": 10 << 30, "1TiB": 1 << 40, "3kB": 3000, "1GB": 1e9,
	} {
		if got, err := parseSize(s); err != nil || got != want {
			t.Errorf("%q: %d, %v; want %d", s, got, err, want)
		}
	}
	for _, s := range []string{"-1", "1.5GiB", "MiB", "12M", "9999999TiB", "1GiBB", "99999999999999999999", "Mi1"} {
		if got, err := parseSize(s); err == nil {
			t.Errorf("%q was read as %d", s, got)
		}
	}
}

// TestDefaultsMatchHelp takes the defaults that help shows as values, and
// expects the configuration that leaving them out gives.
func TestDefaultsMatchHelp(t *testing.T) {
	shown := Config{Libraries: []Library{{Path: "/books"}}, DataDir: "/data"}
	for _, s := range settings() {
		if s.def != "" && s.name != "DATA_DIR" {
			if err := s.set(&shown, s.def); err != nil {
				t.Errorf("%s: default %q: %v", s.name, s.def, err)
			}
		}
	}
	left := Config{Libraries: []Library{{Path: "/books"}}, DataDir: "/data"}
	// watch and covers fill these in themselves.
	left.WatchSettle, left.WatchMaxDelay, left.WatchPoll, left.ThumbnailCacheMaxBytes = 2*time.Second, 10*time.Second, 5*time.Second, 1<<30
	shown.PublicRead, left.PublicRead = true, true
	a, errA := shown.withDefaults()
	b, errB := left.withDefaults()
	if errA != nil || errB != nil || !reflect.DeepEqual(a, b) {
		t.Errorf("as shown  %+v, %v\nleft out  %+v, %v", a, errA, b, errB)
	}
}

func TestSettingsAreNamedOnce(t *testing.T) {
	seen := map[string]bool{}
	for name := range later() {
		seen[name] = true
	}
	for _, s := range settings() {
		if seen[s.name] || s.help == "" || s.set == nil {
			t.Errorf("%s is listed twice, or lacks something", s.name)
		}
		seen[s.name] = true
	}
}
