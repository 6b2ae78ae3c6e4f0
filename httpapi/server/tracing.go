package server

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/exaring/otelpgx"
	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/extra/redisotel/v9"
	"github.com/redis/go-redis/v9"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/pressmark/pressmark/httpapi"
)

// The protocols of OTEL_EXPORTER_OTLP_PROTOCOL.
const (
	otlpHTTP = "http/protobuf"
	otlpGRPC = "grpc"
)

// lastSpans is how long the end of a server waits for the traces that are left to
// be sent, and lastSpansDown the same while the last that were sent did not arrive.
const (
	lastSpans     = 2 * time.Second
	lastSpansDown = 200 * time.Millisecond
)

// tracing makes spans of what a server does and sends them in the background.
// Nothing waits for them: what cannot be sent in time is dropped.
type tracing struct {
	provider *sdktrace.TracerProvider
	exporter *exporter
	prefix   string // of paths
	public   func(*http.Request) bool
}

// checkTracing refuses what cannot be used of the settings of traces, and fills in
// the others.
func (c *Config) checkTracing(refuse func(setting, format string, args ...any)) {
	c.OTLPProtocol = cmp.Or(c.OTLPProtocol, otlpHTTP)
	if c.OTLPEndpoint == "" {
		return
	}
	if u, err := url.Parse(c.OTLPEndpoint); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
		refuse("OTEL_EXPORTER_OTLP_ENDPOINT", "an address such as http://collector:4318 was expected")
	}
	if p := c.OTLPProtocol; p != otlpHTTP && p != otlpGRPC {
		refuse("OTEL_EXPORTER_OTLP_PROTOCOL", "%q is neither %s nor %s", p, otlpHTTP, otlpGRPC)
	}
}

