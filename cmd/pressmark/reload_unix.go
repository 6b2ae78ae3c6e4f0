//go:build unix

package main

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/pressmark/pressmark/httpapi/server"
)

// reloadTime bounds the looks at the libraries.
const reloadTime = time.Minute

// hangups catches SIGHUP from now on, so that one that comes while the server
// starts does not end it.
func hangups() (hup chan os.Signal, stop func()) {
	hup = make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	return hup, func() { signal.Stop(hup) }
}

// reload has s take over what has changed, with each signal until ctx ends. The
// environment is what it was at the start, but not the files that it names.
func reload(ctx context.Context, s *server.Server, hup <-chan os.Signal, log *slog.Logger, args []string, getenv func(string) string) {
	before, _ := server.RawValues(args, getenv) // what cannot be read now has kept nothing from starting
	for {
		select {
		case <-ctx.Done():
			return
		case <-hup:
		}
		c, err := server.Parse(args, getenv)
		after, valuesErr := server.RawValues(args, getenv)
		if err != nil || valuesErr != nil {
			log.Error("Not reloaded: a setting cannot be used any more", "err", err)
			continue
		}
		look, cancel := context.WithTimeout(ctx, reloadTime)
		err = s.Reload(look, c.LogLevel)
		cancel()
		taken, restart := server.Changed(before, after)
		level := slog.LevelInfo
		if err != nil {
			level = slog.LevelWarn
		}
		before = server.Taken(before, after)
		log.Log(ctx, level, "Reloaded", "settings", taken, "need_restart", restart, "err", err)
	}
}
