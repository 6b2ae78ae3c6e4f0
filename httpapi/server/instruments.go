package server

import (
	"context"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/multitracer"
	"github.com/redis/go-redis/v9"

	"github.com/pressmark/pressmark/auth"
	"github.com/pressmark/pressmark/catalog/calibre"
	"github.com/pressmark/pressmark/httpapi"
	"github.com/pressmark/pressmark/storage"
)

// instruments are what measures a server, and what traces it if that is wanted.
// They are put around what adapters are given; without traces nothing is that
// would make one. nil measures nothing: commands have none.
type instruments struct {
	metrics *metrics
	tracing *tracing // nil: nothing is traced
}

// newInstruments makes those of a server, and has c hand them on.
func newInstruments(ctx context.Context, c *Config, m *metrics) (_ *instruments, err error) {
	i := &instruments{metrics: m}
	if i.tracing, err = openTracing(ctx, c, m.lost); err != nil {
		return nil, err
	}
	c.instruments = i
	return i, nil
}

// close sends the traces that are left.
func (i *instruments) close() {
	if i != nil && i.tracing != nil {
		i.tracing.close()
	}
}

// observe is told of requests.
func (i *instruments) observe(ctx context.Context, o httpapi.Observation) {
	i.metrics.requests.observe(o)
	if o.Known {
		i.metrics.logins.tokens.Inc()
	}
	if i.tracing != nil {
		name(ctx, &o)
	}
}

// traced returns a handler with traces around it, if there are any.
func (i *instruments) traced(h http.Handler) http.Handler {
	if i.tracing == nil {
		return h
	}
	return i.tracing.handler(h)
}

func (i *instruments) login() func(auth.Proof, error) {
	if i == nil {
		return nil
	}
	return i.metrics.logins.observe
}

func (i *instruments) look(library string) func(calibre.Look) {
	if i == nil {
		return nil
	}
	return i.metrics.catalog.look(library)
}

// store returns a store that is measured under a name.
func (i *instruments) store(s storage.Store, name string) storage.Store {
	if i == nil {
		return s
	}
	return &timedStore{s, name, i.metrics.stores}
}

func (i *instruments) queryTracer() pgx.QueryTracer {
	switch {
	case i == nil:
		return nil
	case i.tracing == nil:
		return queryTimer{i.metrics.queries}
	}
	return multitracer.New(queryTimer{i.metrics.queries}, i.tracing.queries())
}

func (i *instruments) redis(c redis.UniversalClient) error {
	c.AddHook(redisTimer{i.metrics.redis})
	if i.tracing == nil {
		return nil
	}
	return i.tracing.redis(c)
}

func (i *instruments) s3Client() []func(*s3.Options) {
	if i == nil || i.tracing == nil {
		return nil
	}
	return []func(*s3.Options){i.tracing.s3}
}

func (i *instruments) driveTransport() []func(http.RoundTripper) http.RoundTripper {
	if i == nil || i.tracing == nil {
		return nil
	}
	return []func(http.RoundTripper) http.RoundTripper{i.tracing.drive}
}
