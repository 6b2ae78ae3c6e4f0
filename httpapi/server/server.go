// Package server is the composition root: it puts catalog, storage, watchers,
// caches and the HTTP API together into the server that the command pressmark
// runs. It imports every adapter; whoever wants fewer of them composes their
// own from the packages that it is made of (see examples/embed).
//
//	s, err := server.Open(ctx, server.Config{
//		Libraries:  []server.Library{{Path: "/books"}},
//		PublicRead: true,
//	})
//	if err != nil {
//		return err
//	}
//	defer s.Close()
//	ln, err := s.Listen(ctx)
//	if err != nil {
//		return err
//	}
//	return s.Serve(ctx, ln) // until ctx ends
//
// [Parse] makes a [Config] of flags and environment variables. Open looks at
// neither, with one exception: a DataDir that is left empty is the user's.
//
// # Start
//
// Open checks that each library is one, and loads all of them, so that a server
// that listens also answers. A folder that is missing, is not readable, or holds
// no Calibre library is an error, as waiting would not help. A metadata.db that
// is locked, or in the middle of being replaced, is not: the server starts,
// readiness is 503 for as long as nothing has been loaded, and Serve goes on
// trying.
//
// The database of accounts is opened first, and brought to the schema that this
// version needs. One that a newer version has changed is an error.
//
// # Stop
//
// When the context of Serve ends readiness turns to 503, and for
// Config.ShutdownDelay requests are still taken. Then the server stops accepting,
// event streams end, and what is being answered may take the rest of
// Config.ShutdownTimeout to finish. What has not by then is broken off.
//
// # Several in one process
//
// Nothing here is global; servers in one process may even serve the same
// library from the same DataDir. After each load of a whole library memory that
// became free is returned to the operating system, for the whole process.
package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/pressmark/pressmark/auth"
	"github.com/pressmark/pressmark/catalog/calibre"
	"github.com/pressmark/pressmark/httpapi"
	"github.com/pressmark/pressmark/httpapi/covers"
	"github.com/pressmark/pressmark/readerstate"
	"github.com/pressmark/pressmark/storage/diskcache"
)

// Server serves Calibre libraries. Make one with Open.
type Server struct {
	config    Config
	log       *slog.Logger
	api       *httpapi.API
	handler   http.Handler // api, and what is around it
	libraries []*calibre.Library
	state     *State
	caches    *caches
	seal      []byte // authenticates what is in Redis
	metrics   *metrics
	*instruments
	logins    *auth.Logins
	database  pulse
	limits    limits
	covers    *covers.Cache
	bucket    *observed        // nil: nothing is in S3
	drive     []*observed      // by library; nil: nothing is in Drive, or not of that library
	downloads *diskcache.Cache // nil: none
	tls       *tls.Config      // nil: plain HTTP
	// certificate is the one of tls, which may be replaced.
	certificate *certFiles
}

// Open checks c and loads its libraries; the package documentation says what
// may be wrong with them. Settings that cannot be used are reported all at
// once, in an error whose parts are [*ConfigError]. ctx bounds the loading.
func Open(ctx context.Context, c Config) (_ *Server, err error) {
	c, err = c.withDefaults()
	if err != nil {
		return nil, err
	}
	s := &Server{config: c, log: c.Logger, metrics: newMetrics()}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	if s.instruments, err = newInstruments(ctx, &s.config, s.metrics); err != nil {
		return nil, err
	}
	c = s.config
	if c.TLSCertFile != "" {
		if s.certificate, err = openCertificate(c.TLSCertFile, c.TLSKeyFile, c.Logger); err != nil {
			return nil, err
		}
		s.tls = s.certificate.config()
	}
	prefix, err := prefixOf(c.BaseURL)
	if err != nil {
		return nil, err
	}
	o := httpapi.Options{
		Prefix:         prefix,
		PublicRead:     c.PublicRead,
		Version:        c.Version,
		Logger:         c.Logger,
		CORSOrigins:    c.CORSOrigins,
		TrustedProxies: c.TrustedProxies,
		Origin:         originOf(c.BaseURL),
		CacheTTL:       c.CacheTTL,
	}
	for _, l := range c.Libraries {
		if err := l.check(c.DataDir); err != nil {
			return nil, err
		}
	}
	if err := s.openState(ctx); err != nil {
		return nil, err
	}
	o.Cache, o.SealKey = s.caches.Cache, s.seal
	if o.Limits, err = s.openLimits(); err != nil {
		return nil, err
	}
	s.covers, err = covers.New(covers.Options{
		Dir:      filepath.Join(c.DataDir, "thumbnails"),
		MaxBytes: c.ThumbnailCacheMaxBytes,
		Cache:    s.caches.Cache,
		SealKey:  s.seal,
		Logger:   c.Logger,
		Now:      c.Now,
	})
	if err != nil {
		return nil, err
	}
	o.Files.Covers = s.covers
	if err := s.openStores(ctx, &o); err != nil {
		return nil, err
	}
	for i, l := range c.Libraries {
		lib, err := c.openCatalog(l, prefix, s.caches.sets)
		if err != nil {
			return nil, err
		}
		s.libraries = append(s.libraries, lib)
		o.Libraries = append(o.Libraries, httpapi.Library{Name: l.Name, Catalog: lib, Files: s.instruments.store(l.files(), placeLocal), Placement: s.placement(i)})
	}
	if err := s.load(ctx); err != nil {
		return nil, err
	}
	if s.logins, err = s.state.Logins(s.caches.accounts, s.caches.lockouts); err != nil {
		return nil, err
	}
	o.Logins, o.State = s.logins, s.state.Readers
	o.Checks = []httpapi.Check{
		{Name: "database", Run: s.database.result},
		{Name: "redis", Run: s.caches.redisCheck},
		{Name: "drive", Run: s.driveCheck},
		{Name: "s3", Run: s.bucket.check},
		{Name: "downloads", Run: s.downloadsCheck},
	}
	o.Observe = s.instruments.observe
	if s.api, err = httpapi.New(o); err != nil {
		return nil, err
	}
	s.handler = s.traced(s.api)
	s.metrics.registry.MustRegister(newStateCollector(s, o.Checks))
	s.metrics.registry.MustRegister(newLimitsCollector(s))
	return s, nil
}