// openTracing returns nil if nothing is to be traced. It does not look whether
// anybody is at the endpoint.
func openTracing(ctx context.Context, c *Config, lost prometheus.Counter) (*tracing, error) {
	if c.OTLPEndpoint == "" || strings.EqualFold(os.Getenv("OTEL_SDK_DISABLED"), "true") || os.Getenv("OTEL_TRACES_EXPORTER") == "none" {
		return nil, nil
	}
	client, err := c.otlpClient()
	if err != nil {
		return nil, err
	}
	out, err := otlptrace.New(ctx, client)
	if err != nil {
		return nil, fmt.Errorf("OTEL_EXPORTER_OTLP_ENDPOINT: %w", err)
	}
	about, err := resource.New(ctx,
		resource.WithAttributes(attribute.String("service.name", "pressmark"), attribute.String("service.version", c.Version)),
		resource.WithTelemetrySDK(), resource.WithFromEnv())
	if err != nil {
		return nil, fmt.Errorf("OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	prefix, err := prefixOf(c.BaseURL)
	if err != nil {
		return nil, err
	}
	e := newExporter(out, c.Logger, lost)
	return &tracing{
		// Sampling is what OTEL_TRACES_SAMPLER says.
		provider: sdktrace.NewTracerProvider(sdktrace.WithResource(about), sdktrace.WithBatcher(e)),
		exporter: e, prefix: prefix, public: c.public,
	}, nil
}

func (c *Config) otlpClient() (otlptrace.Client, error) {
	u, err := url.Parse(c.OTLPEndpoint)
	if err != nil {
		return nil, &ConfigError{"OTEL_EXPORTER_OTLP_ENDPOINT", "an address such as http://collector:4318 was expected"}
	}
	elsewhere := os.Getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") != "" // which OpenTelemetry's code then takes
	if c.OTLPProtocol == otlpGRPC {
		o := []otlptracegrpc.Option{otlptracegrpc.WithRetry(otlptracegrpc.RetryConfig{Enabled: true, InitialInterval: time.Second, MaxInterval: 5 * time.Second, MaxElapsedTime: 15 * time.Second})}
		if !elsewhere {
			o = append(o, otlptracegrpc.WithEndpointURL(c.OTLPEndpoint))
		}
		return otlptracegrpc.NewClient(o...), nil
	}
	o := []otlptracehttp.Option{otlptracehttp.WithRetry(otlptracehttp.RetryConfig{Enabled: true, InitialInterval: time.Second, MaxInterval: 5 * time.Second, MaxElapsedTime: 15 * time.Second})}
	if !elsewhere {
		o = append(o, otlptracehttp.WithEndpointURL(u.JoinPath("v1/traces").String()))
	}
	return otlptracehttp.NewClient(o...), nil
}

// public reports whether a request comes from anybody: only proxies that are
// trusted say which trace it belongs to, and whether that is kept.
func (c *Config) public(r *http.Request) bool {
	peer, err := addrOf(r.RemoteAddr)
	if err != nil {
		return true
	}
	for _, p := range c.TrustedProxies {
		if p.Contains(peer) {
			return false
		}
	}
	return true
}

// close sends what is left, in a time that is bounded whatever the endpoint does.
func (t *tracing) close() {
	wait := lastSpans
	if t.exporter.failing.Load() {
		wait = lastSpansDown
	}
	ctx, cancel := context.WithTimeout(context.Background(), wait)
	defer cancel()
	t.exporter.stopped(t.provider.Shutdown(ctx))
	_ = t.exporter.SpanExporter.Shutdown(ctx) // ends what is still being tried
}

// handler puts a span around each request but those for health, which are many
// and say nothing.
func (t *tracing) handler(h http.Handler) http.Handler {
	return otelhttp.NewMiddleware("",
		otelhttp.WithTracerProvider(t.provider), otelhttp.WithMeterProvider(noop.NewMeterProvider()),
		otelhttp.WithPropagators(propagation.TraceContext{}),
		otelhttp.WithPublicEndpointFn(t.public),
		otelhttp.WithFilter(func(r *http.Request) bool { return !strings.HasPrefix(r.URL.Path, t.prefix+"/api/health") }),
		otelhttp.WithSpanNameFormatter(func(_ string, r *http.Request) string {
			_, path, _ := strings.Cut(r.Pattern, " ")
			return strings.TrimSpace(r.Method + " " + strings.TrimSuffix(strings.TrimPrefix(path, t.prefix), "/{$}"))
		}),
	)(h)
}

// name gives the span of a request its route, which was not known when it began.
func name(ctx context.Context, o *httpapi.Observation) {
	span := trace.SpanFromContext(ctx)
	if !span.IsRecording() {
		return
	}
	span.SetName(o.Method + " " + o.Route)
	span.SetAttributes(attribute.String("http.route", o.Route), attribute.Bool("pressmark.ready", o.Ready))
}

// silent tells others nothing of our traces.
func silent() propagation.TextMapPropagator { return propagation.NewCompositeTextMapPropagator() }

func (t *tracing) queries() pgx.QueryTracer {
	return otelpgx.NewTracer(otelpgx.WithTracerProvider(t.provider), otelpgx.WithMeterProvider(noop.NewMeterProvider()), otelpgx.WithDisableAcquireTracer())
}

// redis traces commands by their names: keys and values are for nobody.
func (t *tracing) redis(c redis.UniversalClient) error {
	err := redisotel.InstrumentTracing(c, redisotel.WithTracerProvider(t.provider), redisotel.WithDBStatement(false), redisotel.WithCallerEnabled(false))
	if err != nil {
		return fmt.Errorf("trace Redis: %w", err)
	}
	return nil
}

// drive traces requests to Google Drive, each attempt on its own.
func (t *tracing) drive(rt http.RoundTripper) http.RoundTripper {
	return t.transport(rt, func(r *http.Request) string { return "Drive " + r.Method })
}

// s3 traces requests to S3, each attempt on its own.
func (t *tracing) s3(o *s3.Options) {
	client := o.HTTPClient
	o.HTTPClient = roundTripClient{t.transport(roundTripper(client.Do), func(r *http.Request) string {
		return "S3 " + awsmiddleware.GetOperationName(r.Context())
	})}
}

func (t *tracing) transport(rt http.RoundTripper, name func(*http.Request) string) http.RoundTripper {
	return otelhttp.NewTransport(rt,
		otelhttp.WithTracerProvider(t.provider), otelhttp.WithMeterProvider(noop.NewMeterProvider()), otelhttp.WithPropagators(silent()),
		otelhttp.WithSpanNameFormatter(func(_ string, r *http.Request) string { return name(r) }))
}

// roundTripper makes a transport of a client's method, and roundTripClient a
// client of a transport.
type roundTripper func(*http.Request) (*http.Response, error)

// RoundTrip implements http.RoundTripper.
func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

type roundTripClient struct{ http.RoundTripper }

// Do implements s3.HTTPClient.
func (c roundTripClient) Do(r *http.Request) (*http.Response, error) { return c.RoundTrip(r) }
