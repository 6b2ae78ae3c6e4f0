package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/pressmark/pressmark/auth"
	"github.com/pressmark/pressmark/httpapi"
	"github.com/pressmark/pressmark/httpapi/ratelimit"
)

// Config says what is served and how. Only Libraries has to be given; every other zero value stands for the default.
//
// A program that is configured by its users gets a Config from [Parse]; one
// that embeds the server fills it in.
type Config struct {
	// Libraries are the Calibre libraries to serve. The first is the default.
	Libraries []Library
	// PublicRead lets everybody who can reach the server read everything in
	// it. Without it only users who log in do.
	PublicRead bool

	// ListenAddr is the TCP address that Listen listens on. Empty means
	// 127.0.0.1:8000, which only this machine can reach.
	ListenAddr string
	// BaseURL is the address under which clients reach the server, such as
	// https://books.example/library. Its path is what everything is served
	// under; a proxy in front passes paths on as they are. Empty means the
	// root of whatever address is used.
	BaseURL string
	// TrustedProxies are the networks of proxies in front, whose X-Forwarded-For,
	// -Proto and -Host are believed. Empty believes nobody.
	TrustedProxies []netip.Prefix
	// TLSCertFile and TLSKeyFile are PEM files that make the server speak
	// HTTPS. They are read by Open, and again when they have changed. Empty means
	// plain HTTP.
	TLSCertFile, TLSKeyFile string
	// CORSOrigins are the origins whose pages may call the API, such as
	// https://reader.example, or * for all. Empty allows none.
	CORSOrigins []string
	// ShutdownTimeout is how long downloads may go on once the server is told
	// to stop. 0 means 10 s; negative breaks them off at once.
	ShutdownTimeout time.Duration
	// ShutdownDelay is how long the server goes on taking requests once it is told
	// to stop, while readiness is 503 and each answer ends its connection, so that
	// balancers in front send nothing here any more when it closes. It is a part of
	// ShutdownTimeout. 0 means not at all.
	ShutdownDelay time.Duration

	// DataDir is the folder for all that the server keeps: private copies of
	// metadata.db, thumbnails, accounts. It is made if it is missing, and several servers
	// may share it. Empty means the user's data folder (see DefaultDataDir).
	DataDir string
	// SecretKey is what tokens are signed with: at least 32 bytes, the same on
	// every replica. Empty means the key in the file secret.key in DataDir, which
	// is made if there is none.
	SecretKey string
	// OldSecretKeys are keys of before, whose tokens and app passwords are good
	// for as long as they are listed.
	OldSecretKeys []string
	// AccessTokenTTL is how long an access token lasts. 0 means 30 min.
	AccessTokenTTL time.Duration
	// RefreshTokenTTL is how long a session lasts without being used. 0 means
	// 7 days.
	RefreshTokenTTL time.Duration
	// AuthCacheTTL is how long an account is remembered before it is asked for
	// again. 0 means 5 min; negative asks with every request.
	AuthCacheTTL time.Duration
	// DatabaseURL is the PostgreSQL database in which accounts are kept, such as
	// postgres://user:password@host:5432/database?pool_max_conns=20. Empty means
	// the SQLite file pressmark.db in DataDir.
	DatabaseURL string
	// Argon2Memory, in bytes, and Argon2Time, in passes, are what hashing a
	// password takes. 0 means 19 MiB and 2. Hashes made with less are replaced
	// when their users log in.
	Argon2Memory int64
	Argon2Time   int
	// HashCommand is a program and its arguments that hash passwords in a process
	// of their own (see auth/passwordproc), so that readers do not wait for who
	// logs in. Empty hashes them in this process.
	HashCommand []string
	// CacheLocalMaxBytes bounds what the cache keeps in this process: answers
	// ready to be sent, accounts, thumbnails, what searches have selected. 0 means
	// 128 MiB; negative keeps none.
	CacheLocalMaxBytes int64
	// CacheTTL is how long answers that nobody asks for are kept. 0 means 1 h;
	// negative keeps none.
	CacheTTL time.Duration
	// RedisURL is the Redis that replicas share, as [rediscache.ParseURL] reads it.
	// Empty is none.
	RedisURL string
	// RedisPrefix is what all keys in it begin with. Empty is none.
	RedisPrefix string
	// MetricsAddr is the TCP address on which Serve answers Prometheus, at
	// /metrics. Empty is none.
	MetricsAddr string
	// ThumbnailCacheMaxBytes bounds the thumbnails kept in DataDir. 0 means
	// 1 GiB; negative keeps none on disk.
	ThumbnailCacheMaxBytes int64

	// S3 is where files are in S3.
	S3 S3
	// Drive is how files in Google Drive are read.
	Drive Drive
	// BooksStore says where books are, "local" for the library's folder, "s3" or
	// "gdrive", by format in upper case; "" is all that are not named. What is not
	// there is looked for in the folder.
	BooksStore map[string]string
	// DownloadRedirect says who is sent to S3 and not sent the file.
	DownloadRedirect httpapi.Redirect
	// DownloadCacheDir is where books of Drive are kept on this machine's disk, and
	// those of S3 that are passed on. Empty is downloads in DataDir, and not for S3.
	DownloadCacheDir string
	// DownloadCacheMaxBytes bounds what they take. 0 means 10 GiB; negative keeps
	// none.
	DownloadCacheMaxBytes int64

	// RateLimitUser and RateLimitNetwork are how many requests each user, and each
	// network of who is not logged in, may send. The zero value means 300 a second
	// and 3,000 at once; a negative PerSecond means no limit.
	RateLimitUser, RateLimitNetwork ratelimit.Rate
	// MaxDownloads bounds the downloads that go on at a time. 0 means 1,000;
	// negative means no bound.
	MaxDownloads int
	// MaxConnections bounds the connections that Serve has open at a time, of which
	// one network may have a quarter. 0 means two thirds of the files that the
	// process may open, and 20,000 at most; negative means no bound.
	MaxConnections int

	// NoWatch reads each library once and does not look for changes.
	NoWatch bool
	// WatchSettle is how long a library must be quiet before its changes are
	// read. 0 means 2 s; negative reads them at once.
	WatchSettle time.Duration
	// WatchMaxDelay is the longest time that a change waits for quiet. 0 means
	// 10 s; negative means that there is no bound.
	WatchMaxDelay time.Duration
	// WatchPoll is the time between two looks at the files, for changes that
	// the operating system does not tell of. 0 means 5 s.
	WatchPoll time.Duration

	// OTLPEndpoint is where traces are sent by OpenTelemetry's protocol, such as
	// http://collector:4318; OTLPProtocol is "http/protobuf", which empty stands for,
	// or "grpc". The OTEL_ variables of the environment that OpenTelemetry's own code
	// reads have their say, such as those about sampling, headers and resources. An
	// empty endpoint is none: then nothing is traced.
	OTLPEndpoint, OTLPProtocol string

	// Version is shown by health and the OpenAPI document. Empty means "dev".
	Version string
	// Now is the clock that tokens, sessions, what users have made of books and
	// caches go by, for tests that set it. nil means time.Now.
	Now func() time.Time
	// Logger gets a few lines for operators. nil means slog.Default.
	Logger *slog.Logger

	// TimeZone is where dates in searches are compared, and of the times that
	// NewLogger writes. nil is the machine's.
	TimeZone *time.Location
	// LogLevel and LogFormat ("text", "json", or empty for the one that suits
	// the output) are for NewLogger; the server itself does not look at them.
	LogLevel  slog.Level
	LogFormat string
	// Level, if it is given, is set to LogLevel by NewLogger, and by Server.Reload
	// to another; the logger follows it.
	Level *slog.LevelVar

	derive      func(context.Context, auth.Derivation) ([]byte, error)
	instruments *instruments // nil: nothing is measured
}

