// Package drivetest is a Google Drive in the memory of a program: the part of
// version 3 of its API that a client uses which only reads, for tests and
// benchmarks without an account and without a network.
//
//	d := drivetest.New(drivetest.Options{})
//	d.Put("Ann Leckie/Ancillary Justice (7)/cover.jpg", cover)
//	srv, err := drive.NewService(ctx, option.WithHTTPClient(d.Client()))
//	...
//	found, err := srv.Files.List().Q("'" + d.Root() + "' in parents and trashed = false").Do()
//
// [Drive.Client] calls it within the process, also in a bubble of testing/synctest,
// where latency, throughput and quotas take no time. [Drive.Serve] listens on
// 127.0.0.1. [Drive.Credentials] are those of a service account, for clients that
// get their own tokens.
//
// # What it does
//
// It serves files.list, files.get with and without alt=media, changes.list and
// changes.getStartPageToken, and the token endpoint of OAuth 2.0 for service
// accounts. Everything else is refused with 403 insufficientPermissions, and
// counted as [OpOther]. Answers have the shapes, field masks, pages and errors of
// the real API, as far as its documentation and the answers that its users have
// published tell.
//
// Worth knowing, as clients have stumbled over it:
//
//   - a list of what is in several folders fails with 404 notFound if one of them is
//     not there for the client (the real one does, and does not say which one);
//   - a range of an empty file is not satisfiable;
//   - documents have a size, as real ones have since 2021, and no digest;
//   - media have no ETag and no digest in their headers.
//
// Where the real one is vague or generous, this one is strict:
//
//   - name = 'x' compares exactly, by bytes;
//   - a term of q that this package does not know is refused, as a misspelt one is;
//   - files come in the order in which they were made if orderBy does not say else;
//   - without pageSize a page has 100 entries, in and outside shared drives;
//   - trashing, moving or deleting a folder is one change: of the folder. What is
//     in it is trashed, moved or gone with it, and is not in the log of changes.
package drivetest

import (
	"crypto/rsa"
	"net/http"
	"sync"
	"time"
)

// Options are the settings of a [Drive]. The zero value works.
type Options struct {
	// RootName is the name of the folder that stands for the library. Empty means
	// "Library".
	RootName string

	// SharedDrive has that folder be in a shared drive: requests that do not say
	// that they support these do not see what is in it.
	SharedDrive bool

	// Now is the clock of files, quotas and tokens. nil means [time.Now].
	Now func() time.Time

	// TokenLifetime is how long a token of the token endpoint is good for. 0 means
	// 1 h.
	TokenLifetime time.Duration

	// PerUser100s is how many calls are answered in any 100 s; those beyond fail with
	// userRateLimitExceeded. 0 is any number.
	PerUser100s int

	// PerDay is how many calls are answered in 24 h, which begin with the first;
	// those beyond fail with dailyLimitExceeded. 0 is any number.
	PerDay int

	// MaxPage is how many entries a page has at most, whatever pageSize says. 0 means
	// 1,000. The real API may return fewer than it was asked for, too.
	MaxPage int

	// Latency is how long each answer takes to begin. SetLatency changes it.
	Latency time.Duration

	// BytesPerSecond is how fast each download comes. 0 is at once.
	// SetBytesPerSecond changes it.
	BytesPerSecond int
}

const (
	maxPage     = 1000
	defaultPage = 100
)

// Drive is a Google Drive. Make one with [New]. Its methods may be called by
// several goroutines at once.
type Drive struct {
	o    Options
	root string // the library
	own  string // My Drive
	team string // the shared drive, if there is one
	key  func() (*rsa.PrivateKey, error)
	rt   http.RoundTripper

	mu      sync.RWMutex // of all below, in this file and in those named
	seq     int          // of the next file
	files   map[string]*file
	order   []*file            // by seq, with nil for what was deleted
	kids    map[string][]*file // by parent
	log     []change           // changes.go
	latest  map[string]int     // file to its last change
	tokens  map[string]token   // token.go
	scopes  []string
	bases   map[string]bool
	traffic traffic // faults.go

	revisions int
}

// New returns a Drive with an empty folder for the library.
func New(o Options) *Drive {
	if o.RootName == "" {
		o.RootName = "Library"
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.TokenLifetime == 0 {
		o.TokenLifetime = time.Hour
	}
	if o.MaxPage <= 0 || o.MaxPage > maxPage {
		o.MaxPage = maxPage
	}
	d := &Drive{
		o:      o,
		key:    sync.OnceValues(newKey),
		files:  make(map[string]*file),
		kids:   make(map[string][]*file),
		latest: make(map[string]int),
		tokens: make(map[string]token),
		bases:  make(map[string]bool),
	}
	d.traffic.latency, d.traffic.bytesPerSecond = o.Latency, o.BytesPerSecond
	d.rt = newTransport(d.Handler())
	d.own = d.AddFolder("", "My Drive")
	d.file(d.own).parent = ""
	top := d.own
	if o.SharedDrive {
		d.team = d.AddFolder("", "Drive")
		d.file(d.team).parent = ""
		top = d.team
	}
	d.root = d.AddFolder(top, o.RootName)
	return d
}

// file is for New, before anybody else knows d.
func (d *Drive) file(id string) *file { return d.files[id] }

// Root returns the id of the folder that stands for the library.
func (d *Drive) Root() string { return d.root }

// SharedDriveID returns the id of the shared drive, or "" if there is none.
func (d *Drive) SharedDriveID() string { return d.team }
