package httpapi

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/microcosm-cc/bluemonday"

	"github.com/pressmark/pressmark/auth"
	"github.com/pressmark/pressmark/cache"
	"github.com/pressmark/pressmark/catalog"
	"github.com/pressmark/pressmark/readerstate"
	"github.com/pressmark/pressmark/storage"
)

// Library is one library that an API serves.
type Library struct {
	// Name is how requests name the library (?library=name): 1 to 64 letters,
	// digits, '-', '_' or '.'.
	Name string
	// Catalog answers everything but files. If it is a [catalog.Live] the API
	// follows its changes.
	Catalog catalog.Reader
	// Files holds covers and formats under the keys that Catalog gives.
	Files storage.Store
	// Placement says what is elsewhere.
	Placement Placement
}

// Options are the settings of an [API]. Only Libraries has to be given.
type Options struct {
	// Libraries are the libraries to serve. The first is the default.
	Libraries []Library
	// Prefix is the path that everything is served under, such as "/library".
	// Empty serves from the root.
	Prefix string
	// PublicRead answers requests without credentials. Without it everything
	// but health, documentation and logging in is refused (401) to who does not
	// show a token.
	PublicRead bool
	// Logins lets users in, and says what each may see. With nil there are none.
	Logins *auth.Logins
	// State keeps what users make of the libraries. The zero value keeps nothing.
	State readerstate.Store
	// TrustedProxies are the networks of proxies whose X-Forwarded headers are
	// believed. Empty believes nobody.
	TrustedProxies []netip.Prefix
	// Origin is the origin under which browsers reach the API, such as
	// "https://books.example". Empty is what a request says in its Host header.
	Origin string
	// Version is the version of the program, shown by health and OpenAPI.
	// Entity tags depend on it. Empty is "dev".
	Version string
	// Logger gets faults, one line each. nil is slog.Default.
	Logger *slog.Logger
	// CORSOrigins are the origins whose pages may call the API, such as
	// "https://reader.example", or "*" for all. Empty allows none.
	CORSOrigins []string
	// RequestTimeout bounds the work on one request that does not stream.
	// 0 means 30 s; negative means no bound.
	RequestTimeout time.Duration
	// Cache keeps answers, thumbnails, and what stores have said, in namespaces of
	// its own (ready, page, cover, thumbnail, object, cover-object and signed). An API needs one for itself. nil keeps nothing.
	Cache *cache.Cache
	// SealKey authenticates what a shared cache has, as 32 random bytes that all
	// replicas have. nil believes what is there.
	SealKey []byte
	// CacheTTL is how long answers that nobody asks for are kept. 0 means 1 h;
	// negative keeps none.
	CacheTTL time.Duration
	// MaxEventStreams bounds the event streams that are open at once. 0 means
	// 1,000; negative allows none.
	MaxEventStreams int
	// Checks are what health reports beside the libraries.
	Checks []Check
	// Limits bound what clients may ask for.
	Limits LimitOptions
	// Files are the settings of covers and downloads.
	Files FileOptions
	// Observe is told of each request when it has been answered, on the request's
	// goroutine: it has to be quick. nil tells nobody.
	Observe func(context.Context, Observation)
}

// API is the HTTP API over some libraries, a [http.Handler].
type API struct {
	opts     Options
	log      *slog.Logger
	libs     []*library
	byName   map[string]*library
	mux      *http.ServeMux
	huma     huma.API
	cache    *respCache
	front    front
	faults   sparing
	events   *streams
	limits   limits
	ids      idSource
	observer observer
	drains   atomic.Bool
	render   string // what every entity tag depends on, beside the contents

	buffers    buffers
	compressor compressor
	policy     *bluemonday.Policy
}

// library is a Library with what is derived from it once.
type library struct {
	Library
	live   catalog.Live // nil if the contents cannot change
	schema atomic.Pointer[schema]
	views  seenViews
}

// New makes an API. It does no I/O. Close ends what it has open.
func New(o Options) (*API, error) {
	if len(o.Libraries) == 0 {
		return nil, errors.New("httpapi: no library to serve")
	}
	return build(o)
}

