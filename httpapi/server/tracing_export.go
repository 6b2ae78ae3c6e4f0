package server

import (
	"context"
	"log/slog"
	"net/netip"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// exporter sends spans without what is secret in them. That they do not arrive is
// logged once, and then that they do again.
type exporter struct {
	sdktrace.SpanExporter
	redact  *redactor
	log     *slog.Logger
	lost    prometheus.Counter
	failing atomic.Bool
}

func newExporter(to sdktrace.SpanExporter, log *slog.Logger, lost prometheus.Counter) *exporter {
	return &exporter{SpanExporter: to, redact: newRedactor(), log: log.With("component", "traces"), lost: lost}
}

// ExportSpans sends spans. It returns no errors: OpenTelemetry would hand them to a
// handler that the whole process shares.
func (e *exporter) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	clean := make([]sdktrace.ReadOnlySpan, len(spans))
	for i, s := range spans {
		clean[i] = cleanSpan{s, e.redact}
	}
	err := e.SpanExporter.ExportSpans(ctx, clean)
	if err == nil {
		if e.failing.Swap(false) {
			e.log.Info("Traces are received again")
		}
		return nil
	}
	e.lost.Add(float64(len(spans)))
	if !e.failing.Swap(true) {
		e.log.Warn("Traces cannot be sent; everything works without them", "err", err)
	}
	return nil
}

// stopped notes how the end of it all went.
func (e *exporter) stopped(err error) {
	if err != nil {
		e.log.Warn("The last traces could not be sent", "err", err)
	}
}

// cleanSpan is a span without what is secret.
type cleanSpan struct {
	sdktrace.ReadOnlySpan
	redact *redactor
}

// Attributes are those of the span, but for queries: they may be signed, or name
// what somebody looks for.
func (s cleanSpan) Attributes() []attribute.KeyValue { return s.clean(s.ReadOnlySpan.Attributes()) }

func (s cleanSpan) clean(from []attribute.KeyValue) []attribute.KeyValue {
	to := make([]attribute.KeyValue, 0, len(from))
	for _, kv := range from {
		switch {
		case kv.Key == "url.query":
			continue
		case kv.Key == "url.full":
			kv.Value = attribute.StringValue(withoutQuery(s.redact.text(kv.Value.AsString())))
		case kv.Value.Type() == attribute.STRING:
			kv.Value = attribute.StringValue(s.redact.text(kv.Value.AsString()))
		}
		to = append(to, kv)
	}
	return to
}

// Events are those of the span, such as errors.
func (s cleanSpan) Events() []sdktrace.Event {
	from := s.ReadOnlySpan.Events()
	to := make([]sdktrace.Event, len(from))
	for i, e := range from {
		e.Attributes = s.clean(e.Attributes)
		to[i] = e
	}
	return to
}

// Status is that of the span.
func (s cleanSpan) Status() sdktrace.Status {
	st := s.ReadOnlySpan.Status()
	st.Description = s.redact.text(st.Description)
	return st
}

func withoutQuery(u string) string {
	for i := range len(u) {
		if u[i] == '?' || u[i] == '#' {
			return u[:i]
		}
	}
	return u
}

// addrOf returns the address of an address and port.
func addrOf(s string) (netip.Addr, error) {
	p, err := netip.ParseAddrPort(s)
	return p.Addr().Unmap(), err
}
