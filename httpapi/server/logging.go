package server

import (
	"io"
	"log/slog"
	"os"
)

// NewLogger returns a logger that writes to w at c.LogLevel, in c.LogFormat and
// with times in c.TimeZone. Set it as c.Logger.
func (c Config) NewLogger(w io.Writer) *slog.Logger {
	o := &slog.HandlerOptions{Level: c.leveler(), ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
		switch {
		case c.TimeZone != nil && len(groups) == 0 && a.Key == slog.TimeKey && a.Value.Kind() == slog.KindTime:
			a.Value = slog.TimeValue(a.Value.Time().In(c.TimeZone))
		case a.Value.Kind() == slog.KindDuration: // JSON would count nanoseconds
			a.Value = slog.StringValue(a.Value.Duration().String())
		}
		return a
	}}
	if c.LogFormat == "text" || c.LogFormat == "" && terminal(w) {
		return slog.New(slog.NewTextHandler(w, o))
	}
	return slog.New(slog.NewJSONHandler(w, o))
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