func build(o Options) (_ *API, err error) {
	if o.Version == "" {
		o.Version = "dev"
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.RequestTimeout == 0 {
		o.RequestTimeout = 30 * time.Second
	}
	if o.CacheTTL == 0 {
		o.CacheTTL = time.Hour
	}
	o.Limits.fill()
	if o.Cache == nil {
		o.Cache = cache.New(cache.Options{Logger: o.Logger})
	}
	if !validPrefix(o.Prefix) {
		return nil, fmt.Errorf("httpapi: prefix %q is not empty or a path such as /library, of letters, digits, '-', '_' and '.'", o.Prefix)
	}
	a := &API{opts: o, log: o.Logger, byName: map[string]*library{}, mux: http.NewServeMux(), policy: bluemonday.UGCPolicy()}
	for _, l := range o.Libraries {
		if !validName(l.Name) {
			return nil, fmt.Errorf("httpapi: library name %q is not 1 to 64 letters, digits, '-', '_' or '.'", l.Name)
		}
		if l.Catalog == nil || l.Files == nil {
			return nil, fmt.Errorf("httpapi: library %q lacks its catalog or its files", l.Name)
		}
		if a.byName[l.Name] != nil {
			return nil, fmt.Errorf("httpapi: two libraries are named %q", l.Name)
		}
		lib := &library{Library: l}
		lib.live, _ = catalog.As[catalog.Live](l.Catalog)
		a.libs = append(a.libs, lib)
		a.byName[l.Name] = lib
	}
	for _, c := range o.Checks {
		if c.Run == nil {
			return nil, fmt.Errorf("httpapi: check %q has nothing to run", c.Name)
		}
	}
	a.render = renderVersion(&o)
	if a.cache, err = newRespCache(o.Cache, &o); err != nil {
		return nil, fmt.Errorf("httpapi: %w", err)
	}
	a.front = newFront(&o)
	a.observer.timed = o.Observe != nil || o.Logger.Enabled(context.Background(), slog.LevelDebug)
	a.events = newStreams(o.MaxEventStreams)
	a.limits.downloads = newSlots("downloads", o.Limits.MaxDownloads, 4, 10)
	a.ids = newIDSource()
	a.huma = humago.NewWithPrefix(a.mux, o.Prefix, humaConfig(&o))
	a.registerHealth()
	a.registerLogins()
	a.registerMe()
	a.registerAdmin()
	a.registerSetup()
	a.registerState()
	a.registerBooks()
	a.registerTerms()
	a.registerSearch()
	a.registerEvents()
	if err := a.registerFiles(); err != nil {
		return nil, err
	}
	a.registerDocs()
	a.mux.HandleFunc("/", a.noRoute)
	return a, nil
}

// Close ends the event streams that are open and refuses new ones. Everything
// else goes on, so that a server can finish what it has begun: give Close to
// [http.Server.RegisterOnShutdown].
func (a *API) Close() { a.events.close() }

// library returns the library of that name; "" is the default.
func (a *API) library(name string) (*library, error) {
	if name == "" {
		return a.libs[0], nil
	}
	if l := a.byName[name]; l != nil {
		return l, nil
	}
	return nil, notFound("query.library", name, "no library of this name")
}

// validPrefix keeps out what would need an escape in a pattern, an address or
// JSON.
func validPrefix(s string) bool {
	for s != "" {
		if s[0] != '/' {
			return false
		}
		var part string
		part, s = s[1:], ""
		if i := strings.IndexByte(part, '/'); i >= 0 {
			part, s = part[:i], part[i:]
		}
		if !validName(part) || part == "." || part == ".." {
			return false
		}
	}
	return true
}

func validName(s string) bool {
	for i := range len(s) {
		c := s[i]
		if (c|0x20 < 'a' || c|0x20 > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' && c != '.' {
			return false
		}
	}
	return len(s) >= 1 && len(s) <= 64
}