// Library is a Calibre library on this machine.
type Library struct {
	// Name is how requests name the library (?library=name): 1 to 64
	// lower-case letters, digits, '-' or '_'. Empty means "main".
	Name string
	// Path is the library's folder.
	Path string
	// Database is the path of metadata.db. Empty means metadata.db in Path.
	Database string
	// DriveFolder is the id of the folder in Google Drive that has the library's
	// books. Empty is none: they are all in Path, or in S3.
	DriveFolder string
}

// ConfigError is a setting that cannot be used.
type ConfigError struct {
	// Setting is the name of the variable, such as "LISTEN_ADDR", or the flag
	// as it was given, if that is unknown.
	Setting string
	// Reason says what is wrong with it.
	Reason string
}

func (e *ConfigError) Error() string { return e.Setting + ": " + e.Reason }

const defaultListenAddr = "127.0.0.1:8000"

// withDefaults checks c and fills in what is left open.
func (c Config) withDefaults() (Config, error) {
	var errs []error
	refuse := func(setting, format string, args ...any) {
		errs = append(errs, &ConfigError{setting, fmt.Sprintf(format, args...)})
	}
	if len(c.Libraries) == 0 {
		refuse("CALIBRE_LIBRARY_PATH", "name the folder of a Calibre library, the one that holds metadata.db")
	}
	seen := map[string]bool{}
	libraries := make([]Library, len(c.Libraries))
	for i, l := range c.Libraries {
		if l.Name == "" {
			l.Name = defaultLibrary
		}
		switch {
		case !validName(l.Name):
			refuse("CALIBRE_LIBRARY_PATH", "library name %q is not 1 to 64 of a-z, 0-9, '-' and '_'", l.Name)
		case seen[l.Name]:
			refuse("CALIBRE_LIBRARY_PATH", "two libraries are named %q", l.Name)
		case l.Path == "":
			refuse("CALIBRE_LIBRARY_PATH", "library %q has no folder", l.Name)
		}
		seen[l.Name] = true
		libraries[i] = l
	}
	c.Libraries = libraries
	if c.ListenAddr == "" {
		c.ListenAddr = defaultListenAddr
	}
	if _, _, err := net.SplitHostPort(c.ListenAddr); err != nil {
		refuse("LISTEN_ADDR", "%q is not host:port", c.ListenAddr)
	}
	if _, err := prefixOf(c.BaseURL); err != nil {
		refuse("BASE_URL", "%v", err)
	}
	if (c.TLSCertFile == "") != (c.TLSKeyFile == "") {
		refuse("TLS_CERT_FILE", "it goes with TLS_KEY_FILE: give both or none")
	}
	c = c.withLimitDefaults()
	var err error
	if c, err = c.withUserDefaults(); err != nil {
		errs = append(errs, err)
	}
	if c, err = c.withStoreDefaults(); err != nil {
		errs = append(errs, err)
	}
	if c.DatabaseURL != "" {
		if _, err := postgresConfig(c.DatabaseURL); err != nil {
			refuse("DATABASE_URL", "%v", err)
		}
	}
	if c.Argon2Memory == 0 {
		c.Argon2Memory = 19 << 20
	}
	if c.Argon2Time == 0 {
		c.Argon2Time = 2
	}
	if _, err := c.passwords(); err != nil {
		errs = append(errs, err)
	}
	if c.ShutdownTimeout == 0 {
		c.ShutdownTimeout = 10 * time.Second
	}
	if c.ShutdownDelay < 0 || c.ShutdownDelay > 0 && c.ShutdownDelay >= c.ShutdownTimeout {
		refuse("SHUTDOWN_DELAY", "%s is not shorter than SHUTDOWN_TIMEOUT, %s, of which it is a part", c.ShutdownDelay, max(0, c.ShutdownTimeout))
	}
	if c.CacheLocalMaxBytes == 0 {
		c.CacheLocalMaxBytes = 128 << 20
	}
	if c.CacheTTL == 0 {
		c.CacheTTL = time.Hour
	}
	if err := checkRedis(c.RedisURL); err != nil {
		refuse("REDIS_URL", "%v", err)
	}
	if c.MetricsAddr != "" {
		if _, _, err := net.SplitHostPort(c.MetricsAddr); err != nil {
			refuse("METRICS_ADDR", "%q is not host:port", c.MetricsAddr)
		}
	}
	c.checkTracing(refuse)
	if c.DataDir == "" {
		dir, err := DefaultDataDir()
		if err != nil {
			refuse("DATA_DIR", "%v", err)
		}
		c.DataDir = dir
	}
	if c.Version == "" {
		c.Version = "dev"
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return c, errors.Join(errs...)
}

// withUserDefaults checks and fills in what is about logins.
func (c Config) withUserDefaults() (Config, error) {
	var errs []error
	if c.SecretKey != "" {
		if err := checkSecret(c.SecretKey); err != nil {
			errs = append(errs, &ConfigError{"SECRET_KEY", err.Error()})
		}
	}
	for _, key := range c.OldSecretKeys {
		if err := checkSecret(key); err != nil {
			errs = append(errs, &ConfigError{"SECRET_KEY_OLD", err.Error()})
		}
	}
	if c.AccessTokenTTL == 0 {
		c.AccessTokenTTL = 30 * time.Minute
	}
	if c.RefreshTokenTTL == 0 {
		c.RefreshTokenTTL = 7 * 24 * time.Hour
	}
	if c.AccessTokenTTL < 0 || c.RefreshTokenTTL < c.AccessTokenTTL {
		errs = append(errs, &ConfigError{"ACCESS_TOKEN_TTL, REFRESH_TOKEN_TTL", "a session has to last as long as an access token at least"})
	}
	if c.AuthCacheTTL == 0 {
		c.AuthCacheTTL = 5 * time.Minute
	}
	return c, errors.Join(errs...)
}

// prefixOf returns the path of a base URL without the slash at its end.
func prefixOf(base string) (string, error) {
	if base == "" {
		return "", nil
	}
	u, err := url.Parse(base)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return "", fmt.Errorf("%q is not like https://books.example/path", base)
	}
	return strings.TrimRight(u.Path, "/"), nil
}

// originOf returns the origin of a base URL that prefixOf has read.
func originOf(base string) string {
	u, err := url.Parse(base)
	if base == "" || err != nil {
		return ""
	}
	return u.Scheme + "://" + u.Host
}

// DefaultDataDir returns the folder named pressmark in the user's data folder:
// $XDG_DATA_HOME or ~/.local/share, on macOS ~/Library/Application Support, on
// Windows %LocalAppData%.
func DefaultDataDir() (string, error) {
	switch runtime.GOOS {
	case "windows", "darwin":
		dir, err := os.UserConfigDir()
		if local := os.Getenv("LocalAppData"); runtime.GOOS == "windows" && local != "" {
			dir, err = local, nil
		}
		return filepath.Join(dir, "pressmark"), err
	}
	if dir := os.Getenv("XDG_DATA_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "pressmark"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("there is no home folder to keep data in; name a folder: %w", err)
	}
	return filepath.Join(home, ".local", "share", "pressmark"), nil
}
