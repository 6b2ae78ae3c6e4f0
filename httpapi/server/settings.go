package server

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// setting is one thing that a user can set, by variable or by flag.
type setting struct {
	name  string // of the variable
	short string // another name for the flag
	value string // what stands for the value in the help, with its unit
	def   string // the default, as a user would write it; "" if there is none
	help  string
	group string // the first of each group has its heading
	set   func(c *Config, value string) error
}

// flag is the name of the setting's flag, without dashes in front.
func (s *setting) flag() string {
	return strings.ToLower(strings.ReplaceAll(s.name, "_", "-"))
}

func (s *setting) isBool() bool { return s.value == "BOOL" }

// settings lists every setting in the order in which help shows them.
func settings() []setting {
	return append([]setting{
		{
			group: "Library", name: "CALIBRE_LIBRARY_PATH", value: "PATH",
			help: "Folder of the Calibre library, the one that holds metadata.db. Several: main=/books,comics=/comics; the first is the default.",
			set:  setLibraries,
		},
		{
			name: "CALIBRE_DATABASE_PATH", value: "PATH",
			help: "metadata.db, if it is not in the library's folder. Several: name=path,name=path.",
			set:  perLibrary(func(l *Library) *string { return &l.Database }),
		},
		{
			name: "WATCH_CALIBRE_DB", value: "BOOL", def: "true",
			help: "Follow the changes that Calibre makes.",
			set: func(c *Config, v string) error {
				watch, err := parseBool(v)
				c.NoWatch = !watch
				return err
			},
		},
		{
			name: "WATCH_SETTLE", value: "DURATION", def: "2s",
			help: "How long a library must be quiet before its changes are read.",
			set:  durationOrNone(func(c *Config) *time.Duration { return &c.WatchSettle }),
		},
		{
			name: "WATCH_MAX_DELAY", value: "DURATION", def: "10s",
			help: "The longest time that a change waits for quiet. 0: without bound.",
			set:  durationOrNone(func(c *Config) *time.Duration { return &c.WatchMaxDelay }),
		},
		{
			name: "WATCH_POLL", value: "DURATION", def: "5s",
			help: "Time between two looks at the files, for network shares and bind mounts.",
			set: func(c *Config, v string) error {
				d, err := parseDuration(v)
				if err == nil && d < 100*time.Millisecond {
					err = fmt.Errorf("%q is too short; 100ms is the least", v)
				}
				c.WatchPoll = d
				return err
			},
		},
		{
			name: "TZ", value: "ZONE",
			help: "Time zone of log lines and of dates in searches, such as Europe/Berlin. Without it the machine's.",
			set: func(c *Config, v string) error {
				zone, err := time.LoadLocation(v)
				if err != nil {
					return fmt.Errorf("%q is not a time zone such as Europe/Berlin", v)
				}
				c.TimeZone = zone
				return nil
			},
		},
		{
			group: "Server", name: "LISTEN_ADDR", value: "HOST:PORT", def: defaultListenAddr,
			help: "Address to listen on. :8000 listens on all of the machine's.",
			set:  text(func(c *Config) *string { return &c.ListenAddr }),
		},
		{
			name: "BASE_URL", value: "URL",
			help: "Address under which clients reach the server. Its path is what everything is served under.",
			set:  text(func(c *Config) *string { return &c.BaseURL }),
		},
		{
			name: "TRUSTED_PROXIES", value: "NETWORKS", def: "none",
			help: "Networks of the proxies in front, with commas between: 127.0.0.1, 10.0.0.0/8. Their X-Forwarded-For, -Proto and -Host are believed, nobody else's.",
			set:  setProxies,
		},
		{
			name: "DATA_DIR", value: "PATH", def: "~/.local/share/pressmark",
			help: "Folder for accounts, private copies of metadata.db and thumbnails. Never in a library.",
			set:  text(func(c *Config) *string { return &c.DataDir }),
		},
		{
			name: "PUBLIC_READ", short: "public", value: "BOOL", def: "false",
			help: "Serve without login to everybody who can reach the server.",
			set: func(c *Config, v string) (err error) {
				c.PublicRead, err = parseBool(v)
				return err
			},
		},
		{
			name: "CORS_ORIGINS", value: "ORIGINS",
			help: "Origins whose pages may call the API, with commas between: https://reader.example, or * for all.",
			set:  setOrigins,
		},
		{
			name: "TLS_CERT_FILE", value: "PATH",
			help: "Certificate chain (PEM) for HTTPS, with TLS_KEY_FILE. One that replaces it is noticed.",
			set:  text(func(c *Config) *string { return &c.TLSCertFile }),
		},
		{
			name: "TLS_KEY_FILE", value: "PATH",
			help: "Private key (PEM) of the certificate.",
			set:  text(func(c *Config) *string { return &c.TLSKeyFile }),
		},
		{
			name: "SHUTDOWN_TIMEOUT", value: "DURATION", def: "10s",
			help: "How long downloads may go on when the server is told to stop.",
			set:  durationOrNone(func(c *Config) *time.Duration { return &c.ShutdownTimeout }),
		},
		{
			name: "SHUTDOWN_DELAY", value: "DURATION", def: "0",
			help: "How much of that it goes on taking requests, with /api/health/ready at 503, so that balancers in front notice. A few seconds where several replicas are.",
			set: func(c *Config, v string) (err error) {
				c.ShutdownDelay, err = parseDuration(v)
				return err
			},
		},
		{
			name: "METRICS_ADDR", value: "HOST:PORT", def: "off",
			help: "Address on which Prometheus is answered, at /metrics. Nobody logs in there: keep it from the world.",
			set: func(c *Config, v string) error {
				if !strings.EqualFold(v, "off") {
					c.MetricsAddr = v
				}
				return nil
			},
		},
		{
			name: "LOG_LEVEL", value: "LEVEL", def: "info",
			help: "debug, info, warn or error.",
			set: func(c *Config, v string) (err error) {
				c.LogLevel, err = parseLogLevel(v)
				return err
			},
		},
		{
			name: "LOG_FORMAT", value: "FORMAT",
			help: "text or json. Without it text on a terminal, else json.",
			set: func(c *Config, v string) error {
				c.LogFormat = strings.ToLower(v)
				if c.LogFormat != "text" && c.LogFormat != "json" {
					return fmt.Errorf("%q is neither text nor json", v)
				}
				return nil
			},
		},
		{
			group: "Users", name: "SECRET_KEY", value: "KEY",
			help: "What tokens are signed with, at least 32 bytes, the same on every replica: openssl rand -base64 48. Without it a key in DATA_DIR, made at the first start.",
			set:  text(func(c *Config) *string { return &c.SecretKey }),
		},
		{
			name: "SECRET_KEY_OLD", value: "KEYS",
			help: "Keys of before, with commas between: what they signed stays good for as long as they are here. App passwords that are used move to the new key.",
			set: func(c *Config, v string) error {
				c.OldSecretKeys = list(v)
				return nil
			},
		},
		{
			name: "ACCESS_TOKEN_TTL", value: "DURATION", def: "30m",
			help: "How long an access token lasts.",
			set:  positive(func(c *Config) *time.Duration { return &c.AccessTokenTTL }),
		},
		{
			name: "REFRESH_TOKEN_TTL", value: "DURATION", def: "168h",
			help: "How long a login lasts without being used.",
			set:  positive(func(c *Config) *time.Duration { return &c.RefreshTokenTTL }),
		},
		{
			name: "AUTH_CACHE_TTL", value: "DURATION", def: "300",
			help: "How long an account is remembered before it is asked for again. 0: not at all.",
			set:  durationOrNone(func(c *Config) *time.Duration { return &c.AuthCacheTTL }),
		},
		{
			name: "ENABLE_AUTH_CACHE", value: "BOOL", def: "true",
			help: "Remember accounts.",
			set: func(c *Config, v string) error {
				on, err := parseBool(v)
				if !on {
					c.AuthCacheTTL = -1
				}
				return err
			},
		},
		{
			name: "DATABASE_URL", value: "URL",
			help: "PostgreSQL database of accounts: postgres://user:password@host:5432/database?pool_max_conns=10 (which is the default). Without it the SQLite file pressmark.db in DATA_DIR.",
			set:  text(func(c *Config) *string { return &c.DatabaseURL }),
		},
		{
			name: "ARGON2_MEMORY", value: "SIZE", def: "19MiB",
			help: "Memory that hashing one password takes.",
			set: func(c *Config, v string) (err error) {
				c.Argon2Memory, err = parseSize(v)
				if err == nil && (c.Argon2Memory < 8<<20 || c.Argon2Memory > 4<<30) {
					err = fmt.Errorf("%q: 8MiB to 4GiB were expected", v)
				}
				return err
			},
		},
		{
			name: "ARGON2_TIME", value: "PASSES", def: "2",
			help: "How often hashing a password goes over that memory.",
			set: func(c *Config, v string) (err error) {
				c.Argon2Time, err = strconv.Atoi(v)
				if err != nil || c.Argon2Time < 1 || c.Argon2Time > 100 {
					err = fmt.Errorf("%q: 1 to 100 were expected", v)
				}
				return err
			},
		},
		{
			group: "Caches", name: "REDIS_URL", value: "URL", def: "off",
			help: "Redis that replicas share: redis://user:password@host:6379/0, rediss:// with TLS. A Cluster: host:7000,host:7001,host:7002.",
			set: func(c *Config, v string) error {
				if !strings.EqualFold(v, "off") {
					c.RedisURL = v
				}
				return checkRedis(c.RedisURL)
			},
		},
		{
			name: "REDIS_PREFIX", value: "TEXT",
			help: "What all keys in Redis begin with, where several programs share it.",
			set:  text(func(c *Config) *string { return &c.RedisPrefix }),
		},
		{
			name: "CACHE_TTL", value: "DURATION", def: "3600",
			help: "How long answers that nobody asks for are kept. What changes is seen at once, however long. 0: none are kept.",
			set:  durationOrNone(func(c *Config) *time.Duration { return &c.CacheTTL }),
		},
		{
			name: "CACHE_LOCAL_MAX_BYTES", value: "SIZE", def: "128MiB",
			help: "Memory for what is kept in this process: answers ready to be sent, accounts, thumbnails. 0: nothing is.",
			set: func(c *Config, v string) error {
				n, err := parseSize(v)
				if err == nil && n > 1<<40 {
					err = fmt.Errorf("%q: 1TiB at most was expected", v)
				}
				c.CacheLocalMaxBytes = noneIfZero(n)
				return err
			},
		},
		{
			name: "THUMBNAIL_CACHE_MAX_BYTES", value: "SIZE", def: "1GiB",
			help: "Disk space in DATA_DIR for thumbnails. 0: none, they are kept in memory, and in Redis if there is one.",
			set:  sizeOrNone(func(c *Config) *int64 { return &c.ThumbnailCacheMaxBytes }),
		},
		{
			name: "DOWNLOAD_CACHE_DIR", value: "PATH",
			help: "Folder for books of Google Drive that were downloaded, and for those of S3 that are passed on. Without it downloads in DATA_DIR, and not for S3.",
			set:  text(func(c *Config) *string { return &c.DownloadCacheDir }),
		},
		{
			name: "DOWNLOAD_CACHE_MAX_BYTES", value: "SIZE", def: "10GiB",
			help: "Disk space for them. 0: none are kept.",
			set:  sizeOrNone(func(c *Config) *int64 { return &c.DownloadCacheMaxBytes }),
		},
	}, slices.Concat(limitSettings(), storeSettings(), traceSettings())...)
}

