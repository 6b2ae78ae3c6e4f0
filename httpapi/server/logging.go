package server

import (
	"context"
	"io"
	"log/slog"
	"os"

	"go.opentelemetry.io/otel/trace"
)

// NewLogger returns a logger that writes to w at c.LogLevel, in c.LogFormat and
// with times in c.TimeZone. Secrets are taken out of what it is given: attributes
// that are called so, and passwords, tokens and signatures in addresses and errors.
// Lines about a request that is traced have its trace_id. Set it as c.Logger.
func (c Config) NewLogger(w io.Writer) *slog.Logger {
	redact := newRedactor()
	o := &slog.HandlerOptions{Level: c.leveler(), ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
		switch {
		case c.TimeZone != nil && len(groups) == 0 && a.Key == slog.TimeKey && a.Value.Kind() == slog.KindTime:
			a.Value = slog.TimeValue(a.Value.Time().In(c.TimeZone))
		case a.Value.Kind() == slog.KindDuration: // JSON would count nanoseconds
			a.Value = slog.StringValue(a.Value.Duration().String())
		}
		return redact.attr(groups, a)
	}}
	var h slog.Handler = slog.NewJSONHandler(w, o)
	if c.LogFormat == "text" || c.LogFormat == "" && terminal(w) {
		h = slog.NewTextHandler(w, o)
	}
	if c.OTLPEndpoint != "" {
		h = tracedHandler{h}
	}
	return slog.New(h)
}

// tracedHandler adds trace_id to lines about what is traced.
type tracedHandler struct{ slog.Handler }

// Handle implements slog.Handler.
func (h tracedHandler) Handle(ctx context.Context, r slog.Record) error {
	if span := trace.SpanContextFromContext(ctx); span.HasTraceID() {
		r.AddAttrs(slog.String("trace_id", span.TraceID().String()))
	}
	return h.Handler.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (h tracedHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return tracedHandler{h.Handler.WithAttrs(attrs)}
}

// WithGroup implements slog.Handler.
func (h tracedHandler) WithGroup(name string) slog.Handler {
	return tracedHandler{h.Handler.WithGroup(name)}
}

// leveler is LogLevel, or Level set to it.
func (c Config) leveler() slog.Leveler {
	if c.Level == nil {
		return c.LogLevel
	}
	c.Level.Set(c.LogLevel)
	return c.Level
}

func terminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
