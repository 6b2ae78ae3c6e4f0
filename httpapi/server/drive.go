package server

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"google.golang.org/api/drive/v3"
	"google.golang.org/api/option"

	"github.com/pressmark/pressmark/cache"
	"github.com/pressmark/pressmark/cache/memcache"
	"github.com/pressmark/pressmark/httpapi"
	"github.com/pressmark/pressmark/storage"
	"github.com/pressmark/pressmark/storage/diskcache"
	"github.com/pressmark/pressmark/storage/gdrivestore"
)

// Drive says how files in Google Drive are read. Which folder a library has there
// is in [Library.DriveFolder].
type Drive struct {
	// Use has books be there that Config.BooksStore does not place elsewhere.
	Use bool
	// Credentials is the path of a service account's key. Empty are the credentials
	// that the machine has (Application Default Credentials).
	Credentials string
	// RequestsPer100s is how many requests are sent in any 100 s at most, for all
	// libraries. 0 means 1000.
	RequestsPer100s int
	// Endpoint is the address of a server that speaks the Drive API, for tests and
	// proxies. Empty is Google's.
	Endpoint string
}

const (
	defaultDriveRequests = 1000
	driveCheck           = 5 * time.Second
	defaultDownloadCache = 10 << 30
	driveLetters         = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_" // of ids
)

// usesDrive reports whether any books are in Drive.
func (c *Config) usesDrive() bool { return c.places(placeDrive) }

// checkDrive refuses what cannot be used of the settings of Drive, and fills in the
// others.
func (c *Config) checkDrive(refuse func(setting, format string, args ...any)) {
	o := &c.Drive
	o.RequestsPer100s = cmp.Or(o.RequestsPer100s, defaultDriveRequests)
	if c.DownloadCacheMaxBytes == 0 {
		c.DownloadCacheMaxBytes = defaultDownloadCache
	}
	if c.DownloadCacheMaxBytes > 0 && c.DownloadCacheMaxBytes < leastDownloadCache {
		refuse("DOWNLOAD_CACHE_MAX_BYTES", "%d bytes are too few; 64MiB is the least, and 0 is none", c.DownloadCacheMaxBytes)
	}
	folders := 0
	for _, l := range c.Libraries {
		if l.DriveFolder != "" {
			folders++
			if strings.Trim(l.DriveFolder, driveLetters) != "" {
				refuse("GOOGLE_DRIVE_FOLDER_ID", "%q is not the id of a folder: it is what its address https://drive.google.com/drive/folders/ID ends in", l.DriveFolder)
			}
		}
		if c.DownloadCacheDir != "" && inside(c.DownloadCacheDir, l.Path) {
			refuse("DOWNLOAD_CACHE_DIR", "%s is inside library %q, where nothing is ever written; name a folder elsewhere", c.DownloadCacheDir, l.Name)
		}
	}
	if folders == 0 && c.usesDrive() {
		refuse("GOOGLE_DRIVE_FOLDER_ID", "name the folder that USE_GOOGLE_DRIVE or BOOKS_STORE is about: the end of its address, https://drive.google.com/drive/folders/ID")
	}
	if o.RequestsPer100s < 10 {
		refuse("GOOGLE_DRIVE_REQUESTS_PER_100S", "%d are too few; 10 is the least", o.RequestsPer100s)
	}
	if o.Endpoint != "" {
		if u, err := url.Parse(o.Endpoint); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
			refuse("GOOGLE_DRIVE_ENDPOINT_URL", "%q is not like https://drive.example", o.Endpoint)
		}
	}
}

// maxDownloadDirs is how many servers of one DataDir have a cache of downloads.
const maxDownloadDirs = 32

// leastDownloadCache is what a window of downloads takes.
const leastDownloadCache = 64 << 20

// service returns a client of Drive. It asks for nothing.
func (o *Drive) service(ctx context.Context, wrap ...func(http.RoundTripper) http.RoundTripper) (*drive.Service, error) {
	const setting = "GOOGLE_DRIVE_CREDENTIALS_PATH"
	var credentials []byte
	if o.Credentials != "" {
		var err error
		if credentials, err = os.ReadFile(o.Credentials); err != nil {
			return nil, &ConfigError{setting, fmt.Sprintf("the key of a service account, in JSON, was expected there: %v", err)}
		}
	}
	var more []option.ClientOption
	if o.Endpoint != "" {
		more = append(more, option.WithEndpoint(o.Endpoint))
	}
	service, err := gdrivestore.NewServiceOver(ctx, credentials, wrap, more...)
	switch {
	case err != nil && credentials == nil:
		return nil, &ConfigError{setting, fmt.Sprintf("name the key of a service account, in JSON; without it this machine would need credentials of its own: %v", err)}
	case err != nil:
		return nil, &ConfigError{setting, err.Error()}
	}
	return service, nil
}