func text(field func(*Config) *string) func(*Config, string) error {
	return func(c *Config, v string) error {
		*field(c) = v
		return nil
	}
}

func positive(field func(*Config) *time.Duration) func(*Config, string) error {
	return func(c *Config, v string) error {
		d, err := parseDuration(v)
		if err == nil && d < time.Second {
			err = fmt.Errorf("%q is too short; 1s is the least", v)
		}
		*field(c) = d
		return err
	}
}

func durationOrNone(field func(*Config) *time.Duration) func(*Config, string) error {
	return func(c *Config, v string) error {
		d, err := parseDuration(v)
		*field(c) = noneIfZero(d)
		return err
	}
}

func sizeOrNone(field func(*Config) *int64) func(*Config, string) error {
	return func(c *Config, v string) error {
		n, err := parseSize(v)
		*field(c) = noneIfZero(n)
		return err
	}
}

func setLibraries(c *Config, v string) error {
	vals, err := parseNamed(v)
	if err != nil {
		return err
	}
	for _, l := range vals {
		if l.name == "" {
			l.name = defaultLibrary
		}
		if l.value == "" {
			return fmt.Errorf("library %q has no folder", l.name)
		}
		c.Libraries = append(c.Libraries, Library{Name: l.name, Path: l.value})
	}
	return nil
}