// openState opens the database and the cache, and brings the database to the
// newest schema. Servers that start together do that once.
func (s *Server) openState(ctx context.Context) (err error) {
	if s.state, err = OpenState(ctx, s.config); err != nil {
		return err
	}
	if s.config.DatabaseURL != "" {
		s.log.Info("PostgreSQL initialized", "database", s.state.Database())
	}
	if err := s.openCaches(ctx); err != nil {
		return err
	}
	steps, err := s.state.Schema.Up(ctx)
	if err != nil {
		return fmt.Errorf("%s: %w", s.state.Database(), err)
	}
	s.log.Info("Database migrations complete", "database", s.state.Database(), "applied", len(steps))
	return nil
}

// How long events are kept, and the time between two clearings of what has
// expired.
const (
	keepEvents  = 365 * 24 * time.Hour
	expireEvery = time.Hour
)

// expire removes what has expired, until ctx ends.
func (s *Server) expire(ctx context.Context) {
	tick := time.NewTicker(expireEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			now := time.Now()
			if s.config.Now != nil {
				now = s.config.Now()
			}
			err := errors.Join(s.state.Sessions.Expire(ctx, now), s.state.Attempts.ExpireAttempts(ctx, now), s.state.Audit.ExpireEvents(ctx, now.Add(-keepEvents)),
				s.state.Readers.ExpireWrites(ctx, now.Add(-readerstate.KeepWrites)))
			if err != nil && ctx.Err() == nil {
				s.log.Warn("What has expired cannot be removed", "component", "auth", "err", err)
			}
		}
	}
}

// load loads all libraries at the same time.
func (s *Server) load(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	for i, lib := range s.libraries {
		l := s.config.Libraries[i]
		g.Go(func() error {
			err := lib.Load(ctx)
			switch {
			case err == nil:
				return nil
			case ctx.Err() != nil || hopeless(err):
				return fmt.Errorf("load library %q: %w%s", l.Name, err, cure(err))
			}
			s.log.Warn("Library cannot be loaded yet", "library", l.Name, "err", err)
			return nil
		})
	}
	return g.Wait()
}

// Handler returns the API for somebody's own http.Server. It serves below the
// path of Config.BaseURL. Run must run meanwhile, or changes are not seen.
func (s *Server) Handler() http.Handler { return s.handler }

// Run keeps the libraries current until ctx ends, and returns ctx.Err(). Serve
// does this itself.
func (s *Server) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	for i, lib := range s.libraries {
		name := s.config.Libraries[i].Name
		wg.Go(func() {
			if err := lib.Run(ctx); ctx.Err() == nil {
				s.log.Error("Stopped following changes", "library", name, "err", err)
			}
		})
	}
	wg.Go(func() { s.expire(ctx) })
	wg.Go(func() { _ = s.caches.Run(ctx) }) // it ends only because ctx does
	wg.Go(func() { s.database.watch(ctx, s.state) })
	wg.Go(func() { s.limits.run(ctx, s.log) })
	wg.Wait()
	<-ctx.Done()
	return ctx.Err()
}

// Close ends what Open began and removes private copies. End Run and Serve
// first.
func (s *Server) Close() error {
	if s.api != nil {
		s.api.Close()
	}
	var errs []error
	for _, lib := range s.libraries {
		errs = append(errs, lib.Close())
	}
	if s.downloads != nil {
		errs = append(errs, s.downloads.Close())
	}
	if s.caches != nil {
		errs = append(errs, s.caches.Close())
	}
	if s.state != nil {
		errs = append(errs, s.state.Close())
	}
	s.instruments.close()
	return errors.Join(errs...)
}