// openDrive opens the folders of the libraries in Drive.
func (s *Server) openDrive(ctx context.Context) error {
	if !s.config.usesDrive() {
		return nil
	}
	service, err := s.config.Drive.service(ctx, s.instruments.driveTransport()...)
	if err != nil {
		return err
	}
	var folders []string
	for _, l := range s.config.Libraries {
		if l.DriveFolder != "" {
			folders = append(folders, l.DriveFolder)
		}
	}
	known := s.caches.Cache
	if s.caches.local == nil {
		// Without a memory of folders every look at a file would be several requests.
		known = cache.New(cache.Options{Local: memcache.NewLocal(memcache.Options{}), Logger: s.log})
	}
	s.drive = make([]*observed, len(s.config.Libraries))
	var first *gdrivestore.Store
	for i, l := range s.config.Libraries {
		if l.DriveFolder == "" {
			continue
		}
		store, err := gdrivestore.New(service, l.DriveFolder, gdrivestore.Options{
			Cache: known, Name: "drive-" + strconv.Itoa(i), Seal: s.seal,
			// Google counts the requests of an account, whatever they are about.
			RequestsPer100s: s.config.Drive.RequestsPer100s / len(folders),
			Logger:          s.log.With("component", "drive", "library", l.Name),
		})
		if err != nil {
			return err
		}
		first = cmp.Or(first, store)
		s.drive[i] = &observed{Store: s.instruments.store(store, placeDrive), name: "Google Drive"}
	}
	s.log.Info("Google Drive storage initialized", "folders", folders)
	ctx, cancel := context.WithTimeout(ctx, driveCheck)
	defer cancel()
	_, err = first.Folder(ctx)
	for _, o := range s.drive {
		if o != nil {
			o.note(err)
		}
	}
	if err != nil {
		s.log.Warn("Google Drive does not answer as it should; what is in the library's folder is served from there", "component", "drive", "err", err)
	}
	return nil
}

// openDownloads opens the cache of what is downloaded, if something is to be kept
// in it.
func (s *Server) openDownloads() (err error) {
	c := &s.config
	if c.DownloadCacheMaxBytes < 0 || !c.usesDrive() && (c.DownloadCacheDir == "" || !c.places(placeS3)) {
		return nil
	}
	o := diskcache.Options{MaxBytes: c.DownloadCacheMaxBytes, Logger: s.log.With("component", "downloads")}
	dir := cmp.Or(c.DownloadCacheDir, filepath.Join(c.DataDir, "downloads"))
	s.downloads, err = diskcache.Open(dir, o)
	// Servers may share DataDir, but not a cache: each takes the first that is free.
	for i := 2; errors.Is(err, diskcache.ErrInUse) && c.DownloadCacheDir == "" && i <= maxDownloadDirs; i++ {
		s.downloads, err = diskcache.Open(dir+"-"+strconv.Itoa(i), o)
	}
	if err != nil {
		return &ConfigError{"DOWNLOAD_CACHE_DIR", err.Error()}
	}
	s.metrics.registry.MustRegister(newDownloadsCollector(s.downloads))
	return nil
}

// downloaded returns a store with the cache of downloads in front. The id tells it
// from others.
func (s *Server) downloaded(store storage.Store, id string) storage.Store {
	if s.downloads == nil {
		return store
	}
	return s.downloads.Store(store, id)
}

// driveID tells a folder from others.
func (c *Config) driveID(folder string) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q", c.Drive.Endpoint, folder))
	return hex.EncodeToString(sum[:6])
}

// downloadsCheck is what health says of the cache of downloads.
func (s *Server) downloadsCheck() httpapi.CheckResult {
	if s.downloads == nil {
		return httpapi.CheckResult{Status: "off"}
	}
	if st := s.downloads.Stats(); st.Degraded {
		return httpapi.CheckResult{Status: "degraded", Since: st.Since, Detail: "what is downloaded cannot be kept on disk: it is passed on"}
	}
	return httpapi.CheckResult{Status: "ok"}
}

// driveCheck is what health says of Drive.
func (s *Server) driveCheck() httpapi.CheckResult {
	all := httpapi.CheckResult{Status: "off"}
	for _, o := range s.drive {
		if o == nil {
			continue
		}
		if r := o.check(); r.Status != "ok" || all.Status == "off" {
			all = r
		}
	}
	return all
}