// perLibrary is a setting that each library has for itself. It comes after
// setLibraries, in the order of settings.
func perLibrary(field func(*Library) *string) func(*Config, string) error {
	return func(c *Config, v string) error {
		vals, err := parseNamed(v)
		if err != nil {
			return err
		}
	next:
		for _, val := range vals {
			for i := range c.Libraries {
				if c.Libraries[i].Name == val.name || val.name == "" {
					*field(&c.Libraries[i]) = val.value
					continue next
				}
			}
			if len(c.Libraries) == 0 {
				return errors.New("it goes with CALIBRE_LIBRARY_PATH, which is missing")
			}
			return fmt.Errorf("%q is no library that CALIBRE_LIBRARY_PATH names", val.name)
		}
		return nil
	}
}

func setProxies(c *Config, v string) error {
	for _, text := range list(v) {
		if strings.EqualFold(text, "none") {
			continue
		}
		p, err := netip.ParsePrefix(text)
		if addr, bad := netip.ParseAddr(text); bad == nil {
			p, err = netip.PrefixFrom(addr, addr.BitLen()), nil
		}
		if err != nil {
			return fmt.Errorf("%q is not a network such as 10.0.0.0/8, or an address", text)
		}
		c.TrustedProxies = append(c.TrustedProxies, p.Masked())
	}
	return nil
}

func setOrigins(c *Config, v string) error {
	for _, origin := range list(v) {
		if p, err := prefixOf(origin); origin != "*" && (err != nil || p != "" || strings.HasSuffix(origin, "/")) {
			return fmt.Errorf("%q is not an origin such as https://reader.example", origin)
		}
		c.CORSOrigins = append(c.CORSOrigins, origin)
	}
	return nil
}
